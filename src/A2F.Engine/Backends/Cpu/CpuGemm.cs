using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace A2F.Engine.Backends.Cpu;

/// <summary>B of a GEMM as panels: [group][panel of 16 outputs][k][16], the last panel of a group padded with zeros; bias padded alike.</summary>
internal sealed unsafe class CpuGemmWeights : GemmWeights
{
    internal required float* Panels { get; init; }
    internal required float* Bias { get; init; }

    internal int Depth => Taps * Inputs;
    internal int PanelsPerGroup => (Outputs + GemmKernels.PanelWidth - 1) / GemmKernels.PanelWidth;
}

/// <summary>
/// The strided GEMM. Work is cut into blocks of rows (of all items together) by chunks of output panels; a task packs its rows of A once per
/// block of k and runs micro-kernels over them, then applies the epilogue while the block of C is in cache. Blocks of k have a fixed size, so
/// an element's sum is formed in the same order whatever the batch, the thread count and the tile it falls into.
/// </summary>
internal static unsafe class CpuGemm
{
    private const int RowsPerBlock = 112; // 8 tiles of 14 rows
    private const int DepthPerBlock = 512; // A block 229 KB, B panel 32 KB

    /// <summary>Floats of scratch memory that each thread needs.</summary>
    internal const int ScratchFloats = RowsPerBlock * DepthPerBlock + GemmKernels.MaxRows * 2 * GemmKernels.PanelWidth;

    private struct Job
    {
        internal delegate*<int, int, int, float*, float*, nint, float*, nint, float*, void> Kernel;
        internal int TileRows;
        internal Tensor X, Y, Residual, ItemScale;
        internal bool HasResidual, HasItemScale, Accumulate;
        internal int Stride, TapStride, Taps, Inputs, Outputs, Depth, PanelsPerGroup, Groups;
        internal float* Panels, Bias;
        internal Activation Activation;
        internal int Rows, RowBlocks, Chunks;
        internal long EvenStride; // between any two rows of Y, or 0 where items are spaced differently
        internal nint* Scratch;
    }

    /// <summary>Runs one GEMM; scratch has one buffer of <see cref="ScratchFloats"/> per thread.</summary>
    internal static void Run(
        WorkerPool pool, GemmKernels kernels, nint* scratch, Tensor x, int stride, int tapStride, CpuGemmWeights w, Tensor y,
        Epilogue epilogue)
    {
        Job job = new()
        {
            Kernel = kernels.Run,
            TileRows = kernels.Rows,
            X = x,
            Y = y,
            Residual = epilogue.Residual.GetValueOrDefault(),
            HasResidual = epilogue.Residual.HasValue,
            ItemScale = epilogue.ItemScale.GetValueOrDefault(),
            HasItemScale = epilogue.ItemScale.HasValue,
            Stride = stride,
            TapStride = tapStride,
            Taps = w.Taps,
            Inputs = w.Inputs,
            Outputs = w.Outputs,
            Depth = w.Depth,
            PanelsPerGroup = w.PanelsPerGroup,
            Groups = w.Groups,
            Panels = w.Panels,
            Bias = w.Bias,
            Activation = epilogue.Activation,
            Accumulate = epilogue.Accumulate,
            Rows = y.Items * y.Rows,
            Scratch = scratch,
        };
        job.EvenStride = y.Rows == 1 ? y.ItemStride : y.ItemStride == (long)y.Rows * y.RowStride ? y.RowStride : 0;
        job.RowBlocks = (job.Rows + RowsPerBlock - 1) / RowsPerBlock;
        int blocks = job.RowBlocks * job.Groups;
        job.Chunks = pool.Threads == 1 || blocks >= 4 * pool.Threads
            ? 1
            : Math.Clamp(4 * pool.Threads / blocks, 1, (job.PanelsPerGroup + 3) / 4);
        pool.Run(blocks * job.Chunks, &job, &Task);
    }

