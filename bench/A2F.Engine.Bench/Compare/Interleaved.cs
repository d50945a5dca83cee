using System.Diagnostics;

namespace A2F.Engine.Bench;

/// <summary>
/// Times contenders by turns: a round runs each once, in an order drawn anew, so that what the machine does meanwhile (clock changes,
/// neighbours, heat) hits all of them alike and nobody always runs in another's wake.
/// </summary>
internal static class Interleaved
{
    private const int MinRounds = 8;
    private const int MaxRounds = 1_000_000;

    /// <summary>Measures.</summary>
    /// <param name="contenders">What to run.</param>
    /// <param name="warmUpSeconds">At least this long is run first and not counted: compilation, caches, clock.</param>
    /// <param name="seconds">Time after which no further round starts; a minimum of rounds is run in any case.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <returns>Milliseconds, [contender][round].</returns>
    public static double[][] Measure(IReadOnlyList<Contender> contenders, double warmUpSeconds, double seconds, int seed)
    {
        Random random = new(seed);
        int[] order = [.. Enumerable.Range(0, contenders.Count)];
        List<double>[] times = [.. contenders.Select(_ => new List<double>(4096))];

        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < MinRounds || Stopwatch.GetElapsedTime(start).TotalSeconds < warmUpSeconds; round++)
            Round();
        foreach (List<double> list in times) list.Clear();

        // Nothing below allocates but the growing lists, so a collection now means none during most measurements.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        start = Stopwatch.GetTimestamp();
        for (int round = 0; round < MinRounds || (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds && round < MaxRounds); round++)
            Round();
        return [.. times.Select(list => list.ToArray())];

        void Round()
        {
            random.Shuffle(order);
            foreach (int i in order)
            {
                long before = Stopwatch.GetTimestamp();
                contenders[i].Run();
                times[i].Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
            }
        }
    }
}
