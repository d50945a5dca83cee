// Multi-head self attention: y = softmax(q k' / sqrt(SIZE)) v, any number of steps.
//
// qkv is [items, steps, 3 * heads * SIZE]: query, key, value; head h owns columns h * SIZE onwards of each. A block owns 32 query rows of a
// head of an item and takes the keys and values 32 at a time, with a running maximum and sum (Dao et al. 2022, "FlashAttention"): a row's
// weights so far are scaled down when a larger score appears. So shared memory does not grow with the steps. A warp owns 8 rows, each lane a
// key for the scores and every 32nd channel for the sum, so that what it reads of a key or a value serves 8 rows.
//
// Launch: grid (heads, items, ceil(steps / 32)), block 128; dynamic shared memory SHARED_FLOATS floats (SIZE 64: 28.5 KiB).
// Macros: SIZE (channels of a head), HALF (element type; scores and sums are float32).
#include "common.cuh"

#define TILE 32 // keys at a time, and query rows of a block
#define ROWS (TILE / 4)
#define DEPTH ((SIZE + 3) / 4 * 4)
#define KEY_PITCH (DEPTH / 4 % 2 ? DEPTH : DEPTH + 4) // an odd multiple of 16 bytes: lanes read down a column of float4
#define PARTS ((SIZE + WARP - 1) / WARP)
#define VALUE_PITCH (PARTS * WARP)
#define SHARED_FLOATS (TILE * (KEY_PITCH + VALUE_PITCH + DEPTH + TILE))
#define LOWEST -3.0e38f

// Copies rows of SIZE channels into rows of `pitch`, zeros where there is none.
template <int pitch>
__device__ __forceinline__ void copy_rows(float* target, const element* source, i64 stride, int rows, float factor)
{
    for (int i = threadIdx.x; i < TILE * pitch; i += 128)
    {
        int t = i / pitch, c = i % pitch;
        target[i] = t < rows && c < SIZE ? load(source + t * stride + c) * factor : 0.0f;
    }
}

__device__ __forceinline__ float dot(const float4& a, const float4& b, float sum)
{
    return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

extern "C" __global__ void __launch_bounds__(128) attention(View<const element> qkv, View<element> y, int heads)
{
    extern __shared__ __align__(16) float shared[];
    float* const keys = shared;                              // [TILE][KEY_PITCH]
    float* const values = keys + TILE * KEY_PITCH;           // [TILE][VALUE_PITCH]
    float* const queries = values + TILE * VALUE_PITCH;      // [TILE][DEPTH]
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const float* const query = queries + warp * ROWS * DEPTH;
    float* const weights = queries + TILE * DEPTH + warp * ROWS * TILE; // [ROWS][TILE] of this warp
    const int steps = qkv.rows, dim = heads * SIZE, first_row = blockIdx.z * TILE;
    const element* source = qkv.data + blockIdx.y * qkv.item_stride + blockIdx.x * SIZE;

    copy_rows<DEPTH>(queries, source + (i64)first_row * qkv.row_stride, qkv.row_stride, steps - first_row, 1.0f / sqrtf((float)SIZE));
    float largest[ROWS], total[ROWS], sums[ROWS][PARTS];
#pragma unroll
    for (int r = 0; r < ROWS; r++)
    {
        largest[r] = LOWEST;
        total[r] = 0.0f;
#pragma unroll
        for (int part = 0; part < PARTS; part++) sums[r][part] = 0.0f;
    }

    for (int first = 0; first < steps; first += TILE)
    {
        const element* rows = source + (i64)first * qkv.row_stride + dim;
        __syncthreads(); // the tile before is still in use
        copy_rows<KEY_PITCH>(keys, rows, qkv.row_stride, steps - first, 1.0f);
        copy_rows<VALUE_PITCH>(values, rows + dim, qkv.row_stride, steps - first, 1.0f);
        __syncthreads();

        float scores[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; r++) scores[r] = 0.0f;
#pragma unroll 4
        for (int c = 0; c < DEPTH; c += 4)
        {
            const float4 key = *(const float4*)(keys + lane * KEY_PITCH + c);
#pragma unroll
            for (int r = 0; r < ROWS; r++) scores[r] = dot(*(const float4*)(query + r * DEPTH + c), key, scores[r]);
        }
        const bool there = first + lane < steps;
#pragma unroll
        for (int r = 0; r < ROWS; r++)
        {
            float most = fmaxf(largest[r], warp_max(there ? scores[r] : LOWEST)), before = expf(largest[r] - most);
            float weight = there ? expf(scores[r] - most) : 0.0f;
            weights[r * TILE + lane] = weight;
            largest[r] = most;
            total[r] = fmaf(total[r], before, weight);
#pragma unroll
            for (int part = 0; part < PARTS; part++) sums[r][part] *= before;
        }
        __syncwarp();
#pragma unroll 2
        for (int u = 0; u < TILE; u += 4)
        {
            const float* value = values + u * VALUE_PITCH + lane;
#pragma unroll
            for (int part = 0; part < PARTS; part++)
            {
                const float4 v = make_float4(value[part * WARP], value[VALUE_PITCH + part * WARP], value[2 * VALUE_PITCH + part * WARP],
                    value[3 * VALUE_PITCH + part * WARP]);
#pragma unroll
                for (int r = 0; r < ROWS; r++) sums[r][part] = dot(*(const float4*)(weights + r * TILE + u), v, sums[r][part]);
            }
        }
    }

#pragma unroll
    for (int r = 0; r < ROWS; r++)
    {
        const int t = first_row + warp * ROWS + r;
        const float all = warp_sum(total[r]);
        element* row = y.data + blockIdx.y * y.item_stride + (i64)t * y.row_stride + blockIdx.x * SIZE;
#pragma unroll
        for (int part = 0; part < PARTS; part++)
        {
            const int c = part * WARP + lane;
            if (t < steps && c < SIZE) store(row + c, sums[r][part] / all);
        }
    }
}
