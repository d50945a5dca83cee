using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Driver;

/// <summary>What a handle stands for. It belongs to the context that it was made in.</summary>
internal abstract class Resource
{
    private readonly Context? _owner;

    protected Resource(Context? owner) => _owner = owner;

    internal Context Owner => _owner ?? (Context)this;

    internal nint Handle { get; set; }

    internal bool Live { get; private set; } = true;

    /// <summary>What to call it in a message.</summary>
    protected virtual string Title => GetType().Name;

    /// <summary>
    /// Destroys the object in a release. Where queued work still uses it, that runs first and is then reported; otherwise the error that
    /// broke the context is, as a GPU's driver does.
    /// </summary>
    internal void Release()
    {
        string? misuse = Owner.FinishUsersOf(this, Title);
        Discard();
        if (misuse is not null) throw new DriverError(1, misuse);
        Owner.Report();
    }

    /// <summary>Takes the object out of the books.</summary>
    internal virtual void Discard()
    {
        Live = false;
        Machine.Remove(this);
    }
}

/// <summary>A context: what lives in it, its queued work, and the error that broke it, if one did.</summary>
internal sealed class Context : Resource
{
    private readonly HashSet<ulong> _memory = [];
    private readonly List<Stream> _blocking = [];
    private readonly VectorClock _queued = new();
    private int _allocations, _streams, _lanes;

    internal Context(int device) : base(null)
    {
        Device = device;
        Queue = new WorkQueue(this);
        Races = new RaceCheck(this);
        Default = new Stream(this, true, "the default stream");
    }

    internal int Device { get; }

    /// <summary>Retains of a primary context that are not released.</summary>
    internal int Retained { get; set; }

    internal WorkQueue Queue { get; }

    internal RaceCheck Races { get; }

    /// <summary>
    /// Whether races are looked for. Where work runs when it is queued that takes two streams beside the default one, because it makes
    /// kernels slower.
    /// </summary>
    internal bool ChecksRaces { get; private set; }

    /// <summary>The legacy default stream.</summary>
    internal Stream Default { get; }

    /// <summary>What the host has waited for: work that is queued later comes after it.</summary>
    internal VectorClock HostClock { get; } = new();

    /// <summary>The error after which every call in this context fails.</summary>
    internal (int Result, string Text)? Broken { get; private set; }

    /// <summary>Streams that the default one waits for; destroyed ones too, until their work is done.</summary>
    internal List<Stream> Blocking
    {
        get
        {
            _blocking.RemoveAll(s => !s.Live && s.Last is null or { Done: true });
            return _blocking;
        }
    }

    /// <summary>Whether an error ends the context: those of kernels and of the device do.</summary>
    internal static bool Breaks(int result) => result is 700 or 702 or 710 or >= 714 and <= 719;

    /// <summary>Ends the context with an error: its queued work never runs.</summary>
    internal void Break(int result, string text)
    {
        Broken ??= (result, text);
        Queue.Abandon();
    }

    internal void Report()
    {
        if (Broken is { } broken) throw new DriverError(broken.Result, broken.Text);
    }

    internal int NewLane() => _lanes++;

    internal Stream MakeStream(uint flags)
    {
        const uint NonBlocking = 1;
        if (flags > NonBlocking) throw new DriverError(1, $"stream flags of {flags}");
        Stream stream = new(this, flags != NonBlocking, $"stream {++_streams}");
        if (stream.Blocking) _blocking.Add(stream);
        Machine.Add(stream);
        ChecksRaces |= Machine.On<Stream>(Device).Count(s => s.Owner == this) > 1;
        return stream;
    }

    internal void Add(Work work)
    {
        ChecksRaces |= WorkQueue.Order != WorkOrder.Eager;
        _queued.Join(work.Clock);
        Queue.Add(work);
    }

    /// <summary>The host waits for a piece of work.</summary>
    internal void Wait(Work work)
    {
        Queue.RunUntil(work);
        HostClock.Join(work.Clock);
        if (Queue.IsEmpty) Races.Forget();
    }

    /// <summary>The host waits for everything.</summary>
    internal void Synchronize()
    {
        Queue.RunAll();
        HostClock.Join(_queued);
        Races.Forget();
    }

    internal ulong Allocate(long bytes)
    {
        EmulatedDevice device = Machine.Device(Device);
        if (bytes > Machine.DeviceBytes - device.LiveBytes)
            throw new DriverError(2, $"{bytes} bytes, of {Machine.DeviceBytes - device.LiveBytes} that are free");
        ulong address = device.Allocate(bytes, $"allocation {++_allocations}");
        _memory.Add(address);
        return address;
    }

    /// <summary>Whether an address is one that <see cref="Allocate"/> gave and that was not freed.</summary>
    internal bool Holds(ulong address) => _memory.Contains(address);

    internal void Free(ulong address)
    {
        EmulatedDevice device = Machine.Device(Device);
        Allocation allocation = device.Heap.Find(address)!;
        string? misuse = FinishUsersOf(allocation, allocation.Name);
        _memory.Remove(address);
        Races.Forget(allocation);
        device.Free(address);
        if (misuse is not null) throw new DriverError(1, misuse);
        Report();
    }

    /// <summary>Runs all queued work that uses an object which is about to go; what to say about that, or null.</summary>
    internal string? FinishUsersOf(object used, string what)
    {
        if (Queue.UserOf(used) is not { } user) return null;
        try
        {
            for (Work? next = user; next is not null; next = Queue.UserOf(used)) Queue.RunUntil(next);
        }
        catch (EmulatorException)
        {
            // The context is broken now and says so from here on.
        }
        return $"{what} was released while {user} had not run";
    }

    /// <summary>Destroys the context, and reports what went wrong in the work that was left.</summary>
    internal void End()
    {
        bool known = Broken is not null;
        Discard();
        if (!known) Report();
    }

    /// <summary>Ends the context, and with it everything that was made in it; queued work runs before.</summary>
    internal override void Discard()
    {
        try
        {
            Queue.RunAll();
        }
        catch (EmulatorException)
        {
            // It broke the context, which End reports.
        }
        foreach (ulong address in _memory) Machine.Device(Device).Free(address);
        _memory.Clear();
        foreach (Resource left in Machine.On<Resource>(Device).Where(o => o.Owner == this && o != this).ToArray()) left.Discard();
        base.Discard();
    }
}
