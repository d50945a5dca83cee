using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cpu;

/// <summary>The operators on the CPU, fp32. Calls run to their end before they return.</summary>
internal sealed unsafe class CpuOperators : OperatorSet
{
    private readonly CpuMemory _memory = new();
    private readonly GemmKernels _kernels;
    private readonly WorkerPool _pool;
    private readonly nint* _gemmScratch;
    private readonly nint* _rowScratch;
    private int _rowScratchFloats;
    private bool _disposed;

    /// <summary>Operators on this many threads with the kernels of an instruction set (by default the widest).</summary>
    internal CpuOperators(int threads = 1, CpuInstructionSet? instructionSet = null)
    {
        _kernels = GemmKernels.For(instructionSet ?? GemmKernels.Best);
        _pool = new WorkerPool(threads);
        _gemmScratch = (nint*)NativeMemory.AllocZeroed((nuint)threads, (nuint)sizeof(nint));
        _rowScratch = (nint*)NativeMemory.AllocZeroed((nuint)threads, (nuint)sizeof(nint));
        for (int i = 0; i < threads; i++) _gemmScratch[i] = (nint)_memory.Allocate(CpuGemm.ScratchFloats);
    }

    internal override string Name => $"cpu ({_kernels.Name}, {_pool.Threads} thread{(_pool.Threads == 1 ? "" : "s")})";

    internal override long Bytes => _memory.Bytes;

    /// <summary>Throws if an operator wrote outside a buffer.</summary>
    internal void VerifyGuards() => _memory.VerifyGuards();

    internal override Tensor Allocate(int items, int rows, int columns) =>
        new((nint)_memory.Allocate((long)items * rows * columns), items, rows, columns, (long)rows * columns, columns);

    internal override Tensor Upload(ReadOnlySpan<float> values)
    {
        Tensor tensor = Allocate(1, 1, values.Length);
        values.CopyTo(new Span<float>((float*)tensor.Address, values.Length));
        return tensor;
    }

    internal override void Write(Tensor target, ReadOnlySpan<float> values)
    {
        int row = CheckHost(target, values.Length);
        for (int item = 0; item < target.Items; item++)
            values.Slice(item * row, row).CopyTo(new Span<float>((float*)target.Address + item * target.ItemStride, row));
    }

    internal override void Read(Tensor source, Span<float> values)
    {
        int row = CheckHost(source, values.Length);
        for (int item = 0; item < source.Items; item++)
            new ReadOnlySpan<float>((float*)source.Address + item * source.ItemStride, row).CopyTo(values.Slice(item * row, row));
    }

    private static int CheckHost(Tensor tensor, int length)
    {
        int row = tensor.Rows * tensor.Columns;
        if (tensor.Rows > 1 && tensor.RowStride != tensor.Columns || length != tensor.Items * row)
            throw new A2FException(A2FErrorCode.Internal, $"{length} host values for a tensor [{tensor.Items}, {tensor.Rows}, {tensor.Columns}]");
        return row;
    }

    internal override GemmWeights Pack(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int taps, int inputs, int outputs, int groups = 1)
    {
        int depth = taps * inputs, columns = groups * outputs, panels = (outputs + GemmKernels.PanelWidth - 1) / GemmKernels.PanelWidth;
        float* packed = _memory.Allocate((long)groups * panels * depth * GemmKernels.PanelWidth);
        float* packedBias = _memory.Allocate((long)groups * panels * GemmKernels.PanelWidth);
        for (int group = 0; group < groups; group++)
        {
            for (int panel = 0; panel < panels; panel++)
            {
                int column = group * outputs + panel * GemmKernels.PanelWidth;
                int width = Math.Min(GemmKernels.PanelWidth, outputs - panel * GemmKernels.PanelWidth);
                long index = (long)group * panels + panel;
                float* target = packed + index * depth * GemmKernels.PanelWidth;
                for (int k = 0; k < depth; k++)
                    weights.Slice(k * columns + column, width).CopyTo(new Span<float>(target + k * GemmKernels.PanelWidth, width));
                if (!bias.IsEmpty) bias.Slice(column, width).CopyTo(new Span<float>(packedBias + index * GemmKernels.PanelWidth, width));
            }
        }
        return new CpuGemmWeights { Taps = taps, Inputs = inputs, Outputs = outputs, Groups = groups, Panels = packed, Bias = packedBias };
    }

    internal override void Gemm(Tensor x, int stride, GemmWeights weights, Tensor y, Epilogue epilogue = default)
    {
        CpuGemmWeights w = (CpuGemmWeights)weights;
        if (x.Columns != w.Inputs * w.Groups || y.Columns != w.Outputs * w.Groups || x.Items != y.Items
            || (y.Rows - 1) * stride + w.Taps > x.Rows)
        {
            throw new A2FException(A2FErrorCode.Internal,
                $"gemm of [{x.Items}, {x.Rows}, {x.Columns}] by {w.Groups} x [{w.Taps}, {w.Inputs}, {w.Outputs}], stride {stride}, " +
                $"cannot give [{y.Items}, {y.Rows}, {y.Columns}]");
        }
        CpuGemm.Run(_pool, _kernels, _gemmScratch, x, stride, w, y, epilogue);
    }

