using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>
/// `characters`: a group of speaking characters in real time. Each tick every character is given the audio of one frame; measured are ticks, latency
/// from the push that completes a frame's audio to the frame, allocations and collections. The audio of each character starts elsewhere.
/// </summary>
internal static class CharactersCommand
{
    private const double WarmUpSeconds = 2;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private sealed record Options(string Model, int[] Counts, int Rate, int Threads, double Seconds, string? Audio, string? Json);

    /// <summary>What was measured with a number of characters; times in milliseconds.</summary>
    private sealed record Result(
        int Characters, int Ticks, double Period, double P50, double P95, double P99, double Max, double LatencyP50, double LatencyP99, double Frames,
        double BytesPerTick, int Collections, double PerCharacter, bool RealTime);

    public static int Run(ReadOnlySpan<string> args)
    {
        Options options = Parse(args);
        MachineInfo machine = MachineInfo.Current;
        float[] audio = options.Audio is null ? BenchInputs.Sound(20 * AudioClip.SampleRate) : AudioFile.Load(options.Audio).Samples.ToArray();
        Console.WriteLine($"processor   {machine.Processor}, {machine.Cores} cores, {machine.InstructionSets}");
        Console.WriteLine($"versions    {machine.Runtime}, {machine.System}, {machine.Build}");
        Console.WriteLine($"model       {options.Model}, {options.Threads} thread(s), {options.Rate} ticks a second");
        Console.WriteLine();
        Console.WriteLine("characters  tick p50     p95     p99     max ms  latency p50     p99 ms  frames/s  ms/frame  bytes/tick   GCs  real time");
        List<Result> results = [];
        foreach (int count in options.Counts)
        {
            Result r = Measure(options, audio, count);
            results.Add(r);
            Console.WriteLine(FormattableString.Invariant(
                $"{r.Characters,10} {r.P50,9:F2} {r.P95,7:F2} {r.P99,7:F2} {r.Max,7:F2}    {r.LatencyP50,11:F2} {r.LatencyP99,7:F2}    {r.Frames,8:F0} {r.PerCharacter,9:F4} {r.BytesPerTick,11:F0} {r.Collections,5}  {(r.RealTime ? "yes" : "no")}"));
        }
        if (options.Json is { } file)
            File.WriteAllText(file, JsonSerializer.Serialize(new { machine, options.Model, options.Rate, options.Threads, results }, Indented));
        return 0;
    }

    private static Result Measure(Options options, float[] audio, int count)
    {
        ModelOptions model = new() { Device = "cpu", Threads = options.Threads, MaxBatch = Math.Min(count, 32), Vertices = false };
        if (ModelFolders.KindOf(options.Model) == ModelKind.Diffusion)
        {
            using DiffusionModel diffusion = DiffusionModel.Load(options.Model, model);
            using CharacterGroup group = CharacterGroup.Create(diffusion, new CharacterGroupOptions { Capacity = count });
            return Drive(options, audio, group, count);
        }
        using RegressionModel regression = RegressionModel.Load(options.Model, model);
        using CharacterGroup characters = CharacterGroup.Create(
            regression, new CharacterGroupOptions { Capacity = count, FramesNumerator = options.Rate });
        return Drive(options, audio, characters, count);
    }

    private static Result Drive(Options options, float[] audio, CharacterGroup group, int count)
    {
        Character[] all = [.. Enumerable.Range(0, count).Select(_ => group.Add())];
        CharacterFrame frame = group.CreateFrame();
        double period = 1000.0 / options.Rate;
        int warm = (int)(WarmUpSeconds * options.Rate), ticks = (int)(options.Seconds * options.Rate);
        double[] times = new double[ticks];
        List<double> latencies = new(ticks * count);
        long frames = 0, bytes = 0;
        int collections = 0, late = 0;
        long start = Stopwatch.GetTimestamp();
        for (int tick = 0; tick < warm + ticks; tick++)
        {
            double due = tick * period, now = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (now < due) Thread.Sleep(TimeSpan.FromMilliseconds(due - now));
            if (tick == warm) (bytes, collections) = (GC.GetTotalAllocatedBytes(), GC.CollectionCount(0));
            long from = (long)tick * AudioClip.SampleRate / options.Rate, to = (tick + 1L) * AudioClip.SampleRate / options.Rate;
            for (int i = 0; i < count; i++) Push(all[i], audio, from + 7919L * i, (int)(to - from));
            long before = Stopwatch.GetTimestamp();
            group.Tick();
            double took = Stopwatch.GetElapsedTime(before).TotalMilliseconds;
            if (tick >= warm) times[tick - warm] = took;
            foreach (Character character in all)
            {
                while (character.TryRead(frame))
                {
                    if (tick < warm) continue;
                    frames++;
                    latencies.Add(frame.Latency.TotalMilliseconds);
                }
            }
            if (tick >= warm && Stopwatch.GetElapsedTime(start).TotalMilliseconds > due + period) late++;
        }
        bytes = GC.GetTotalAllocatedBytes() - bytes;
        double[] waits = [.. latencies];
        return new Result(
            count, ticks, period, Statistics.Quantile(times, 0.5), Statistics.Quantile(times, 0.95), Statistics.Quantile(times, 0.99), times.Max(),
            waits.Length == 0 ? 0 : Statistics.Quantile(waits, 0.5), waits.Length == 0 ? 0 : Statistics.Quantile(waits, 0.99),
            frames / options.Seconds, (double)bytes / ticks, GC.CollectionCount(0) - collections, times.Sum() / Math.Max(frames, 1), late <= ticks / 100);
    }

    private static void Push(Character character, float[] audio, long from, int count)
    {
        for (int done = 0; done < count;)
        {
            int at = (int)((from + done) % audio.Length), part = Math.Min(count - done, audio.Length - at);
            character.Push(audio.AsSpan(at, part));
            done += part;
        }
    }

    private static Options Parse(ReadOnlySpan<string> args)
    {
        Options options = new(Model: "", Counts: [1, 8, 64, 256, 1000], Rate: 60, Threads: 1, Seconds: 5, Audio: null, Json: null);
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--count" when ++i < args.Length:
                    options = options with { Counts = [.. args[i].Split(',').Select(text => Whole("--count", text, 65535))] };
                    break;
                case "--fps" when ++i < args.Length:
                    options = options with { Rate = Whole("--fps", args[i], 1000) };
                    break;
                case "--threads" when ++i < args.Length:
                    options = options with { Threads = Whole("--threads", args[i], 256) };
                    break;
                case "--seconds" when ++i < args.Length:
                    options = options with { Seconds = Whole("--seconds", args[i], 86400) };
                    break;
                case "--audio" when ++i < args.Length:
                    options = options with { Audio = args[i] };
                    break;
                case "--json" when ++i < args.Length:
                    options = options with { Json = args[i] };
                    break;
                case string name when !name.StartsWith('-') && options.Model.Length == 0:
                    options = options with { Model = name };
                    break;
                default:
                    throw new A2FException(A2FErrorCode.InvalidArgument, $"unexpected '{args[Math.Min(i, args.Length - 1)]}'");
            }
        }
        return options.Model.Length > 0 ? options
            : throw new A2FException(A2FErrorCode.InvalidArgument, "a folder of a regression or diffusion model is expected");
    }

    private static int Whole(string option, string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 && value <= most
            ? value
            : throw new A2FException(A2FErrorCode.InvalidArgument, $"{option}: expected whole numbers from 1 to {most}, found '{text}'");
}
