using A2F.CudaEmulator;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>
/// One mistake at a time in a kernel that is right, compiled by NVRTC: the check that is meant for it stops the launch and names the
/// kernel.
/// </summary>
public sealed class MutationTests
{
    private const EmulatorErrorKind Race = EmulatorErrorKind.SharedRace, Bounds = EmulatorErrorKind.OutOfBounds,
        Unwritten = EmulatorErrorKind.UninitialisedRead, Alignment = EmulatorErrorKind.Misaligned, Pending = EmulatorErrorKind.PendingCopy;

    /// <summary>Block b adds up 256 values of x by halves.</summary>
    private const string Tree = """
        extern "C" __global__ void tree(const float* x, float* out)
        {
            __shared__ float part[256];
            int t = threadIdx.x;
            part[t] = x[blockIdx.x * 256 + t];
            __syncthreads(); // loaded
            for (int step = 128; step > 0; step /= 2)
            {
                if (t < step) part[t] += part[t + step];
                __syncthreads(); // step
            }
            if (t == 0) out[blockIdx.x] = part[0];
        }
        """;

    /// <summary>y[i] = x[reverse(i)] by tiles, four at a time.</summary>
    private const string Reverse = """
        extern "C" __global__ void reverse(const float4* x, float* y, int n)
        {
            __shared__ float tile[512];
            int t = threadIdx.x;
            if (t < n) *(float4*)(tile + 4 * t) = x[t];
            __syncthreads();
            for (int i = t; i < 4 * n; i += blockDim.x) y[i] = tile[4 * n - 1 - i];
        }
        """;

    /// <summary>Each thread sorts 8 values in local memory by counting.</summary>
    private const string Local = """
        extern "C" __global__ void sort(const int* x, int* y)
        {
            int at[8], t = threadIdx.x;
            for (int i = 0; i < 8; i++) at[x[8 * t + i] & 7] = i;
            for (int i = 0; i < 8; i++) y[8 * t + i] = at[i];
        }
        """;

    /// <summary>Copies through two stages of asynchronous copies.</summary>
    private const string Stages = """
        extern "C" __global__ void stages(const float* x, float* y, int n)
        {
            __shared__ __align__(16) float tile[2][256];
            unsigned to = (unsigned)__cvta_generic_to_shared(&tile[0][4 * threadIdx.x]);
            for (int s = 0; s < 2; s++)
                asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\ncp.async.commit_group;\n"
                    :: "r"(to + 1024 * s), "l"(x + 256 * s + 4 * threadIdx.x) : "memory");
            for (int s = 0; s < n; s++)
            {
                asm volatile("cp.async.wait_group 1;" ::: "memory");
                __syncthreads();
                for (int i = 0; i < 4; i++)
                    y[256 * s + i * 64 + threadIdx.x] = tile[s & 1][(i * 64 + threadIdx.x) ^ 4];
                __syncthreads(); // read
                if (s + 2 < n)
                    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n"
                        :: "r"(to + 1024 * (s & 1)), "l"(x + 256 * (s + 2) + 4 * threadIdx.x) : "memory");
                asm volatile("cp.async.commit_group;" ::: "memory");
            }
        }
        """;

    public static TheoryData<string, string, string, EmulatorErrorKind[]> Mistakes => new()
    {
        { "tree", "__syncthreads(); // loaded", "", [Race, Unwritten] },
        { "tree", "__syncthreads(); // step", "", [Race] },
        { "tree", "if (t < step) part", "if (t <= step) part", [Bounds] },
        { "tree", "if (t < step) part", "if (t < step || (t == step && t < 128)) part", [Race] },
        { "tree", "part[t + step]", "part[t + step + 1]", [Bounds] },
        { "tree", "part[256]", "part[255]", [Bounds] },
        { "tree", "256 + t]", "256 + t + 1]", [Bounds] },
        { "tree", "256 + t]", "257 + t]", [Bounds] },
        { "tree", "part[t] = x", "if (t != 77) part[t] = x", [Unwritten] },
        { "tree", "step = 128", "step = 256", [Bounds] },
        { "tree", "out[blockIdx.x]", "out[blockIdx.x + 1]", [Bounds] },
        { "tree", "out[blockIdx.x] =", "out[blockIdx.x] +=", [Unwritten] },
        { "tree", "__syncthreads(); // step\n    }", "if (t < 100) __syncthreads();\n    }", [EmulatorErrorKind.DivergentBarrier] },
        { "tree", "__syncthreads(); // loaded", "if (t < 96) __syncthreads(); else { __syncthreads(); asm volatile(\"bar.sync 2;\"); }",
            [EmulatorErrorKind.BarrierMismatch, Unwritten, Race] },
        { "reverse", "if (t < n) *(", "if (t <= n) *(", [Bounds] },
        { "reverse", "if (t < n) *(", "if (t < n - 1) *(", [Unwritten] },
        { "reverse", "__syncthreads();", "", [Race, Unwritten] },
        { "reverse", "(tile + 4 * t)", "(tile + 4 * t + 1)", [Alignment] },
        { "reverse", "= x[t]", "= *(const float4*)((const float*)x + 4 * t + 2)", [Alignment] },
        { "reverse", "4 * n - 1 - i", "4 * n - i", [Unwritten] },
        { "reverse", "i < 4 * n", "i <= 4 * n", [Bounds] },
        { "reverse", "y[i] =", "y[i + 1] =", [Bounds] },
        { "sort", "i < 8; i++) at", "i < 7; i++) at", [Unwritten] },
        { "sort", "& 7", "& 15", [Bounds] },
        { "sort", "y[8 * t + i] = at[i]", "y[8 * t + i] = at[x[8 * t + i] + 1]", [Bounds] },
        { "stages", "wait_group 1", "wait_group 2", [Pending] },
        { "stages", "asm volatile(\"cp.async.wait_group 1;\" ::: \"memory\");", "", [Pending] },
        { "stages", "cp.async.commit_group;\" ::: \"memory\"", "\" ::: \"memory\"", [Pending] },
        { "stages", "__syncthreads();\n        for", "for", [Race, Unwritten] },
        { "stages", "__syncthreads(); // read", "", [Race, Pending] },
        { "stages", "[%1], 16;\\ncp", "[%1 + 4], 16;\\ncp", [Alignment] },
        { "stages", "x + 256 * (s + 2)", "x + 256 * (s + 3)", [Bounds] },
    };

