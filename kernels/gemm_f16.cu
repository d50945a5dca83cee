// Strided GEMM on tensor cores, f16 in, float32 sums: linear layers and convolutions of the half-precision path. See gemm.cuh.
//
// A tile of y is BM x BN; 32 of the depth at a time travel to shared memory by cp.async in STAGES buffers, from there to registers by
// ldmatrix, and into mma.m16n8k16. Rows of a shared tile are stored with their 16-byte chunks permuted (XOR with the row), so that neither
// the copies nor ldmatrix meet bank conflicts. Before sm_80 there is no cp.async (plain copies instead) and no k16 (two m16n8k8 instead).
//
// Launch: grid (ceil(outputs / BN), ceil(all_rows / BM), groups * splits), block 32 * WARPS_M * WARPS_N; static shared memory
// STAGES * 64 * (BM + BN) bytes. Macros: BM, BN; WARPS_M, WARPS_N (a warp owns BM / WARPS_M rows and BN / WARPS_N columns, multiples of
// 16); ALIGNED: 1 where all of x that 8 neighbouring inputs of one tap read is one aligned 16-byte load, 0 for any layout.
// weights: [groups][depth][pitch] f16 with pitch a multiple of 8.
#include "gemm.cuh"

#define BK 32
#define THREADS (32 * WARPS_M * WARPS_N)
#define WM (BM / WARPS_M)
#define WN (BN / WARPS_N)
#define TILES_M (WM / 16)
#define TILES_N (WN / 8)
#define CHUNKS_B (BN / 8)
#if __CUDA_ARCH__ >= 800
#define STAGES (BM + BN > 128 ? 3 : 4)
#else
#define STAGES 2
#endif

#define ROW_A (BK * 2) // bytes
#define ROW_B (BN * 2)
#define STAGE_A (BM * ROW_A)
#define STAGE_B (BK * ROW_B)

// Byte offset of the 16-byte chunk c of row r of the A tile: 4 chunks a row.
__device__ __forceinline__ u32 place_a(int r, int c) { return r * ROW_A + ((c ^ ((r >> 1) & 3)) * 16); }

// The same for the B tile: row k of BN / 8 chunks.
__device__ __forceinline__ u32 place_b(int k, int c)
{
    return k * ROW_B + ((BN >= 64 ? (c ^ (k & 7)) : (c ^ ((k >> 1) & 3))) * 16);
}

__device__ __forceinline__ void store16(u32 target, u32 a, u32 b, u32 c, u32 d)
{
    asm volatile("st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(target), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
}

// Copies 16 bytes to shared memory, or zeros where there is nothing to read.
__device__ __forceinline__ void copy16(u32 target, const f16* source, bool there)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(source), "r"(there ? 16 : 0) : "memory");
#else
    uint4 v = make_uint4(0, 0, 0, 0);
    if (there) v = *(const uint4*)source;
    store16(target, v.x, v.y, v.z, v.w);
#endif
}

__device__ __forceinline__ void end_of_stage()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

__device__ __forceinline__ void wait_for_stage()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
#endif
}

