namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>A queue of device work, which does not wait for the default stream.</summary>
internal sealed unsafe class CudaStream : IDisposable
{
    private readonly CudaContext _context;
    private readonly CudaDriver _driver;
    private readonly bool _borrowed;
    private CUstream _handle;

    /// <summary>A stream; a lower number is a higher priority, and numbers out of the device's range are brought into it.</summary>
    internal CudaStream(CudaContext context, int priority = 0)
    {
        _context = context;
        _driver = context.Driver;
        using CudaContext.Scope scope = context.Enter();
        CUstream stream;
        _driver.Check(_driver.Table.StreamCreateWithPriority(&stream, CUstreamFlags.NonBlocking, priority), "cuStreamCreateWithPriority");
        _handle = stream;
        CudaLeaks.Made(this);
    }

    /// <summary>A stream that somebody else has made in the context and keeps.</summary>
    internal CudaStream(CudaContext context, CUstream borrowed) => (_context, _driver, _handle, _borrowed) = (context, context.Driver, borrowed, true);

    internal CUstream Handle => _handle;

    /// <summary>Whether all work is done.</summary>
    internal bool IsFinished
    {
        get
        {
            CUresult result = _driver.Table.StreamQuery(_handle);
            if (result != CUresult.NotReady) _driver.Check(result, "cuStreamQuery");
            return result == CUresult.Success;
        }
    }

    /// <summary>Waits until all work is done.</summary>
    internal void Synchronize() => _driver.Check(_driver.Table.StreamSynchronize(_handle), "cuStreamSynchronize");

    /// <summary>Later work of this stream starts after what the event was recorded behind.</summary>
    internal void WaitFor(CudaEvent recorded) =>
        _driver.Check(_driver.Table.StreamWaitEvent(_handle, recorded.Handle, 0), "cuStreamWaitEvent");

    /// <summary>Records work instead of running it, until <see cref="EndCapture"/>. Other threads may go on using the driver.</summary>
    internal void BeginCapture() =>
        _driver.Check(_driver.Table.StreamBeginCapture(_handle, CUstreamCaptureMode.ThreadLocal), "cuStreamBeginCapture");

    /// <summary>The work recorded since <see cref="BeginCapture"/>.</summary>
    internal CudaGraph EndCapture()
    {
        CUgraph graph;
        _driver.Check(_driver.Table.StreamEndCapture(_handle, &graph), "cuStreamEndCapture");
        return new CudaGraph(_context, graph);
    }

    /// <summary>Ends a recording that failed; what went wrong with it is known already.</summary>
    internal void AbandonCapture()
    {
        CUgraph graph = default;
        _driver.Table.StreamEndCapture(_handle, &graph);
        if (graph != default) _driver.Table.GraphDestroy(graph);
    }

    /// <summary>Destroys the stream; work that it still holds runs to its end.</summary>
    public void Dispose()
    {
        if (_handle == default || _borrowed) return;
        CudaContext.ReleaseScope scope = _context.EnterToRelease();
        CUstream handle = _handle;
        _handle = default;
        CudaLeaks.Released(this);
        scope.End(_driver.Table.StreamDestroy(handle), "cuStreamDestroy");
    }
}