    internal static string Source(string kernel) => kernel switch
    {
        "tree" => Tree,
        "reverse" => Reverse,
        "sort" => Local,
        "stages" => Stages,
        _ => TensorClassicsTests.Staged,
    };

    /// <summary>Runs a (mutated) kernel on the inputs that all versions get; the outputs as bits.</summary>
    internal static uint[] Run(string kernel, string source)
    {
        using CudaProgram program = new(source, 80, 1);
        program.Device.TimeSliceLimit = 40;
        switch (kernel)
        {
            case "gemm":
                const int m = 70, n = 40, k = 72;
                ulong a = program.Upload([.. Enumerable.Range(0, m * k).Select(i => (Half)(i * 7 % 23 - 11))]);
                ulong b = program.Upload([.. Enumerable.Range(0, k * n).Select(i => (Half)(i * 5 % 19 - 9))]),
                    c = program.Reserve<float>(m * n);
                program.Launch(kernel, new Dim3(2, 2), new Dim3(128), 0, a, b, c, m, n, k);
                return program.Download<uint>(c, m * n);
            case "tree":
                ulong x = program.Upload([.. Enumerable.Range(0, 512).Select(i => (float)(i % 61))]), sums = program.Reserve<float>(2);
                program.Launch(kernel, new Dim3(2), new Dim3(256), 0, x, sums);
                return program.Download<uint>(sums, 2);
            case "reverse":
                ulong from = program.Upload([.. Enumerable.Range(0, 400).Select(i => (float)i)]), y = program.Reserve<float>(400);
                program.Launch(kernel, new Dim3(1), new Dim3(128), 0, from, y, 100);
                return program.Download<uint>(y, 400);
            case "sort":
                ulong values = program.Upload([.. Enumerable.Range(0, 512).Select(i => i * 5 & 7 | (i & 64) >> 3)]),
                    at = program.Reserve<int>(512);
                program.Launch(kernel, new Dim3(1), new Dim3(64), 0, values, at);
                return program.Download<uint>(at, 512);
            case "stages":
                ulong input = program.Upload([.. Enumerable.Range(0, 1280).Select(i => (float)i)]), copy = program.Reserve<float>(1280);
                program.Launch(kernel, new Dim3(1), new Dim3(64), 0, input, copy, 5);
                return program.Download<uint>(copy, 1280);
            default: throw new ArgumentException($"no kernel {kernel}", nameof(kernel));
        }
    }

    [NvrtcFact]
    public void The_kernels_without_mistakes_run_and_give_what_they_should()
    {
        float[] x = [.. Enumerable.Range(0, 512).Select(i => (float)(i % 61))];
        Assert.Equal([x[..256].Sum(), x[256..].Sum()], Run("tree", Tree).Select(BitConverter.UInt32BitsToSingle));
        Assert.Equal(Enumerable.Range(0, 400).Select(i => 399f - i), Run("reverse", Reverse).Select(BitConverter.UInt32BitsToSingle));
        // 5 * 5 is 1 modulo 8, so value v stands at place 5 v.
        Assert.Equal(Enumerable.Range(0, 512).Select(i => (uint)(i * 5 & 7)), Run("sort", Local));
        Assert.Equal(Enumerable.Range(0, 1280).Select(i => (float)(i ^ 4)), Run("stages", Stages).Select(BitConverter.UInt32BitsToSingle));
    }

    [NvrtcTheory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_caught_and_names_the_kernel(string kernel, string right, string wrong, EmulatorErrorKind[] kinds)
    {
        string source = Source(kernel);
        Assert.Contains(right, source, StringComparison.Ordinal);
        EmulatorException e = Assert.Throws<EmulatorException>(() => Run(kernel, source.Replace(right, wrong, StringComparison.Ordinal)));
        Assert.True(kinds.Contains(e.Kind), e.Message);
        Assert.Equal(kernel, e.Kernel);
        Assert.Contains($"kernel {kernel}", e.Message, StringComparison.Ordinal);
        Assert.NotEqual("", e.LineText);
    }

    [NvrtcTheory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(0)]
    public void Parameters_of_a_wrong_size_are_refused_and_name_the_kernel(int bytes)
    {
        using CudaProgram program = new(Tree, 86);
        EmulatorException e = Assert.Throws<EmulatorException>(
            () => program.Device.Launch(program.Module.Kernel("tree"), new Dim3(1), new Dim3(256), 0, new byte[bytes]));
        Assert.Equal(EmulatorErrorKind.ParameterSize, e.Kind);
        Assert.Contains($"tree: its parameters take 16 bytes, {bytes} were given", e.Message, StringComparison.Ordinal);
    }
}