__device__ __forceinline__ void load_matrices(u32 (&r)[4], u32 address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(u32 (&r)[4], u32 address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

// c += a (16 x 16) b (16 x 8)
__device__ __forceinline__ void multiply(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(b0));
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

// Two neighbouring columns of one row.
__device__ __forceinline__ void finish_pair(const GemmArguments& p, const OutputRow& row, int group, int o, float first, float second)
{
    const int wanted = GEMM_HALF_Y | GEMM_PAIRS;
    if (o + 1 < p.outputs && (p.flags & (wanted | GEMM_ACCUMULATE)) == wanted && !p.partials)
    {
        const float* bias = p.bias + group * p.outputs + o;
        f16 pair[2];
        float a = activate(bias[0] + first, p.activation) * row.scale, b = activate(bias[1] + second, p.activation) * row.scale;
        if (p.flags & GEMM_RESIDUAL)
        {
            *(u32*)pair = *(const u32*)((const f16*)p.residual + row.residual + o);
            a += load(pair);
            b += load(pair + 1);
        }
        store(pair, a);
        store(pair + 1, b);
        *(u32*)((f16*)p.y + row.y + o) = (u32)pair[0].bits | (u32)pair[1].bits << 16;
        return;
    }
    if (o < p.outputs) finish(p, row, group, o, first);
    if (o + 1 < p.outputs) finish(p, row, group, o + 1, second);
}

extern "C" __global__ void __launch_bounds__(THREADS) gemm_f16(GemmArguments p)
{
    __shared__ __align__(128) f16 tile_a[STAGES][BM * BK];
    __shared__ __align__(128) f16 tile_b[STAGES][BK * BN];
    const u32 shared_a = (u32)__cvta_generic_to_shared(tile_a), shared_b = (u32)__cvta_generic_to_shared(tile_b);
    const int groups = gridDim.z / p.splits, group = blockIdx.z % groups, split = blockIdx.z / groups;
    const int first_row = blockIdx.y * BM, first_column = blockIdx.x * BN;
    const int first_k = split * p.chunk, end_k = min(p.depth, first_k + p.chunk);
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const int warp_row = warp / WARPS_N * WM, warp_column = warp % WARPS_N * WN;

    // A: this thread copies chunk chunk_a of rows row_a, row_a + ROWS_PASS, ...; (tap, channel) is where that chunk lies in x. Neither
    // that step nor the ones below change the permutation, so an offset of the first serves all.
    const int ROWS_PASS = THREADS / 4, chunk_a = threadIdx.x % 4, row_a = threadIdx.x / 4;
    const u32 target_a = shared_a + place_a(row_a, chunk_a);
    const f16* source[(BM * 4 + THREADS - 1) / THREADS];
#pragma unroll
    for (int i = 0; i * THREADS < BM * 4; i++)
    {
        int r = min(first_row + row_a + i * ROWS_PASS, p.all_rows - 1); // rows past the end repeat the last one and are not stored
        int item = r / p.rows, t = r - item * p.rows;
        source[i] = (const f16*)p.x + item * p.x_items + (i64)t * p.x_step + group * p.inputs;
    }
    int k_a = first_k + chunk_a * 8, tap = k_a / p.inputs, channel = k_a - tap * p.inputs;

    auto copy_a = [&](int stage) {
        const u32 target = target_a + stage * STAGE_A;
#pragma unroll
        for (int i = 0; i * THREADS < BM * 4; i++)
        {
            if (BM * 4 % THREADS != 0 && row_a + i * ROWS_PASS >= BM) continue;
#if ALIGNED
            copy16(target + i * ROWS_PASS * ROW_A, k_a < end_k ? source[i] + (tap * p.x_taps + channel) : (const f16*)p.x, k_a < end_k);
#else
            int at = channel, row_tap = tap;
            u32 words[4] = {0, 0, 0, 0};
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
                if (k_a + j < end_k) words[j / 2] |= (u32)source[i][(i64)row_tap * p.x_taps + at].bits << (j % 2 * 16);
                if (++at == p.inputs) at = 0, row_tap++;
            }
            store16(target + i * ROWS_PASS * ROW_A, words[0], words[1], words[2], words[3]);
#endif
        }
        k_a += BK;
        channel += BK;
        while (channel >= p.inputs) channel -= p.inputs, tap++;
    };

    // B: this thread copies chunk chunk_b of rows k_b, k_b + DEPTH_PASS, ... of the next 32 of the depth.
    const int DEPTH_PASS = THREADS / CHUNKS_B, chunk_b = threadIdx.x % CHUNKS_B, row_b = threadIdx.x / CHUNKS_B;
    const bool inside_b = first_column + chunk_b * 8 < p.pitch;
    const u32 target_b = shared_b + place_b(row_b, chunk_b);
    int k_b = first_k + row_b;
    const f16* weights = (const f16*)p.weights + ((i64)group * p.depth + k_b) * p.pitch + first_column + chunk_b * 8;
    auto copy_b = [&](int stage) {
        const u32 target = target_b + stage * STAGE_B;
#pragma unroll
        for (int i = 0; i * THREADS < BK * CHUNKS_B; i++)
        {
            bool there = inside_b && k_b + i * DEPTH_PASS < end_k;
            copy16(target + i * DEPTH_PASS * ROW_B, there ? weights + i * DEPTH_PASS * p.pitch : (const f16*)p.weights, there);
        }
        k_b += BK;
        weights += BK * p.pitch;
    };

    // What ldmatrix reads: a lane names one row of one 8 x 8 matrix. The second half of a 32-deep tile is a flipped bit for A, 16 rows for B.
    const u32 read_a = shared_a + place_a(warp_row + lane % 16, lane / 16);
    u32 read_b[TILES_N / 2];
#pragma unroll
    for (int n = 0; n < TILES_N / 2; n++) read_b[n] = shared_b + place_b(lane % 16, (warp_column + n * 16) / 8 + lane / 16);

    float sums[TILES_M][TILES_N][4];
#pragma unroll
    for (int m = 0; m < TILES_M; m++)
#pragma unroll
        for (int n = 0; n < TILES_N; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) sums[m][n][i] = 0.0f;

    const int steps = (end_k - first_k + BK - 1) / BK;
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++)
    {
        if (s < steps) copy_a(s), copy_b(s);
        end_of_stage();
    }
    int stage = 0, next = STAGES - 1;
    for (int step = 0; step < steps; step++)
    {
        wait_for_stage();
        __syncthreads(); // the stage is complete for all, and nobody reads the one that is filled next
        if (step + STAGES - 1 < steps) copy_a(next), copy_b(next);
        end_of_stage();
#pragma unroll
        for (int k = 0; k < BK; k += 16)
        {
            u32 a[TILES_M][4], b[TILES_N / 2][4];
#pragma unroll
            for (int m = 0; m < TILES_M; m++)
                load_matrices(a[m], (read_a ^ (k * 2)) + stage * STAGE_A + m * 16 * ROW_A);
#pragma unroll
            for (int n = 0; n < TILES_N / 2; n++)
                load_matrices_transposed(b[n], read_b[n] + stage * STAGE_B + k * ROW_B);
#pragma unroll
            for (int m = 0; m < TILES_M; m++)
#pragma unroll
                for (int n = 0; n < TILES_N; n++) multiply(sums[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
        }
        stage = stage + 1 == STAGES ? 0 : stage + 1;
        next = next + 1 == STAGES ? 0 : next + 1;
    }

    // Element i of a 16 x 8 tile: row lane / 4 + 8 * (i / 2), column lane % 4 * 2 + i % 2.
#pragma unroll
    for (int m = 0; m < TILES_M; m++)
    {
#pragma unroll
        for (int h = 0; h < 2; h++)
        {
            int r = first_row + warp_row + m * 16 + lane / 4 + h * 8;
            if (r >= p.all_rows) continue;
            OutputRow row = output_row(p, r, group, groups, split);
#pragma unroll
            for (int n = 0; n < TILES_N; n++)
                finish_pair(p, row, group, first_column + warp_column + n * 8 + lane % 4 * 2, sums[m][n][2 * h], sums[m][n][2 * h + 1]);
        }
    }
}
