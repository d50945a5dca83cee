using A2F.CudaEmulator;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>Tensor-core products as kernels do them, from NVRTC's PTX, against double arithmetic.</summary>
public sealed class TensorClassicsTests
{
    /// <summary>
    /// C [m, n] = A [m, k] B [k, n], halves, rows contiguous, k and n multiples of 8. A block makes 64 x 32 of C with four warps, in
    /// steps of 32 along k, STAGES of them in flight; what lies outside is filled with zeros by the copies.
    /// </summary>
    internal const string Staged = """
        #define STAGES 3
        #define PITCH 40
        typedef unsigned short half;
        __device__ __forceinline__ void copy(unsigned to, const half* from, bool inside)
        {
            asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(from), "r"(inside ? 16 : 0) : "memory");
        }
        extern "C" __global__ void __launch_bounds__(128) gemm(const half* a, const half* b, float* c, int m, int n, int k)
        {
            __shared__ __align__(16) half as[STAGES][64 * PITCH], bs[STAGES][32 * PITCH];
            int t = threadIdx.x, lane = t & 31, warp_row = (t >> 5) / 2 * 32, warp_column = (t >> 5) % 2 * 16;
            int row = blockIdx.y * 64, column = blockIdx.x * 32;
            unsigned a_base = (unsigned)__cvta_generic_to_shared(as), b_base = (unsigned)__cvta_generic_to_shared(bs);
            float d[2][2][4] = {};
            int steps = (k + 31) / 32;
            auto fetch = [&](int step)
            {
                if (step < steps)
                {
                    int stage = step % STAGES;
                    for (int i = t; i < 256; i += 128)
                    {
                        int r = i / 4, x = step * 32 + i % 4 * 8;
                        bool inside = row + r < m && x < k;
                        copy(a_base + 2 * ((stage * 64 + r) * PITCH + i % 4 * 8), inside ? a + (row + r) * k + x : a, inside);
                    }
                    int r = step * 32 + t / 4, x = column + t % 4 * 8;
                    bool inside = r < k && x < n;
                    copy(b_base + 2 * ((stage * 32 + t / 4) * PITCH + t % 4 * 8), inside ? b + r * n + x : b, inside);
                }
                asm volatile("cp.async.commit_group;" ::: "memory");
            };
            for (int s = 0; s < STAGES - 1; s++) fetch(s);
            for (int step = 0; step < steps; step++)
            {
                asm volatile("cp.async.wait_group %0;" :: "n"(STAGES - 2) : "memory");
                __syncthreads();
                fetch(step + STAGES - 1);
                int stage = step % STAGES;
                for (int part = 0; part < 32; part += 16)
                {
                    unsigned fa[2][4], fb[4];
                    for (int i = 0; i < 2; i++)
                        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                            : "=r"(fa[i][0]), "=r"(fa[i][1]), "=r"(fa[i][2]), "=r"(fa[i][3])
                            : "r"(a_base + 2 * ((stage * 64 + warp_row + 16 * i + lane % 16) * PITCH + part + lane / 16 * 8)) : "memory");
                    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(fb[0]), "=r"(fb[1]), "=r"(fb[2]), "=r"(fb[3])
                        : "r"(b_base + 2 * ((stage * 32 + part + lane % 16) * PITCH + warp_column + lane / 16 * 8)) : "memory");
                    for (int i = 0; i < 2; i++)
                        for (int j = 0; j < 2; j++)
                            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                                "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                                : "+f"(d[i][j][0]), "+f"(d[i][j][1]), "+f"(d[i][j][2]), "+f"(d[i][j][3])
                                : "r"(fa[i][0]), "r"(fa[i][1]), "r"(fa[i][2]), "r"(fa[i][3]), "r"(fb[2 * j]), "r"(fb[2 * j + 1]));
                }
            }
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++)
                    for (int e = 0; e < 4; e++)
                    {
                        int r = row + warp_row + 16 * i + lane / 4 + e / 2 * 8, x = column + warp_column + 8 * j + lane % 4 * 2 + e % 2;
                        if (r < m && x < n) c[r * n + x] = d[i][j][e];
                    }
        }
        """;

