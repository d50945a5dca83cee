using System.Diagnostics;
using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Driver;

/// <summary>One queued run of an operation.</summary>
internal sealed class Work
{
    private readonly List<Work> _after;

    internal Work(Context context, Operation operation, int lane, string stream, IEnumerable<Work> after)
    {
        (Context, Operation, Lane, Stream, Call) = (context, operation, lane, stream, Faults.Calls);
        _after = [];
        foreach (Work before in after)
        {
            Clock.Join(before.Clock);
            if (!before.Done) _after.Add(before);
        }
        Clock.Join(context.HostClock);
        Tick = Clock.Advance(lane);
        Uses = [.. operation.Uses(context)];
        if (WorkQueue.Order != WorkOrder.Eager) Watch = operation.Watch();
    }

    internal Context Context { get; }

    internal Operation Operation { get; }

    /// <summary>What of the context's work is in order before this piece, this piece included.</summary>
    internal VectorClock Clock { get; } = new();

    /// <summary>Which sequence of work it belongs to: a stream's, or a branch's of a graph.</summary>
    internal int Lane { get; }

    /// <summary>Its number in the lane.</summary>
    internal int Tick { get; }

    internal string Stream { get; }

    /// <summary>The driver call that queued it.</summary>
    internal long Call { get; }

    internal List<object> Uses { get; }

    internal LaunchCounters? Counters { get; set; }

    /// <summary>The watch over its host memory while it is queued.</summary>
    internal HostWatch? Watch { get; }

    /// <summary>What a kernel did to device memory, where races are looked for.</summary>
    internal AccessRecorder? Recorder { get; set; }

    internal bool Done { get; private set; }

    internal long DoneAt { get; private set; }

    internal bool Ready => _after.TrueForAll(w => w.Done);

    /// <summary>Work not done that must run before.</summary>
    internal IEnumerable<Work> Missing => _after.Where(w => !w.Done);

    /// <summary>Whether this work is in order before other work, which may be itself.</summary>
    internal bool Precedes(Work other) => other.Clock.Covers(Lane, Tick);

    internal void Finish()
    {
        DoneAt = Stopwatch.GetTimestamp();
        Done = true;
        _after.Clear();
        Uses.Clear();
        Watch?.End();
    }

    public override string ToString() =>
        Operation.Kind == WorkKind.Kernel
            ? $"kernel {Operation.Name} ({Stream}, queued by call {Call})"
            : $"{Operation.Name} of {Operation.Bytes} bytes ({Stream}, queued by call {Call})";
}

/// <summary>How much of each lane is known to be in order before something.</summary>
internal sealed class VectorClock
{
    private int[] _ticks = [];

    internal bool Covers(int lane, int tick) => lane < _ticks.Length && _ticks[lane] >= tick;

    internal void Join(VectorClock other)
    {
        if (_ticks.Length < other._ticks.Length) Array.Resize(ref _ticks, other._ticks.Length);
        for (int i = 0; i < other._ticks.Length; i++) _ticks[i] = Math.Max(_ticks[i], other._ticks[i]);
    }

    internal int Advance(int lane)
    {
        if (_ticks.Length <= lane) Array.Resize(ref _ticks, lane + 1);
        return ++_ticks[lane];
    }
}
