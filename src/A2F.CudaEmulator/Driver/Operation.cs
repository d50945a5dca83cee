using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Driver;

/// <summary>
/// What a piece of work does, whether it is queued or a graph's node. It never changes: each run of it is a <see cref="Work"/>.
/// </summary>
internal abstract class Operation(WorkKind kind, string name, long bytes = 0)
{
    internal WorkKind Kind { get; } = kind;

    internal string Name { get; } = name;

    internal long Bytes { get; } = bytes;

    /// <summary>Refuses what can't be queued, now or again by a graph.</summary>
    internal virtual void Check(Context context)
    {
    }

    /// <summary>What must live until the work is done: allocations, page-locked memory, modules, events.</summary>
    internal virtual IEnumerable<object> Uses(Context context) => [];

    /// <summary>The watch over the host's memory until a copy has run, where one is needed.</summary>
    internal virtual HostWatch? Watch() => null;

    internal virtual void Run(Work work)
    {
    }

    /// <summary>What a run did to device memory; a kernel's recorder knows.</summary>
    internal virtual IEnumerable<Touch> Touches(Work work) => [];

    /// <summary>As many bytes as the operation has were read from an address.</summary>
    protected Touch Read(Context context, ulong address)
    {
        Allocation memory = Range(context, address, Bytes, Name);
        return new Touch(memory, Ranges.Of((long)(address - memory.Base), Bytes), Ranges.None);
    }

    /// <summary>As many bytes as the operation has were written to an address.</summary>
    protected Touch Written(Context context, ulong address)
    {
        Allocation memory = Range(context, address, Bytes, Name);
        return new Touch(memory, Ranges.None, Ranges.Of((long)(address - memory.Base), Bytes));
    }

    /// <summary>The allocation that holds a range.</summary>
    protected static Allocation Range(Context context, ulong address, long bytes, string what)
    {
        Allocation? found = Machine.Device(context.Device).Heap.Find(address);
        if (found is null || (long)(address - found.Base) + bytes > found.Bytes)
            throw new DriverError(1, $"{what}: {bytes} bytes at 0x{address:x} lie in no allocation");
        return found.Live ? found : throw new DriverError(1, $"{what}: 0x{address:x} lies in {found.Name}, which was freed");
    }
}

/// <summary>A place in a stream that does nothing itself: an event's record, a wait for one, the end of a graph.</summary>
internal sealed class Marker(WorkKind kind, string name, Event? used = null) : Operation(kind, name)
{
    internal override IEnumerable<object> Uses(Context context) => used is null ? [] : [used];
}

/// <summary>A kernel with its arguments, which were copied when it was queued.</summary>
internal sealed class KernelLaunch(Kernel kernel, Dim3 grid, Dim3 block, int dynamicShared, byte[] parameters)
    : Operation(WorkKind.Kernel, kernel.Loaded.Name)
{
    internal Kernel Kernel => kernel;

    internal override void Check(Context context)
    {
        if (!kernel.Module.Live) throw new DriverError(400, $"kernel {Name}: its module was unloaded");
        if (kernel.Owner != context) throw new DriverError(400, $"kernel {Name} was loaded in another context");
        if (dynamicShared > kernel.MostDynamicShared)
        {
            throw new DriverError(1,
                $"kernel {Name}: {dynamicShared} bytes of dynamic shared memory, {kernel.MostDynamicShared} were allowed");
        }
        Machine.Device(context.Device).CheckLaunch(kernel.Loaded, grid, block, dynamicShared, parameters.Length);
    }

    /// <summary>The module, and every allocation that an aligned word of the parameters points into.</summary>
    internal override IEnumerable<object> Uses(Context context)
    {
        DeviceHeap heap = Machine.Device(context.Device).Heap;
        List<object> uses = [kernel.Module];
        for (int at = 0; at + 8 <= parameters.Length; at += 8)
        {
            if (heap.Find(BitConverter.ToUInt64(parameters, at)) is { Live: true } found) uses.Add(found);
        }
        return uses;
    }

    internal override void Run(Work work)
    {
        if (work.Context.ChecksRaces) work.Recorder = new AccessRecorder();
        work.Counters = Machine.Device(work.Context.Device).Launch(kernel.Loaded, grid, block, dynamicShared, parameters, work.Recorder);
    }

    internal override IEnumerable<Touch> Touches(Work work) =>
        work.Recorder is null ? [] : work.Recorder.Take().Select(t => new Touch(t.Memory, t.Reads, t.Writes));
}

/// <summary>Fills device memory with a pattern of one or four bytes.</summary>
internal sealed class Fill(ulong target, byte[] pattern, long bytes) : Operation(WorkKind.Fill, "fill", bytes)
{
    internal override void Check(Context context) => Range(context, target, Bytes, Name);

    internal override IEnumerable<object> Uses(Context context) => [Range(context, target, Bytes, Name)];

    internal override void Run(Work work)
    {
        byte[] all = new byte[Bytes];
        for (int at = 0; at < all.Length; at += pattern.Length) pattern.CopyTo(all, at);
        Machine.Device(work.Context.Device).Write(target, all);
    }

    internal override IEnumerable<Touch> Touches(Work work) => [Written(work.Context, target)];
}

/// <summary>Copies device memory to device memory.</summary>
internal sealed class DeviceCopy(ulong target, ulong source, long bytes) : Operation(WorkKind.DeviceToDevice, "copy on the device", bytes)
{
    internal override void Check(Context context)
    {
        Range(context, source, Bytes, Name);
        Range(context, target, Bytes, Name);
    }

    internal override IEnumerable<object> Uses(Context context) =>
        [Range(context, source, Bytes, Name), Range(context, target, Bytes, Name)];

    internal override void Run(Work work)
    {
        EmulatedDevice device = Machine.Device(work.Context.Device);
        byte[] copy = new byte[Bytes];
        device.Read(source, copy);
        device.Write(target, copy);
    }

    internal override IEnumerable<Touch> Touches(Work work) => [Read(work.Context, source), Written(work.Context, target)];
}
