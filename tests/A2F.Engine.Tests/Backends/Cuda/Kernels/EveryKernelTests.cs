using A2F.Engine.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda.Kernels;

/// <summary>Every kernel that the engine may launch, in every tile size, on each architecture.</summary>
public sealed class EveryKernelTests
{
    [NvrtcTheory]
    [InlineData(75)]
    [InlineData(80)]
    [InlineData(86)]
    [InlineData(89)]
    [InlineData(90)]
    public void Every_kernel_compiles_to_machine_code_that_spills_nothing_and_fits_the_device(int architecture)
    {
        KernelCompiler compiler = new(RealCuda.Compiler("default"), architecture, ptx: false, KernelCache.Default());
        KernelLaunch[] launches = [.. Enum.GetValues<Precision>().SelectMany(precision => CudaCases.Kernels(architecture, precision))];
        compiler.CompileAll(launches.Select(launch => launch.Kernel));
        Assert.Equal(10, launches.DistinctBy(launch => launch.Kernel).Count(launch => launch.Kernel.Function.StartsWith("gemm_", StringComparison.Ordinal)));
        foreach (KernelLaunch launch in launches)
        {
            KernelImage image = compiler.Get(launch.Kernel);
            KernelReport report = KernelReport.Of(image.Bytes, architecture, image.Log).Single(r => r.Function == launch.Kernel.Function);
            Assert.False(report.Spills || report.StackBytes > 0, $"{launch.Kernel} on sm_{architecture}: {report}");
            Occupancy? occupancy = Occupancy.Of(architecture, launch.Threads, report.Registers, report.SharedBytes + launch.SharedBytes);
            Assert.True(occupancy is { Blocks: >= 1, Part: >= 0.08 }, $"{launch.Kernel} on sm_{architecture}: {occupancy}, {report}");
        }
    }

    /// <summary>NVRTC 11.8, and 12.4 where it was fetched.</summary>
    [NvrtcTheory]
    [MemberData(nameof(RealCuda.Compilers), MemberType = typeof(RealCuda))]
    public void Every_kernel_compiles_for_the_oldest_and_the_newest_architecture_under_each_NVRTC(string name)
    {
        foreach (int architecture in new[] { 75, 90 })
        {
            KernelCompiler compiler = new(RealCuda.Compiler(name), architecture, ptx: false, KernelCache.Default());
            KernelSpec[] kernels =
                [.. Enum.GetValues<Precision>().SelectMany(precision => CudaCases.Kernels(architecture, precision)).Select(l => l.Kernel)];
            compiler.CompileAll(kernels);
            Assert.All(kernels, kernel => Assert.False(compiler.Get(kernel).Ptx));
        }
    }
}
