using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using Xunit;

namespace A2F.Engine.Tests.Backends;

public sealed class GemmTests
{
    /// <summary>items, rows out, taps, stride, inputs, outputs, groups: edges of tiles, panels, blocks of k, and the shapes of the networks.</summary>
    private static readonly (int Items, int Rows, int Taps, int Stride, int Inputs, int Outputs, int Groups)[] Shapes =
    [
        (1, 1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 280, 291, 1), (7, 1, 1, 1, 33, 17, 1), (1, 14, 1, 1, 16, 32, 1), (1, 15, 1, 1, 16, 33, 1),
        (2, 25, 1, 1, 24, 48, 1), (3, 13, 3, 2, 20, 31, 1), (1, 207, 3, 2, 48, 64, 1), (1, 113, 10, 5, 1, 40, 1), (5, 16, 3, 2, 1, 6, 1),
        (1, 25, 49, 1, 6, 6, 4), (2, 9, 17, 1, 8, 8, 3), (1, 3, 1, 1, 1030, 20, 1), (2, 29, 3, 1, 200, 18, 1), (1, 120, 2, 2, 16, 100, 1),
    ];

    public static TheoryData<CpuInstructionSet, int> Backends => OperatorCase.Backends();

    [Theory]
    [MemberData(nameof(Backends))]
    public void Products_agree_with_double_arithmetic(CpuInstructionSet set, int threads)
    {
        foreach ((int items, int rows, int taps, int stride, int inputs, int outputs, int groups) in Shapes)
        {
            foreach (Activation activation in Enum.GetValues<Activation>())
            {
                using CpuOperators ops = new(threads, set);
                int rowsIn = (rows - 1) * stride + taps;
                float[] x = OperatorCase.Random(items * rowsIn * inputs * groups, 1), w = OperatorCase.Random(taps * inputs * outputs * groups, 2);
                float[] bias = OperatorCase.Random(outputs * groups, 3), residual = OperatorCase.Random(items * rows * outputs * groups, 4);
                Tensor y = OperatorCase.Upload(ops, new float[residual.Length], items, rows, outputs * groups, padding: items > 1 ? 1 : 0);
                ops.Gemm(OperatorCase.Upload(ops, x, items, rowsIn, inputs * groups), stride, ops.Pack(w, bias, taps, inputs, outputs, groups), y,
                    new Epilogue(activation, OperatorCase.Upload(ops, residual, items, rows, outputs * groups)));

                double[] expected = Reference(items, rows, taps, stride, inputs, outputs, groups, activation, x, w, bias, residual);
                string shape = $"{items}x{rows}, {groups}x[{taps}, {inputs}, {outputs}], stride {stride}, {activation}";
                double tolerance = activation == Activation.Tanh ? 1e-5 : 2e-6; // tanh is far below the sums whose rounding it passes on
                OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), tolerance, shape);
                ops.VerifyGuards();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void An_item_is_bit_identical_alone_and_in_a_batch(CpuInstructionSet set, int threads)
    {
        const int Items = 5, Rows = 9, Taps = 3, Inputs = 300, Outputs = 45;
        using CpuOperators ops = new(threads, set);
        float[] x = OperatorCase.Random(Items * (Rows + 2) * Inputs, 1);
        GemmWeights w = ops.Pack(OperatorCase.Random(Taps * Inputs * Outputs, 2), OperatorCase.Random(Outputs, 3), Taps, Inputs, Outputs);
        Tensor together = ops.Allocate(Items, Rows, Outputs);
        ops.Gemm(OperatorCase.Upload(ops, x, Items, Rows + 2, Inputs), 1, w, together, new Epilogue(Activation.Gelu));
        float[] expected = OperatorCase.Download(ops, together);
        using CpuOperators single = new(1, set);
        GemmWeights w1 = single.Pack(OperatorCase.Random(Taps * Inputs * Outputs, 2), OperatorCase.Random(Outputs, 3), Taps, Inputs, Outputs);
        for (int i = 0; i < Items; i++)
        {
            Tensor alone = single.Allocate(1, Rows, Outputs);
            float[] own = x.AsSpan(i * (Rows + 2) * Inputs, (Rows + 2) * Inputs).ToArray();
            single.Gemm(OperatorCase.Upload(single, own, 1, Rows + 2, Inputs), 1, w1, alone, new Epilogue(Activation.Gelu));
            Assert.True(OperatorCase.Download(single, alone).AsSpan().SequenceEqual(expected.AsSpan(i * Rows * Outputs, Rows * Outputs)), $"item {i}");
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused_with_all_sizes()
    {
        using CpuOperators ops = new();
        GemmWeights w = ops.Pack(new float[3 * 4 * 5], [], 3, 4, 5);
        A2FException e = Assert.Throws<A2FException>(() => ops.Gemm(ops.Allocate(1, 6, 4), 2, w, ops.Allocate(1, 3, 5)));
        Assert.Contains("[1, 6, 4]", e.Message, StringComparison.Ordinal);
        Assert.Contains("[1, 3, 5]", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_write_outside_a_buffer_is_noticed()
    {
        using CpuOperators ops = new();
        Tensor small = ops.Allocate(1, 1, 16);
        ops.Scale(ops.Allocate(1, 1, 32), 1, small with { Columns = 32 });
        Assert.Equal(A2FErrorCode.Internal, Assert.Throws<A2FException>(ops.VerifyGuards).Code);
    }

    private static double[] Reference(
        int items, int rows, int taps, int stride, int inputs, int outputs, int groups, Activation activation,
        float[] x, float[] w, float[] bias, float[] residual)
    {
        int rowsIn = (rows - 1) * stride + taps, width = inputs * groups, columns = outputs * groups;
        double[] y = new double[items * rows * columns];
        for (int i = 0; i < y.Length; i++)
        {
            int column = i % columns, t = i / columns % rows, item = i / columns / rows, group = column / outputs;
            double sum = bias[column];
            for (int k = 0; k < taps * inputs; k++)
                sum += (double)x[(item * rowsIn + t * stride + k / inputs) * width + group * inputs + k % inputs] * w[k * columns + column];
            y[i] = residual[i] + activation switch
            {
                Activation.Relu => Math.Max(sum, 0),
                Activation.Gelu => ReferenceMath.Gelu(sum),
                Activation.Mish => sum * Math.Tanh(Math.Log(1 + Math.Exp(sum))),
                Activation.Tanh => Math.Tanh(sum),
                _ => sum,
            };
        }
        return y;
    }
}
