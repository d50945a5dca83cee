using System.Buffers.Binary;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda.Kernels;

public sealed class KernelReportTests
{
    // One kernel that must spill (100 live values, 64 registers), one with an array in local memory, one with shared and constant memory.
    private const string Source = """
        extern "C" __global__ void __launch_bounds__(1024) spilling(float *x, int n)
        {
            float a[100];
            #pragma unroll
            for (int i = 0; i < 100; i++) a[i] = x[i * 1024 + threadIdx.x];
            for (int k = 0; k < n; k++)
            {
                #pragma unroll
                for (int i = 0; i < 100; i++) a[i] = a[i] * a[(i + 7) % 100] + x[k];
            }
            #pragma unroll
            for (int i = 0; i < 100; i++) x[i * 1024 + threadIdx.x] = a[i];
        }
        extern "C" __global__ void framed(float *x, int n)
        {
            float a[64];
            for (int i = 0; i < 64; i++) a[i] = x[i];
            for (int i = 0; i < n; i++) a[(int)x[i] & 63] += i;
            x[threadIdx.x] = a[n & 63];
        }
        extern "C" __global__ void __launch_bounds__(96) sharing(float *x, int n)
        {
            __shared__ float s[96];
            s[threadIdx.x] = x[threadIdx.x] * 1.2345678e-9f;
            __syncthreads();
            x[threadIdx.x] = s[n];
        }
        """;

    public static TheoryData<string, int> Targets
    {
        get
        {
            TheoryData<string, int> all = [];
            foreach (string compiler in RealCuda.CompilerNames)
            {
                foreach (int architecture in (int[])(compiler == "default" ? [75, 86, 90] : [90])) all.Add(compiler, architecture);
            }
            return all;
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Targets))]
    public void The_cubin_and_the_log_of_its_compilation_agree(string name, int architecture)
    {
        foreach ((string source, string macro) in ((string, string)[])
            [(Source, "-DX"), (KernelSource.Load("rows.cu"), "-DHALF=1")])
        {
            CompiledKernels compiled =
                RealCuda.Compiler(name).CompileToCubin("test.cu", source, architecture, "--std=c++17", macro, "--ptxas-options=-v");
            Dictionary<string, PtxasLog> log = PtxasLog.Parse(compiled.Log);
            List<KernelReport> kernels = KernelReport.Of(compiled.Image, architecture);
            Assert.Equal(log.Keys.Order(StringComparer.Ordinal), kernels.Select(kernel => kernel.Function));
            foreach (KernelReport kernel in kernels)
            {
                PtxasLog expected = log[kernel.Function];
                Assert.Equal((expected.Registers, expected.FrameBytes, expected.SharedBytes),
                    (kernel.Registers, kernel.StackBytes, kernel.SharedBytes));
                if (architecture < 90) Assert.Equal(expected.ConstantBytes, kernel.ConstantBytes);
            }
        }
    }

    [NvrtcFact]
    public void Spills_and_arrays_in_local_memory_are_told_apart_where_the_log_is_kept()
    {
        CompiledKernels compiled = RealCuda.Compiler("default").CompileToCubin("test.cu", Source, 86, "--ptxas-options=-v");
        Dictionary<string, KernelReport> with = Of(compiled.Log), without = Of("");
        Assert.True(with["spilling"].SpillStoreBytes > 0 && with["spilling"].SpillLoadBytes > 0 && with["spilling"].Spills);
        KernelReport framed = with["framed"];
        Assert.Equal((0, 0, 256, false), (framed.SpillStoreBytes, framed.SpillLoadBytes, framed.StackBytes, framed.Spills));
        Assert.False(with["sharing"].Spills);
        Assert.Null(without["spilling"].SpillStoreBytes);
        string another = compiled.Log.Replace(" bytes stack frame", "0 bytes stack frame", StringComparison.Ordinal);
        Assert.Null(Of(another)["spilling"].SpillStoreBytes);
        Assert.Equal((true, true, false), (without["spilling"].Spills, without["framed"].Spills, without["sharing"].Spills));
        Assert.Equal((384, 96, 1024, 0),
            (with["sharing"].SharedBytes, with["sharing"].MaxThreads, with["spilling"].MaxThreads, with["framed"].MaxThreads));

        Dictionary<string, KernelReport> Of(string log) => KernelReport.Of(compiled.Image, 86, log).ToDictionary(kernel => kernel.Function);
    }

    [NvrtcFact]
    public void The_option_for_the_log_does_not_change_the_code()
    {
        CudaRuntimeCompiler nvrtc = RealCuda.Compiler("default");
        byte[] with = nvrtc.CompileToCubin("test.cu", Source, 86, "--ptxas-options=-v").Image;
        Assert.Equal(nvrtc.CompileToCubin("test.cu", Source, 86).Image, with);
    }

    [Fact]
    public void What_functions_spill_that_were_not_inlined_belongs_to_their_kernel()
    {
        const string log = """
            warning: something
            ptxas info    : 0 bytes gmem, 400 bytes cmem[3]
            ptxas info    : Compiling entry function 'one' for 'sm_86'
            ptxas info    : Function properties for one
            ptxas         .     1120 bytes stack frame, 12 bytes spill stores, 4 bytes spill loads
            ptxas info    : Used 40 registers, used 1 barriers, 1024 bytes smem, 364 bytes cmem[0], 8 bytes cmem[2]
            ptxas info    : Function properties for _Z6helperPfi
            ptxas         .     16 bytes stack frame, 2160 bytes spill stores, 2180 bytes spill loads
            ptxas info    : Compiling entry function 'two' for 'sm_86'
            ptxas info    : Function properties for two
            ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
            ptxas info    : Used 8 registers, 364 bytes cmem[0]
            """;
        Dictionary<string, PtxasLog> kernels = PtxasLog.Parse(log);
        Assert.Equal(["one", "two"], kernels.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(new PtxasLog(40, 1120, 2172, 2184, 1024, 372), kernels["one"]);
        Assert.Equal(new PtxasLog(8, 0, 0, 0, 0, 364), kernels["two"]);
    }

    [NvrtcFact]
    public void Cubins_that_are_cut_short_or_none_are_refused()
    {
        byte[] cubin = RealCuda.Compiler("default").CompileToCubin("test.cu", Source, 86).Image;
        // What lies behind the table of sections, the system's loader reads only.
        int sections = BinaryPrimitives.ReadUInt16LittleEndian(cubin.AsSpan(60));
        long end = BinaryPrimitives.ReadInt64LittleEndian(cubin.AsSpan(40)) + 64 * sections;
        for (int length = 0; length < end; length += 61) Refuse(cubin[..length]);
        Refuse([.. "//\n// Generated by NVIDIA NVVM Compiler"u8, .. new byte[100]]);

        // Any byte may be wrong: an error or a report, but nothing else.
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            byte[] changed = [.. cubin];
            for (int k = 0; k < 4; k++) changed[random.Next(k < 2 ? cubin.Length : 64)] = (byte)random.Next(256);
            try
            {
                KernelReport.Of(changed, 86);
            }
            catch (A2FException e)
            {
                Assert.Equal(A2FErrorCode.InvalidFile, e.Code);
            }
        }

        static void Refuse(byte[] bytes) =>
            Assert.StartsWith("cubin: ", Assert.Throws<A2FException>(() => KernelReport.Of(bytes, 86)).Message, StringComparison.Ordinal);
    }
}