    private readonly record struct GroupNormJob(Tensor X, Tensor Scale, Tensor Shift, float Epsilon, Activation Activation, int Parts);

    internal override void GroupNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Activation activation)
    {
        int parts = (x.Columns + CpuRows.ChannelsPerTask - 1) / CpuRows.ChannelsPerTask;
        GroupNormJob job = new(x, scale, shift, epsilon, activation, parts);
        _pool.Run(x.Items * parts, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly GroupNormJob job = ref *(GroupNormJob*)state;
            int first = task % job.Parts * CpuRows.ChannelsPerTask, count = Math.Min(CpuRows.ChannelsPerTask, job.X.Columns - first);
            CpuRows.GroupNorm(
                job.X, task / job.Parts, first, count, (float*)job.Scale.Address, (float*)job.Shift.Address, job.Epsilon, job.Activation);
        }
    }

    private readonly record struct LayerNormJob(Tensor X, Tensor Scale, Tensor Shift, float Epsilon, Tensor Y);

    internal override void LayerNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Tensor y)
    {
        LayerNormJob job = new(x, scale, shift, epsilon, y);
        _pool.Run(x.Items * x.Rows, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly LayerNormJob job = ref *(LayerNormJob*)state;
            CpuRows.LayerNorm(
                CpuRows.Address(job.X, task), (float*)job.Scale.Address, (float*)job.Shift.Address, job.Epsilon,
                CpuRows.Address(job.Y, task), job.X.Columns);
        }
    }

    private readonly record struct AttentionJob(Tensor Qkv, int Heads, Tensor Y, nint Scratch);

    internal override void Attention(Tensor qkv, int heads, Tensor y)
    {
        AttentionJob job = new(qkv, heads, y, (nint)RowScratch(qkv.Rows + 8));
        _pool.Run(qkv.Items * heads, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly AttentionJob job = ref *(AttentionJob*)state;
            CpuRows.Attention(job.Qkv, task / job.Heads, task % job.Heads, job.Heads, job.Y, ((float**)job.Scratch)[worker]);
        }
    }

    private readonly record struct AutoCorrelationJob(Tensor Audio, Tensor Taper, int Hop, float Scale, Tensor Y, nint Scratch);

    internal override void AutoCorrelation(Tensor audio, Tensor taper, int hop, float scale, Tensor y)
    {
        AutoCorrelationJob job = new(audio, taper, hop, scale, y, (nint)RowScratch(taper.Columns));
        _pool.Run(y.Items * y.Rows, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly AutoCorrelationJob job = ref *(AutoCorrelationJob*)state;
            float* frame = CpuRows.Address(job.Audio, task / job.Y.Rows) + (long)(task % job.Y.Rows) * job.Hop;
            CpuRows.AutoCorrelation(
                frame, (float*)job.Taper.Address, job.Taper.Columns, job.Scale, CpuRows.Address(job.Y, task), job.Y.Columns,
                ((float**)job.Scratch)[worker]);
        }
    }

    private readonly record struct SubtractJob(Tensor A, Tensor B, Tensor Y);

    internal override void Subtract(Tensor a, Tensor b, Tensor y)
    {
        SubtractJob job = new(a, b, y);
        _pool.Run(y.Items * y.Rows, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly SubtractJob job = ref *(SubtractJob*)state;
            CpuRows.Subtract(CpuRows.Address(job.A, task), CpuRows.Address(job.B, task), CpuRows.Address(job.Y, task), job.Y.Columns);
        }
    }

    internal override void Scale(Tensor x, float factor, Tensor y, bool accumulate = false)
    {
        for (int row = 0; row < y.Items * y.Rows; row++)
        {
            float* source = CpuRows.Address(x, x.Rows == 1 ? row / y.Rows : row), target = CpuRows.Address(y, row);
            if (accumulate) CpuRows.AddScaled(source, factor, target, y.Columns);
            else CpuRows.SetScaled(source, factor, target, y.Columns);
        }
    }

    /// <summary>A buffer per thread for a row; grows only when an operator first meets a longer row.</summary>
    private nint* RowScratch(int floats)
    {
        if (floats > _rowScratchFloats)
        {
            for (int i = 0; i < _pool.Threads; i++) _rowScratch[i] = (nint)_memory.Allocate(floats);
            _rowScratchFloats = floats;
        }
        return _rowScratch;
    }

    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _pool.Dispose();
        _memory.Dispose();
        NativeMemory.Free(_gemmScratch);
        NativeMemory.Free(_rowScratch);
    }
}
