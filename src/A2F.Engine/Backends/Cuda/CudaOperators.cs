using System.Runtime.InteropServices;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// The operators as kernel launches. Work is queued in order on a <see cref="CudaWorker"/>; <see cref="Read"/> waits for it. What each kernel
/// computes and how it is launched stands at the head of its file in kernels/.
/// </summary>
internal sealed unsafe partial class CudaOperators : OperatorSet
{
    private readonly CudaWorker _worker;
    private readonly ElementType _storage;
    private readonly string _half;
    private readonly Dictionary<nint, int> _exchanges = []; // address, floats
    private Scratch _partials, _moments;

    /// <summary>Memory that holds something only between two launches.</summary>
    private record struct Scratch(ulong Address, long Bytes);

    /// <summary>Operators on a device or a plan, which they own.</summary>
    /// <param name="worker">Takes the work.</param>
    /// <param name="precision">How activations and weights are stored.</param>
    /// <param name="scratch">Bytes of scratch memory to begin with, as <see cref="ScratchBytes"/> of a plan told.</param>
    internal CudaOperators(CudaWorker worker, Precision precision, (long Partials, long Moments) scratch = default)
    {
        _worker = worker;
        Precision = precision;
        _storage = precision == Precision.Float16 ? ElementType.Float16 : ElementType.Float32;
        _half = precision == Precision.Float16 ? "HALF=1" : "HALF=0";
        if (scratch.Partials > 0) Ensure(ref _partials, scratch.Partials);
        if (scratch.Moments > 0) Ensure(ref _moments, scratch.Moments);
    }

    internal Precision Precision { get; }

    /// <summary>What takes the work.</summary>
    internal CudaWorker Worker => _worker;

    /// <summary>Bytes of scratch memory that the operators so far have needed.</summary>
    internal (long Partials, long Moments) ScratchBytes => (_partials.Bytes, _moments.Bytes);

    internal override string Name => $"{_worker.Name} (sm_{_worker.Architecture}, {(Precision == Precision.Float16 ? "fp16" : "fp32")})";

    internal override long Bytes => _worker.Bytes;

    internal override bool FastConvolutionsPay => false;

    internal override Tensor Allocate(int items, int rows, int columns)
    {
        int pitch = Padded(columns, _storage);
        ulong address = _worker.Allocate((long)items * rows * pitch * (int)_storage, zeroed: true);
        return new Tensor((nint)address, items, rows, columns, (long)rows * pitch, pitch, _storage);
    }

    internal override Tensor AllocateFloat32(int items, int rows, int columns)
    {
        int floats = checked(items * rows * columns);
        ulong address = _worker.AllocateExchange(floats);
        _exchanges[(nint)address] = floats;
        return new Tensor((nint)address, items, rows, columns, (long)rows * columns, columns);
    }

    /// <summary>Columns that make a row a multiple of 16 bytes, what one load of a GEMM takes.</summary>
    private static int Padded(int columns, ElementType type)
    {
        int each = 16 / (int)type;
        return (columns + each - 1) / each * each;
    }

    private ulong Ensure(ref Scratch scratch, long bytes)
    {
        if (bytes > scratch.Bytes) scratch = new Scratch(_worker.Allocate(bytes, zeroed: false), bytes);
        return scratch.Address;
    }

    internal override Tensor Upload(ReadOnlySpan<float> values)
    {
        ulong address = _worker.Allocate(values.Length * sizeof(float), zeroed: false);
        _worker.Upload(address, MemoryMarshal.AsBytes(values));
        return new Tensor((nint)address, 1, 1, values.Length, values.Length, values.Length);
    }

    internal override void Write(Tensor target, ReadOnlySpan<float> values)
    {
        CheckHost(target, values.Length);
        if (IsExchange(target))
        {
            _worker.Write((ulong)target.Address, values);
            return;
        }
        for (int row = 0; row < target.Items * target.Rows; row++)
        {
            ReadOnlySpan<float> source = values.Slice(row * target.Columns, target.Columns);
            ulong address = (ulong)(target.Address + RowOffset(target, row));
            if (target.Type == ElementType.Float32) _worker.Upload(address, MemoryMarshal.AsBytes(source));
            else _worker.Upload(address, MemoryMarshal.AsBytes<Half>(Array.ConvertAll(source.ToArray(), v => (Half)v)));
        }
    }