    /// <summary>C [m, n] = A [m, k] B [n, k]^T on m16n8k8, one warp a 16 x 8 piece, through shared memory.</summary>
    private const string Turing = """
        typedef unsigned short half;
        extern "C" __global__ void gemm(const half* a, const half* b, float* c, int m, int n, int k)
        {
            __shared__ half as[16][8], bs[8][8];
            int lane = threadIdx.x, row = blockIdx.y * 16, column = blockIdx.x * 8;
            float d[4] = {};
            for (int x = 0; x < k; x += 8)
            {
                for (int i = lane; i < 128; i += 32)
                    as[i / 8][i % 8] = row + i / 8 < m && x + i % 8 < k ? a[(row + i / 8) * k + x + i % 8] : 0;
                for (int i = lane; i < 64; i += 32)
                    bs[i / 8][i % 8] = column + i / 8 < n && x + i % 8 < k ? b[(column + i / 8) * k + x + i % 8] : 0;
                __syncthreads();
                unsigned a0 = *(unsigned*)&as[lane / 4][lane % 4 * 2], a1 = *(unsigned*)&as[lane / 4 + 8][lane % 4 * 2];
                unsigned b0 = *(unsigned*)&bs[lane / 4][lane % 4 * 2];
                asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                    : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a0), "r"(a1), "r"(b0));
                __syncthreads();
            }
            for (int e = 0; e < 4; e++)
            {
                int r = row + lane / 4 + e / 2 * 8, x = column + lane % 4 * 2 + e % 2;
                if (r < m && x < n) c[r * n + x] = d[e];
            }
        }
        """;

