using System.Runtime.InteropServices;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>B of a GEMM in device memory: [group][taps * inputs][outputs], and the bias [groups * outputs].</summary>
internal sealed class CudaGemmWeights : GemmWeights
{
    internal required CUdeviceptr Matrix { get; init; }
    internal required CUdeviceptr Bias { get; init; }
}

/// <summary>
/// The operators on a CUDA device, float32 on its CUDA cores. Calls queue work on one stream; <see cref="Read"/> waits for it. What each
/// kernel computes and how it is launched stands at the head of its file in kernels/.
/// </summary>
internal sealed unsafe class CudaOperators : OperatorSet
{
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly KernelLibrary _kernels;
    private readonly List<CudaDeviceVariable<float>> _memory = [];
    private bool _disposed;

    /// <summary>A view as kernels take it; see common.cuh.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct View(Tensor t)
    {
        private readonly ulong _data = (ulong)t.Address;
        private readonly long _itemStride = t.ItemStride;
        private readonly int _rowStride = t.RowStride;
        private readonly int _rows = t.Rows;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GemmArguments
    {
        internal View X, Y, Residual;
        internal ulong Matrix, Bias;
        internal int AllRows, Stride, Inputs, Outputs, Depth;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct NormArguments
    {
        internal View X, Y;
        internal ulong Scale, Shift;
        internal int Columns;
        internal float Epsilon;
    }

    /// <summary>Operators on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="compiler">Compiles the kernels.</param>
    /// <param name="ptx">Whether the driver gets PTX rather than machine code.</param>
    internal CudaOperators(CudaDevice device, CudaRuntimeCompiler compiler, bool ptx)
    {
        _context = new CudaContext(device);
        try
        {
            _stream = new CudaStream(_context);
        }
        catch
        {
            _context.Dispose();
            throw;
        }
        _kernels = new KernelLibrary(_context, compiler, ptx);
    }

    internal override string Name => $"{_context.Device.Name} (sm_{_context.Device.Architecture}, fp32)";

    internal override long Bytes => _memory.Sum(memory => (long)memory.Bytes);

    internal override Tensor Allocate(int items, int rows, int columns)
    {
        CudaDeviceVariable<float> memory = AllocateRaw((long)items * rows * columns);
        using (_context.Enter()) memory.ClearAsync(_stream);
        return new Tensor((nint)memory.Pointer.Value, items, rows, columns, (long)rows * columns, columns);
    }

    private CudaDeviceVariable<float> AllocateRaw(long floats)
    {
        CudaDeviceVariable<float> memory = new(_context, Math.Max(floats, 1));
        _memory.Add(memory);
        return memory;
    }

    internal override Tensor Upload(ReadOnlySpan<float> values)
    {
        CudaDeviceVariable<float> memory = AllocateRaw(values.Length);
        using (_context.Enter()) memory.CopyFrom(values);
        return new Tensor((nint)memory.Pointer.Value, 1, 1, values.Length, values.Length, values.Length);
    }

    internal override void Write(Tensor target, ReadOnlySpan<float> values) => CopyItems(target, values, toDevice: true);

    internal override void Read(Tensor source, Span<float> values)
    {
        using (_context.Enter()) _stream.Synchronize();
        CopyItems(source, values, toDevice: false);
    }

    private void CopyItems(Tensor tensor, ReadOnlySpan<float> values, bool toDevice)
    {
        int row = tensor.Rows * tensor.Columns;
        if (tensor.Rows > 1 && tensor.RowStride != tensor.Columns || values.Length != tensor.Items * row)
            throw new A2FException(A2FErrorCode.Internal, $"{values.Length} host values for a tensor [{tensor.Items}, {tensor.Rows}, {tensor.Columns}]");
        using CudaContext.Scope scope = _context.Enter();
        if (toDevice) _stream.Synchronize(); // what was queued may still read it
        DriverTable table = _context.Driver.Table;
        nuint bytes = (nuint)row * sizeof(float);
        fixed (float* host = values)
        {
            for (int item = 0; item < tensor.Items; item++)
            {
                CUdeviceptr at = new((ulong)(tensor.Address + (nint)(item * tensor.ItemStride * sizeof(float))));
                if (toDevice) _context.Driver.Check(table.MemcpyHtoD(at, host + (long)item * row, bytes), "cuMemcpyHtoD");
                else _context.Driver.Check(table.MemcpyDtoH(host + (long)item * row, at, bytes), "cuMemcpyDtoH");
            }
        }
    }

    internal override GemmWeights Pack(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int taps, int inputs, int outputs, int groups = 1)
    {
        int depth = taps * inputs, columns = groups * outputs;
        float[] grouped = new float[(long)depth * columns];
        for (int group = 0; group < groups; group++)
        {
            for (int k = 0; k < depth; k++)
                weights.Slice(k * columns + group * outputs, outputs).CopyTo(grouped.AsSpan((group * depth + k) * outputs));
        }
        Tensor matrix = Upload(grouped), added = Upload(bias.IsEmpty ? new float[columns] : bias);
        return new CudaGemmWeights
        {
            Taps = taps,
            Inputs = inputs,
            Outputs = outputs,
            Groups = groups,
            Matrix = new CUdeviceptr((ulong)matrix.Address),
            Bias = new CUdeviceptr((ulong)added.Address),
        };
    }

    internal override void Gemm(Tensor x, int stride, GemmWeights weights, Tensor y, Epilogue epilogue = default)
    {
        CudaGemmWeights w = (CudaGemmWeights)weights;
        int rows = y.Items * y.Rows, tileRows = rows > 32 ? 64 : 32, tileColumns = w.Outputs > 32 ? 64 : 32;
        CudaKernel kernel = _kernels.Get("gemm_f32.cu", "gemm_f32",
            $"BM={tileRows}", $"BN={tileColumns}", $"ACT={(int)epilogue.Activation}", $"RESIDUAL={(epilogue.Residual is null ? 0 : 1)}",
            $"ACCUMULATE={(epilogue.Accumulate ? 1 : 0)}");
        GemmArguments arguments = new()
        {
            X = new View(x),
            Y = new View(y),
            Residual = new View(epilogue.Residual ?? y),
            Matrix = w.Matrix.Value,
            Bias = w.Bias.Value,
            AllRows = rows,
            Stride = stride,
            Inputs = w.Inputs,
            Outputs = w.Outputs,
            Depth = w.Taps * w.Inputs,
        };
        void* pointer = &arguments;
        Launch(kernel, new Dim3(Blocks(w.Outputs, tileColumns), Blocks(rows, tileRows), (uint)w.Groups), 256, 0, &pointer);
    }

    internal override void GroupNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Activation activation)
    {
        CudaKernel kernel = _kernels.Get("norm_f32.cu", "group_norm_f32", $"ACT={(int)activation}");
        NormArguments arguments = Norm(x, scale, shift, epsilon, x);
        void* pointer = &arguments;
        Launch(kernel, new Dim3(Blocks(x.Columns, 32), (uint)x.Items), 256, 0, &pointer);
    }

    internal override void LayerNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Tensor y)
    {
        CudaKernel kernel = _kernels.Get("norm_f32.cu", "layer_norm_f32", "ACT=0");
        NormArguments arguments = Norm(x, scale, shift, epsilon, y);
        int rows = x.Items * x.Rows;
        void** pointers = stackalloc void*[] { &arguments, &rows };
        Launch(kernel, new Dim3(Blocks(rows, 4)), 128, 0, pointers);
    }

