using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Tests.Networks;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>An operator on some shape: it runs on any backend, and the backends agree. Values are exact in half precision.</summary>
/// <param name="Name">Operator and shape.</param>
/// <param name="Run">Runs it.</param>
internal sealed record CudaCase(string Name, Func<OperatorSet, Tensor> Run);

/// <summary>Every kernel has a case here; a test holds this list against kernels/.</summary>
internal static class CudaCases
{
    public static IReadOnlyList<CudaCase> All { get; } =
        [.. Gemms(), .. Views(), .. GemmsWithNorm(), .. Convolutions(), .. RowOperators(), .. Signals(), .. CudaSequenceCases.All];

    /// <summary>A number of multiprocessors that makes the engine choose its largest tiles, and one that makes it choose its smallest.</summary>
    public const int FewMultiprocessors = 1, ManyMultiprocessors = 1 << 20;

    /// <summary>The kernels of all cases and of the full-size networks, in every tile size, and those of the animation stage.</summary>
    public static IReadOnlyCollection<KernelLaunch> Kernels(int architecture, Precision precision)
    {
        CudaPlan plan = new(architecture, 1);
        using CudaOperators ops = new(plan, precision);
        List<INetwork> networks =
        [
            new RegressionNetwork(FullSizeRegression.Config, FullSizeRegression.Weights(), ops, 64), .. FullSizeNetworks.Build(ops, 16),
        ];
        Dictionary<KernelSpec, KernelLaunch> kernels = [];
        (int, CublasUse)[] settings =
        [
            (FewMultiprocessors, CublasUse.Off), (100, CublasUse.Off), (ManyMultiprocessors, CublasUse.Off), (100, CublasUse.On),
        ];
        foreach ((int multiprocessors, CublasUse cublas) in settings)
        {
            plan.Assume(multiprocessors);
            ops.Cublas = cublas;
            foreach (CudaCase one in All) one.Run(ops);
            foreach (INetwork network in networks)
            {
                network.Rehearse(1);
                network.Rehearse(network.MaxBatch);
            }
            foreach (KernelLaunch launch in plan.Launches)
            {
                if (!kernels.TryGetValue(launch.Kernel, out KernelLaunch known) || known.SharedBytes < launch.SharedBytes)
                    kernels[launch.Kernel] = launch;
            }
            plan.Forget();
        }
        foreach (KernelLaunch launch in FaceFixture.Launches(architecture)) kernels[launch.Kernel] = launch;
        return kernels.Values;
    }

    private sealed record Shape(int Items, int Rows, int Taps, int Stride, int Inputs, int Outputs, int Groups = 1)
    {
        public int RowsIn => (Rows - 1) * Stride + Taps;

        public override string ToString() => $"{Items} x {Rows} rows, stride {Stride}, {Groups} x [{Taps}, {Inputs}, {Outputs}]";
    }

    private static IEnumerable<CudaCase> Gemms()
    {
        Shape[] shapes =
        [
            new(1, 1, 1, 1, 1, 1), new(3, 1, 1, 1, 33, 17), new(2, 25, 1, 1, 24, 48), new(3, 13, 3, 2, 20, 31), new(1, 70, 3, 2, 24, 70),
            new(1, 25, 9, 1, 6, 6, 4), new(2, 40, 5, 1, 16, 24, 3), new(2, 97, 1, 1, 200, 150), new(3, 90, 3, 1, 5, 100, 2),
            new(2, 60, 3, 1, 5, 40, 2),
        ];
        foreach (Shape s in shapes)
        {
            foreach (Activation activation in Enum.GetValues<Activation>())
                yield return new CudaCase($"gemm {s}, {activation}, residual", ops => Gemm(ops, s, activation, residual: true));
        }
        yield return new CudaCase("gemm that adds to what is there", ops => Gemm(ops, shapes[3], Activation.Relu, residual: false, accumulate: true));
        yield return new CudaCase("gemm of float32 input", ops => Gemm(ops, new Shape(2, 60, 10, 5, 1, 100), Activation.Gelu, residual: false, float32: true));
    }