    internal override void Read(Tensor source, Span<float> values)
    {
        CheckHost(source, values.Length);
        if (IsExchange(source))
        {
            _worker.Read((ulong)source.Address, values);
            return;
        }
        byte[] bytes = new byte[source.Columns * (int)source.Type];
        for (int row = 0; row < source.Items * source.Rows; row++)
        {
            _worker.Download((ulong)(source.Address + RowOffset(source, row)), bytes);
            Span<float> target = values.Slice(row * source.Columns, source.Columns);
            if (source.Type == ElementType.Float32) MemoryMarshal.Cast<byte, float>(bytes).CopyTo(target);
            else for (int i = 0; i < target.Length; i++) target[i] = (float)MemoryMarshal.Cast<byte, Half>(bytes)[i];
        }
    }

    /// <summary>Whether a tensor is the start of a whole exchange buffer, without gaps.</summary>
    private bool IsExchange(Tensor t) =>
        t.RowStride == t.Columns && t.ItemStride == (long)t.Rows * t.Columns && _exchanges.TryGetValue(t.Address, out int floats)
        && t.Items * t.Rows * t.Columns <= floats;

    private static nint RowOffset(Tensor t, int row) =>
        (nint)((row / t.Rows * t.ItemStride + (long)(row % t.Rows) * t.RowStride) * t.ElementBytes);

    internal override void Replay(int key, Action body) => _worker.Replay(key, body);

    internal override void BeginBranch() => _worker.BeginBranch();

    internal override void EndBranch() => _worker.EndBranch();

    internal override void JoinBranch() => _worker.JoinBranch();

