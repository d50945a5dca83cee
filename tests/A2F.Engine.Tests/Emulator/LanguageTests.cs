using System.Runtime.InteropServices;
using A2F.CudaEmulator;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>What CUDA C++ makes of its language features: arrays, structures, constants, switches, the mathematics library.</summary>
public sealed class LanguageTests
{
    public static TheoryData<int> Architectures => [75, 86, 90];

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void Arrays_indexed_at_run_time_live_in_local_memory(int architecture)
    {
        using CudaProgram program = new("""
            extern "C" __global__ void sort(const int* x, int* y)
            {
                int v[16];
                for (int i = 0; i < 16; i++) v[i] = x[16 * threadIdx.x + i];
                #pragma unroll 1
                for (int i = 1; i < 16; i++)
                    #pragma unroll 1
                    for (int k = i; k > 0 && v[k - 1] > v[k]; k--) { int s = v[k]; v[k] = v[k - 1]; v[k - 1] = s; }
                for (int i = 0; i < 16; i++) y[16 * threadIdx.x + i] = v[i];
            }
            """, architecture);
        int[] x = [.. Enumerable.Range(0, 16 * 50).Select(i => i * 7919 % 1009)];
        ulong y = program.Reserve<int>(x.Length);
        program.Launch("sort", new Dim3(1), new Dim3(50), 0, program.Upload(x), y);
        Assert.True(program.Module.Kernel("sort").LocalBytes >= 64);
        Assert.Equal(x.Chunk(16).SelectMany(c => c.Order()), program.Download<int>(y, x.Length));
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void Constants_and_global_variables_have_their_values_and_can_be_set(int architecture)
    {
        using CudaProgram program = new("""
            __constant__ float weights[5] = {1, 2, 3, 4, 5};
            __constant__ int shift;
            __device__ unsigned calls = 40;
            __device__ float history[8];
            __device__ const short small[4] = {-1, 2, -3, 4};
            extern "C" __global__ void use(const float* x, float* y)
            {
                int t = threadIdx.x;
                float sum = 0;
                for (int i = 0; i < 5; i++) sum += weights[(i + t) % 5] * x[i];
                y[t] = sum + small[(t + shift) & 3];
                if (t < 8) history[t] = sum;
                atomicInc(&calls, 1000);
            }
            """, architecture);
        (ulong shift, long bytes) = program.Module.Global("shift");
        Assert.Equal(4, bytes);
        program.Device.Write(shift, BitConverter.GetBytes(3));
        ulong y = program.Reserve<float>(20);
        program.Launch("use", new Dim3(1), new Dim3(20), 0, program.Upload(1f, 10, 100, 1000, 10000), y);
        float[] got = program.Download<float>(y, 20), small = [-1, 2, -3, 4], sums = new float[20];
        for (int t = 0; t < 20; t++)
        {
            for (int i = 0; i < 5; i++) sums[t] += ((i + t) % 5 + 1) * MathF.Pow(10, i);
            Assert.Equal(sums[t] + small[(t + 3) & 3], got[t]);
        }
        Assert.Equal(60u, program.Download<uint>(program.Module.Global("calls").Address, 1)[0]);
        Assert.Equal(sums[..8], program.Download<float>(program.Module.Global("history").Address, 8));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Settings
    {
        public byte Kind;
        public ulong Data;
        public float C0, C1, C2;
        public short Count;
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void Structures_are_passed_by_value_with_their_padding(int architecture)
    {
        using CudaProgram program = new("""
            struct Settings { char kind; const float* data; float c[3]; short count; };
            extern "C" __global__ void apply(char before, Settings s, double scale, float* y)
            {
                int t = threadIdx.x;
                float sum = 0;
                for (int i = 0; i < s.count; i++) sum += s.c[(t + i) % 3] * s.data[i];
                y[t] = s.kind == before ? (float)(sum * scale) : -1;
            }
            """, architecture);
        Settings s = new() { Kind = 9, Data = program.Upload(1f, 2, 4, 8), C0 = 1, C1 = 3, C2 = 5, Count = 4 };
        byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<Settings>(in s)).ToArray();
        ulong y = program.Reserve<float>(6);
        program.Launch("apply", new Dim3(1), new Dim3(6), 0, new byte[] { 9 }, bytes, 0.5, y);
        float[] c = [1, 3, 5], x = [1, 2, 4, 8];
        Assert.Equal(Enumerable.Range(0, 6).Select(t => Enumerable.Range(0, 4).Sum(i => c[(t + i) % 3] * x[i]) / 2),
            program.Download<float>(y, 6));
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void A_switch_of_many_cases_takes_each_lane_to_its_own(int architecture)
    {
        using CudaProgram program = new("""
            extern "C" __global__ void choose(const int* x, int* y)
            {
                int v = x[threadIdx.x], r = 1;
                switch (v)
                {
                    case 0: r = v + 100; break;
                    case 1: r = v * 7 - 3;
                    case 2: r ^= 0x55; break;
                    case 3: for (int i = 0; i < v + 2; i++) r = r * 3 + i; break;
                    case 4: r = __popc(v * 77); break;
                    case 5: r = v << 9; break;
                    case 6: return;
                    case 7: r = -v; break;
                    case 8: r = v * v * v; break;
                    default: r = 12345;
                }
                y[threadIdx.x] = r;
            }
            """, architecture);
        int[] x = [.. Enumerable.Range(0, 64).Select(i => i * 5 % 11 - 1)];
        ulong y = program.Upload(new int[64]);
        program.Launch("choose", new Dim3(1), new Dim3(64), 0, program.Upload(x), y);
        Assert.Equal(x.Select(v => v switch
        {
            0 => 100,
            1 => 4 ^ 0x55,
            2 => 1 ^ 0x55,
            3 => 243 + 27 * 1 + 9 * 2 + 3 * 3 + 4,
            4 => int.PopCount(308),
            5 => 5 << 9,
            6 => 0,
            7 => -7,
            8 => 512,
            _ => 12345,
        }), program.Download<int>(y, 64));
    }

    public static TheoryData<string, double, double, double> Functions => new()
    {
        // Expression of x, range of x, and the error in units of the last place that the programming guide allows, with the tolerance.
        { "expf(x)", -80, 80, 3 },
        { "logf(x)", 0.001, 1e6, 3 },
        { "log1pf(x)", -0.9, 50, 3 },
        { "powf(x, 1.7f)", 0.01, 100, 10 },
        { "sinf(x)", -3, 3, 4 },
        { "sinf(x)", 2e5, 9e6, 4 },
        { "cosf(x)", 2e5, 9e6, 4 },
        { "tanhf(x)", -5, 5, 4 },
        { "erff(x)", -3, 3, 4 },
        { "erfcf(x)", -3, 5, 6 },
        { "rsqrtf(x)", 0.01, 100, 4 },
        { "cbrtf(x)", -50, 50, 3 },
        { "atan2f(x, 2.5f)", -9, 9, 4 },
        { "fmodf(x, 0.37f)", 0, 50, 0 },
        { "floorf(x) + roundf(x) + rintf(x) + truncf(x)", -40, 40, 0 },
    };

    [NvrtcTheory]
    [MemberData(nameof(Functions))]
    public void The_mathematics_library_is_as_exact_as_the_programming_guide_says(string expression, double from, double to, double ulps)
    {
        const int n = 500;
        Random random = new(6);
        float[] x = [.. Enumerable.Range(0, n).Select(_ => (float)(from + (to - from) * random.NextDouble()))];
        foreach (int architecture in (int[])[75, 90])
        {
            using CudaProgram program = new(
                $"extern \"C\" __global__ void f(const float* in, float* out, int n)\n{{\n" +
                "int i = blockIdx.x * blockDim.x + threadIdx.x;\nif (i >= n) return;\n" +
                $"float x = in[i];\nout[i] = {expression};\n}}\n", architecture);
            ulong y = program.Reserve<float>(n);
            program.Launch("f", new Dim3(4), new Dim3(128), 0, program.Upload(x), y, n);
            float[] got = program.Download<float>(y, n);
            for (int i = 0; i < n; i++)
            {
                double expected = Exact(expression, x[i]);
                float near = (float)expected;
                double unit = Math.Max(MathF.BitIncrement(MathF.Abs(near)) - MathF.Abs(near), float.Epsilon);
                Assert.True(Math.Abs(got[i] - expected) <= (ulps + 0.5) * unit,
                    $"sm_{architecture}: {expression} of {x[i]:R}: {got[i]:R}, not {expected:R}");
            }
        }
    }

    private static double Exact(string expression, double x) => expression[..expression.IndexOf('(', StringComparison.Ordinal)] switch
    {
        "expf" => Math.Exp(x),
        "logf" => Math.Log(x),
        "log1pf" => x < -0.5 || x > 1 ? Math.Log(1 + x) : 2 * Math.Atanh(x / (2 + x)),
        "powf" => Math.Pow(x, 1.7f),
        "sinf" => Math.Sin(x),
        "cosf" => Math.Cos(x),
        "tanhf" => Math.Tanh(x),
        "erff" => Erf(x),
        "erfcf" => x < 1 ? 1 - Erf(x) : ErfcTail(x),
        "rsqrtf" => 1 / Math.Sqrt(x),
        "cbrtf" => Math.Cbrt(x),
        "atan2f" => Math.Atan2(x, 2.5f),
        "fmodf" => Math.IEEERemainder(x, 0.37f) is var r && r < 0 ? r + 0.37f : Math.IEEERemainder(x, 0.37f),
        _ => Math.Floor(x) + Math.Round(x, MidpointRounding.AwayFromZero) + Math.Round(x) + Math.Truncate(x),
    };

    /// <summary>The power series of the error function.</summary>
    private static double Erf(double x)
    {
        double term = x, sum = x;
        for (int n = 1; n < 200; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    /// <summary>The continued fraction of the complement, from its far end.</summary>
    private static double ErfcTail(double x)
    {
        double f = x;
        for (int n = 400; n > 0; n--) f = x + n / 2.0 / f;
        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / f;
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void Integer_division_and_wide_products_are_exact(int architecture)
    {
        using CudaProgram program = new("""
            typedef unsigned long long u64;
            extern "C" __global__ void divide(const u64* x, const u64* y, u64* out)
            {
                u64 a = x[threadIdx.x], b = y[threadIdx.x];
                out += 8 * threadIdx.x;
                out[0] = a / b;
                out[1] = a % b;
                out[2] = (u64)((long long)a / (long long)b);
                out[3] = (u64)((int)a / (int)b);
                out[4] = (unsigned)a % (unsigned)b;
                out[5] = __umul64hi(a, b);
                out[6] = __umulhi((unsigned)a, (unsigned)b) + __clzll(a) + __ffsll(b) + __popcll(a ^ b);
                out[7] = __brevll(a) ^ __byte_perm((unsigned)a, (unsigned)b, 0x3715) ^ __funnelshift_l((unsigned)a, (unsigned)b, 13);
            }
            """, architecture);
        ulong[] x = new ulong[64], y = new ulong[64];
        Random random = new(7);
        for (int i = 0; i < 64; i++) (x[i], y[i]) = ((ulong)random.NextInt64() << 1 | 1, (ulong)random.NextInt64() >> i | 1);
        ulong got = program.Reserve<ulong>(512);
        program.Launch("divide", new Dim3(1), new Dim3(64), 0, program.Upload(x), program.Upload(y), got);
        ulong[] all = program.Download<ulong>(got, 512);
        for (int i = 0; i < 64; i++)
        {
            (ulong a, ulong b) = (x[i], y[i]);
            uint low = (uint)a, other = (uint)b;
            byte[] pool = [.. BitConverter.GetBytes(low), .. BitConverter.GetBytes(other)];
            uint picked = (uint)(pool[5] | pool[1] << 8 | pool[7] << 16 | pool[3] << 24);
            ulong reversed = 0;
            for (int bit = 0; bit < 64; bit++) reversed |= (a >> bit & 1) << (63 - bit);
            ulong counts = (ulong)(int.CreateChecked(ulong.LeadingZeroCount(a)) + int.CreateChecked(ulong.TrailingZeroCount(b)) + 1 +
                int.CreateChecked(ulong.PopCount(a ^ b)));
            Assert.Equal(
                [
                    a / b, a % b, (ulong)((long)a / (long)b), (ulong)(long)((int)a / (int)b), low % other, (ulong)((UInt128)a * b >> 64),
                    (uint)((ulong)low * other >> 32) + counts, reversed ^ picked ^ (other << 13 | low >> 19),
                ],
                all[(8 * i)..(8 * i + 8)]);
        }
    }
}
