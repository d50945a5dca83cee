using System.Diagnostics;
using A2F.Engine.Audio;

namespace A2F.Engine.Bench;

/// <summary>
/// `characters`: a group of speaking characters in real time. Measured are ticks, latency from the push that completes a frame's audio to the frame,
/// allocations and collections; or, with --minutes, whether memory grows.
/// </summary>
internal static class CharactersCommand
{
    private const double WarmUpSeconds = 2;

    public static int Run(ReadOnlySpan<string> args)
    {
        CharactersOptions options = CharactersOptions.Parse(args);
        float[] audio = options.Audio is null ? BenchInputs.Sound(20 * AudioClip.SampleRate) : AudioFile.Load(options.Audio).Samples.ToArray();
        if (options.Minutes is not null) return CharactersSoak.Run(options, audio);
        List<CharactersResult> results = [];
        string device = "";
        foreach (int count in options.Counts)
        {
            using CharactersStage stage = new(options, audio, count);
            if (results.Count == 0) CharactersReport.PrintHead(Console.Out, options, device = stage.Device);
            results.Add(Measure(options, stage, count));
            CharactersReport.PrintRow(Console.Out, results[^1]);
        }
        CharactersReport report = new(
            MachineInfo.Current, CharactersReport.EngineVersion, options.Model, device, options.Rate, options.Threads, options.Batch, options.Emotions, results);
        report.PrintFoot(Console.Out);
        if (options.Json is { } json) report.WriteJson(json);
        if (options.Svg is { } svg) File.WriteAllText(svg, CharactersPlot.Draw(report));
        return 0;
    }

    private static CharactersResult Measure(CharactersOptions options, CharactersStage stage, int count)
    {
        bool paced = options.Device is not { Emulated: true };
        stage.Run(paced ? WarmUpSeconds : 0.5, paced);
        stage.Clear();
        (long bytes, int collections) = (GC.GetTotalAllocatedBytes(), GC.CollectionCount(0));
        using Process self = Process.GetCurrentProcess();
        double cpu = self.TotalProcessorTime.TotalMilliseconds;
        stage.Run(options.Seconds, paced);
        self.Refresh();
        cpu = self.TotalProcessorTime.TotalMilliseconds - cpu;
        bytes = GC.GetTotalAllocatedBytes() - bytes;
        collections = GC.CollectionCount(0) - collections;
        long ticks = stage.Ticks.Count;
        return new CharactersResult(
            count, ticks, Quantiles.Of(stage.Ticks), Quantiles.Of(stage.Latencies), stage.Latencies.Count * (double)options.Rate / ticks,
            stage.Ticks.Sum / Math.Max(stage.Latencies.Count, 1), cpu / Math.Max(stage.Latencies.Count, 1), (double)bytes / ticks, collections, stage.Dropped, paced && stage.Late <= ticks / 100);
    }
}
