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
    private static int MemGetInfo(nuint* free, nuint* total) => Machine.Call(() =>
    {
        *total = (nuint)8 << 30;
        *free = *total - (nuint)Machine.CurrentDevice.LiveBytes;
    });

    [UnmanagedCallersOnly]
    private static int MemAlloc(ulong* address, nuint bytes) => Machine.Call(() =>
    {
        if (bytes is 0 || bytes > (nuint)8 << 30) throw new DriverError(bytes == 0 ? 1 : 2, $"an allocation of {bytes} bytes");
        *address = Machine.CurrentDevice.Allocate((long)bytes);
    });

    [UnmanagedCallersOnly]
    private static int MemFree(ulong address) => Machine.Call(() => Machine.CurrentDevice.Free(address));

    [UnmanagedCallersOnly]
    private static int MemHostAlloc(void** address, nuint bytes, uint flags) =>
        Machine.Call(() => *address = NativeMemory.AlignedAlloc(Math.Max(bytes, 1), 4096));

    [UnmanagedCallersOnly]
    private static int MemFreeHost(void* address)
    {
        NativeMemory.AlignedFree(address);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int MemcpyHtoD(ulong target, byte* source, nuint bytes) => Machine.Call(() => Upload(target, source, bytes));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoH(byte* target, ulong source, nuint bytes) => Machine.Call(() => Download(target, source, bytes));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoD(ulong target, ulong source, nuint bytes) => Machine.Call(() => Copy(target, source, bytes));

    [UnmanagedCallersOnly]
    private static int MemcpyHtoDAsync(ulong target, byte* source, nuint bytes, nint stream) =>
        Machine.Call(() => Machine.Submit(stream, () => Upload(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoHAsync(byte* target, ulong source, nuint bytes, nint stream) =>
        Machine.Call(() => Machine.Submit(stream, () => Download(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemcpyDtoDAsync(ulong target, ulong source, nuint bytes, nint stream) =>
        Machine.Call(() => Machine.Submit(stream, () => Copy(target, source, bytes)));

    [UnmanagedCallersOnly]
    private static int MemsetD8Async(ulong target, byte value, nuint count, nint stream) => Machine.Call(() => Machine.Submit(stream, () =>
    {
        byte[] bytes = new byte[checked((int)count)];
        bytes.AsSpan().Fill(value);
        Machine.CurrentDevice.Write(target, bytes);
    }));

    [UnmanagedCallersOnly]
    private static int MemsetD32Async(ulong target, uint value, nuint count, nint stream) => Machine.Call(() => Machine.Submit(stream, () =>
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