    private static Tensor Gemm(OperatorSet ops, Shape s, Activation activation, bool residual, bool accumulate = false, bool float32 = false)
    {
        float[] x = Halves(s.Items * s.RowsIn * s.Inputs * s.Groups, 1), old = Halves(s.Items * s.Rows * s.Outputs * s.Groups, 4);
        GemmWeights packed = ops.Pack(
            Halves(s.Taps * s.Inputs * s.Outputs * s.Groups, 2), Halves(s.Outputs * s.Groups, 3), s.Taps, s.Inputs, s.Outputs, s.Groups, float32);
        Tensor input = float32
            ? OperatorCase.UploadFloat32(ops, x, s.Items, s.RowsIn, s.Inputs * s.Groups)
            : OperatorCase.Upload(ops, x, s.Items, s.RowsIn, s.Inputs * s.Groups);
        Tensor y = OperatorCase.Upload(ops, old, s.Items, s.Rows, s.Outputs * s.Groups, padding: 1);
        Tensor? other = residual ? OperatorCase.Upload(ops, old, s.Items, s.Rows, s.Outputs * s.Groups) : null;
        ops.Gemm(input, s.Stride, packed, y, new Epilogue(activation, other, accumulate));
        return y;
    }

    private static IEnumerable<CudaCase> Views()
    {
        yield return new CudaCase("gemm into columns at an odd place", ops =>
        {
            Tensor all = ops.Allocate(2, 9, 40);
            ops.Gemm(OperatorCase.Upload(ops, Halves(2 * 9 * 16, 1), 2, 9, 16), 1, ops.Pack(Halves(16 * 21, 2), Halves(21, 3), 1, 16, 21),
                all.ColumnRange(5, 21));
            return all;
        });
        yield return new CudaCase("gemm of columns at an odd place", ops =>
        {
            Tensor x = OperatorCase.Upload(ops, Halves(2 * 9 * 24, 1), 2, 9, 24), y = ops.Allocate(2, 9, 10);
            ops.Gemm(x.ColumnRange(3, 12), 1, ops.Pack(Halves(6 * 10, 2), [], 1, 6, 5, groups: 2), y);
            return y;
        });
        yield return new CudaCase("gemm whose rows hold all their taps", ops =>
        {
            // [items * frames, lags, channels] as rows of frames: the taps of a row lie a lag apart.
            const int Items = 2, Frames = 7, Lags = 4, Channels = 11, Outputs = 9;
            Tensor x = OperatorCase.Upload(ops, Halves(Items * Frames * Lags * Channels, 1), Items * Frames, Lags, Channels);
            Tensor frames = x with { Items = Items, Rows = Frames, RowStride = (int)x.ItemStride, ItemStride = Frames * x.ItemStride };
            Tensor y = ops.Allocate(Items, Frames, Outputs);
            ops.Gemm(frames, 1, ops.Pack(Halves(Lags * Channels * Outputs, 2), Halves(Outputs, 3), Lags, Channels, Outputs), y,
                new Epilogue(Activation.Relu), tapStride: x.RowStride);
            return y;
        });
        yield return new CudaCase("gemm into float32", ops =>
        {
            Tensor y = ops.AllocateFloat32(3, 1, 37);
            ops.Gemm(OperatorCase.Upload(ops, Halves(3 * 50, 1), 3, 1, 50), 1, ops.Pack(Halves(50 * 37, 2), Halves(37, 3), 1, 50, 37), y);
            return y;
        });
    }

    private static IEnumerable<CudaCase> GemmsWithNorm()
    {
        foreach (Shape s in (Shape[])[new(1, 1, 1, 1, 8, 5), new(2, 25, 1, 1, 1600, 96), new(2, 25, 20, 1, 12, 10, 8), new(1, 40, 1, 1, 3100, 33)])
        {
            yield return new CudaCase($"gemm and layer norm, {s}", ops =>
            {
                int columns = s.Outputs * s.Groups;
                Tensor x = OperatorCase.Upload(ops, Halves(s.Items * s.RowsIn * s.Inputs * s.Groups, 1), s.Items, s.RowsIn, s.Inputs * s.Groups);
                Tensor residual = OperatorCase.Upload(ops, Halves(s.Items * s.Rows * columns, 4), s.Items, s.Rows, columns);
                Tensor y = ops.Allocate(s.Items, s.Rows + 2, columns).RowRange(1, s.Rows);
                GemmWeights packed = ops.Pack(
                    Halves(s.Taps * s.Inputs * columns, 2), Halves(columns, 3), s.Taps, s.Inputs, s.Outputs, s.Groups);
                ops.GemmLayerNorm(x, packed, Activation.Gelu, residual, Norm(ops, columns), y);
                return y;
            });
        }
    }