    private static NormArguments Norm(Tensor x, Tensor scale, Tensor shift, float epsilon, Tensor y) => new()
    {
        X = new View(x),
        Y = new View(y),
        Scale = (ulong)scale.Address,
        Shift = (ulong)shift.Address,
        Columns = x.Columns,
        Epsilon = epsilon,
    };

    internal override void Attention(Tensor qkv, int heads, Tensor y)
    {
        int size = y.Columns / heads, shared = (2 * qkv.Rows * (size + 1) + 4 * qkv.Rows) * sizeof(float);
        CudaKernel kernel = _kernels.Get("attention_f32.cu", "attention_f32", $"SIZE={size}");
        using (_context.Enter()) kernel.AllowDynamicShared(shared);
        View views = new(qkv), views2 = new(y);
        void** pointers = stackalloc void*[] { &views, &views2, &heads };
        Launch(kernel, new Dim3((uint)heads, (uint)qkv.Items), 128, shared, pointers);
    }

    internal override void AutoCorrelation(Tensor audio, Tensor taper, int hop, float scale, Tensor y)
    {
        CudaKernel kernel = _kernels.Get("signal_f32.cu", "autocorrelation_f32");
        View input = new(audio), output = new(y);
        ulong window = (ulong)taper.Address;
        int length = taper.Columns, lags = y.Columns;
        void** pointers = stackalloc void*[] { &input, &window, &length, &hop, &scale, &output, &lags };
        Launch(kernel, new Dim3((uint)y.Rows, (uint)y.Items), 128, length * sizeof(float), pointers);
    }

    internal override void Scale(Tensor x, float factor, Tensor y, bool accumulate = false)
    {
        View input = new(x), output = new(y);
        int columns = y.Columns, add = accumulate ? 1 : 0;
        void** pointers = stackalloc void*[] { &input, &output, &columns, &factor, &add };
        Launch(_kernels.Get("signal_f32.cu", "scale_f32"), new Dim3(Blocks(columns, 256), (uint)(y.Items * y.Rows)), 256, 0, pointers);
    }

    internal override void Subtract(Tensor a, Tensor b, Tensor y)
    {
        View first = new(a), second = new(b), output = new(y);
        int columns = y.Columns;
        void** pointers = stackalloc void*[] { &first, &second, &output, &columns };
        Launch(_kernels.Get("signal_f32.cu", "subtract_f32"), new Dim3(Blocks(columns, 256), (uint)(y.Items * y.Rows)), 256, 0, pointers);
    }

    private void Launch(CudaKernel kernel, Dim3 grid, uint threads, int shared, void** arguments)
    {
        using CudaContext.Scope scope = _context.Enter();
        kernel.Launch(grid, new Dim3(threads), shared, _stream, arguments);
    }

    private static uint Blocks(int count, int each) => (uint)((count + each - 1) / each);

    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (CudaDeviceVariable<float> memory in _memory) memory.Dispose();
        _memory.Clear();
        _kernels.Dispose();
        _stream.Dispose();
        _context.Dispose();
    }
}
