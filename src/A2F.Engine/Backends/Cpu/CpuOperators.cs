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

    /// <summary>Bytes of packed weights and activations.</summary>
    internal long Bytes => _memory.Bytes;

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

    private struct RowJob
    {
        internal Tensor A, X, Y;
        internal float* Scale, Shift;
        internal float Number;
        internal Activation Activation;
        internal int Parts, Count;
        internal bool Accumulate;
        internal nint* Scratch;
    }

    internal override void GroupNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Activation activation)
    {
        RowJob job = new()
        {
            X = x, Scale = (float*)scale.Address, Shift = (float*)shift.Address, Number = epsilon, Activation = activation,
            Parts = (x.Columns + CpuRows.ChannelsPerTask - 1) / CpuRows.ChannelsPerTask,
        };
        _pool.Run(x.Items * job.Parts, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly RowJob job = ref *(RowJob*)state;
            int first = task % job.Parts * CpuRows.ChannelsPerTask;
            CpuRows.GroupNorm(job.X, task / job.Parts, first, Math.Min(CpuRows.ChannelsPerTask, job.X.Columns - first),
                job.Scale, job.Shift, job.Number, job.Activation);
        }
    }

    internal override void LayerNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Tensor y)
    {
        RowJob job = new() { X = x, Y = y, Scale = (float*)scale.Address, Shift = (float*)shift.Address, Number = epsilon };
        _pool.Run(x.Items, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly RowJob job = ref *(RowJob*)state;
            float* x = (float*)job.X.Address + task * job.X.ItemStride, y = (float*)job.Y.Address + task * job.Y.ItemStride;
            for (int t = 0; t < job.X.Rows; t++)
                CpuRows.LayerNorm(x + (long)t * job.X.RowStride, job.Scale, job.Shift, job.Number, y + (long)t * job.Y.RowStride, job.X.Columns);
        }
    }

    internal override void Attention(Tensor qkv, int heads, Tensor y)
    {
        RowJob job = new() { X = qkv, Y = y, Count = heads, Scratch = RowScratch(qkv.Rows + 8) };
        _pool.Run(qkv.Items * heads, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly RowJob job = ref *(RowJob*)state;
            CpuRows.Attention(job.X, task / job.Count, task % job.Count, job.Count, job.Y, (float*)job.Scratch[worker]);
        }
    }

    internal override void AutoCorrelation(Tensor audio, Tensor taper, int hop, float scale, Tensor y)
    {
        RowJob job = new()
        {
            X = audio, Y = y, Scale = (float*)taper.Address, Number = scale, Count = taper.Columns, Parts = hop,
            Scratch = RowScratch(taper.Columns),
        };
        _pool.Run(audio.Items, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly RowJob job = ref *(RowJob*)state;
            float* audio = (float*)job.X.Address + task * job.X.ItemStride, y = (float*)job.Y.Address + task * job.Y.ItemStride;
            for (int frame = 0; frame < job.Y.Rows; frame++)
            {
                CpuRows.AutoCorrelation(audio + (long)frame * job.Parts, job.Scale, job.Count, job.Number,
                    y + (long)frame * job.Y.RowStride, job.Y.Columns, (float*)job.Scratch[worker]);
            }
        }
    }

    internal override void Scale(Tensor x, float factor, Tensor y, bool accumulate = false)
    {
        for (int item = 0; item < y.Items; item++)
        {
            for (int t = 0; t < y.Rows; t++)
            {
                float* source = (float*)x.Address + item * x.ItemStride + (x.Rows == 1 ? 0 : (long)t * x.RowStride);
                float* target = (float*)y.Address + item * y.ItemStride + (long)t * y.RowStride;
                if (accumulate) CpuRows.AddScaled(source, factor, target, y.Columns);
                else CpuRows.SetScaled(source, factor, target, y.Columns);
            }
        }
    }

    internal override void Subtract(Tensor a, Tensor b, Tensor y)
    {
        RowJob job = new() { A = a, X = b, Y = y };
        _pool.Run(y.Items * y.Rows, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly RowJob job = ref *(RowJob*)state;
            int item = task / job.Y.Rows, row = task % job.Y.Rows;
            CpuRows.Subtract(Row(job.A, item, row), Row(job.X, item, row), Row(job.Y, item, row), job.Y.Columns);
        }

        static float* Row(in Tensor t, int item, int row) => (float*)t.Address + item * t.ItemStride + (long)row * t.RowStride;
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
        _pool.Dispose();
        _memory.Dispose();
        NativeMemory.Free(_gemmScratch);
        NativeMemory.Free(_rowScratch);
    }
}