    private static IEnumerable<CudaCase> Convolutions()
    {
        foreach ((int items, int rows, int taps, int stride, int channels, float offset) in new[]
        {
            (1, 2, 2, 1, 1, 0f), (2, 150, 10, 5, 40, 0f), (1, 64, 10, 5, 130, 3f), (2, 65, 7, 3, 128, 0f),
        })
        {
            yield return new CudaCase($"convolution and group norm, {items} x {rows} rows, {taps} taps, {channels} channels, offset {offset}", ops =>
            {
                int samples = (rows - 1) * stride + taps;
                float[] audio = Array.ConvertAll(Halves(items * samples, 1), v => v + offset);
                Tensor x = OperatorCase.UploadFloat32(ops, audio, items, samples, 1), y = ops.Allocate(items, rows, channels);
                ops.ConvGroupNorm(
                    x, stride, ops.Pack(Halves(taps * channels, 2), [], taps, 1, channels, float32Input: true), Norm(ops, channels),
                    Activation.Gelu, y);
                return y;
            });
        }
    }

    private static IEnumerable<CudaCase> RowOperators()
    {
        foreach ((int items, int rows, int columns) in new[] { (1, 1, 1), (2, 7, 5), (1, 33, 67) })
        {
            yield return new CudaCase($"layer norm [{items}, {rows}, {columns}]", ops =>
            {
                Tensor y = ops.Allocate(items, rows, columns);
                ops.LayerNorm(OperatorCase.Upload(ops, Halves(items * rows * columns, 1), items, rows, columns, padding: 2), Norm(ops, columns), y);
                return y;
            });
        }
        foreach ((int items, int steps, int heads, int size) in new[] { (1, 1, 1, 1), (2, 5, 3, 7), (1, 40, 2, 8), (1, 100, 1, 64) })
        {
            yield return new CudaCase($"attention [{items}, {steps}] {heads} x {size}", ops =>
            {
                Tensor y = ops.Allocate(items, steps, heads * size);
                ops.Attention(OperatorCase.Upload(ops, Halves(items * steps * 3 * heads * size, 1), items, steps, 3 * heads * size), heads, y);
                return y;
            });
        }
        yield return new CudaCase("scale and subtract", ops =>
        {
            Tensor x = OperatorCase.Upload(ops, Halves(2 * 3 * 300, 3), 2, 3, 300), y = ops.Allocate(2, 3, 300);
            ops.Subtract(x, x.RowRange(1, 1) with { RowStride = 0, Rows = 3 }, y);
            ops.Scale(x.RowRange(0, 1), 0.5f, y, accumulate: true);
            return y;
        });
        yield return new CudaCase("a linear layer written to every row of ten tensors", ops =>
        {
            const int Items = 3, Inputs = 26, Outputs = 70;
            Tensor x = OperatorCase.UploadFloat32(ops, Halves(Items * Inputs, 1), Items, 1, Inputs);
            Tensor all = ops.Allocate(Items, 30, Outputs + 3);
            Tensor[] targets = [.. Enumerable.Range(0, 10).Select(i => all.RowRange(3 * i, 1 + i % 3).ColumnRange(2, Outputs))];
            ops.BroadcastLinear(x, ops.Pack(Halves(Inputs * Outputs, 2), Halves(Outputs, 3), 1, Inputs, Outputs, float32Input: true), targets);
            return all;
        });
    }

    private static IEnumerable<CudaCase> Signals()
    {
        yield return new CudaCase("autocorrelation", ops =>
        {
            Tensor y = ops.AllocateFloat32(2, 8, 13);
            ops.AutoCorrelation(
                OperatorCase.UploadFloat32(ops, Halves(2 * 330, 1), 2, 1, 330), ops.Upload(Halves(50, 2)), 40, 0.25f, y);
            return y;
        });
    }

    private static NormWeights Norm(OperatorSet ops, int columns) => new(ops.Upload(Halves(columns, 7)), ops.Upload(Halves(columns, 8)), 1e-5f);

    /// <summary>Uniform in [-1, 1), rounded to half precision, so that no precision has to round them.</summary>
    public static float[] Halves(int count, int seed) => Array.ConvertAll(OperatorCase.Random(count, seed), v => (float)(Half)v);
}
