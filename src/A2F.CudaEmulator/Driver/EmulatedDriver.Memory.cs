namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
    private static void AddMemory()
    {
        Exports["cuMemGetInfo_v2"] = (nint)(delegate* unmanaged<nuint*, nuint*, int>)&MemGetInfo;
        Exports["cuMemAlloc_v2"] = (nint)(delegate* unmanaged<ulong*, nuint, int>)&MemAlloc;
        Exports["cuMemFree_v2"] = (nint)(delegate* unmanaged<ulong, int>)&MemFree;
        Exports["cuMemHostAlloc"] = (nint)(delegate* unmanaged<void**, nuint, uint, int>)&MemHostAlloc;
        Exports["cuMemFreeHost"] = (nint)(delegate* unmanaged<void*, int>)&MemFreeHost;
        Exports["cuMemcpyHtoD_v2"] = (nint)(delegate* unmanaged<ulong, byte*, nuint, int>)&MemcpyHtoD;
        Exports["cuMemcpyDtoH_v2"] = (nint)(delegate* unmanaged<byte*, ulong, nuint, int>)&MemcpyDtoH;
        Exports["cuMemcpyDtoD_v2"] = (nint)(delegate* unmanaged<ulong, ulong, nuint, int>)&MemcpyDtoD;
        Exports["cuMemcpyHtoDAsync_v2"] = (nint)(delegate* unmanaged<ulong, byte*, nuint, nint, int>)&MemcpyHtoDAsync;
        Exports["cuMemcpyDtoHAsync_v2"] = (nint)(delegate* unmanaged<byte*, ulong, nuint, nint, int>)&MemcpyDtoHAsync;
        Exports["cuMemcpyDtoDAsync_v2"] = (nint)(delegate* unmanaged<ulong, ulong, nuint, nint, int>)&MemcpyDtoDAsync;
        Exports["cuMemsetD8Async"] = (nint)(delegate* unmanaged<ulong, byte, nuint, nint, int>)&MemsetD8Async;
        Exports["cuMemsetD32Async"] = (nint)(delegate* unmanaged<ulong, uint, nuint, nint, int>)&MemsetD32Async;
    }

    [UnmanagedCallersOnly]
    private static int MemGetInfo(nuint* free, nuint* total) => Machine.Call("cuMemGetInfo", CallKind.InContext, () =>
    {
        *total = (nuint)Machine.DeviceBytes;
        *free = *total - (nuint)Machine.CurrentDevice.LiveBytes;
    });

    [UnmanagedCallersOnly]
    private static int MemAlloc(ulong* address, nuint bytes) => Machine.Call("cuMemAlloc", CallKind.InContext, () =>
    {
        Capture.Forbid("an allocation");
        if (bytes == 0) throw new DriverError(1, "an allocation of 0 bytes");
        *address = Machine.Current.Allocate((long)Math.Min(bytes, long.MaxValue));
    });

    [UnmanagedCallersOnly]
    private static int MemFree(ulong address) => Machine.Call("cuMemFree", CallKind.Release, () =>
    {
        if (address == 0) return;
        Context owner = Machine.ContextOf(address) ?? throw new DriverError(1, $"0x{address:x} is no allocation, or was freed before");
        owner.Free(address);
    });

    [UnmanagedCallersOnly]
    private static int MemHostAlloc(void** address, nuint bytes, uint flags) => Machine.Call("cuMemHostAlloc", CallKind.InContext, () =>
    {
        Capture.Forbid("an allocation");
        if (bytes == 0) throw new DriverError(1, "an allocation of 0 bytes");
        *address = new PinnedMemory(Machine.Current, (long)bytes).Data;
    });

    [UnmanagedCallersOnly]
    private static int MemFreeHost(void* address) => Machine.Call("cuMemFreeHost", CallKind.Release, () =>
    {
        if (address == null) return;
        PinnedMemory? memory = PinnedMemory.Find((byte*)address);
        if (memory is null || memory.Data != address)
            throw new DriverError(1, $"0x{(nint)address:x} is no page-locked memory, or was freed before");
        memory.Release();
    });

    [UnmanagedCallersOnly]
    private static int MemcpyHtoD(ulong target, byte* source, nuint bytes) =>
        Machine.Call("cuMemcpyHtoD", CallKind.InContext, () => RunNow("a copy to the device", new Upload(target, source, Count(bytes))));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoH(byte* target, ulong source, nuint bytes) =>
        Machine.Call("cuMemcpyDtoH", CallKind.InContext, () => RunNow("a copy to the host", new Download(target, source, Count(bytes))));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoD(ulong target, ulong source, nuint bytes) =>
        Machine.Call("cuMemcpyDtoD", CallKind.InContext, () => RunNow("a copy", new DeviceCopy(target, source, Count(bytes))));

    [UnmanagedCallersOnly]
    private static int MemcpyHtoDAsync(ulong target, byte* source, nuint bytes, nint stream) =>
        Machine.Call("cuMemcpyHtoDAsync", CallKind.InContext, () => Stream.Of(stream).Submit(new Upload(target, source, Count(bytes))));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoHAsync(byte* target, ulong source, nuint bytes, nint stream) =>
        Machine.Call("cuMemcpyDtoHAsync", CallKind.InContext, () =>
        {
            Download copy = new(target, source, Count(bytes));
            Work? queued = Stream.Of(stream).Submit(copy);
            // A driver copies to pageable memory through a buffer of its own, and returns when that is done.
            if (copy.Pageable && queued is not null) Machine.Current.Wait(queued);
        });

    [UnmanagedCallersOnly]
    private static int MemcpyDtoDAsync(ulong target, ulong source, nuint bytes, nint stream) =>
        Machine.Call("cuMemcpyDtoDAsync", CallKind.InContext, () => Stream.Of(stream).Submit(new DeviceCopy(target, source, Count(bytes))));

    [UnmanagedCallersOnly]
    private static int MemsetD8Async(ulong target, byte value, nuint count, nint stream) =>
        Machine.Call("cuMemsetD8Async", CallKind.InContext, () => Stream.Of(stream).Submit(new Fill(target, [value], Count(count))));

    [UnmanagedCallersOnly]
    private static int MemsetD32Async(ulong target, uint value, nuint count, nint stream) =>
        Machine.Call("cuMemsetD32Async", CallKind.InContext, () =>
            Stream.Of(stream).Submit(new Fill(target, BitConverter.GetBytes(value), Count(count, 4))));

    /// <summary>An operation on the default stream that the caller waits for.</summary>
    private static void RunNow(string what, Operation operation)
    {
        Capture.Forbid(what);
        Context current = Machine.Current;
        current.Wait(current.Default.Submit(operation)!);
    }

    /// <summary>A size in bytes, which must fit the emulator's arrays.</summary>
    private static long Count(nuint count, int size = 1) => count <= (nuint)(Array.MaxLength / size)
        ? (long)count * size : throw new DriverError(1, $"{count} elements of {size} bytes; at most {Array.MaxLength} bytes at once");
}
