namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
    private static void AddContexts()
    {
        Exports["cuDevicePrimaryCtxRetain"] = (nint)(delegate* unmanaged<nint*, int, int>)&DevicePrimaryCtxRetain;
        Exports["cuDevicePrimaryCtxRelease_v2"] = (nint)(delegate* unmanaged<int, int>)&DevicePrimaryCtxRelease;
        Exports["cuCtxCreate_v2"] = (nint)(delegate* unmanaged<nint*, uint, int, int>)&CtxCreate;
        Exports["cuCtxDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&CtxDestroy;
        Exports["cuCtxSetCurrent"] = (nint)(delegate* unmanaged<nint, int>)&CtxSetCurrent;
        Exports["cuCtxGetCurrent"] = (nint)(delegate* unmanaged<nint*, int>)&CtxGetCurrent;
        Exports["cuCtxGetDevice"] = (nint)(delegate* unmanaged<int*, int>)&CtxGetDevice;
        Exports["cuCtxPushCurrent_v2"] = (nint)(delegate* unmanaged<nint, int>)&CtxPushCurrent;
        Exports["cuCtxPopCurrent_v2"] = (nint)(delegate* unmanaged<nint*, int>)&CtxPopCurrent;
        Exports["cuCtxSynchronize"] = (nint)(delegate* unmanaged<int>)&CtxSynchronize;
        Exports["cuCtxGetStreamPriorityRange"] = (nint)(delegate* unmanaged<int*, int*, int>)&CtxGetStreamPriorityRange;
    }

    [UnmanagedCallersOnly]
    private static int DevicePrimaryCtxRetain(nint* context, int device) =>
        Machine.Call("cuDevicePrimaryCtxRetain", CallKind.Free, () => *context = Machine.Retain(device).Handle);

    [UnmanagedCallersOnly]
    private static int DevicePrimaryCtxRelease(int device) =>
        Machine.Call("cuDevicePrimaryCtxRelease", CallKind.Release, () => Machine.Release(device));

    [UnmanagedCallersOnly]
    private static int CtxCreate(nint* context, uint flags, int device) => Machine.Call("cuCtxCreate", CallKind.Free, () =>
    {
        _ = Machine.Device(device);
        Context made = (Context)Machine.Add(new Context(device));
        *context = made.Handle;
        Machine.Push(made);
    });

    [UnmanagedCallersOnly]
    private static int CtxDestroy(nint context) => Machine.Call("cuCtxDestroy", CallKind.Release, () =>
    {
        Context ended = Machine.Get<Context>(context);
        if (ended.Retained > 0) throw new DriverError(201, "a primary context is released, not destroyed");
        if (Machine.Depth > 0 && Machine.Current == ended) Machine.Pop();
        ended.End();
    });

    [UnmanagedCallersOnly]
    private static int CtxSetCurrent(nint context) => Machine.Call("cuCtxSetCurrent", CallKind.Free, () =>
    {
        Context? next = context == 0 ? null : Machine.Get<Context>(context);
        next?.Report();
        if (Machine.Depth > 0) Machine.Pop();
        if (next is not null) Machine.Push(next);
    });

    [UnmanagedCallersOnly]
    private static int CtxGetCurrent(nint* context) =>
        Machine.Call("cuCtxGetCurrent", CallKind.Free, () => *context = Machine.Depth > 0 ? Machine.Current.Handle : 0);

    [UnmanagedCallersOnly]
    private static int CtxGetDevice(int* device) =>
        Machine.Call("cuCtxGetDevice", CallKind.InContext, () => *device = Machine.Current.Device);

    [UnmanagedCallersOnly]
    private static int CtxPushCurrent(nint context) => Machine.Call("cuCtxPushCurrent", CallKind.Free, () =>
    {
        Context next = Machine.Get<Context>(context);
        next.Report();
        Machine.Push(next);
    });

    [UnmanagedCallersOnly]
    private static int CtxPopCurrent(nint* context) =>
        Machine.Call("cuCtxPopCurrent", CallKind.Release, () => *context = Machine.Pop().Handle);

    [UnmanagedCallersOnly]
    private static int CtxSynchronize() => Machine.Call("cuCtxSynchronize", CallKind.InContext, () =>
    {
        Capture.Forbid("waiting for the device");
        Machine.Current.Synchronize();
    });

    [UnmanagedCallersOnly]
    private static int CtxGetStreamPriorityRange(int* least, int* greatest) =>
        Machine.Call("cuCtxGetStreamPriorityRange", CallKind.InContext, () => (*least, *greatest) = (0, -5));
}
