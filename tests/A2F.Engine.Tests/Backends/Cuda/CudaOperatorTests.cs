using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Each operator on the emulated GPU against the same operator on the CPU, with every check of the emulator on.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaOperatorTests
{
    [NvrtcFact]
    public void Gemm_agrees_with_the_cpu()
    {
        foreach ((int items, int rows, int taps, int stride, int inputs, int outputs, int groups) in new[]
        {
            (1, 1, 1, 1, 1, 1, 1), (3, 1, 1, 1, 33, 17, 1), (2, 25, 1, 1, 24, 48, 1), (3, 13, 3, 2, 20, 31, 1), (1, 70, 3, 2, 24, 70, 1),
            (1, 60, 10, 5, 1, 40, 1), (1, 25, 9, 1, 6, 6, 4),
        })
        {
            foreach (Activation activation in Enum.GetValues<Activation>())
            {
                int rowsIn = (rows - 1) * stride + taps;
                float[] x = OperatorCase.Random(items * rowsIn * inputs * groups, 1), w = OperatorCase.Random(taps * inputs * outputs * groups, 2);
                float[] bias = OperatorCase.Random(outputs * groups, 3), old = OperatorCase.Random(items * rows * outputs * groups, 4);
                Compare($"{items}x{rows}, {groups}x[{taps}, {inputs}, {outputs}], {activation}", ops =>
                {
                    Tensor y = OperatorCase.Upload(ops, old, items, rows, outputs * groups, padding: 1);
                    Tensor residual = OperatorCase.Upload(ops, old, items, rows, outputs * groups);
                    GemmWeights packed = ops.Pack(w, bias, taps, inputs, outputs, groups);
                    Tensor input = OperatorCase.Upload(ops, x, items, rowsIn, inputs * groups);
                    ops.Gemm(input, stride, packed, y, new Epilogue(activation, residual));
                    ops.Gemm(input, stride, packed, y, new Epilogue(activation, Accumulate: true));
                    return y;
                });
            }
        }
    }

    [NvrtcFact]
    public void Norms_agree_with_the_cpu()
    {
        foreach ((int items, int rows, int columns) in new[] { (1, 1, 1), (2, 7, 5), (1, 33, 67) })
        {
            float[] x = OperatorCase.Random(items * rows * columns, 1), scale = OperatorCase.Random(columns, 2), shift = OperatorCase.Random(columns, 3);
            Compare($"group norm [{items}, {rows}, {columns}]", ops =>
            {
                Tensor y = OperatorCase.Upload(ops, x, items, rows, columns);
                ops.GroupNorm(y, ops.Upload(scale), ops.Upload(shift), 1e-5f, Activation.Gelu);
                return y;
            });
            Compare($"layer norm [{items}, {rows}, {columns}]", ops =>
            {
                Tensor y = ops.Allocate(items, rows, columns);
                ops.LayerNorm(OperatorCase.Upload(ops, x, items, rows, columns, padding: 2), ops.Upload(scale), ops.Upload(shift), 1e-5f, y);
                return y;
            });
        }
    }

    [NvrtcFact]
    public void Attention_agrees_with_the_cpu()
    {
        foreach ((int items, int steps, int heads, int size) in new[] { (1, 1, 1, 1), (2, 5, 3, 7), (1, 40, 2, 8) })
        {
            float[] qkv = OperatorCase.Random(items * steps * 3 * heads * size, 1);
            Compare($"attention [{items}, {steps}] {heads} x {size}", ops =>
            {
                Tensor y = ops.Allocate(items, steps, heads * size);
                ops.Attention(OperatorCase.Upload(ops, qkv, items, steps, 3 * heads * size), heads, y);
                return y;
            });
        }
    }

    [NvrtcFact]
    public void Signal_operators_agree_with_the_cpu()
    {
        float[] audio = OperatorCase.Random(2 * 330, 1), taper = OperatorCase.Random(50, 2), a = OperatorCase.Random(2 * 3 * 300, 3);
        Compare("autocorrelation", ops =>
        {
            Tensor y = ops.Allocate(2, 8, 13);
            ops.AutoCorrelation(OperatorCase.Upload(ops, audio, 2, 1, 330), ops.Upload(taper), 40, 0.25f, y);
            return y;
        });
        Compare("scale and subtract", ops =>
        {
            Tensor x = OperatorCase.Upload(ops, a, 2, 3, 300), y = ops.Allocate(2, 3, 300);
            ops.Subtract(x, x.RowRange(1, 1) with { RowStride = 0, Rows = 3 }, y);
            ops.Scale(x.RowRange(0, 1), 0.5f, y, accumulate: true);
            return y;
        });
    }

    [NvrtcTheory]
    [InlineData("reg_tiny", "sm_86")]
    [InlineData("reg_autocorr", "sm_75")]
    [InlineData("reg_w2v2", "sm_90")]
    public void The_regression_network_agrees_with_the_recorded_outputs_and_leaves_nothing_behind(string folder, string architecture)
    {
        int device = EmulatedDriver.DeviceOf(architecture);
        string path = TestData.Path("fixtures/" + folder);
        using RegressionModelFolder files = RegressionModelFolder.Load(path);
        using NpzFile recorded = NpzFile.Open(Path.Combine(path, "io.npz"));
        double[] expected = recorded.Read("b3.result_f64").Data<double>();
        float[] input = recorded.Read("b3.input").ToFloat32(), emotion = recorded.Read("b3.emotion").ToFloat32();
        float[] together = new float[expected.Length], alone = new float[expected.Length];
        using (CudaOperators ops = EmulatedCuda.Operators(architecture))
        {
            RegressionNetwork network = new(files.Network!, files.Weights!, ops, maxBatch: 3);
            network.Run(input, emotion, together, 3);
            int output = expected.Length / 3;
            for (int i = 0; i < 3; i++)
            {
                network.Run(input.AsSpan(i * input.Length / 3, input.Length / 3), emotion.AsSpan(i * emotion.Length / 3, emotion.Length / 3),
                    alone.AsSpan(i * output, output), 1);
            }
        }
        OperatorCase.AssertClose(expected, together, 1e-5, $"{folder} on {architecture}");
        Assert.Equal(together, alone);
        Assert.Equal(default, EmulatedDriver.Books(device));
    }

    /// <summary>Runs a case on the CPU and on an emulated sm_86.</summary>
    private static void Compare(string what, Func<OperatorSet, Tensor> run)
    {
        using CpuOperators cpu = new();
        using CudaOperators cuda = EmulatedCuda.Operators("sm_80");
        double[] expected = Array.ConvertAll(OperatorCase.Download(cpu, run(cpu)), v => (double)v);
        OperatorCase.AssertClose(expected, OperatorCase.Download(cuda, run(cuda)), 5e-6, what);
    }
}
