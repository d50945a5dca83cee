using System.Reflection;
using System.Text.Json;

namespace A2F.Engine.Bench;

/// <summary>What was measured with a number of characters; times in milliseconds.</summary>
/// <param name="Characters">Characters that spoke.</param>
/// <param name="Ticks">Ticks measured.</param>
/// <param name="Tick">Time of a tick.</param>
/// <param name="Latency">From the push that completed a frame's audio to when the frame could be read.</param>
/// <param name="FramesPerSecond">Frames of all characters.</param>
/// <param name="PerFrame">Time of all ticks over all frames.</param>
/// <param name="CpuPerFrame">Processor time of the whole process over all frames, pushing and reading included; other processes hardly touch it.</param>
/// <param name="BytesPerTick">Managed bytes that the process allocated.</param>
/// <param name="Collections">Garbage collections.</param>
/// <param name="Dropped">Frames that were not read in time.</param>
/// <param name="RealTime">Whether 99 ticks of 100 ended before the next was due.</param>
internal sealed record CharactersResult(
    int Characters, long Ticks, Quantiles Tick, Quantiles Latency, double FramesPerSecond, double PerFrame, double CpuPerFrame, double BytesPerTick, int Collections,
    long Dropped, bool RealTime);

/// <summary>Quantiles of a time.</summary>
internal sealed record Quantiles(double P50, double P95, double P99, double Max)
{
    public static Quantiles Of(Histogram times) => new(times.Quantile(0.5), times.Quantile(0.95), times.Quantile(0.99), times.Max);
}

/// <summary>Everything that `characters` found out.</summary>
internal sealed record CharactersReport(
    MachineInfo Machine, string Engine, string Model, string Device, int Rate, int Threads, int? Batch, string? Emotions, IReadOnlyList<CharactersResult> Results)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Version and commit of the engine.</summary>
    public static string EngineVersion =>
        typeof(A2FException).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Most characters that kept real time among those measured; 0 for none.</summary>
    public int Sustained => Results.Where(r => r.RealTime).Select(r => r.Characters).DefaultIfEmpty(0).Max();

    public static void PrintHead(TextWriter writer, CharactersOptions options, string device)
    {
        MachineInfo machine = MachineInfo.Current;
        writer.WriteLine($"processor   {machine.Processor}, {machine.Cores} cores, {machine.InstructionSets}");
        writer.WriteLine($"versions    A2F.Engine {EngineVersion}, {machine.Runtime}, {machine.System}, {machine.Build}");
        writer.WriteLine($"model       {options.Model} on {device}, {options.Rate} ticks a second{(options.Emotions is null ? "" : $", emotions by {options.Emotions}")}");
        writer.WriteLine();
        writer.WriteLine("characters  tick p50     p95     p99     max  latency p50     p95     p99     max  ms/frame  cpu/frame  frames/s  bytes/tick  GCs  dropped  real time");
    }

    public static void PrintRow(TextWriter writer, CharactersResult r) => writer.WriteLine(FormattableString.Invariant(
        $"{r.Characters,10} {r.Tick.P50,9:F2} {r.Tick.P95,7:F2} {r.Tick.P99,7:F2} {r.Tick.Max,7:F2} {r.Latency.P50,12:F2} {r.Latency.P95,7:F2} {r.Latency.P99,7:F2} {r.Latency.Max,7:F2} {r.PerFrame,9:F4} {r.CpuPerFrame,10:F4} {r.FramesPerSecond,9:F0} {r.BytesPerTick,11:F0} {r.Collections,4} {r.Dropped,8}  {(r.RealTime ? "yes" : "no")}"));

    public void PrintFoot(TextWriter writer)
    {
        CharactersResult last = Results[^1];
        writer.WriteLine();
        writer.WriteLine(FormattableString.Invariant(
            $"in real time: {Sustained} of the numbers measured; {1000 / last.PerFrame / (last.FramesPerSecond / last.Characters):F0} by the cost of a frame at {last.Characters}, if nothing else ran"));
    }

    public void WriteJson(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Indented));
}