    private static void Task(void* state, int task, int worker)
    {
        ref readonly Job job = ref *(Job*)state;
        int chunk = task % job.Chunks;
        int block = task / job.Chunks % job.RowBlocks;
        int group = task / job.Chunks / job.RowBlocks;
        int firstPanel = Split(job.PanelsPerGroup, job.Chunks, chunk), endPanel = Split(job.PanelsPerGroup, job.Chunks, chunk + 1);
        int firstRow = Split(job.Rows, job.RowBlocks, block), endRow = Split(job.Rows, job.RowBlocks, block + 1);
        int tiles = (endRow - firstRow + job.TileRows - 1) / job.TileRows;
        float* packed = (float*)job.Scratch[worker];
        float* spill = packed + RowsPerBlock * DepthPerBlock;

        for (int k = 0; k < job.Depth; k += DepthPerBlock)
        {
            int depth = Math.Min(DepthPerBlock, job.Depth - k);
            for (int tile = 0; tile < tiles; tile++)
            {
                int row = firstRow + Split(endRow - firstRow, tiles, tile), end = firstRow + Split(endRow - firstRow, tiles, tile + 1);
                PackRows(in job, group, row, end - row, k, depth, packed + (long)(row - firstRow) * depth);
            }
            for (int panel = firstPanel; panel < endPanel; panel += 2)
            {
                for (int tile = 0; tile < tiles; tile++)
                {
                    int row = firstRow + Split(endRow - firstRow, tiles, tile), end = firstRow + Split(endRow - firstRow, tiles, tile + 1);
                    RunTile(in job, group, row, end - row, panel, Math.Min(2, endPanel - panel), k, depth,
                        packed + (long)(row - firstRow) * depth, spill);
                }
            }
        }
        int firstColumn = firstPanel * GemmKernels.PanelWidth, columns = Math.Min(job.Outputs, endPanel * GemmKernels.PanelWidth) - firstColumn;
        if (job.Activation == Activation.None && !job.HasResidual && !job.HasItemScale) return;
        for (int row = firstRow; row < endRow; row++)
        {
            int column = group * job.Outputs + firstColumn;
            float* residual = job.HasResidual ? CpuRows.Address(job.Residual, row) + column : null;
            float scale = job.HasItemScale ? *CpuRows.Address(job.ItemScale, row / job.Y.Rows) : 1;
            Finish(CpuRows.Address(job.Y, row) + column, residual, columns, job.Activation, scale);
        }
    }

    /// <summary>Start of part <paramref name="part"/> when <paramref name="total"/> is cut into <paramref name="parts"/> even parts.</summary>
    private static int Split(int total, int parts, int part) => (int)((long)total * part / parts);

    private static void RunTile(
        in Job job, int group, int row, int rows, int panel, int panels, int k, int depth, float* packed, float* spill)
    {
        nint panelStride = (nint)job.Depth * GemmKernels.PanelWidth;
        int globalPanel = group * job.PanelsPerGroup + panel;
        float* b = job.Panels + globalPanel * panelStride + (nint)k * GemmKernels.PanelWidth;
        bool add = k > 0 || job.Accumulate;
        float* bias = !add ? job.Bias + globalPanel * GemmKernels.PanelWidth : null;
        int column = panel * GemmKernels.PanelWidth;
        int columns = Math.Min(panels * GemmKernels.PanelWidth, job.Outputs - column);
        float* c = CpuRows.Address(job.Y, row) + group * job.Outputs + column;

        // A tile over two items that are not evenly spaced, or a panel that is not full, goes through scratch memory.
        bool even = job.EvenStride != 0 || row % job.Y.Rows + rows <= job.Y.Rows;
        if (even && columns == panels * GemmKernels.PanelWidth)
        {
            job.Kernel(rows, panels, depth, packed, b, panelStride, c, (nint)(job.EvenStride != 0 ? job.EvenStride : job.Y.RowStride), bias);
            return;
        }
        const int SpillStride = 2 * GemmKernels.PanelWidth;
        if (add)
        {
            for (int r = 0; r < rows; r++) Copy(CpuRows.Address(job.Y, row + r) + group * job.Outputs + column, spill + r * SpillStride, columns);
        }
        job.Kernel(rows, panels, depth, packed, b, panelStride, spill, SpillStride, bias);
        for (int r = 0; r < rows; r++) Copy(spill + r * SpillStride, CpuRows.Address(job.Y, row + r) + group * job.Outputs + column, columns);
    }

