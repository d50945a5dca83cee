// Strided GEMM, float32 on CUDA cores: every linear layer and every convolution.
//
//   y[r, o] = act(start + sum over tap, i of x[item, t * stride + tap, g * inputs + i] * w[g][tap * inputs + i][o]) + residual[r, o]
//   r = item * rows + t;  start = bias[o], or y[r, o] where ACCUMULATE
//
// No padding: callers keep zero rows round what needs them. An element's sum runs over k = tap * inputs + i in order, in one thread, so it
// does not depend on the batch or on the tile it falls into.
//
// Launch: grid (ceil(outputs / BN), ceil(items * rows / BM), groups), block 256 as 16 x 16; a thread owns BM / 16 x BN / 16 outputs.
// Macros: BM, BN (multiples of 16), ACT, RESIDUAL (0 or 1), ACCUMULATE (0 or 1).
// Shared memory: 2 * BK * (BM + 4 + BN) floats, static; two tiles, so that the loads of one overlap the products of the other.
#include "common.cuh"

#define BK 16
#define TM (BM / 16)
#define TN (BN / 16)
#define LOADS_A (BM * BK / 256)
#define LOADS_B (BN * BK / 256)

struct GemmArguments
{
    View x; // rows: of one item of y, so that row(r) of x is not used; see the loads
    View y;
    View residual;
    const float* weights; // [groups][depth][outputs]
    const float* bias;    // [groups * outputs]
    int all_rows;         // items * rows
    int stride, inputs, outputs, depth;
};

extern "C" __global__ void __launch_bounds__(256) gemm_f32(GemmArguments p)
{
    __shared__ float a[2][BK][BM + 4]; // + 4: rows of a warp's stores fall into different banks
    __shared__ float b[2][BK][BN];
    int group = blockIdx.z, first_row = blockIdx.y * BM, first_column = blockIdx.x * BN;
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    const float* w = p.weights + (i64)group * p.depth * p.outputs;

    // This thread's elements of A: one k, rows ty, ty + 16, ...
    int k_a = threadIdx.x % BK;
    const float* source[LOADS_A];
#pragma unroll
    for (int l = 0; l < LOADS_A; l++)
    {
        int r = first_row + ty + 16 * l;
        r = r < p.all_rows ? r : p.all_rows - 1; // rows past the end repeat the last one and are not stored
        int item = r / p.y.rows, t = r % p.y.rows;
        source[l] = p.x.data + item * p.x.item_stride + (i64)t * p.stride * p.x.row_stride + group * p.inputs;
    }

    float sums[TM][TN];
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) sums[i][j] = 0.0f;

    float next_a[LOADS_A], next_b[LOADS_B];
    auto load = [&](int k0) {
        int k = k0 + k_a, tap = k / p.inputs;
        i64 offset = (i64)tap * p.x.row_stride + (k - tap * p.inputs);
#pragma unroll
        for (int l = 0; l < LOADS_A; l++) next_a[l] = k < p.depth ? source[l][offset] : 0.0f;
#pragma unroll
        for (int l = 0; l < LOADS_B; l++)
        {
            int index = threadIdx.x + 256 * l, row = k0 + index / BN, column = first_column + index % BN;
            next_b[l] = row < p.depth && column < p.outputs ? w[(i64)row * p.outputs + column] : 0.0f;
        }
    };
    auto store = [&](int slot) {
#pragma unroll
        for (int l = 0; l < LOADS_A; l++) a[slot][k_a][ty + 16 * l] = next_a[l];
#pragma unroll
        for (int l = 0; l < LOADS_B; l++)
        {
            int index = threadIdx.x + 256 * l;
            b[slot][index / BN][index % BN] = next_b[l];
        }
    };

    load(0);
    store(0);
    __syncthreads();
    int slot = 0;
    for (int k0 = 0; k0 < p.depth; k0 += BK, slot ^= 1)
    {
        bool more = k0 + BK < p.depth;
        if (more) load(k0 + BK);
#pragma unroll
        for (int k = 0; k < BK; k++)
        {
            float column[TM], row[TN];
#pragma unroll
            for (int i = 0; i < TM; i++) column[i] = a[slot][k][ty + 16 * i];
#pragma unroll
            for (int j = 0; j < TN; j++) row[j] = b[slot][k][tx + 16 * j];
#pragma unroll
            for (int i = 0; i < TM; i++)
#pragma unroll
                for (int j = 0; j < TN; j++) sums[i][j] = fmaf(column[i], row[j], sums[i][j]);
        }
        if (more) store(slot ^ 1); // nobody reads that slot: its readers passed the barrier below
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < TM; i++)
    {
        int r = first_row + ty + 16 * i;
        if (r >= p.all_rows) continue;
        float* y = p.y.row(r) + group * p.outputs;
#if RESIDUAL
        const float* residual = p.residual.row(r) + group * p.outputs;
#endif
#pragma unroll
        for (int j = 0; j < TN; j++)
        {
            int o = first_column + tx + 16 * j;
            if (o >= p.outputs) continue;
#if ACCUMULATE
            float value = y[o] + sums[i][j];
#else
            float value = p.bias[group * p.outputs + o] + sums[i][j];
#endif
            value = activate<ACT>(value);
#if RESIDUAL
            value += residual[o];
#endif
            y[o] = value;
        }
    }
}
