using System.Buffers.Binary;
using System.Text;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

public sealed class RuntimeCompilerTests
{
    // 16x8x8 on tensor cores is what sm_75 and everything later has.
    private const string MmaSource = """
        extern "C" __global__ void multiply(const unsigned *a, const unsigned *b, float *c)
        {
            int lane = threadIdx.x;
            float d0 = 0, d1 = 0, d2 = 0, d3 = 0;
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
                : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3) : "r"(a[2 * lane]), "r"(a[2 * lane + 1]), "r"(b[lane]));
            c[4 * lane] = d0; c[4 * lane + 1] = d1; c[4 * lane + 2] = d2; c[4 * lane + 3] = d3;
        }
        """;

    public static TheoryData<string, int> CompilersAndArchitectures
    {
        get
        {
            TheoryData<string, int> all = [];
            foreach (string compiler in RealCuda.CompilerNames)
            {
                foreach (int architecture in (int[])[75, 80, 86, 89, 90]) all.Add(compiler, architecture);
            }
            return all;
        }
    }

    private static CudaRuntimeCompiler Compiler => RealCuda.Compiler("default");

    [NvrtcTheory]
    [MemberData(nameof(RealCuda.Compilers), MemberType = typeof(RealCuda))]
    public void NVRTC_knows_the_architectures_that_kernels_are_for(string name)
    {
        CudaRuntimeCompiler compiler = RealCuda.Compiler(name);
        Assert.True(compiler.Version >= new Version(11, 2), $"version {compiler.Version}");
        foreach (int architecture in (int[])[75, 80, 86]) Assert.Contains(architecture, compiler.Architectures);
        Assert.Equal(compiler.Architectures.Order(), compiler.Architectures);
    }

    [NvrtcTheory]
    [MemberData(nameof(CompilersAndArchitectures))]
    public void A_tensor_core_kernel_compiles_to_PTX_and_to_machine_code(string name, int architecture)
    {
        CudaRuntimeCompiler compiler = RealCuda.Compiler(name);
        byte[] ptx = compiler.CompileToPtx("multiply.cu", MmaSource, architecture).Image;
        Assert.Equal(0, ptx[^1]);
        string text = Encoding.ASCII.GetString(ptx);
        Assert.Contains($".target sm_{architecture}", text, StringComparison.Ordinal);
        Assert.Contains(".entry multiply(", text, StringComparison.Ordinal);
        Assert.Contains("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", text, StringComparison.Ordinal);

        byte[] cubin = compiler.CompileToCubin("multiply.cu", MmaSource, architecture).Image;
        Assert.Equal([0x7F, (byte)'E', (byte)'L', (byte)'F'], cubin[..4]);
        Assert.Equal(190, BinaryPrimitives.ReadUInt16LittleEndian(cubin.AsSpan(18))); // EM_CUDA
        Assert.Contains(".text.multiply", Encoding.Latin1.GetString(cubin), StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void Options_reach_the_compiler()
    {
        const string source = "extern \"C\" __global__ void fill(float *x) { x[threadIdx.x] = VALUE; }";
        string ptx = Encoding.ASCII.GetString(Compiler.CompileToPtx("fill.cu", source, 75, "--define-macro=VALUE=2.0f").Image);
        Assert.Contains("0x40000000", ptx.Replace("1073741824", "0x40000000", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void Errors_in_a_source_come_with_the_log_and_the_line()
    {
        A2FException error = Assert.Throws<A2FException>(
            () => Compiler.CompileToPtx("wrong.cu", "extern \"C\" __global__ void f()\n{ undeclared = 1; }", 75));
        Assert.Equal(A2FErrorCode.Internal, error.Code);
        Assert.StartsWith($"wrong.cu: NVRTC {Compiler.Version} cannot compile it with --gpu-architecture=compute_75: ", error.Message,
            StringComparison.Ordinal);
        Assert.Contains("wrong.cu(2): error", error.Message, StringComparison.Ordinal);
        Assert.Contains("\"undeclared\"", error.Message, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void An_architecture_that_NVRTC_does_not_know_is_refused_with_those_it_knows()
    {
        A2FException error = Assert.Throws<A2FException>(() => Compiler.CompileToCubin("multiply.cu", MmaSource, 999));
        Assert.Equal(A2FErrorCode.DeviceUnavailable, error.Code);
        Assert.Contains("this NVRTC compiles for sm_", error.Message, StringComparison.Ordinal);
        Assert.Contains("sm_86", error.Message, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void Several_threads_compile_at_once()
    {
        byte[] alone = Compiler.CompileToCubin("multiply.cu", MmaSource, 86).Image;
        byte[][] together = new byte[4][];
        Parallel.For(0, together.Length, i => together[i] = Compiler.CompileToCubin("multiply.cu", MmaSource, 86).Image);
        foreach (byte[] one in together) Assert.Equal(alone, one);
    }
}