    private static void Copy(float* source, float* target, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));

    /// <summary>Packs rows of A, elements k..k+depth, as [k][rows]. Element k of a row is channel k % inputs of tap k / inputs.</summary>
    private static void PackRows(in Job job, int group, int row, int rows, int k, int depth, float* packed)
    {
        float** source = stackalloc float*[GemmKernels.MaxRows];
        for (int r = 0; r < rows; r++)
        {
            int item = (row + r) / job.Y.Rows, step = (row + r) % job.Y.Rows;
            source[r] = (float*)job.X.Address + item * job.X.ItemStride + (long)step * job.Stride * job.X.RowStride + group * job.Inputs;
        }
        bool contiguous = job.Taps == 1 || job.TapStride == job.Inputs;
        while (depth > 0)
        {
            int tap = contiguous ? 0 : k / job.Inputs;
            int channel = k - tap * job.Inputs;
            int run = contiguous ? depth : Math.Min(depth, job.Inputs - channel);
            Interleave(source, (long)tap * job.TapStride + channel, rows, run, packed);
            packed += (long)run * rows;
            (k, depth) = (k + run, depth - run);
        }
    }

    private static void Interleave(float** source, long offset, int rows, int count, float* packed)
    {
        int r = 0;
        for (; r <= rows - 4; r += 4)
        {
            float* a = source[r] + offset, b = source[r + 1] + offset, c = source[r + 2] + offset, d = source[r + 3] + offset;
            float* p = packed + r;
            int i = 0;
            for (; i <= count - 4; i += 4, p += 4 * rows)
            {
                Vector128<float> va = Vector128.Load(a + i), vb = Vector128.Load(b + i), vc = Vector128.Load(c + i), vd = Vector128.Load(d + i);
                Vector128<float> lowAc = Zip(va, vc, high: false), highAc = Zip(va, vc, high: true);
                Vector128<float> lowBd = Zip(vb, vd, high: false), highBd = Zip(vb, vd, high: true);
                Zip(lowAc, lowBd, high: false).Store(p);
                Zip(lowAc, lowBd, high: true).Store(p + rows);
                Zip(highAc, highBd, high: false).Store(p + 2 * rows);
                Zip(highAc, highBd, high: true).Store(p + 3 * rows);
            }
            for (; i < count; i++, p += rows) (p[0], p[1], p[2], p[3]) = (a[i], b[i], c[i], d[i]);
        }
        for (; r < rows; r++)
        {
            float* a = source[r] + offset;
            float* p = packed + r;
            for (int i = 0; i < count; i++, p += rows) *p = a[i];
        }
    }

    /// <summary>a0 b0 a1 b1, or a2 b2 a3 b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Zip(Vector128<float> a, Vector128<float> b, bool high) => System.Runtime.Intrinsics.X86.Sse.IsSupported
        ? high ? System.Runtime.Intrinsics.X86.Sse.UnpackHigh(a, b) : System.Runtime.Intrinsics.X86.Sse.UnpackLow(a, b)
        : high
            ? Vector128.Create(a[2], b[2], a[3], b[3])
            : Vector128.Create(a[0], b[0], a[1], b[1]);

    /// <summary>y = activation(y) * scale + residual for one row.</summary>
    private static void Finish(float* y, float* residual, int columns, Activation activation, float scale)
    {
        int i = 0;
        for (; i <= columns - 8; i += 8)
        {
            Vector256<float> v = CpuRows.Activate(Vector256.Load(y + i), activation) * scale;
            if (residual != null) v += Vector256.Load(residual + i);
            v.Store(y + i);
        }
        if (i == columns) return;
        float* tail = stackalloc float[8];
        Copy(y + i, tail, columns - i);
        Vector256<float> last = CpuRows.Activate(Vector256.Load(tail), activation) * scale;
        last.Store(tail);
        for (int j = i; j < columns; j++) y[j] = tail[j - i] + (residual != null ? residual[j] : 0);
    }
}
