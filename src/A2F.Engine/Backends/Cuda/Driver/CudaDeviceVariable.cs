namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>An array in device memory.</summary>
internal sealed unsafe class CudaDeviceVariable<T> : IDisposable
    where T : unmanaged
{
    private readonly CudaContext _context;
    private readonly CudaDriver _driver;
    private CUdeviceptr _pointer;

    /// <summary>Room for <paramref name="length"/> elements, which hold anything.</summary>
    internal CudaDeviceVariable(CudaContext context, long length)
    {
        if (length is <= 0 || length > long.MaxValue / sizeof(T))
            throw new A2FException(A2FErrorCode.Internal, $"a device array of {length} elements");
        _context = context;
        _driver = context.Driver;
        Length = length;
        using CudaContext.Scope scope = context.Enter();
        CUdeviceptr pointer;
        CUresult result = _driver.Table.MemAlloc(&pointer, Bytes);
        if (result != CUresult.Success) throw _driver.Failure(result, "cuMemAlloc", $"{Bytes} bytes on {context.Device.Name}");
        _pointer = pointer;
        CudaLeaks.Made(this);
    }

    internal CUdeviceptr Pointer => _pointer;

    /// <summary>Elements.</summary>
    internal long Length { get; }

    internal nuint Bytes => (nuint)(Length * sizeof(T));

    /// <summary>Copies host memory to the start of the array and waits for it.</summary>
    internal void CopyFrom(ReadOnlySpan<T> source)
    {
        CheckRange(source.Length);
        fixed (T* host = source)
            _driver.Check(_driver.Table.MemcpyHtoD(_pointer, host, (nuint)source.Length * (nuint)sizeof(T)), "cuMemcpyHtoD");
    }

    /// <summary>Copies the start of the array to host memory and waits for it.</summary>
    internal void CopyTo(Span<T> target)
    {
        CheckRange(target.Length);
        fixed (T* host = target)
            _driver.Check(_driver.Table.MemcpyDtoH(host, _pointer, (nuint)target.Length * (nuint)sizeof(T)), "cuMemcpyDtoH");
    }

    /// <summary>Queues a copy of the first elements of page-locked memory.</summary>
    internal void CopyFromAsync(CudaPageLockedHostMemory<T> source, int count, CudaStream stream)
    {
        CheckRange(count);
        source.CheckRange(count);
        _driver.Check(
            _driver.Table.MemcpyHtoDAsync(_pointer, source.Pointer, (nuint)count * (nuint)sizeof(T), stream.Handle), "cuMemcpyHtoDAsync");
    }

    /// <summary>Queues a copy of the first elements to page-locked memory.</summary>
    internal void CopyToAsync(CudaPageLockedHostMemory<T> target, int count, CudaStream stream)
    {
        CheckRange(count);
        target.CheckRange(count);
        _driver.Check(
            _driver.Table.MemcpyDtoHAsync(target.Pointer, _pointer, (nuint)count * (nuint)sizeof(T), stream.Handle), "cuMemcpyDtoHAsync");
    }

    /// <summary>Queues that every byte becomes zero.</summary>
    internal void ClearAsync(CudaStream stream) =>
        _driver.Check(_driver.Table.MemsetD8Async(_pointer, 0, Bytes, stream.Handle), "cuMemsetD8Async");

    private void CheckRange(long count)
    {
        if ((ulong)count > (ulong)Length || _pointer == default)
            throw new A2FException(A2FErrorCode.Internal, $"a copy of {count} elements for a device array of {Length}");
    }

    public void Dispose()
    {
        if (_pointer == default) return;
        CudaContext.ReleaseScope scope = _context.EnterToRelease();
        CUdeviceptr pointer = _pointer;
        _pointer = default;
        CudaLeaks.Released(this);
        scope.End(_driver.Table.MemFree(pointer), "cuMemFree");
    }
}
