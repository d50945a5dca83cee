using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// Work on a device: one stream, a second one for branches, and a graph for each batch size once it has run. Everything is made in the
/// constructor or on first use and released by Dispose; nothing has a finalizer.
/// </summary>
internal sealed unsafe class CudaDeviceWorker : CudaWorker
{
    private const int MostGraphs = 64;
    private readonly CudaDriver _driver;
    private readonly int _failuresAtFirst;
    private readonly CudaContext _context;
    private readonly KernelLibrary _kernels;
    private readonly CudaArena _arena;
    private readonly CudaStream _stream, _branch;
    private readonly CudaStream? _recorder; // where the stream is somebody else's
    private readonly CudaEvent _forked, _joined;
    private readonly Dictionary<ulong, Twin> _twins = [];
    private readonly Dictionary<int, CudaGraph> _graphs = [];
    private readonly CudaBelongings _made = new();
    private readonly bool _useGraphs;
    private readonly CudaBlas? _blas;
    private CudaStream _current, _main; // main: the stream, or the one that is recorded
    private bool _disposed;

    /// <summary>The host's side of an exchange buffer.</summary>
    private sealed class Twin(CudaPageLockedHostMemory<float> memory)
    {
        internal CudaPageLockedHostMemory<float> Memory { get; } = memory;

        /// <summary>Whether a copy from it may still be under way.</summary>
        internal bool Busy { get; set; }
    }

