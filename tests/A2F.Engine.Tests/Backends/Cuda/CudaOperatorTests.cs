using System.Text.RegularExpressions;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>
/// Each operator on a GPU against the same operator on the CPU: on the emulated ones with every check of the emulator on, and on the one
/// that A2F_TEST_DEVICE names.
/// </summary>
[Collection(EmulatedCuda.Collection)]
public sealed partial class CudaOperatorTests
{
    public static TheoryData<string, Precision> Targets
    {
        get
        {
            TheoryData<string, Precision> rows = new()
            {
                { "sm_75", Precision.Float16 },
                { "sm_86", Precision.Float16 },
                { "sm_80", Precision.Float32 },
            };
            foreach (string device in CudaTarget.Asked)
            {
                foreach (Precision precision in Enum.GetValues<Precision>()) rows.Add(device, precision);
            }
            return rows;
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Targets))]
    public void Operators_agree_with_the_cpu_and_their_bits_do_not_depend_on_the_tile(string target, Precision precision)
    {
        double tolerance = Tolerance(precision);
        CudaTarget gpu = CudaTarget.Of(target);
        using CpuOperators cpu = new();
        using CudaOperators large = gpu.Operators(precision, CudaCases.FewMultiprocessors);
        using CudaOperators small = gpu.Operators(precision, CudaCases.ManyMultiprocessors);
        using CudaOperators? emulated = gpu.IsAsked ? EmulatedCuda.Operators(gpu.Nearest, precision) : null;
        foreach (CudaCase one in CudaCases.All)
        {
            double[] expected = Array.ConvertAll(OperatorCase.Download(cpu, one.Run(cpu)), v => (double)v);
            float[] actual = OperatorCase.Download(large, one.Run(large));
            OperatorCase.AssertClose(expected, actual, tolerance, $"{one.Name} on {target}, {precision}");
            Assert.Equal(actual, OperatorCase.Download(small, one.Run(small)));
            if (emulated is null) continue;
            double[] there = Array.ConvertAll(OperatorCase.Download(emulated, one.Run(emulated)), v => (double)v);
            OperatorCase.AssertClose(
                there, actual, CudaTarget.Tolerance(precision), $"{one.Name} on {target}, {precision}, against the emulated {gpu.Nearest}");
        }
    }

    [NvrtcTheory]
    [InlineData(Precision.Float16)]
    [InlineData(Precision.Float32)]
    public void Operators_that_leave_products_to_cublas_agree_with_the_cpu(Precision precision)
    {
        using CpuOperators cpu = new();
        using CudaOperators cuda = CudaTarget.Of("sm_80").Operators(precision, cublas: EmulatedCuda.Cublas);
        foreach (CudaCase one in CudaCases.All)
        {
            double[] expected = Array.ConvertAll(OperatorCase.Download(cpu, one.Run(cpu)), v => (double)v);
            OperatorCase.AssertClose(expected, OperatorCase.Download(cuda, one.Run(cuda)), Tolerance(precision), $"{one.Name}, {precision}");
        }
    }

    [NvrtcTheory]
    [InlineData(Activation.Mish)]
    [InlineData(Activation.Tanh)]
    public void Activations_keep_their_relative_accuracy(object kind)
    {
        const int Points = 8192;
        Activation activation = (Activation)kind;
        using CudaOperators ops = CudaTarget.Of("sm_86").Operators(Precision.Float32);
        float[] x = Array.ConvertAll(OperatorCase.Random(Points, 1), v => v * MathF.Pow(10, 4 * MathF.Abs(v) - 3) * 8);
        Tensor y = OperatorCase.Upload(ops, x, 1, 1, Points);
        ops.Scale(y, 1, y, activation: activation);
        float[] actual = OperatorCase.Download(ops, y);
        for (int i = 0; i < Points; i++)
        {
            double v = x[i], e = Math.Exp(Math.Min(v, 40)), n = e * (e + 2);
            double expected = activation == Activation.Tanh ? Math.Tanh(v) : v * n / (n + 2);
            Assert.True(Math.Abs(actual[i] - expected) <= 1e-6 * Math.Abs(expected) + 1e-36, $"{activation}({x[i]:R}) = {expected:R}, found {actual[i]:R}");
        }
    }

    [Theory]
    [InlineData(Precision.Float16)]
    [InlineData(Precision.Float32)]
    public void Every_kernel_has_a_case(Precision precision)
    {
        HashSet<string> cases = [.. CudaCases.Kernels(86, precision).Select(use => $"{use.Kernel.File} {use.Kernel.Function}")];
        HashSet<string> kernels = [.. KernelSource.Files.SelectMany(
            file => Kernels().Matches(KernelSource.Load(file)).Select(match => $"{file} {match.Groups[1].Value}"))];
        // The float32 GEMM takes the first layers of either precision.
        kernels.ExceptWith(precision == Precision.Float32 ? ["gemm_f16.cu gemm_f16", "gru_f16.cu gru_f16"] : ["gru_f32.cu gru_f32"]);
        Assert.NotEmpty(kernels);
        Assert.Equal(kernels.Order(), cases.Order());
    }

    /// <summary>
    /// Inputs are exact in half precision: what is left there is the rounding of the result, twice where it is written twice.
    /// </summary>
    private static double Tolerance(Precision precision) => precision == Precision.Float16 ? 8e-4 : 5e-6;

    [GeneratedRegex(@"__global__ void __launch_bounds__\([\w, ]+\) (\w+)\(")]
    private static partial Regex Kernels();
}
