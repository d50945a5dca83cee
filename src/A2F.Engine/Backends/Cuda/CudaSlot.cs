using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// The memory of one batch on its way: page-locked and device memory for what goes up and for what comes down, and the marks between its three
/// stretches. Going up, computing and coming down are each queued on a stream of their own, so that with two slots the copies of one batch run
/// beside the kernels of another.
/// </summary>
internal sealed class CudaSlot : IDisposable
{
    private readonly CudaPageLockedHostMemory<float> _input, _output;
    private readonly CudaDeviceVariable<float> _deviceInput, _deviceOutput;
    private readonly CudaEvent _uploaded, _started, _computed, _downloaded;
    private readonly CudaBelongings _made = new();

    /// <summary>A slot, free.</summary>
    /// <param name="context">Where.</param>
    /// <param name="inputs">Floats that go up at most.</param>
    /// <param name="outputs">Floats that come down at most.</param>
    internal CudaSlot(CudaContext context, int inputs, int outputs)
    {
        try
        {
            _input = _made.Add(new CudaPageLockedHostMemory<float>(context, inputs));
            _output = _made.Add(new CudaPageLockedHostMemory<float>(context, outputs));
            _deviceInput = _made.Add(new CudaDeviceVariable<float>(context, inputs));
            _deviceOutput = _made.Add(new CudaDeviceVariable<float>(context, outputs));
            _uploaded = _made.Add(new CudaEvent(context));
            _started = _made.Add(new CudaEvent(context, CUeventFlags.Default));
            _computed = _made.Add(new CudaEvent(context, CUeventFlags.Default));
            _downloaded = _made.Add(new CudaEvent(context));
        }
        catch
        {
            _made.Release();
            throw;
        }
    }

    /// <summary>Whether a batch is under way in it. While one is, <see cref="Input"/> and <see cref="Output"/> must not be touched.</summary>
    internal bool IsBusy { get; private set; }

    /// <summary>What goes up.</summary>
    internal Span<float> Input => _input.Span;

    /// <summary>What came down.</summary>
    internal ReadOnlySpan<float> Output => _output.Span;

    /// <summary>Device address of what went up.</summary>
    internal ulong InputAddress => _deviceInput.Pointer.Value;

    /// <summary>Device address of what will come down.</summary>
    internal ulong OutputAddress => _deviceOutput.Pointer.Value;

    /// <summary>Whether the batch is done and <see cref="Output"/> holds what came of it.</summary>
    internal bool IsFinished => _downloaded.IsFinished;

    /// <summary>Time from the first kernel of the batch that is done to its last.</summary>
    internal float Milliseconds => CudaEvent.ElapsedMilliseconds(_started, _computed);

    /// <summary>Queues the first floats of the input; what is queued on <paramref name="compute"/> from now on comes after.</summary>
    internal void Upload(int floats, CudaStream up, CudaStream compute)
    {
        IsBusy = true;
        _deviceInput.CopyFromAsync(_input, floats, up);
        _uploaded.Record(up);
        compute.WaitFor(_uploaded);
        _started.Record(compute);
    }

    /// <summary>Queues the first floats of the output, behind what is queued on <paramref name="compute"/>.</summary>
    internal void Download(int floats, CudaStream compute, CudaStream down)
    {
        _computed.Record(compute);
        down.WaitFor(_computed);
        _deviceOutput.CopyToAsync(_output, floats, down);
        _downloaded.Record(down);
    }

    /// <summary>Waits until the batch is done.</summary>
    internal void Wait() => _downloaded.Synchronize();

    /// <summary>The batch is taken, or given up and known not to run any more.</summary>
    internal void Free() => IsBusy = false;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_made.Release() is { } e) throw e;
    }
}
