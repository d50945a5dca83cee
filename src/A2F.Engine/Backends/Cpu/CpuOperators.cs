using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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
    private Tensor _gruScratch;
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
        CheckHost(target, values.Length);
        for (int row = 0; row < target.Items * target.Rows; row++)
            values.Slice(row * target.Columns, target.Columns).CopyTo(new Span<float>(CpuRows.Address(target, row), target.Columns));
    }

    internal override void Read(Tensor source, Span<float> values)
    {
        CheckHost(source, values.Length);
        for (int row = 0; row < source.Items * source.Rows; row++)
            new ReadOnlySpan<float>(CpuRows.Address(source, row), source.Columns).CopyTo(values[(row * source.Columns)..]);
    }

    internal override GemmWeights Pack(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int taps, int inputs, int outputs, int groups = 1, bool float32Input = false)
    {
        CheckPack(weights.Length, bias.Length, taps, inputs, outputs, groups);
        int depth = taps * inputs, columns = groups * outputs, panels = (outputs + GemmKernels.PanelWidth - 1) / GemmKernels.PanelWidth;
        float* packed = _memory.Allocate((long)groups * panels * depth * GemmKernels.PanelWidth);
        float* packedBias = _memory.Allocate((long)groups * panels * GemmKernels.PanelWidth);
        for (int group = 0; group < groups; group++)
        {
            float* target = packed + (long)group * panels * depth * GemmKernels.PanelWidth;
            PackPanels(weights, columns, group * outputs, outputs, depth, target);
            if (!bias.IsEmpty)
                bias.Slice(group * outputs, outputs).CopyTo(new Span<float>(packedBias + (long)group * panels * GemmKernels.PanelWidth, outputs));
        }
        return new CpuGemmWeights { Taps = taps, Inputs = inputs, Outputs = outputs, Groups = groups, Panels = packed, Bias = packedBias };
    }

    /// <summary>Columns first.. of a matrix [depth, columns] as panels, some rows at a time: few pages are then open at once.</summary>
    private static void PackPanels(ReadOnlySpan<float> weights, int columns, int first, int outputs, int depth, float* target)
    {
        const int Rows = 16;
        fixed (float* source = weights)
        {
            for (int k = 0; k < depth; k += Rows)
            {
                int end = Math.Min(k + Rows, depth);
                for (int column = 0; column < outputs; column += GemmKernels.PanelWidth)
                {
                    float* to = target + (long)column * depth + (long)k * GemmKernels.PanelWidth;
                    float* from = source + (long)k * columns + first + column;
                    int width = Math.Min(GemmKernels.PanelWidth, outputs - column);
                    for (int row = k; row < end; row++, from += columns, to += GemmKernels.PanelWidth)
                    {
                        if (width == GemmKernels.PanelWidth) Vector512.Load(from).Store(to);
                        else new ReadOnlySpan<float>(from, width).CopyTo(new Span<float>(to, width));
                    }
                }
            }
        }
    }

    internal override void Gemm(Tensor x, int stride, GemmWeights weights, Tensor y, Epilogue epilogue = default, int tapStride = 0)
    {
        CpuGemmWeights w = (CpuGemmWeights)weights;
        CheckGemm(x, stride, w, y, tapStride);
        CpuGemm.Run(_pool, _kernels, _gemmScratch, x, stride, tapStride == 0 ? x.RowStride : tapStride, w, y, epilogue);
    }

    internal override void GemmLayerNorm(
        Tensor x, GemmWeights weights, Activation activation, Tensor residual, NormWeights norm, Tensor y, Tensor? sum = null)
    {
        Gemm(x, 1, weights, sum ?? y, new Epilogue(activation, residual));
        LayerNorm(sum ?? y, norm, y);
    }

    internal override void ConvGroupNorm(
        Tensor audio, int stride, GemmWeights weights, NormWeights norm, Activation activation, Tensor y)
    {
        Gemm(audio, stride, weights, y);
        GroupNorm(y, norm, activation);
    }

    internal override void BroadcastLinear(Tensor x, GemmWeights weights, ReadOnlySpan<Tensor> targets)
    {
        Tensor first = targets[0].RowRange(0, 1);
        Gemm(x, 1, weights, first);
        foreach (Tensor target in targets)
        {
            for (int row = 0; row < target.Items * target.Rows; row++)
            {
                float* from = CpuRows.Address(first, row / target.Rows), to = CpuRows.Address(target, row);
                if (to != from) CpuRows.SetScaled(from, 1, to, target.Columns);
            }
        }
    }

    private readonly record struct GroupNormJob(Tensor X, NormWeights Norm, Activation Activation, int Parts);

    /// <summary>In place: each channel of each item normalised over its rows, scaled, shifted, then the activation.</summary>
    internal void GroupNorm(Tensor x, NormWeights norm, Activation activation)
    {
        int parts = (x.Columns + CpuRows.ChannelsPerTask - 1) / CpuRows.ChannelsPerTask;
        GroupNormJob job = new(x, norm, activation, parts);
        _pool.Run(x.Items * parts, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly GroupNormJob job = ref *(GroupNormJob*)state;
            int first = task % job.Parts * CpuRows.ChannelsPerTask, count = Math.Min(CpuRows.ChannelsPerTask, job.X.Columns - first);
            CpuRows.GroupNorm(
                job.X, task / job.Parts, first, count, (float*)job.Norm.Scale.Address, (float*)job.Norm.Shift.Address, job.Norm.Epsilon,
                job.Activation);
        }
    }

    private readonly record struct LayerNormJob(Tensor X, NormWeights Norm, Tensor Y, Activation Activation);

    internal override void LayerNorm(Tensor x, NormWeights norm, Tensor y, Activation activation = Activation.None)
    {
        LayerNormJob job = new(x, norm, y, activation);
        _pool.Run(x.Items * x.Rows, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly LayerNormJob job = ref *(LayerNormJob*)state;
            CpuRows.LayerNorm(
                CpuRows.Address(job.X, task), (float*)job.Norm.Scale.Address, (float*)job.Norm.Shift.Address, job.Norm.Epsilon,
                CpuRows.Address(job.Y, task), job.X.Columns);
            CpuRows.Activate(CpuRows.Address(job.Y, task), job.X.Columns, job.Activation);
        }
    }

    private readonly record struct AttentionJob(CpuAttention.Kernel Kernel, Tensor Qkv, int Heads, Tensor Y, nint Scratch);

    internal override void Attention(Tensor qkv, int heads, Tensor y)
    {
        AttentionJob job = new(new CpuAttention.Kernel(_kernels), qkv, heads, y, (nint)RowScratch(CpuAttention.ScratchFloats(qkv.Rows, y.Columns / heads)));
        _pool.Run(qkv.Items * heads, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly AttentionJob job = ref *(AttentionJob*)state;
            CpuAttention.Head(job.Kernel, job.Qkv, task / job.Heads, task % job.Heads, job.Heads, job.Y, ((float**)job.Scratch)[worker]);
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

    internal override void Scale(Tensor x, float factor, Tensor y, bool accumulate = false, Activation activation = Activation.None)
    {
        for (int row = 0; row < y.Items * y.Rows; row++)
        {
            float* source = CpuRows.Address(x, x.Rows == 1 ? row / y.Rows : row), target = CpuRows.Address(y, row);
            if (accumulate) CpuRows.AddScaled(source, factor, target, y.Columns);
            else CpuRows.SetScaled(source, factor, target, y.Columns);
            CpuRows.Activate(target, y.Columns, activation);
        }
    }

    private readonly record struct ResampleJob(Tensor X, int Count, int First, Tensor Y);

    internal override void Resample(Tensor x, int count, int first, Tensor y)
    {
        CheckResample(x, count, first, y);
        ResampleJob job = new(x, count, first, y);
        _pool.Run(y.Items * y.Rows, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly ResampleJob job = ref *(ResampleJob*)state;
            (int item, int row) = (task / job.Y.Rows, task % job.Y.Rows);
            (long low, long rest) = Math.DivRem((job.First + row) * (job.X.Rows - 1L), job.Count - 1L);
            float* a = CpuRows.Address(job.X, item * job.X.Rows + (int)low);
            CpuRows.Blend(
                a, rest == 0 ? a : a + job.X.RowStride, (float)rest / (job.Count - 1), CpuRows.Address(job.Y, task), job.Y.Columns);
        }
    }

    internal override void MeanRows(Tensor x, Tensor y)
    {
        for (int item = 0; item < y.Items; item++)
        {
            float* sum = CpuRows.Address(y, item);
            for (int row = 0; row < x.Rows; row++)
            {
                float* source = CpuRows.Address(x, item * x.Rows + row);
                if (row == 0) CpuRows.SetScaled(source, 1, sum, y.Columns);
                else CpuRows.AddScaled(source, 1, sum, y.Columns);
            }
            CpuRows.SetScaled(sum, 1f / x.Rows, sum, y.Columns);
        }
    }

    private sealed class CpuGruWeights : GruWeights
    {
        internal required GemmWeights State { get; init; }
    }

    internal override GruWeights PackGru(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        int channels = bias.Length / 3;
        return new CpuGruWeights { Channels = channels, State = Pack(weights, bias, 1, channels, 3 * channels) };
    }

    internal override void Gru(Tensor gates, GruWeights weights, Tensor state, Tensor y, Tensor finalState)
    {
        CpuGruWeights w = (CpuGruWeights)weights;
        CheckGru(gates, w, state, y, finalState);
        Tensor recurrent = GruScratch(y.Items, 3 * w.Channels);
        for (int t = 0; t < y.Rows; t++)
        {
            Tensor before = t == 0 ? state : y.RowRange(t - 1, 1);
            Gemm(before, 1, w.State, recurrent);
            for (int item = 0; item < y.Items; item++)
            {
                CpuRows.GruStep(
                    CpuRows.Address(gates, item * gates.Rows + t), CpuRows.Address(recurrent, item), CpuRows.Address(before, item),
                    CpuRows.Address(y, item * y.Rows + t), w.Channels);
            }
        }
        Scale(y.RowRange(y.Rows - 1, 1), 1, finalState);
    }

    /// <summary>A row an item; grows only when a GRU first meets a larger batch.</summary>
    private Tensor GruScratch(int items, int columns)
    {
        if (_gruScratch.Columns != columns || _gruScratch.Items < items) _gruScratch = Allocate(items, 1, columns);
        return _gruScratch.Take(items);
    }

    private readonly record struct NormalJob(Tensor Seeds, NoiseRange Range, Tensor Y);

    internal override void Normal(Tensor seeds, NoiseRange range, Tensor y)
    {
        NormalJob job = new(seeds, range, y);
        _pool.Run(y.Items * y.Rows, &job, &Task);

        static void Task(void* state, int task, int worker)
        {
            ref readonly NormalJob job = ref *(NormalJob*)state;
            (int item, int row) = (task / job.Y.Rows, task % job.Y.Rows);
            ulong* seed = (ulong*)CpuRows.Address(job.Seeds, item);
            NormalNoise.Fill(seed[0], seed[1], job.Range.First(row), new Span<float>(CpuRows.Address(job.Y, task), job.Y.Columns));
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
