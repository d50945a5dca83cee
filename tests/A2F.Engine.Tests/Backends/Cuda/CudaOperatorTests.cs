using System.Text.RegularExpressions;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Each operator on the emulated GPU against the same operator on the CPU, with every check of the emulator on.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed partial class CudaOperatorTests
{
    [NvrtcTheory]
    [InlineData("sm_75", Precision.Float16)]
    [InlineData("sm_86", Precision.Float16)]
    [InlineData("sm_80", Precision.Float32)]
    public void Operators_agree_with_the_cpu_and_their_bits_do_not_depend_on_the_tile(string architecture, Precision precision)
    {
        // Inputs are exact in half precision: what is left there is the rounding of the result, twice where it is written twice.
        double tolerance = precision == Precision.Float16 ? 8e-4 : 5e-6;
        using CpuOperators cpu = new();
        using CudaOperators large = EmulatedCuda.Operators(architecture, precision, CudaCases.FewMultiprocessors);
        using CudaOperators small = EmulatedCuda.Operators(architecture, precision, CudaCases.ManyMultiprocessors);
        foreach (CudaCase one in CudaCases.All)
        {
            double[] expected = Array.ConvertAll(OperatorCase.Download(cpu, one.Run(cpu)), v => (double)v);
            float[] actual = OperatorCase.Download(large, one.Run(large));
            OperatorCase.AssertClose(expected, actual, tolerance, $"{one.Name} on {architecture}, {precision}");
            Assert.Equal(actual, OperatorCase.Download(small, one.Run(small)));
        }
    }

    [Theory]
    [InlineData(Precision.Float16)]
    [InlineData(Precision.Float32)]
    public void Every_kernel_has_a_case(Precision precision)
    {
        HashSet<string> cases = [.. CudaCases.Kernels(86, precision).Select(use => $"{use.Kernel.File} {use.Kernel.Function}")];
        HashSet<string> kernels = [.. KernelSource.Files.SelectMany(file => Kernels().Matches(KernelSource.Load(file)).Select(m => $"{file} {m.Groups[1].Value}"))];
        if (precision == Precision.Float32) kernels.Remove("gemm_f16.cu gemm_f16");
        Assert.NotEmpty(kernels);
        Assert.Equal(kernels.Order(), cases.Order());
    }

    [GeneratedRegex(@"__global__ void __launch_bounds__\(\w+\) (\w+)\(")]
    private static partial Regex Kernels();
}
