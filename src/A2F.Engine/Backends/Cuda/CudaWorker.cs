using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>One launch of a kernel, and what it costs.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Grid">Blocks.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block.</param>
/// <param name="Flops">Floating-point operations of its definition; 0 where they are not worth counting.</param>
/// <param name="Bytes">Bytes that it reads and writes at least: each input and output once.</param>
internal readonly record struct KernelLaunch(KernelSpec Kernel, Dim3 Grid, int Threads, int SharedBytes, long Flops, long Bytes);

/// <summary>A plain product of row-major matrices. Pitches count elements from a row to the next; those of c are its columns.</summary>
internal readonly record struct BlasProduct(
    int Rows, int Columns, int Depth, ulong A, int PitchA, ulong B, int PitchB, ulong C, ElementType Type);

/// <summary>
/// What <see cref="CudaOperators"/> hand their work to: a device, or a plan that takes note of the work. Addresses are device addresses.
/// </summary>
internal abstract unsafe class CudaWorker : IDisposable
{
    /// <summary>Name for reports.</summary>
    internal abstract string Name { get; }

    /// <summary>Compute capability as in sm_86.</summary>
    internal abstract int Architecture { get; }

    /// <summary>Multiprocessors: what tile sizes are chosen for.</summary>
    internal abstract int Multiprocessors { get; }

    /// <summary>Bytes of device memory held.</summary>
    internal abstract long Bytes { get; }

    /// <summary>Device memory, aligned to 256 bytes, that lives as long as the worker; zeroed where asked for.</summary>
    internal abstract ulong Allocate(long bytes, bool zeroed);

    /// <summary>Queues a copy to device memory; the data may change as soon as the call returns.</summary>
    internal abstract void Upload(ulong target, ReadOnlySpan<byte> data);

    /// <summary>Copies from device memory once all work is done.</summary>
    internal abstract void Download(ulong source, Span<byte> data);

    /// <summary>Queues a copy to a part of a buffer of <see cref="AllocateExchange"/>.</summary>
    internal abstract void Write(ulong target, ReadOnlySpan<float> values);

    /// <summary>Queues a copy of a part of such a buffer to the host, and waits for it.</summary>
    internal abstract void Read(ulong source, Span<float> values);

    /// <summary>
    /// Queues a copy of the first values of such a buffer to the host, and waits for it: what it returns is the host's side, good until the
    /// buffer is read or written again.
    /// </summary>
    internal abstract ReadOnlySpan<float> Fetch(ulong source, int floats);

    /// <summary>Zeroed device memory with a page-locked twin on the host.</summary>
    internal abstract ulong AllocateExchange(long floats);

    /// <summary>Queues a launch; <paramref name="arguments"/> holds a pointer to each parameter.</summary>
    internal abstract void Launch(in KernelLaunch launch, void** arguments);

    /// <summary>Whether <see cref="Product"/> works.</summary>
    internal abstract bool HasBlas { get; }

    /// <summary>
    /// Queues c = a b by cuBLAS for row-major matrices, with float32 sums: a is [rows, depth], b [depth, columns], c [rows, columns] float32.
    /// </summary>
    internal abstract void Product(in BlasProduct product);

    /// <summary>Milliseconds that queued work takes, the best of several runs.</summary>
    internal abstract float Time(Action work);

    /// <summary>See <see cref="OperatorSet.Replay"/>.</summary>
    internal abstract void Replay(int key, Action body);

    /// <summary>See <see cref="OperatorSet.BeginBranch"/>.</summary>
    internal abstract void BeginBranch();

    /// <summary>See <see cref="OperatorSet.EndBranch"/>.</summary>
    internal abstract void EndBranch();

    /// <summary>See <see cref="OperatorSet.JoinBranch"/>.</summary>
    internal abstract void JoinBranch();

    /// <inheritdoc/>
    public abstract void Dispose();
}