    /// <summary>A worker on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="images">Where images of kernels come from.</param>
    /// <param name="arenaBytes">Device memory that a plan has found to be needed.</param>
    /// <param name="separate">Whether each buffer is an allocation of its own, for the emulator's bounds checks.</param>
    /// <param name="graphs">Whether work is recorded and replayed.</param>
    /// <param name="cublas">cuBLAS for the products that ask for it; null for none.</param>
    /// <param name="multiprocessors">What tile sizes are chosen for; null for what the device has.</param>
    /// <param name="place">Whose context and stream to use; null for the primary context and a stream of its own.</param>
    internal CudaDeviceWorker(
        CudaDevice device, Func<KernelSpec, byte[]> images, long arenaBytes = 0, bool separate = false, bool graphs = true,
        CublasTable? cublas = null, int? multiprocessors = null, CudaPlace? place = null)
    {
        _useGraphs = graphs;
        (Images, IsSeparate) = (images, separate);
        Place = place ?? new CudaPlace();
        _driver = device.Driver;
        _failuresAtFirst = _driver.Failures;
        Multiprocessors = multiprocessors ?? device.Attribute(CUdeviceAttribute.MultiprocessorCount);
        try
        {
            _context = Made(new CudaContext(device, new CUcontext(Place.Context)));
            _stream = Made(Place.Stream == 0 ? new CudaStream(_context, Place.Priority) : new CudaStream(_context, new CUstream(Place.Stream)));
            _branch = Made(new CudaStream(_context, Place.Priority));
            if (Place.Stream != 0) _recorder = Made(new CudaStream(_context, Place.Priority));
            _forked = Made(new CudaEvent(_context));
            _joined = Made(new CudaEvent(_context));
            _arena = Made(new CudaArena(_context, arenaBytes, separate));
            _kernels = Made(new KernelLibrary(_context, images));
            if (cublas is not null)
            {
                _blas = Made(new CudaBlas(cublas, _context));
                _blas.SetMathMode(CublasMath.Pedantic);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        _current = _main = _stream;
    }

    /// <summary>Whose context and stream it uses.</summary>
    internal CudaPlace Place { get; }

    /// <summary>Where images of kernels come from.</summary>
    internal Func<KernelSpec, byte[]> Images { get; }

    /// <summary>Whether each buffer is an allocation of its own.</summary>
    internal bool IsSeparate { get; }

    /// <summary>The device.</summary>
    internal CudaDevice Device => _context.Device;

    /// <summary>Its context.</summary>
    internal CudaContext Context => _context;

    /// <summary>The stream that work is queued on.</summary>
    /// <exception cref="A2FException">The worker is disposed.</exception>
    internal CudaStream Stream => !_disposed
        ? _stream
        : throw new A2FException(A2FErrorCode.InvalidArgument, "the model was disposed before a group that runs on it; dispose its groups first");

    internal override string Name => _context.Device.Name;

    internal override int Architecture => _context.Device.Architecture;

    internal override int Multiprocessors { get; }

    internal override long Bytes => _arena.Bytes;

    /// <summary>Allocations made on the device.</summary>
    internal int Allocations => _arena.Blocks;

    private T Made<T>(T what)
        where T : IDisposable => _made.Add(what);

    internal override ulong Allocate(long bytes, bool zeroed)
    {
        ulong address = _arena.Take(bytes);
        if (!zeroed) return address;
        using CudaContext.Scope scope = _context.Enter();
        _driver.Check(_driver.Table.MemsetD8Async(new CUdeviceptr(address), 0, (nuint)bytes, _stream.Handle), "cuMemsetD8Async");
        return address;
    }

    internal override ulong AllocateExchange(long floats)
    {
        ulong address = Allocate(floats * sizeof(float), zeroed: true);
        _twins.Add(address, new Twin(Made(new CudaPageLockedHostMemory<float>(_context, checked((int)floats)))));
        return address;
    }

    internal override void Upload(ulong target, ReadOnlySpan<byte> data)
    {
        using CudaContext.Scope scope = _context.Enter();
        // In order with what is queued already; from memory that is not page-locked the driver takes a copy before it returns.
        fixed (byte* bytes = data)
        {
            _driver.Check(
                _driver.Table.MemcpyHtoDAsync(new CUdeviceptr(target), bytes, (nuint)data.Length, _stream.Handle), "cuMemcpyHtoDAsync");
        }
    }

    internal override void Download(ulong source, Span<byte> data)
    {
        using CudaContext.Scope scope = _context.Enter();
        _stream.Synchronize();
        fixed (byte* bytes = data)
            _driver.Check(_driver.Table.MemcpyDtoH(bytes, new CUdeviceptr(source), (nuint)data.Length), "cuMemcpyDtoH");
    }

    internal override void Write(ulong target, ReadOnlySpan<float> values)
    {
        Twin twin = _twins[target];
        twin.Memory.CheckRange(values.Length);
        using CudaContext.Scope scope = _context.Enter();
        if (twin.Busy) Finish(); // a run that failed before its Read
        values.CopyTo(twin.Memory.Span);
        twin.Busy = true;
        _driver.Check(
            _driver.Table.MemcpyHtoDAsync(new CUdeviceptr(target), twin.Memory.Pointer, (nuint)values.Length * sizeof(float), _stream.Handle),
            "cuMemcpyHtoDAsync");
    }

    internal override void Read(ulong source, Span<float> values) => Fetch(source, values.Length).CopyTo(values);

    internal override ReadOnlySpan<float> Fetch(ulong source, int floats)
    {
        CudaPageLockedHostMemory<float> twin = _twins[source].Memory;
        twin.CheckRange(floats);
        using CudaContext.Scope scope = _context.Enter();
        _driver.Check(
            _driver.Table.MemcpyDtoHAsync(twin.Pointer, new CUdeviceptr(source), (nuint)floats * sizeof(float), _stream.Handle),
            "cuMemcpyDtoHAsync");
        Finish();
        return twin.Span[..floats];
    }

    /// <summary>Queues a copy within device memory.</summary>
    internal void Copy(ulong target, ulong source, long floats) => _driver.Check(
        _driver.Table.MemcpyDtoDAsync(new CUdeviceptr(target), new CUdeviceptr(source), (nuint)floats * sizeof(float), Stream.Handle), "cuMemcpyDtoDAsync");

    /// <summary>Waits until all queued work is done.</summary>
    internal void Finish()
    {
        using CudaContext.Scope scope = _context.Enter();
        _stream.Synchronize();
        foreach (Twin twin in _twins.Values) twin.Busy = false;
    }

    internal override void Launch(in KernelLaunch launch, void** arguments)
    {
        using CudaContext.Scope scope = _context.Enter();
        CudaKernel kernel = _kernels.Get(launch.Kernel, launch.SharedBytes);
        kernel.Launch(launch.Grid, new Dim3((uint)launch.Threads), launch.SharedBytes, _current, arguments);
    }

    internal override bool HasBlas => _blas is not null;

    internal override void Product(in BlasProduct product)
    {
        // Column-major, the same memory is the transpose of each matrix: c' = b' a'.
        BlasProduct p = product;
        CudaDataType type = p.Type == ElementType.Float16 ? CudaDataType.R16F : CudaDataType.R32F;
        using CudaContext.Scope scope = _context.Enter();
        _blas!.SetStream(_current);
        _blas.GemmEx(CublasOperation.None, CublasOperation.None, p.Columns, p.Rows, p.Depth, 1, new CUdeviceptr(p.B), p.PitchB,
            new CUdeviceptr(p.A), p.PitchA, 0, new CUdeviceptr(p.C), p.Columns, type, CudaDataType.R32F);
    }

    internal override float Time(Action work)
    {
        const int Runs = 5;
        using CudaContext.Scope scope = _context.Enter();
        using CudaEvent start = new(_context, CUeventFlags.Default), end = new(_context, CUeventFlags.Default);
        float best = float.MaxValue;
        for (int run = 0; run < Runs; run++)
        {
            start.Record(_current);
            work();
            end.Record(_current);
            end.Synchronize();
            best = Math.Min(best, CudaEvent.ElapsedMilliseconds(start, end));
        }
        return best;
    }

    /// <summary>Makes the device's context current on this thread for a stretch of work.</summary>
    internal CudaContext.Scope Enter() => _context.Enter();

    /// <summary>Loads kernels, so that no later run has to.</summary>
    internal void Load(IEnumerable<KernelSpec> kernels)
    {
        foreach (KernelSpec kernel in kernels) _kernels.Get(kernel, 0);
    }

    internal override void Replay(int key, Action body)
    {
        _current = _main = _stream; // a run before may have failed within a branch
        if (!_graphs.TryGetValue(key, out CudaGraph? graph))
        {
            if (!_useGraphs || _graphs.Count == MostGraphs)
            {
                body();
                return;
            }
            graph = _graphs[key] = Made(Record(body));
        }
        using CudaContext.Scope scope = _context.Enter();
        graph.Launch(_stream);
    }

    private CudaGraph Record(Action body)
    {
        using CudaContext.Scope scope = _context.Enter();
        _current = _main = _recorder ?? _stream;
        _main.BeginCapture();
        try
        {
            body();
            return _main.EndCapture();
        }
        catch
        {
            _main.AbandonCapture();
            throw;
        }
        finally
        {
            _current = _main = _stream;
        }
    }

    internal override void BeginBranch()
    {
        using CudaContext.Scope scope = _context.Enter();
        _forked.Record(_main);
        _branch.WaitFor(_forked);
        _current = _branch;
    }

    internal override void EndBranch()
    {
        using CudaContext.Scope scope = _context.Enter();
        _current = _main;
        _joined.Record(_branch);
    }

    internal override void JoinBranch()
    {
        using CudaContext.Scope scope = _context.Enter();
        _main.WaitFor(_joined);
    }

    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        bool told = _driver.Failures != _failuresAtFirst;
        A2FException? first = WaitForEverything(), second = _made.Release();
        first ??= second;
        if (first is not null && !told) throw first;
    }

    /// <summary>Memory may only go when nothing uses it any more.</summary>
    private A2FException? WaitForEverything()
    {
        if (_context is null) return null;
        try
        {
            using CudaContext.Scope scope = _context.Enter();
            _context.Synchronize();
            return null;
        }
        catch (A2FException e)
        {
            return e;
        }
    }
}
