using A2F.CudaEmulator;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>The kernels of every CUDA course, as NVRTC compiles them for each architecture, against plain C# in double.</summary>
public sealed class ClassicsTests
{
    public static TheoryData<int> Architectures => [75, 80, 86, 90];

    private static float[] Values(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    private static void Near(double expected, double got, double tolerance, string what) =>
        Assert.True(Math.Abs(expected - got) <= tolerance, $"{what}: {got:R}, expected {expected:R}");

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void Block_sums_through_shuffles_and_shared_memory(int architecture)
    {
        const int n = 5003, blocks = 3, threads = 160;
        using CudaProgram program = new("""
            extern "C" __global__ void sum(const float* x, float* out, int n)
            {
                __shared__ float part[32];
                float v = 0;
                for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v += x[i];
                for (int d = 16; d; d >>= 1) v += __shfl_xor_sync(~0u, v, d);
                if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = v;
                __syncthreads();
                if (threadIdx.x >= 32) return;
                v = threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0;
                for (int d = 16; d; d >>= 1) v += __shfl_down_sync(~0u, v, d);
                if (threadIdx.x == 0) out[blockIdx.x] = v;
            }
            """, architecture);
        float[] x = Values(n, 1);
        ulong sums = program.Reserve<float>(blocks);
        program.Launch("sum", new Dim3(blocks), new Dim3(threads), 0, program.Upload(x), sums, n);
        float[] got = program.Download<float>(sums, blocks);
        for (int b = 0; b < blocks; b++)
        {
            double expected = Enumerable.Range(0, n).Where(i => i / threads % blocks == b).Sum(i => (double)x[i]);
            Near(expected, got[b], 1e-4, $"block {b}");
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void An_inclusive_scan_carries_from_tile_to_tile(int architecture)
    {
        const int n = 1237;
        using CudaProgram program = new("""
            extern "C" __global__ void scan(const int* x, int* y, int n)
            {
                __shared__ int total[8];
                __shared__ int carry;
                int t = threadIdx.x, lane = t & 31, warp = t >> 5;
                if (t == 0) carry = 0;
                for (int start = 0; start < n; start += blockDim.x)
                {
                    int i = start + t, v = i < n ? x[i] : 0;
                    for (int d = 1; d < 32; d *= 2)
                    {
                        int below = __shfl_up_sync(~0u, v, d);
                        if (lane >= d) v += below;
                    }
                    if (lane == 31) total[warp] = v;
                    __syncthreads();
                    for (int w = 0; w < warp; w++) v += total[w];
                    v += carry;
                    if (i < n) y[i] = v;
                    __syncthreads();
                    if (t == blockDim.x - 1) carry = v;
                    __syncthreads();
                }
            }
            """, architecture);
        int[] x = [.. Enumerable.Range(0, n).Select(i => i * 7919 % 201 - 100)];
        ulong y = program.Reserve<int>(n);
        program.Launch("scan", new Dim3(1), new Dim3(256), 0, program.Upload(x), y, n);
        int sum = 0;
        Assert.Equal(x.Select(v => sum += v), program.Download<int>(y, n));
    }

    [NvrtcTheory]
    [InlineData(75, 0)]
    [InlineData(86, 0)]
    [InlineData(75, 1)]
    [InlineData(90, 1)]
    public void A_transpose_has_bank_conflicts_unless_its_tile_is_padded(int architecture, int padding)
    {
        string source = $"#define PAD {padding}\n" + """
            extern "C" __global__ void transpose(const float* x, float* y, int rows, int columns)
            {
                __shared__ float tile[32][32 + PAD];
                int r = blockIdx.y * 32, c = blockIdx.x * 32;
                for (int i = threadIdx.y; i < 32; i += 8)
                    if (r + i < rows && c + threadIdx.x < columns) tile[i][threadIdx.x] = x[(r + i) * columns + c + threadIdx.x];
                __syncthreads();
                for (int i = threadIdx.y; i < 32; i += 8)
                    if (c + i < columns && r + threadIdx.x < rows) y[(c + i) * rows + r + threadIdx.x] = tile[threadIdx.x][i];
            }
            """;
        using CudaProgram program = new(source, architecture);
        foreach ((int rows, int columns) in ((int, int)[])[(64, 96), (67, 45), (1, 33)])
        {
            float[] x = Values(rows * columns, 2);
            ulong y = program.Reserve<float>(x.Length);
            Dim3 grid = new((columns + 31) / 32, (rows + 31) / 32);
            LaunchCounters counters = program.Launch("transpose", grid, new Dim3(32, 8), 0, program.Upload(x), y, rows, columns);
            float[] got = program.Download<float>(y, x.Length);
            for (int i = 0; i < x.Length; i++) Assert.Equal(x[i], got[i % columns * rows + i / columns]);
            // A column of a 32-wide tile lies in one bank: 31 extra cycles for each warp that reads a whole one.
            if (padding > 0) Assert.Equal(0, counters.SharedBankConflicts);
            else Assert.Equal(columns * Enumerable.Range(0, grid.Y).Sum(b => Math.Min(32, rows - 32 * b) - 1),
                counters.SharedBankConflicts);
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void A_histogram_counts_with_shared_and_global_atomics(int architecture)
    {
        const int n = 9999;
        using CudaProgram program = new("""
            extern "C" __global__ void histogram(const unsigned char* x, unsigned* bins, int n)
            {
                __shared__ unsigned mine[256];
                for (int i = threadIdx.x; i < 256; i += blockDim.x) mine[i] = 0;
                __syncthreads();
                for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&mine[x[i]], 1u);
                __syncthreads();
                for (int i = threadIdx.x; i < 256; i += blockDim.x)
                    if (mine[i]) atomicAdd(bins + i, mine[i]);
            }
            """, architecture);
        byte[] x = [.. Enumerable.Range(0, n).Select(i => (byte)(i * i % 251))];
        ulong bins = program.Upload(new uint[256]);
        program.Launch("histogram", new Dim3(4), new Dim3(96), 0, program.Upload(x), bins, n);
        Assert.Equal(Enumerable.Range(0, 256).Select(v => (uint)x.Count(e => e == v)), program.Download<uint>(bins, 256));
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void A_softmax_of_odd_rows_is_that_of_double_arithmetic(int architecture)
    {
        const int rows = 5, columns = 77;
        using CudaProgram program = new("""
            extern "C" __global__ void softmax(const float* x, float* y, int columns)
            {
                x += blockIdx.x * columns;
                y += blockIdx.x * columns;
                float top = -__int_as_float(0x7f800000), sum = 0;
                for (int c = threadIdx.x; c < columns; c += 32) top = fmaxf(top, x[c]);
                for (int d = 16; d; d /= 2) top = fmaxf(top, __shfl_xor_sync(~0u, top, d));
                for (int c = threadIdx.x; c < columns; c += 32) sum += expf(x[c] - top);
                for (int d = 16; d; d /= 2) sum += __shfl_xor_sync(~0u, sum, d);
                for (int c = threadIdx.x; c < columns; c += 32) y[c] = expf(x[c] - top) / sum;
            }
            """, architecture);
        float[] x = [.. Values(rows * columns, 3).Select(v => v * 20)];
        ulong y = program.Reserve<float>(x.Length);
        program.Launch("softmax", new Dim3(rows), new Dim3(32), 0, program.Upload(x), y, columns);
        float[] got = program.Download<float>(y, x.Length);
        for (int r = 0; r < rows; r++)
        {
            double[] e = [.. x.Skip(r * columns).Take(columns).Select(v => Math.Exp(v))];
            for (int c = 0; c < columns; c++) Near(e[c] / e.Sum(), got[r * columns + c], 3e-6 * e[c] / e.Sum() + 1e-30, $"row {r}, {c}");
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void A_divergent_grid_stride_loop_with_early_exits_ends_right(int architecture)
    {
        const int n = 777;
        using CudaProgram program = new("""
            extern "C" __global__ void collatz(unsigned* steps, int n, int limit)
            {
                for (int i = blockIdx.x * blockDim.x + threadIdx.x; ; i += gridDim.x * blockDim.x)
                {
                    if (i >= n) return;
                    unsigned v = i + 1, count = 0;
                    while (v != 1)
                    {
                        if (count == limit) break;
                        if (v & 1)
                        {
                            if (v % 3 == 0) { count += 1000; }
                            v = 3 * v + 1;
                        }
                        else v /= 2;
                        count++;
                    }
                    if (i % 5 == 4) continue;
                    steps[i] = count;
                }
            }
            """, architecture);
        ulong steps = program.Upload(new uint[n]);
        program.Launch("collatz", new Dim3(2), new Dim3(96), 0, steps, n, 90);
        uint[] got = program.Download<uint>(steps, n);
        for (int i = 0; i < n; i++) Assert.True(Collatz(i, 90) == got[i], $"{i}: {got[i]}, expected {Collatz(i, 90)}");

        static uint Collatz(int i, uint limit)
        {
            uint v = (uint)i + 1, count = 0;
            for (; v != 1 && count != limit && i % 5 != 4; count++)
            {
                if (v % 6 == 3) count += 1000;
                v = (v & 1) != 0 ? 3 * v + 1 : v / 2;
            }
            return count;
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void Votes_ballots_and_matches_agree_with_a_loop_over_lanes(int architecture)
    {
        using CudaProgram program = new("""
            extern "C" __global__ void warp(const int* x, unsigned* out)
            {
                int v = x[threadIdx.x], same;
                out += 8 * threadIdx.x;
                out[0] = __ballot_sync(~0u, v & 1);
                out[1] = __any_sync(~0u, v == 7) | __all_sync(~0u, v < 8) << 1;
                out[2] = __match_any_sync(~0u, v);
                out[3] = __match_all_sync(~0u, v / 100, &same) | same << 7;
                out[4] = 0;
                if (v > 3)
                {
                    unsigned group = __activemask();
                    out[4] = __popc(group) * 100 + __ffs(group) + __shfl_sync(group, v, __ffs(group) - 1);
                }
                out[5] = __match_any_sync(~0u, (unsigned long long)v << 33);
                out[6] = __syncthreads_count(v > 3) * 4 + (__syncthreads_and(v < 8) ? 2 : 0) + (__syncthreads_or(v > 8) ? 1 : 0);
                out[7] = __reduce(v);
            }
            """.Replace("__reduce(v)", architecture >= 80 ? "__reduce_add_sync(~0u, v)" : "0", StringComparison.Ordinal), architecture);
        int[] x = [.. Enumerable.Range(0, 64).Select(i => i * 11 % 13 % 8)];
        ulong got = program.Reserve<uint>(512);
        program.Launch("warp", new Dim3(1), new Dim3(64), 0, program.Upload(x), got);
        uint[] all = program.Download<uint>(got, 512);
        for (int t = 0; t < 64; t++)
        {
            int[] warp = x[(t & 32)..((t & 32) + 32)];
            uint[] expected =
            [
                Mask(warp, v => (v & 1) != 0), warp.Contains(7) ? 3u : 2, Mask(warp, v => v == x[t]), uint.MaxValue, 0,
                Mask(warp, v => v == x[t]), (uint)x.Count(v => v > 3) * 4 + 2, architecture >= 80 ? (uint)warp.Sum() : 0,
            ];
            int first = Array.FindIndex(warp, v => v > 3);
            if (x[t] > 3) expected[4] = (uint)(warp.Count(v => v > 3) * 100 + first + 1 + warp[first]);
            Assert.Equal(expected, all[(8 * t)..(8 * t + 8)]);
        }

        static uint Mask(int[] warp, Func<int, bool> holds) => (uint)warp.Select((v, l) => holds(v) ? 1L << l : 0).Sum();
    }

    [NvrtcTheory]
    [MemberData(nameof(Architectures))]
    public void A_dot_product_in_double_keeps_all_digits(int architecture)
    {
        const int n = 1001;
        using CudaProgram program = new("""
            extern "C" __global__ void dot(const double* x, const double* y, double* out, int n)
            {
                double v = 0;
                for (int i = threadIdx.x; i < n; i += blockDim.x) v = fma(x[i], y[i], v);
                for (int d = 16; d; d /= 2) v += __shfl_xor_sync(~0u, v, d);
                if ((threadIdx.x & 31) == 0) atomicAdd(out, v);
            }
            """, architecture);
        double[] x = [.. Values(n, 4).Select(v => v / 3.0)], y = [.. Values(n, 5).Select(v => v / 7.0)];
        ulong sum = program.Upload(0.0);
        program.Launch("dot", new Dim3(1), new Dim3(128), 0, program.Upload(x), program.Upload(y), sum, n);
        Near(x.Zip(y, (a, b) => a * b).Sum(), program.Download<double>(sum, 1)[0], 1e-14, "the product");
    }
}
