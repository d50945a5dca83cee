namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>An array in host memory that the device copies from and to without the CPU's help.</summary>
internal sealed unsafe class CudaPageLockedHostMemory<T> : IDisposable
    where T : unmanaged
{
    private readonly CudaContext _context;
    private readonly CudaDriver _driver;
    private T* _pointer;

    internal CudaPageLockedHostMemory(CudaContext context, int length, CUmemHostAllocFlags flags = CUmemHostAllocFlags.Portable)
    {
        if (length <= 0) throw new A2FException(A2FErrorCode.Internal, $"a page-locked array of {length} elements");
        _context = context;
        _driver = context.Driver;
        Length = length;
        using CudaContext.Scope scope = context.Enter();
        void* pointer;
        nuint bytes = (nuint)length * (nuint)sizeof(T);
        CUresult result = _driver.Table.MemHostAlloc(&pointer, bytes, flags);
        if (result != CUresult.Success) throw _driver.Failure(result, "cuMemHostAlloc", $"{bytes} bytes of page-locked host memory");
        _pointer = (T*)pointer;
        CudaLeaks.Made(this);
    }

    internal T* Pointer => _pointer;

    /// <summary>Elements.</summary>
    internal int Length { get; }

    /// <summary>The elements; not to be touched while a copy from or to them is queued.</summary>
    internal Span<T> Span => new(_pointer, _pointer == null ? 0 : Length);

    internal void CheckRange(int count)
    {
        if ((uint)count > (uint)Length || _pointer == null)
            throw new A2FException(A2FErrorCode.Internal, $"a copy of {count} elements for a page-locked array of {Length}");
    }

    public void Dispose()
    {
        if (_pointer == null) return;
        CudaContext.ReleaseScope scope = _context.EnterToRelease();
        T* pointer = _pointer;
        _pointer = null;
        CudaLeaks.Released(this);
        scope.End(_driver.Table.MemFreeHost(pointer), "cuMemFreeHost");
    }
}
