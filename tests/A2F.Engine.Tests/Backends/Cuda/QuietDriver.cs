using System.Runtime.InteropServices;
using A2F.CudaEmulator.Driver;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>
/// The emulated driver, whose calls of a warm tick can be told to do nothing and to be counted: what a tick allocates is then its own, not the
/// emulator's. Any other call still goes to the emulator, which allocates, and so is seen. Its state is static, as exports are.
/// </summary>
internal static unsafe class QuietDriver
{
    private static readonly Dictionary<string, nint> Real = [];
    private static readonly Dictionary<string, nint> Own = new()
    {
        ["cuCtxPushCurrent_v2"] = (nint)(delegate* unmanaged<nint, int>)&Push,
        ["cuCtxPopCurrent_v2"] = (nint)(delegate* unmanaged<nint*, int>)&Pop,
        ["cuMemcpyHtoDAsync_v2"] = (nint)(delegate* unmanaged<ulong, void*, nuint, nint, int>)&CopyIn,
        ["cuMemcpyDtoHAsync_v2"] = (nint)(delegate* unmanaged<void*, ulong, nuint, nint, int>)&CopyOut,
        ["cuMemcpyDtoDAsync_v2"] = (nint)(delegate* unmanaged<ulong, ulong, nuint, nint, int>)&Copy,
        ["cuEventRecord"] = (nint)(delegate* unmanaged<nint, nint, int>)&Record,
        ["cuEventQuery"] = (nint)(delegate* unmanaged<nint, int>)&Query,
        ["cuStreamWaitEvent"] = (nint)(delegate* unmanaged<nint, nint, uint, int>)&WaitFor,
        ["cuGraphLaunch"] = (nint)(delegate* unmanaged<nint, nint, int>)&LaunchGraph,
        ["cuLaunchKernel"] = (nint)(delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)&Launch,
    };

    /// <summary>Whether those calls do nothing.</summary>
    public static bool Quiet { get; set; }

    /// <summary>Those calls while quiet.</summary>
    public static int Count { get; set; }

    /// <summary>Finds its functions, as <see cref="EmulatedDriver.Find"/>.</summary>
    public static nint Find(string symbol)
    {
        nint real = EmulatedDriver.Find(symbol);
        if (!Own.TryGetValue(symbol, out nint own)) return real;
        Real[symbol] = real;
        s_table = new Table
        {
            Push = Of("cuCtxPushCurrent_v2"),
            Pop = Of("cuCtxPopCurrent_v2"),
            CopyIn = Of("cuMemcpyHtoDAsync_v2"),
            CopyOut = Of("cuMemcpyDtoHAsync_v2"),
            Copy = Of("cuMemcpyDtoDAsync_v2"),
            Record = Of("cuEventRecord"),
            Query = Of("cuEventQuery"),
            WaitFor = Of("cuStreamWaitEvent"),
            LaunchGraph = Of("cuGraphLaunch"),
            Launch = Of("cuLaunchKernel"),
        };
        return own;

        static nint Of(string name) => Real.GetValueOrDefault(name);
    }

    private struct Table
    {
        internal nint Push, Pop, CopyIn, CopyOut, Copy, Record, Query, WaitFor, LaunchGraph, Launch;
    }

    private static Table s_table;

    private static bool Skip()
    {
        if (Quiet) Count++;
        return Quiet;
    }

    [UnmanagedCallersOnly]
    private static int Push(nint context) => Skip() ? 0 : ((delegate* unmanaged<nint, int>)s_table.Push)(context);

    [UnmanagedCallersOnly]
    private static int Pop(nint* context) => Skip() ? 0 : ((delegate* unmanaged<nint*, int>)s_table.Pop)(context);

    [UnmanagedCallersOnly]
    private static int CopyIn(ulong target, void* source, nuint bytes, nint stream) =>
        Skip() ? 0 : ((delegate* unmanaged<ulong, void*, nuint, nint, int>)s_table.CopyIn)(target, source, bytes, stream);

    [UnmanagedCallersOnly]
    private static int CopyOut(void* target, ulong source, nuint bytes, nint stream) =>
        Skip() ? 0 : ((delegate* unmanaged<void*, ulong, nuint, nint, int>)s_table.CopyOut)(target, source, bytes, stream);

    [UnmanagedCallersOnly]
    private static int Copy(ulong target, ulong source, nuint bytes, nint stream) =>
        Skip() ? 0 : ((delegate* unmanaged<ulong, ulong, nuint, nint, int>)s_table.Copy)(target, source, bytes, stream);

    [UnmanagedCallersOnly]
    private static int Record(nint marked, nint stream) => Skip() ? 0 : ((delegate* unmanaged<nint, nint, int>)s_table.Record)(marked, stream);

    [UnmanagedCallersOnly]
    private static int Query(nint marked) => Skip() ? 0 : ((delegate* unmanaged<nint, int>)s_table.Query)(marked);

    [UnmanagedCallersOnly]
    private static int WaitFor(nint stream, nint marked, uint flags) =>
        Skip() ? 0 : ((delegate* unmanaged<nint, nint, uint, int>)s_table.WaitFor)(stream, marked, flags);

    [UnmanagedCallersOnly]
    private static int LaunchGraph(nint graph, nint stream) =>
        Skip() ? 0 : ((delegate* unmanaged<nint, nint, int>)s_table.LaunchGraph)(graph, stream);

    [UnmanagedCallersOnly]
    private static int Launch(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint shared, nint stream, void** parameters,
        void** extra) => Skip() ? 0 : ((delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)s_table.Launch)(
            function, gridX, gridY, gridZ, blockX, blockY, blockZ, shared, stream, parameters, extra);
}