    private static Half[] Halves(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (Half)(random.NextDouble() * 2 - 1))];
    }

    private static void Near(Func<int, int, int, (double A, double B)> factors, int m, int n, int k, Func<int, int, double> got,
        double unit)
    {
        for (int r = 0; r < m; r++)
            for (int c = 0; c < n; c++)
            {
                double sum = 0, size = 0;
                for (int i = 0; i < k; i++)
                {
                    (double a, double b) = factors(r, c, i);
                    sum += a * b;
                    size += Math.Abs(a * b);
                }
                Assert.True(Math.Abs(sum - got(r, c)) <= unit * size, $"[{r}, {c}]: {got(r, c):R}, expected {sum:R}");
            }
    }

    [NvrtcTheory]
    [InlineData(80, 64, 32, 32)]
    [InlineData(86, 75, 40, 72)]
    [InlineData(90, 130, 72, 200)]
    [InlineData(86, 1, 8, 8)]
    public void A_product_in_stages_of_asynchronous_copies_is_right_and_its_fragments_load_without_conflicts(int architecture, int m,
        int n, int k)
    {
        using CudaProgram program = new(Staged, architecture);
        Half[] a = Halves(m * k, 1), b = Halves(k * n, 2);
        ulong c = program.Reserve<float>(m * n);
        Dim3 grid = new((n + 31) / 32, (m + 63) / 64);
        LaunchCounters counters = program.Launch("gemm", grid, new Dim3(128), 0, program.Upload(a), program.Upload(b), c, m, n, k);
        float[] got = program.Download<float>(c, m * n);
        Near((r, x, i) => ((double)a[r * k + i], (double)b[i * n + x]), m, n, k, (r, x) => got[r * n + x], k * 6e-8);
        // Eight copies of a phase fill two rows, which share four banks: one extra cycle each. ldmatrix adds none.
        Assert.Equal(grid.Count * ((k + 31) / 32) * (256 + 128) / 8, counters.SharedBankConflicts);
        Assert.Equal(grid.Count * 4 * ((k + 31) / 32) * 2 * 4 * 2 * 16 * 8 * 16, counters.TensorFlops);
    }

    [NvrtcTheory]
    [InlineData(75, 16, 8, 8)]
    [InlineData(75, 37, 19, 43)]
    [InlineData(86, 37, 19, 43)]
    public void A_product_on_the_first_tensor_cores_of_this_shape_is_right(int architecture, int m, int n, int k)
    {
        using CudaProgram program = new(Turing, architecture);
        Half[] a = Halves(m * k, 3), b = Halves(n * k, 4);
        ulong c = program.Reserve<float>(m * n);
        program.Launch("gemm", new Dim3((n + 7) / 8, (m + 15) / 16), new Dim3(32), 0, program.Upload(a), program.Upload(b), c, m, n, k);
        float[] got = program.Download<float>(c, m * n);
        Near((r, x, i) => ((double)a[r * k + i], (double)b[x * k + i]), m, n, k, (r, x) => got[r * n + x], k * 6e-8);
    }

    [NvrtcFact]
    public void Inline_assembly_beyond_the_target_is_refused_as_the_assembler_would()
    {
        EmulatorException e = Assert.Throws<EmulatorException>(() => new CudaProgram(Staged, 75));
        Assert.Equal(EmulatorErrorKind.Unsupported, e.Kind);
        Assert.Contains("needs sm_80, the text's target is sm_75", e.Message, StringComparison.Ordinal);
        using EmulatedDevice old = new("sm_75", 1);
        e = Assert.Throws<EmulatorException>(() => PtxModule.Load(old, CudaProgram.Ptx(Turing, 86)));
        Assert.Contains("target is sm_86, the device is sm_75", e.Message, StringComparison.Ordinal);
    }

    private const string Round =
        "for (int i = 0; i < 6; i++) asm(\"cvt.rna.tf32.f32 %0, %1;\" : \"=r\"(f[i]) : \"f\"(__uint_as_float(f[i])));";

    /// <summary>D [16, 8] = A [16, k] B [8, k]^T, straight from fragments in global memory; a step takes eight words of each row.</summary>
    private static string Fragments(string instruction, string accumulator, bool round) => $$"""
        extern "C" __global__ void multiply(const unsigned* a, const unsigned* b, {{accumulator}}* c, int words)
        {
            int g = threadIdx.x / 4, t = threadIdx.x % 4;
            {{accumulator}} d[4] = {};
            for (int w = t; w < words; w += 8)
            {
                unsigned f[6] = { a[g * words + w], a[(g + 8) * words + w], a[g * words + w + 4], a[(g + 8) * words + w + 4],
                    b[g * words + w], b[g * words + w + 4] };
                {{(round ? Round : "")}}
                asm volatile("mma.sync.aligned.{{instruction}} {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                    : "+{{(accumulator == "int" ? "r" : "f")}}"(d[0]), "+{{(accumulator == "int" ? "r" : "f")}}"(d[1]),
                      "+{{(accumulator == "int" ? "r" : "f")}}"(d[2]), "+{{(accumulator == "int" ? "r" : "f")}}"(d[3])
                    : "r"(f[0]), "r"(f[1]), "r"(f[2]), "r"(f[3]), "r"(f[4]), "r"(f[5]));
            }
            for (int e = 0; e < 4; e++) c[(g + e / 2 * 8) * 8 + 2 * t + e % 2] = d[e];
        }
        """;

    [NvrtcTheory]
    [InlineData("m16n8k16.row.col.f32.bf16.bf16.f32", 16)]
    [InlineData("m16n8k8.row.col.f32.tf32.tf32.f32", 32)]
    [InlineData("m16n8k32.row.col.s32.s8.s8.s32", 8)]
    [InlineData("m16n8k32.row.col.s32.u8.s8.s32", 8)]
    public void Other_element_types_multiply_as_well(string instruction, int bits)
    {
        const int words = 24;
        int k = words * 32 / bits;
        bool integer = bits == 8, unsigned = instruction.Contains("u8", StringComparison.Ordinal);
        Random random = new(9);
        uint[] a = Words(16), b = Words(8);
        foreach (int architecture in (int[])[80, 86, 90])
        {
            using CudaProgram program = new(Fragments(instruction, integer ? "int" : "float", bits == 32), architecture);
            ulong c = program.Reserve<uint>(128);
            program.Launch("multiply", new Dim3(1), new Dim3(32), 0, program.Upload(a), program.Upload(b), c, words);
            uint[] got = program.Download<uint>(c, 128);
            Near((r, x, i) => (Element(a, r, i, unsigned), Element(b, x, i, false)), 16, 8, k,
                (r, x) => integer ? (int)got[8 * r + x] : BitConverter.UInt32BitsToSingle(got[8 * r + x]), integer ? 0 : k * 6e-8);
        }

        uint[] Words(int rows) =>
        [
            .. Enumerable.Range(0, rows * words).Select(_ => integer ? (uint)random.NextInt64(1L << 32)
                : bits == 32 ? BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) : Brain() | Brain() << 16),
        ];

        uint Brain() => BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) >> 16;

        double Element(uint[] m, int row, int i, bool plain)
        {
            uint word = m[row * words + i * bits / 32] >> (i * bits % 32);
            return bits switch
            {
                8 => plain ? (byte)word : (sbyte)word,
                16 => BitConverter.UInt32BitsToSingle(word << 16),
                _ => Nearest11(BitConverter.UInt32BitsToSingle(word)),
            };
        }

        // 11 significant bits, ties away from zero.
        static double Nearest11(double v)
        {
            double unit = Math.Pow(2, Math.Floor(Math.Log2(Math.Abs(v))) - 10);
            return v == 0 ? 0 : Math.Round(v / unit, MidpointRounding.AwayFromZero) * unit;
        }
    }
}
