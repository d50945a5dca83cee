using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Driver;

/// <summary>Bytes of an allocation that a piece of work read and wrote.</summary>
internal sealed record Touch(Allocation Memory, Ranges Reads, Ranges Writes);

/// <summary>
/// Finds work that touches the same bytes of device memory, one of the two as a writer, though nothing puts one before the other. Done
/// work is kept in mind until later work that comes after it has touched the same bytes alike, or until the host has waited for it.
/// </summary>
internal sealed class RaceCheck(Context context)
{
    private readonly record struct Past(Work Work, Ranges Reads, Ranges Writes);

    private readonly Dictionary<Allocation, List<Past>> _history = [];

    /// <summary>Adds what a piece of work did.</summary>
    /// <exception cref="EmulatorException">StreamRace.</exception>
    internal void Add(Work work, IEnumerable<Touch> touches)
    {
        foreach ((Allocation memory, Ranges reads, Ranges writes) in touches.ToArray())
        {
            if (!_history.TryGetValue(memory, out List<Past>? history)) _history[memory] = history = [];
            foreach (Past past in history)
            {
                if (past.Work.Precedes(work)) continue;
                Report(work, "writes", writes, past, "wrote", past.Writes, memory);
                Report(work, "writes", writes, past, "read", past.Reads, memory);
                Report(work, "reads", reads, past, "wrote", past.Writes, memory);
            }
            // Whoever races with the past work from now on races with this work too.
            history.RemoveAll(past => past.Work.Precedes(work) && writes.Covers(past.Writes)
                && (writes.Covers(past.Reads) || reads.Covers(past.Reads)));
            history.Add(new Past(work, reads, writes));
        }
    }

    /// <summary>Forgets what the host has waited for; only to be called while nothing is queued.</summary>
    internal void Forget()
    {
        foreach ((Allocation memory, List<Past> history) in _history)
        {
            history.RemoveAll(past => context.HostClock.Covers(past.Work.Lane, past.Work.Tick));
            if (history.Count == 0) _history.Remove(memory);
        }
    }

    /// <summary>Forgets an allocation that is freed.</summary>
    internal void Forget(Allocation memory) => _history.Remove(memory);

    private static void Report(Work work, string does, Ranges mine, Past past, string did, Ranges theirs, Allocation memory)
    {
        if (mine.Shared(theirs) is not { } shared) return;
        throw new EmulatorException(EmulatorErrorKind.StreamRace,
            $"a race: {work} {does} bytes {shared.From} to {shared.To - 1} of {memory.Name} (0x{memory.Base:x}), which {past.Work} {did}; "
            + "no stream's order, no event and no wait of the host puts one before the other")
        {
            Address = memory.Base + (ulong)shared.From,
        };
    }
}
