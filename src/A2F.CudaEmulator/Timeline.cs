using A2F.CudaEmulator.Driver;

namespace A2F.CudaEmulator;

/// <summary>Kinds of queued work.</summary>
public enum WorkKind
{
    /// <summary>A kernel.</summary>
    Kernel,
    /// <summary>A copy from host memory.</summary>
    HostToDevice,
    /// <summary>A copy to host memory.</summary>
    DeviceToHost,
    /// <summary>A copy inside the device.</summary>
    DeviceToDevice,
    /// <summary>A fill of device memory.</summary>
    Fill,
    /// <summary>The record of an event.</summary>
    EventRecord,
    /// <summary>A stream's wait for an event.</summary>
    EventWait,
    /// <summary>The end of a graph's launch.</summary>
    GraphEnd,
}

/// <summary>A piece of work that has run.</summary>
public sealed class TimelineEntry
{
    private readonly Work _work;

    internal TimelineEntry(Work work, int ranAs) => (_work, RanAs) = (work, ranAs);

    /// <summary>The device's number.</summary>
    public int Device => _work.Context.Device;

    /// <summary>The stream ("stream 1" is the first of its context), and the branch where it ran in a graph.</summary>
    public string Stream => _work.Stream;

    /// <summary>What it was.</summary>
    public WorkKind Kind => _work.Operation.Kind;

    /// <summary>The kernel's name, or words for another kind.</summary>
    public string Name => _work.Operation.Name;

    /// <summary>Bytes copied or filled; 0 for kernels.</summary>
    public long Bytes => _work.Operation.Bytes;

    /// <summary>The driver call that queued it, as <see cref="EmulatedDriver.Calls"/> counts.</summary>
    public long QueuedBy => _work.Call;

    /// <summary>Its place in the order of execution, from 0.</summary>
    public int RanAs { get; }

    /// <summary>What a kernel did; null for other kinds.</summary>
    public LaunchCounters? Counters => _work.Counters;

    /// <summary>
    /// Whether a GPU may run two pieces at the same time: no stream, event, graph or wait of the host puts one before the other.
    /// </summary>
    public bool MayOverlap(TimelineEntry other) =>
        _work.Context == other._work.Context && !_work.Precedes(other._work) && !other._work.Precedes(_work);
}

/// <summary>The launches of one kernel, summed.</summary>
/// <param name="Name">The kernel.</param>
/// <param name="Launches">How often it ran.</param>
/// <param name="Counters">What it did in all of them.</param>
public sealed record KernelTotal(string Name, int Launches, LaunchCounters Counters);

/// <summary>
/// What ran on the emulated driver's devices, in the order in which it ran; see <see cref="EmulatedDriver.Trace"/>. Work that failed is
/// left out.
/// </summary>
public sealed class Timeline
{
    private readonly List<TimelineEntry> _entries = [];

    /// <summary>A copy of the entries so far.</summary>
    public IReadOnlyList<TimelineEntry> Entries
    {
        get
        {
            lock (Machine.Gate) return [.. _entries];
        }
    }

    /// <summary>Kernels by name, the one with the most instructions first.</summary>
    public IReadOnlyList<KernelTotal> Kernels
    {
        get
        {
            List<KernelTotal> totals = [];
            foreach (IGrouping<string, TimelineEntry> kernel in Entries.Where(e => e.Counters is not null).GroupBy(e => e.Name))
            {
                LaunchCounters sum = new();
                foreach (TimelineEntry launch in kernel) sum.Add(launch.Counters!);
                totals.Add(new KernelTotal(kernel.Key, kernel.Count(), sum));
            }
            return [.. totals.OrderByDescending(t => t.Counters.WarpInstructions)];
        }
    }

    internal void Add(Work work) => _entries.Add(new TimelineEntry(work, _entries.Count));
}
