using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using Xunit;

namespace A2F.Engine.Tests.Backends;

/// <summary>The operators of the diffusion and emotion networks on the CPU against double arithmetic.</summary>
public sealed class SequenceOperatorTests
{
    public static TheoryData<CpuInstructionSet, int> Backends => OperatorCase.Backends();

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_gru_agrees_with_double_arithmetic(CpuInstructionSet set, int threads)
    {
        foreach ((int items, int steps, int channels) in new[] { (1, 1, 1), (2, 5, 3), (3, 30, 24), (1, 30, 256), (17, 4, 40) })
        {
            using CpuOperators ops = new(threads, set);
            float[] gates = Array.ConvertAll(OperatorCase.Random(items * steps * 3 * channels, 1), v => 3 * v);
            float[] weights = Array.ConvertAll(OperatorCase.Random(channels * 3 * channels, 2), v => 1.5f * v / MathF.Sqrt(channels)), bias = OperatorCase.Random(3 * channels, 3);
            float[] initial = OperatorCase.Random(items * channels, 4);
            double[] expected = new double[items * steps * channels], last = new double[items * channels];
            for (int item = 0; item < items; item++)
            {
                double[] h = [.. initial.AsSpan(item * channels, channels).ToArray()];
                for (int t = 0; t < steps; t++)
                {
                    double X(int gate, int c) => gates[(item * steps + t) * 3 * channels + gate * channels + c];
                    double U(int gate, int c) => bias[gate * channels + c]
                        + Enumerable.Range(0, channels).Sum(k => h[k] * weights[k * 3 * channels + gate * channels + c]);
                    double[] next = new double[channels];
                    for (int c = 0; c < channels; c++)
                    {
                        double r = Sigmoid(X(0, c) + U(0, c)), z = Sigmoid(X(1, c) + U(1, c)), n = Math.Tanh(X(2, c) + r * U(2, c));
                        expected[(item * steps + t) * channels + c] = next[c] = (1 - z) * n + z * h[c];
                    }
                    h = next;
                }
                h.CopyTo(last, item * channels);
            }
            Tensor state = OperatorCase.Upload(ops, initial, items, 1, channels), y = ops.Allocate(items, steps, channels);
            ops.Gru(OperatorCase.Upload(ops, gates, items, steps, 3 * channels), ops.PackGru(weights, bias), state, y, state);
            OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), 5e-6, $"[{items}, {steps}, {channels}]");
            OperatorCase.AssertClose(last, OperatorCase.Download(ops, state), 5e-6, $"[{items}, {steps}, {channels}], state");
            ops.VerifyGuards();
        }
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Resampling_agrees_with_double_arithmetic(CpuInstructionSet set, int threads)
    {
        foreach ((int rows, int count, int first, int taken) in new[] { (49, 60, 0, 60), (49, 60, 15, 30), (1, 2, 0, 2), (7, 7, 2, 5), (5, 3, 1, 2) })
        {
            using CpuOperators ops = new(threads, set);
            const int Items = 2, Columns = 19;
            float[] x = OperatorCase.Random(Items * rows * Columns, 1);
            double[] expected = new double[Items * taken * Columns];
            for (int i = 0; i < expected.Length; i++)
            {
                (int item, int row, int column) = (i / Columns / taken, i / Columns % taken, i % Columns);
                double position = (first + row) * (rows - 1.0) / (count - 1), low = Math.Floor(position + 1e-12);
                double At(double r) => x[(item * rows + (int)Math.Min(r, rows - 1)) * Columns + column];
                expected[i] = At(low) * (1 - (position - low)) + At(low + 1) * (position - low);
            }
            Tensor y = ops.Allocate(Items, taken, Columns);
            ops.Resample(OperatorCase.Upload(ops, x, Items, rows, Columns, padding: 1), count, first, y);
            OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), 1e-6, $"{rows} to {count}, rows {first}..");
            ops.VerifyGuards();
        }
    }

    [Fact]
    public void Rows_are_averaged()
    {
        using CpuOperators ops = new();
        Tensor y = ops.Allocate(2, 1, 2);
        ops.MeanRows(OperatorCase.Upload(ops, [1, 2, 3, 4, 5, 9, 10, 20, 30, 40, 50, 90], 2, 3, 2), y);
        Assert.Equal([3f, 5, 30, 50], OperatorCase.Download(ops, y));
        ops.VerifyGuards();
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_product_is_scaled_by_item_before_its_residual(CpuInstructionSet set, int threads)
    {
        const int Items = 3, Rows = 5, Inputs = 7, Outputs = 21;
        using CpuOperators ops = new(threads, set);
        float[] x = OperatorCase.Random(Items * Rows * Inputs, 1), w = OperatorCase.Random(Inputs * Outputs, 2), bias = OperatorCase.Random(Outputs, 3);
        float[] residual = OperatorCase.Random(Rows * Outputs, 4), scales = [2, -3, 0.5f];
        double[] expected = new double[Items * Rows * Outputs];
        for (int i = 0; i < expected.Length; i++)
        {
            (int row, int column) = (i / Outputs, i % Outputs);
            double sum = bias[column] + Enumerable.Range(0, Inputs).Sum(k => (double)x[row * Inputs + k] * w[k * Outputs + column]);
            expected[i] = Math.Max(sum, 0) * scales[row / Rows] + residual[row % Rows * Outputs + column];
        }
        Tensor y = ops.Allocate(Items, Rows, Outputs);
        Tensor shared = OperatorCase.Upload(ops, residual, 1, Rows, Outputs) with { Items = Items, ItemStride = 0 };
        ops.Gemm(
            OperatorCase.Upload(ops, x, Items, Rows, Inputs), 1, ops.Pack(w, bias, 1, Inputs, Outputs), y,
            new Epilogue(Activation.Relu, shared, ItemScale: OperatorCase.UploadFloat32(ops, scales, Items, 1, 1)));
        OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), 1e-6, "scaled product");
        ops.VerifyGuards();
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_product_with_a_norm_can_keep_the_sum(CpuInstructionSet set, int threads)
    {
        const int Items = 2, Rows = 3, Size = 13;
        using CpuOperators ops = new(threads, set);
        float[] x = OperatorCase.Random(Items * Rows * Size, 1), w = OperatorCase.Random(Size * Size, 2), residual = OperatorCase.Random(x.Length, 3);
        NormWeights norm = new(ops.Upload(OperatorCase.Random(Size, 4)), ops.Upload(OperatorCase.Random(Size, 5)), 1e-5f);
        GemmWeights packed = ops.Pack(w, [], 1, Size, Size);
        Tensor input = OperatorCase.Upload(ops, x, Items, Rows, Size), other = OperatorCase.Upload(ops, residual, Items, Rows, Size);
        Tensor sum = ops.Allocate(Items, Rows, Size);
        Tensor plain = ops.Allocate(Items, Rows, Size), plainSum = ops.Allocate(Items, Rows, Size), y = ops.Allocate(Items, Rows, Size);
        ops.Gemm(input, 1, packed, plainSum, new Epilogue(Activation.Gelu, other));
        ops.LayerNorm(plainSum, norm, plain);
        ops.GemmLayerNorm(input, packed, Activation.Gelu, other, norm, y, sum);
        Assert.Equal(OperatorCase.Download(ops, plain), OperatorCase.Download(ops, y));
        Assert.Equal(OperatorCase.Download(ops, plainSum), OperatorCase.Download(ops, sum));
        ops.VerifyGuards();
    }

    [Fact]
    public void Activations_agree_with_double_arithmetic()
    {
        float[] x = [.. Enumerable.Range(0, 4001).Select(i => (i - 2000) * 0.02f), 0, 1e-8f, -1e-8f, 100, -100, 87, -87];
        using CpuOperators ops = new();
        Tensor input = OperatorCase.Upload(ops, x, 1, 1, x.Length), y = ops.Allocate(1, 1, x.Length);
        foreach ((Activation activation, Func<double, double> f) in new (Activation, Func<double, double>)[]
        {
            (Activation.Tanh, Math.Tanh),
            (Activation.Mish, v => v * Math.Tanh(v > 30 ? v : v < -15 ? Math.Exp(v) : Math.Log(1 + Math.Exp(v)))),
            (Activation.Relu, v => Math.Max(v, 0)),
        })
        {
            ops.Scale(input, 1, y, activation: activation);
            float[] actual = OperatorCase.Download(ops, y);
            for (int i = 0; i < x.Length; i++)
            {
                double expected = f(x[i]);
                Assert.True(Math.Abs(actual[i] - expected) <= 5e-7 * Math.Abs(expected) + 1e-30, $"{activation}({x[i]:R}): expected {expected:R}, found {actual[i]:R}");
            }
        }
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
