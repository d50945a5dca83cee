namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>
/// A device's primary context, which CUDA code of the same process shares, or one that the caller has made and keeps. Constructors and Dispose of what lives in a context enter it
/// themselves, on any thread; all other calls expect that the caller has entered it, so that a tick pays for that once.
/// </summary>
internal sealed unsafe class CudaContext : IDisposable
{
    [ThreadStatic]
    private static CudaContext? t_current;

    private readonly bool _borrowed;
    private bool _disposed;

    /// <param name="device">The device.</param>
    /// <param name="borrowed">A context of that device to use instead of the primary one; default for none.</param>
    internal CudaContext(CudaDevice device, CUcontext borrowed = default)
    {
        Device = device;
        if (borrowed != default)
        {
            (Handle, _borrowed) = (borrowed, true);
            CheckDevice();
            CudaLeaks.Made(this);
            return;
        }
        CUcontext context;
        Driver.Check(Driver.Table.DevicePrimaryCtxRetain(&context, device.Handle), "cuDevicePrimaryCtxRetain");
        Handle = context;
        CudaLeaks.Made(this);
    }

    private void CheckDevice()
    {
        using Scope scope = Enter();
        CUdevice found;
        Driver.Check(Driver.Table.CtxGetDevice(&found), "cuCtxGetDevice");
        if (found == Device.Handle) return;
        throw new A2FException(A2FErrorCode.InvalidArgument,
            $"the CUDA context that was given is of another device than cuda:{Device.Ordinal} ({Device.Name}), where the model was to run; name the context's device");
    }

    internal CudaDevice Device { get; }

    internal CudaDriver Driver => Device.Driver;

    internal CUcontext Handle { get; }

    /// <summary>
    /// Makes the context current on this thread until the scope is disposed. Within such a scope, entering again costs nothing: so whoever
    /// does a lot enters first.
    /// </summary>
    internal Scope Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (t_current?.Handle == Handle) return default;
        Driver.Check(Driver.Table.CtxPushCurrent(Handle), "cuCtxPushCurrent");
        Scope scope = new(Driver, t_current);
        t_current = this;
        return scope;
    }

    /// <summary>Makes the context current to release something in it; end with <see cref="ReleaseScope.End"/>.</summary>
    internal ReleaseScope EnterToRelease() =>
        t_current?.Handle == Handle ? new ReleaseScope(Driver, null) : new ReleaseScope(Driver, Driver.Table.CtxPushCurrent(Handle));

    /// <summary>Waits until the device has done all work of this context.</summary>
    internal void Synchronize() => Driver.Check(Driver.Table.CtxSynchronize(), "cuCtxSynchronize");

    /// <summary>Free and total device memory in bytes.</summary>
    internal (long Free, long Total) MemoryInfo()
    {
        nuint free, total;
        Driver.Check(Driver.Table.MemGetInfo(&free, &total), "cuMemGetInfo");
        return ((long)free, (long)total);
    }

    /// <summary>Gives the primary context back; everything in it must be disposed before.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        CudaLeaks.Released(this);
        if (!_borrowed) Driver.CheckRelease(Driver.Table.DevicePrimaryCtxRelease(Device.Handle), "cuDevicePrimaryCtxRelease");
    }

    /// <summary>The stretch of code in which a context is current.</summary>
    internal readonly ref struct Scope(CudaDriver driver, CudaContext? before)
    {
        /// <summary>Makes current again what was before. Does not throw, or what the scope has made would be lost.</summary>
        public void Dispose()
        {
            if (driver is null) return;
            t_current = before;
            CUcontext popped;
            driver.Table.CtxPopCurrent(&popped);
        }
    }

    /// <summary>The release of something in a context: tried even if that cannot be made current, so that nothing leaks.</summary>
    internal readonly ref struct ReleaseScope(CudaDriver driver, CUresult? entered)
    {
        /// <summary>Leaves the context and reports what failed.</summary>
        internal void End(CUresult released, string call)
        {
            CUcontext popped;
            if (entered == CUresult.Success) driver.Table.CtxPopCurrent(&popped);
            driver.CheckRelease(entered ?? CUresult.Success, "cuCtxPushCurrent");
            driver.CheckRelease(released, call);
        }
    }
}
