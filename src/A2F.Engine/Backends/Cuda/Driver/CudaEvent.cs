namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>A mark in a stream that others may wait for.</summary>
internal sealed unsafe class CudaEvent : IDisposable
{
    private readonly CudaContext _context;
    private readonly CudaDriver _driver;
    private CUevent _handle;

    internal CudaEvent(CudaContext context, CUeventFlags flags = CUeventFlags.DisableTiming)
    {
        _context = context;
        _driver = context.Driver;
        using CudaContext.Scope scope = context.Enter();
        CUevent created;
        _driver.Check(_driver.Table.EventCreate(&created, flags), "cuEventCreate");
        _handle = created;
        CudaLeaks.Made(this);
    }

    internal CUevent Handle => _handle;

    /// <summary>Whether the work before the mark is done.</summary>
    internal bool IsFinished
    {
        get
        {
            CUresult result = _driver.Table.EventQuery(_handle);
            if (result != CUresult.NotReady) _driver.Check(result, "cuEventQuery");
            return result == CUresult.Success;
        }
    }

    /// <summary>Marks the present end of a stream.</summary>
    internal void Record(CudaStream stream) => _driver.Check(_driver.Table.EventRecord(_handle, stream.Handle), "cuEventRecord");

    /// <summary>Waits until the work before the mark is done.</summary>
    internal void Synchronize() => _driver.Check(_driver.Table.EventSynchronize(_handle), "cuEventSynchronize");

    /// <summary>Time between two marks, both with timing and both done.</summary>
    internal static float ElapsedMilliseconds(CudaEvent start, CudaEvent end)
    {
        float milliseconds;
        start._driver.Check(
            start._driver.Table.EventElapsedTime(&milliseconds, start._handle, end._handle), "cuEventElapsedTime");
        return milliseconds;
    }

    public void Dispose()
    {
        if (_handle == default) return;
        CudaContext.ReleaseScope scope = _context.EnterToRelease();
        CUevent handle = _handle;
        _handle = default;
        CudaLeaks.Released(this);
        scope.End(_driver.Table.EventDestroy(handle), "cuEventDestroy");
    }
}
