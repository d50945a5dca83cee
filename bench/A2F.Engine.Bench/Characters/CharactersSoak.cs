using System.Diagnostics;

namespace A2F.Engine.Bench;

/// <summary>`characters --minutes M`: one line a minute, and a failure where memory grows or frames are dropped.</summary>
internal static class CharactersSoak
{
    private const double Megabyte = 1024 * 1024, MostGrowth = 0.02, Slack = 4; // slack in MB: code that is compiled late, and noise of the system

    public static int Run(CharactersOptions options, float[] audio)
    {
        int count = options.Counts[0];
        bool paced = options.Device is not { Emulated: true };
        using CharactersStage stage = new(options, audio, count);
        Console.WriteLine($"soak        {count} characters, {options.Minutes} minute(s) of {options.Rate} ticks a second, {options.Model} on {stage.Device}");
        Console.WriteLine();
        Console.WriteLine("minute  private MB  managed MB  allocated KB  GCs  tick p99  latency p99  dropped  late ticks");
        double first = 0, last = 0;
        for (int minute = 0; minute <= options.Minutes; minute++) // minute 0 is the warm-up
        {
            stage.Clear();
            (long bytes, int collections) = (GC.GetTotalAllocatedBytes(), GC.CollectionCount(0));
            stage.Run(60, paced);
            bytes = GC.GetTotalAllocatedBytes() - bytes;
            collections = GC.CollectionCount(0) - collections;
            using Process self = Process.GetCurrentProcess();
            last = self.PrivateMemorySize64 / Megabyte;
            if (minute <= 1) first = last;
            Console.WriteLine(FormattableString.Invariant(
                $"{minute,6} {last,11:F1} {GC.GetTotalMemory(false) / Megabyte,11:F1} {bytes / 1024.0,13:F1} {collections,4} {stage.Ticks.Quantile(0.99),9:F2} {stage.Latencies.Quantile(0.99),12:F2} {stage.Dropped,8} {stage.Late,11}"));
        }
        bool grew = last > first * (1 + MostGrowth) + Slack, dropped = stage.Dropped > 0;
        if (grew) Console.Error.WriteLine(FormattableString.Invariant($"error: memory grew from {first:F1} to {last:F1} MB since minute 1"));
        if (dropped) Console.Error.WriteLine($"error: {stage.Dropped} frames were dropped");
        return grew || dropped ? 1 : 0;
    }
}