    internal override void ConvGroupNorm(
        Tensor audio, int stride, GemmWeights weights, NormWeights norm, Activation activation, Tensor y)
    {
        const int Steps = 64, Channels = 128, MostTaps = 32;
        CudaGemmWeights w = (CudaGemmWeights)weights;
        CheckGemm(audio, stride, w, y, 0);
        if (w.Inputs != 1 || w.Groups != 1 || w.Taps is < 2 or > MostTaps || w.Type != ElementType.Float32)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"the first convolution: expected 1 input channel and 2 to {MostTaps} taps, found {w.Inputs} and {w.Taps}");
        }
        string macros = $"{_half} TAPS={w.Taps}";
        int moments = w.Taps * (w.Taps + 1), rows = y.Rows;
        ulong scratch = Ensure(ref _moments, (long)y.Items * moments * sizeof(double));
        View input = new(audio);
        void** pointers = stackalloc void*[] { &input, &rows, &stride, &scratch };
        _worker.Launch(
            new KernelLaunch(new KernelSpec("conv_norm.cu", "audio_moments", macros), new Dim3((uint)w.Taps, (uint)y.Items), 128, 0,
                2L * y.Items * rows * w.Taps * w.Taps, BytesOf(audio)),
            pointers);

        ConvNormArguments arguments = new()
        {
            Audio = input,
            Y = new View(y),
            Moments = scratch,
            Weights = w.Matrix,
            Scale = (ulong)norm.Scale.Address,
            Shift = (ulong)norm.Shift.Address,
            Epsilon = norm.Epsilon,
            Stride = stride,
            Channels = w.Outputs,
            Pitch = w.Pitch,
            Activation = (int)activation,
        };
        void* pointer = &arguments;
        _worker.Launch(
            new KernelLaunch(new KernelSpec("conv_norm.cu", "conv_norm", macros),
                new Dim3(Blocks(rows, Steps), Blocks(w.Outputs, Channels), (uint)y.Items), Channels,
                ((Steps - 1) * stride + w.Taps) * sizeof(float), 2L * y.Items * rows * w.Taps * w.Outputs, BytesOf(audio) + BytesOf(y)),
            &pointer);
    }

    internal override void LayerNorm(Tensor x, NormWeights norm, Tensor y, Activation activation = Activation.None)
    {
        CheckStorage(x, y);
        LayerNormArguments arguments = new()
        {
            X = new View(x),
            Y = new View(y),
            Scale = (ulong)norm.Scale.Address,
            Shift = (ulong)norm.Shift.Address,
            Epsilon = norm.Epsilon,
            Columns = x.Columns,
            AllRows = x.Items * x.Rows,
            Activation = (int)activation,
        };
        void* pointer = &arguments;
        _worker.Launch(
            new KernelLaunch(Rows("layer_norm"), new Dim3(Blocks(arguments.AllRows, 4)), 128, 0, 0, BytesOf(x) + BytesOf(y)), &pointer);
    }

    internal override void Attention(Tensor qkv, int heads, Tensor y)
    {
        CheckStorage(qkv, y);
        const int Tile = 32;
        // As in attention.cu: keys, values, queries, weights.
        int size = y.Columns / heads, depth = (size + 3) / 4 * 4;
        int floats = Tile * ((depth / 4 % 2 != 0 ? depth : depth + 4) + (size + 31) / 32 * 32 + depth + Tile);
        View input = new(qkv), output = new(y);
        void** pointers = stackalloc void*[] { &input, &output, &heads };
        _worker.Launch(
            new KernelLaunch(new KernelSpec("attention.cu", "attention", $"{_half} SIZE={size}"), new Dim3((uint)heads, (uint)qkv.Items, Blocks(qkv.Rows, Tile)), 128,
                floats * sizeof(float), 4L * qkv.Items * qkv.Rows * qkv.Rows * y.Columns, BytesOf(qkv) + BytesOf(y)),
            pointers);
    }

    internal override void AutoCorrelation(Tensor audio, Tensor taper, int hop, float scale, Tensor y)
    {
        View input = new(audio), output = new(y);
        ulong window = (ulong)taper.Address;
        int length = taper.Columns, lags = y.Columns;
        void** pointers = stackalloc void*[] { &input, &window, &length, &hop, &scale, &output, &lags };
        _worker.Launch(
            new KernelLaunch(Rows("autocorrelation"), new Dim3((uint)y.Rows, (uint)y.Items), 128, length * sizeof(float),
                2L * y.Items * y.Rows * lags * (length - lags / 2), BytesOf(audio) + BytesOf(y)),
            pointers);
    }

    internal override void Scale(Tensor x, float factor, Tensor y, bool accumulate = false, Activation activation = Activation.None)
    {
        CheckStorage(x, y);
        View input = new(x), output = new(y);
        int columns = y.Columns, add = accumulate ? 1 : 0, kind = (int)activation;
        void** pointers = stackalloc void*[] { &input, &output, &columns, &factor, &add, &kind };
        _worker.Launch(Elementwise("scale", y, BytesOf(x) + BytesOf(y)), pointers);
    }

    internal override void Subtract(Tensor a, Tensor b, Tensor y)
    {
        CheckStorage(a, y);
        View first = new(a), second = new(b), output = new(y);
        int columns = y.Columns;
        void** pointers = stackalloc void*[] { &first, &second, &output, &columns };
        _worker.Launch(Elementwise("subtract", y, 3 * BytesOf(y)), pointers);
    }

    internal override void Resample(Tensor x, int count, int first, Tensor y)
    {
        CheckResample(x, count, first, y);
        CheckStorage(x, y);
        View input = new(x), output = new(y);
        int columns = y.Columns;
        void** pointers = stackalloc void*[] { &input, &output, &columns, &count, &first };
        _worker.Launch(Elementwise("resample", y, BytesOf(x) + BytesOf(y)), pointers);
    }

    internal override void MeanRows(Tensor x, Tensor y)
    {
        CheckStorage(x, y);
        View input = new(x), output = new(y);
        int columns = y.Columns;
        void** pointers = stackalloc void*[] { &input, &output, &columns };
        _worker.Launch(
            new KernelLaunch(Rows("mean_rows"), new Dim3(Blocks(columns, 64), (uint)x.Items), 64, 0, 0, BytesOf(x) + BytesOf(y)), pointers);
    }

    internal override void Normal(Tensor seeds, NoiseRange range, Tensor y)
    {
        CheckStorage(y, y);
        View input = new(seeds), output = new(y);
        int columns = y.Columns;
        long channels = range.Channels, first = range.First(0);
        void** pointers = stackalloc void*[] { &input, &output, &columns, &first, &channels };
        _worker.Launch(
            new KernelLaunch(new KernelSpec("noise.cu", "normal", _half),
                new Dim3(Blocks((columns + 3) / 4 + 1, 128), (uint)(y.Items * y.Rows)), 128, 0, 0, BytesOf(y)),
            pointers);
    }

    private KernelLaunch Elementwise(string function, Tensor y, long bytes) =>
        new(Rows(function), new Dim3(Blocks(y.Columns, 256), (uint)(y.Items * y.Rows)), 256, 0, 0, bytes);

    private KernelSpec Rows(string function) => new("rows.cu", function, _half);

    private void CheckStorage(Tensor x, Tensor y)
    {
        if (x.Type != _storage || y.Type != _storage)
            throw new A2FException(A2FErrorCode.Internal, $"operands of {x.Type} and {y.Type} where {_storage} is stored");
    }

    private static long BytesOf(Tensor t) => (long)t.Items * t.Rows * t.Columns * t.ElementBytes;

    private static uint Blocks(int count, int each) => (uint)((count + each - 1) / each);

    public override void Dispose() => _worker.Dispose();
}
