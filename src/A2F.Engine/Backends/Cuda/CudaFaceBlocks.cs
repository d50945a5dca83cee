using System.Runtime.InteropServices;
using A2F.Engine.Animation;

namespace A2F.Engine.Backends.Cuda;

/// <summary>A piece of device memory with content that characters share.</summary>
internal sealed class CudaFaceBlock<T>
    where T : class
{
    internal CudaFaceBlock(ulong address) => Address = address;

    internal ulong Address { get; }

    /// <summary>What it holds; null while it holds nothing of use.</summary>
    internal T? Content { get; set; }

    /// <summary>Characters that use it.</summary>
    internal int Uses { get; set; }
}

/// <summary>
/// Blocks of one size whose content is uploaded when a character first needs it and shared by those that need the same. A block that nobody
/// uses keeps its content until another takes its place, so memory stops growing at the most that was in use at one time.
/// </summary>
/// <param name="worker">Where.</param>
/// <param name="bytes">Size of a block.</param>
/// <param name="same">Whether two contents are the same to the kernels.</param>
/// <param name="upload">Writes content to an address.</param>
internal sealed class CudaFaceBlocks<T>(CudaWorker worker, long bytes, Func<T, T, bool> same, Action<ulong, T> upload)
    where T : class
{
    private readonly List<CudaFaceBlock<T>> _blocks = [];

    /// <summary>The block of a content, for one more character.</summary>
    /// <exception cref="A2FException">The device has no memory for it, or fails.</exception>
    internal CudaFaceBlock<T> Take(T content)
    {
        CudaFaceBlock<T>? unused = null;
        foreach (CudaFaceBlock<T> block in _blocks)
        {
            if (block.Content is not null && same(block.Content, content))
            {
                block.Uses++;
                return block;
            }
            if (block.Uses == 0) unused ??= block;
        }
        if (unused is null) _blocks.Add(unused = new CudaFaceBlock<T>(worker.Allocate(bytes, zeroed: false)));
        unused.Content = null; // until the upload is queued
        upload(unused.Address, content);
        unused.Content = content;
        unused.Uses = 1;
        return unused;
    }

    /// <summary>One character less uses a block.</summary>
    internal void Give(CudaFaceBlock<T>? block)
    {
        if (block is not null) block.Uses--;
    }
}

/// <summary>How solve setups and folds lie in such blocks.</summary>
internal static class CudaFaceContents
{
    /// <summary>Blocks of solve setups: G, A, active poses, cancel pairs; each with room for all poses.</summary>
    internal static CudaFaceBlocks<SolverSetup> Setups(CudaWorker worker, int poses) => new(
        worker, SetupBytes(poses), Same, (address, setup) =>
        {
            worker.Upload(address, MemoryMarshal.AsBytes<double>(setup.G));
            if (setup.Options.Objective == SolveObjective.Normal) worker.Upload(A(address, poses), MemoryMarshal.AsBytes<double>(setup.A));
            if (setup.Active.Length > 0) worker.Upload(Active(address, poses), MemoryMarshal.AsBytes<int>(setup.Active));
            if (setup.CancelPairs.Length > 0) worker.Upload(Pairs(address, poses), MemoryMarshal.AsBytes<(int, int)>(setup.CancelPairs));
        });

    /// <summary>Blocks of folds: matrix, constant.</summary>
    internal static CudaFaceBlocks<FoldedBasis> Folds(CudaWorker worker, int poses, int columns) => new(
        worker, (columns + 1L) * poses * sizeof(double), ReferenceEquals, (address, fold) =>
        {
            worker.Upload(address, MemoryMarshal.AsBytes<double>(fold.Matrix));
            worker.Upload(address + (ulong)fold.Matrix.Length * sizeof(double), MemoryMarshal.AsBytes<double>(fold.Constant));
        });

    /// <summary>Where a kernel finds a setup.</summary>
    internal static void Describe(ulong address, SolverSetup setup, int poses, ref FacePartArguments target)
    {
        target.G = address;
        target.A = setup.Options.Objective == SolveObjective.Normal ? A(address, poses) : 0;
        target.Active = Active(address, poses);
        target.Pairs = Pairs(address, poses);
        target.Temporal = setup.TemporalGain;
        target.ActiveCount = setup.Active.Length;
        target.PairCount = setup.CancelPairs.Length;
    }

    private static ulong A(ulong address, int poses) => address + (ulong)poses * (ulong)poses * sizeof(double);

    private static ulong Active(ulong address, int poses) => address + 2 * (ulong)poses * (ulong)poses * sizeof(double);

    private static ulong Pairs(ulong address, int poses) => Active(address, poses) + (ulong)poses * sizeof(int);

    private static long SetupBytes(int poses) => 2L * poses * poses * sizeof(double) + 2L * poses * sizeof(int);

    private static bool Same(SolverSetup a, SolverSetup b) => ReferenceEquals(a, b)
        || (a.Options.Objective == b.Options.Objective && a.Active.AsSpan().SequenceEqual(b.Active) && a.A.AsSpan().SequenceEqual(b.A)
            && a.CancelPairs.AsSpan().SequenceEqual(b.CancelPairs));
}
