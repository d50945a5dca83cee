using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>A kernel that a model launches.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="DynamicSharedBytes">Dynamic shared memory of a block, the most of all launches.</param>
internal readonly record struct KernelUse(KernelSpec Kernel, int Threads, int DynamicSharedBytes);

/// <summary>
/// The kernels that a model needs, found without a device: its network runs on operators that only note what they would launch.
/// </summary>
internal static class ModelKernels
{
    private const string Fp32 = "fp32";

    /// <summary>Precisions that there are kernels for.</summary>
    internal static IReadOnlyList<string> Precisions { get; } = [Fp32];

    /// <summary>Kernels by name, each once.</summary>
    /// <param name="modelPath">Model folder.</param>
    /// <param name="architecture">Compute capability of the device; float32 kernels are the same on all.</param>
    /// <param name="precision">One of <see cref="Precisions"/>.</param>
    /// <param name="maxBatch">Most windows that run together, 1 to 1024; kernels of all smaller batches are included.</param>
    /// <exception cref="A2FException">The model has no network, a file is wrong, or an argument is out of range.</exception>
    internal static IReadOnlyList<KernelUse> Of(string modelPath, int architecture, string precision, int maxBatch)
    {
        if (!Precisions.Contains(precision))
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"precision: there are kernels for {string.Join(", ", Precisions)} on sm_{architecture}, found '{precision}'");
        }
        if (maxBatch is < 1 or > 1024) throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected 1 to 1024, found {maxBatch}");
        using RegressionModelFolder folder = RegressionModelFolder.Load(modelPath);
        if (folder.Network is null)
            throw new A2FException(A2FErrorCode.InvalidModel, $"{folder.Path} holds no network, so no kernels belong to it");
        using NotingOperators ops = new();
        RegressionNetwork network = new(folder.Network, folder.Weights!, ops, maxBatch);
        for (int batch = 1; batch <= maxBatch; batch++) network.Run([], [], [], batch);
        return
        [
            .. ops.Uses.OrderBy(use => use.Kernel.File, StringComparer.Ordinal)
                .ThenBy(use => use.Kernel.Function, StringComparer.Ordinal)
                .ThenBy(use => use.Kernel.Macros, StringComparer.Ordinal),
        ];
    }

    /// <summary>Operators that compute nothing. What they note is what CudaOperators launches for the same calls.</summary>
    private sealed class NotingOperators : OperatorSet
    {
        private readonly Dictionary<KernelSpec, KernelUse> _uses = [];

        private sealed class Weights : GemmWeights;

        internal IEnumerable<KernelUse> Uses => _uses.Values;

        internal override string Name => "notes";

        internal override long Bytes => 0;

        internal override Tensor Allocate(int items, int rows, int columns) => new(0, items, rows, columns, (long)rows * columns, columns);

        internal override Tensor Upload(ReadOnlySpan<float> values) => Allocate(1, 1, values.Length);

        internal override void Write(Tensor target, ReadOnlySpan<float> values)
        {
        }

        internal override void Read(Tensor source, Span<float> values)
        {
        }

        internal override GemmWeights Pack(
            ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int taps, int inputs, int outputs, int groups = 1) =>
            new Weights { Taps = taps, Inputs = inputs, Outputs = outputs, Groups = groups };

        internal override void Gemm(Tensor x, int stride, GemmWeights weights, Tensor y, Epilogue epilogue = default)
        {
            int tileRows = y.Items * y.Rows > 32 ? 64 : 32, tileColumns = weights.Outputs > 32 ? 64 : 32;
            Note("gemm_f32.cu", "gemm_f32",
                $"BM={tileRows} BN={tileColumns} ACT={(int)epilogue.Activation} RESIDUAL={(epilogue.Residual is null ? 0 : 1)} " +
                $"ACCUMULATE={(epilogue.Accumulate ? 1 : 0)}", 256);
        }

        internal override void GroupNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Activation activation) =>
            Note("norm_f32.cu", "group_norm_f32", $"ACT={(int)activation}", 256);

        internal override void LayerNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Tensor y) =>
            Note("norm_f32.cu", "layer_norm_f32", "ACT=0", 128);

        internal override void Attention(Tensor qkv, int heads, Tensor y)
        {
            int size = y.Columns / heads;
            Note("attention_f32.cu", "attention_f32", $"SIZE={size}", 128, (2 * qkv.Rows * (size + 1) + 4 * qkv.Rows) * sizeof(float));
        }

        internal override void AutoCorrelation(Tensor audio, Tensor taper, int hop, float scale, Tensor y) =>
            Note("signal_f32.cu", "autocorrelation_f32", "", 128, taper.Columns * sizeof(float));

        internal override void Scale(Tensor x, float factor, Tensor y, bool accumulate = false) =>
            Note("signal_f32.cu", "scale_f32", "", 256);

        internal override void Subtract(Tensor a, Tensor b, Tensor y) => Note("signal_f32.cu", "subtract_f32", "", 256);

        private void Note(string file, string function, string macros, int threads, int dynamicShared = 0)
        {
            KernelSpec kernel = new(file, function, macros);
            if (_uses.TryGetValue(kernel, out KernelUse use)) dynamicShared = Math.Max(dynamicShared, use.DynamicSharedBytes);
            _uses[kernel] = new KernelUse(kernel, threads, dynamicShared);
        }

        public override void Dispose()
        {
        }
    }
}
