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
        if (bytes == 0) throw new DriverError(1, "an allocation of 0 bytes");
        *address = Machine.Current.Allocate((long)Math.Min(bytes, long.MaxValue));
    });

    [UnmanagedCallersOnly]
    private static int MemFree(ulong address) => Machine.Call("cuMemFree", CallKind.Release, () =>
    {
        if (address == 0) return;
        Context owner = Machine.ContextOf(address) ?? throw new DriverError(1, $"0x{address:x} is no allocation, or was freed before");
        owner.Free(address);
        owner.Report();
    });

    [UnmanagedCallersOnly]
    private static int MemHostAlloc(void** address, nuint bytes, uint flags) => Machine.Call("cuMemHostAlloc", CallKind.InContext, () =>
    {
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
        Machine.Call("cuMemcpyHtoD", CallKind.InContext, () => Machine.Current.Run(() => Upload(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoH(byte* target, ulong source, nuint bytes) =>
        Machine.Call("cuMemcpyDtoH", CallKind.InContext, () => Machine.Current.Run(() => Download(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoD(ulong target, ulong source, nuint bytes) =>
        Machine.Call("cuMemcpyDtoD", CallKind.InContext, () => Machine.Current.Run(() => Copy(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemcpyHtoDAsync(ulong target, byte* source, nuint bytes, nint stream) =>
        Machine.Call("cuMemcpyHtoDAsync", CallKind.InContext, () => Submit(stream, () => Upload(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoHAsync(byte* target, ulong source, nuint bytes, nint stream) =>
        Machine.Call("cuMemcpyDtoHAsync", CallKind.InContext, () => Submit(stream, () => Download(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoDAsync(ulong target, ulong source, nuint bytes, nint stream) =>
        Machine.Call("cuMemcpyDtoDAsync", CallKind.InContext, () => Submit(stream, () => Copy(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemsetD8Async(ulong target, byte value, nuint count, nint stream) =>
        Machine.Call("cuMemsetD8Async", CallKind.InContext, () => Submit(stream, () =>
        {
            byte[] bytes = new byte[checked((int)count)];
            bytes.AsSpan().Fill(value);
            Machine.CurrentDevice.Write(target, bytes);
        }));

    [UnmanagedCallersOnly]
    private static int MemsetD32Async(ulong target, uint value, nuint count, nint stream) =>
        Machine.Call("cuMemsetD32Async", CallKind.InContext, () => Submit(stream, () =>
        {
            uint[] words = new uint[checked((int)count)];
            words.AsSpan().Fill(value);
            Machine.CurrentDevice.Write(target, MemoryMarshal.AsBytes(words.AsSpan()));
        }));

    private static void Upload(ulong target, byte* source, nuint bytes) =>
        Machine.CurrentDevice.Write(target, new ReadOnlySpan<byte>(source, checked((int)bytes)));

    private static void Download(byte* target, ulong source, nuint bytes) =>
        Machine.CurrentDevice.Read(source, new Span<byte>(target, checked((int)bytes)));

    private static void Copy(ulong target, ulong source, nuint bytes)
    {
        byte[] copy = new byte[checked((int)bytes)];
        Machine.CurrentDevice.Read(source, copy);
        Machine.CurrentDevice.Write(target, copy);
    }
}
