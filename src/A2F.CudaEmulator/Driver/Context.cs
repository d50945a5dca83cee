namespace A2F.CudaEmulator.Driver;

/// <summary>What a handle stands for. It belongs to the context that it was made in.</summary>
internal abstract class Resource
{
    private readonly Context? _owner;

    protected Resource(Context? owner) => _owner = owner;

    internal Context Owner => _owner ?? (Context)this;

    internal nint Handle { get; set; }

    /// <summary>Destroys the object in a release, and then reports the error that broke its context, as a GPU's driver does.</summary>
    internal void Release()
    {
        Discard();
        Owner.Report();
    }

    /// <summary>Takes the object out of the books.</summary>
    internal virtual void Discard() => Machine.Remove(this);
}

/// <summary>A context: what lives in it, and the error that broke it, if one did.</summary>
internal sealed class Context(int device) : Resource(null)
{
    private readonly HashSet<ulong> _memory = [];
    private int _allocations;

    internal int Device { get; } = device;

    /// <summary>Retains of a primary context that are not released.</summary>
    internal int Retained { get; set; }

    internal bool Destroyed { get; private set; }

    /// <summary>The error after which every call in this context fails.</summary>
    internal (int Result, string Text)? Broken { get; private set; }

    /// <summary>Whether an error ends the context: those of kernels and of the device do.</summary>
    internal static bool Breaks(int result) => result is 700 or 702 or 710 or >= 714 and <= 719;

    internal void Break(int result, string text) => Broken ??= (result, text);

    internal void Report()
    {
        if (Broken is { } broken) throw new DriverError(broken.Result, broken.Text);
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
        _memory.Remove(address);
        Machine.Device(Device).Free(address);
    }

    /// <summary>Runs work on the device; what goes wrong there breaks the context.</summary>
    internal void Run(Action work)
    {
        try
        {
            work();
        }
        catch (EmulatorException e)
        {
            int result = Machine.ResultOf(e);
            if (Breaks(result)) Break(result, e.Message);
            throw;
        }
    }

    /// <summary>Ends the context, and with it everything that was made in it.</summary>
    internal void Destroy()
    {
        Destroyed = true;
        foreach (ulong address in _memory) Machine.Device(Device).Free(address);
        _memory.Clear();
        foreach (Resource left in Machine.On<Resource>(Device).Where(o => o.Owner == this && o != this).ToArray()) left.Discard();
        Machine.Remove(this);
    }
}
