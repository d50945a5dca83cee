// Strided GEMM, float32 on CUDA cores: linear layers and convolutions of the float32 path, and what half precision keeps in float32 (the
// first layers on audio and on autocorrelations, whose values can be far below what f16 holds). See gemm.cuh.
//
// A tile of y is BM x BN; BK of the depth at a time travel through registers to shared memory, two tiles in turn, so that the loads of one
// overlap the products of the other. A thread owns 8 x 4 or 4 x 4 outputs in blocks of 4 x 4, read from shared memory as float4.
//
// Launch: grid (ceil(outputs / BN), ceil(all_rows / BM), groups * splits), block THREADS_M * THREADS_N; static shared memory
// 2 * 16 * (BM + 4 + BN) floats. Macros: BM, BN; THREADS_M, THREADS_N (BM / THREADS_M and BN / THREADS_N are multiples of 4); ALIGNED: 1
// where all of x that 4 neighbouring inputs of one tap read is one aligned 16-byte load, 0 for any layout.
// weights: [groups][depth][pitch] float with pitch a multiple of 4.
#include "gemm.cuh"

#define BK 16
#define THREADS (THREADS_M * THREADS_N)
#define TM (BM / THREADS_M)
#define TN (BN / THREADS_N)
#define LOADS_A ((BM * BK / 4 + THREADS - 1) / THREADS)
#define LOADS_B ((BN * BK / 4 + THREADS - 1) / THREADS)

__device__ __forceinline__ float4 four(float a, float b, float c, float d) { return make_float4(a, b, c, d); }

// The 1 lets a thread of the largest tile have more than 128 registers: without it, ptxas makes room for a second block and spills.
extern "C" __global__ void __launch_bounds__(THREADS, 1) gemm_f32(GemmArguments p)
{
    __shared__ __align__(16) float a[2][BK][BM + 4]; // + 4: the four columns that a float4 of x is spread over fall into different banks
    __shared__ __align__(16) float b[2][BK][BN];
    const int groups = gridDim.z / p.splits, group = blockIdx.z % groups, split = blockIdx.z / groups;
    const int first_row = blockIdx.y * BM, first_column = blockIdx.x * BN;
    const int first_k = split * p.chunk, end_k = min(p.depth, first_k + p.chunk);
    const int tx = threadIdx.x % THREADS_N, ty = threadIdx.x / THREADS_N;
    const float* weights = (const float*)p.weights + (i64)group * p.depth * p.pitch;

    // A: this thread loads four inputs from k_a on, of rows row_a, row_a + THREADS / 4, ...
    const int lane_k = threadIdx.x % 4 * 4, row_a = threadIdx.x / 4;
    const float* source[LOADS_A];
#pragma unroll
    for (int l = 0; l < LOADS_A; l++)
    {
        int r = min(first_row + row_a + l * (THREADS / 4), p.all_rows - 1); // rows past the end repeat the last one and are not stored
        int item = r / p.rows, t = r - item * p.rows;
        source[l] = (const float*)p.x + item * p.x_items + (i64)t * p.x_step + group * p.inputs;
    }
    int k_a = first_k + lane_k, tap = k_a / p.inputs, channel = k_a - tap * p.inputs;

    float sums[TM][TN];
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) sums[i][j] = 0.0f;

    float4 next_a[LOADS_A], next_b[LOADS_B];
    auto load_tiles = [&](int k0) {
#pragma unroll
        for (int l = 0; l < LOADS_A; l++)
        {
            next_a[l] = four(0, 0, 0, 0);
            if (BM * BK / 4 % THREADS != 0 && row_a + l * (THREADS / 4) >= BM) continue;
#if ALIGNED
            if (k_a < end_k) next_a[l] = *(const float4*)(source[l] + (i64)tap * p.x_taps + channel);
#else
            int at = channel, row_tap = tap;
            float v[4];
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                v[j] = k_a + j < end_k ? source[l][(i64)row_tap * p.x_taps + at] : 0.0f;
                if (++at == p.inputs) at = 0, row_tap++;
            }
            next_a[l] = four(v[0], v[1], v[2], v[3]);
#endif
        }
        k_a += BK;
        channel += BK;
        while (channel >= p.inputs) channel -= p.inputs, tap++;
#pragma unroll
        for (int l = 0; l < LOADS_B; l++)
        {
            int index = threadIdx.x + THREADS * l, k = k0 + index / (BN / 4), column = first_column + index % (BN / 4) * 4;
            bool there = index < BN * BK / 4 && k < end_k && column < p.pitch;
            next_b[l] = there ? *(const float4*)(weights + (i64)k * p.pitch + column) : four(0, 0, 0, 0);
        }
    };
    auto store_tiles = [&](int slot) {
#pragma unroll
        for (int l = 0; l < LOADS_A; l++)
        {
            int row = row_a + l * (THREADS / 4);
            if (BM * BK / 4 % THREADS != 0 && row >= BM) continue;
            a[slot][lane_k][row] = next_a[l].x;
            a[slot][lane_k + 1][row] = next_a[l].y;
            a[slot][lane_k + 2][row] = next_a[l].z;
            a[slot][lane_k + 3][row] = next_a[l].w;
        }
#pragma unroll
        for (int l = 0; l < LOADS_B; l++)
        {
            int index = threadIdx.x + THREADS * l;
            if (BN * BK / 4 % THREADS != 0 && index >= BN * BK / 4) continue;
            *(float4*)&b[slot][index / (BN / 4)][index % (BN / 4) * 4] = next_b[l];
        }
    };

    load_tiles(first_k);
    store_tiles(0);
    __syncthreads();
    int slot = 0;
    for (int k0 = first_k; k0 < end_k; k0 += BK, slot ^= 1)
    {
        bool more = k0 + BK < end_k;
        if (more) load_tiles(k0 + BK);
#pragma unroll
        for (int k = 0; k < BK; k++)
        {
            float4 column[TM / 4], row[TN / 4];
#pragma unroll
            for (int i = 0; i < TM / 4; i++) column[i] = *(const float4*)&a[slot][k][i * 4 * THREADS_M + ty * 4];
#pragma unroll
            for (int j = 0; j < TN / 4; j++) row[j] = *(const float4*)&b[slot][k][j * 4 * THREADS_N + tx * 4];
#pragma unroll
            for (int i = 0; i < TM; i++)
#pragma unroll
                for (int j = 0; j < TN; j++)
                    sums[i][j] = fmaf((&column[i / 4].x)[i % 4], (&row[j / 4].x)[j % 4], sums[i][j]);
        }
        if (more) store_tiles(slot ^ 1); // nobody reads that slot: its readers passed the barrier below
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < TM; i++)
    {
        int r = first_row + i / 4 * 4 * THREADS_M + ty * 4 + i % 4;
        if (r >= p.all_rows) continue;
        OutputRow out = output_row(p, r, group, groups, split);
#pragma unroll
        for (int j = 0; j < TN; j++)
        {
            int o = first_column + j / 4 * 4 * THREADS_N + tx * 4 + j % 4;
            if (o < p.outputs) finish(p, out, group, o, sums[i][j]);
        }
    }
}
