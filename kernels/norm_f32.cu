// Normalisations, float32. Statistics are taken in two passes (mean, then squared differences from it), each in a fixed order.
#include "common.cuh"

struct NormArguments
{
    View x;
    View y;
    const float* scale;
    const float* shift;
    int columns;
    float epsilon;
};

// Layer norm: y = each row of x normalised over its columns, scaled and shifted. One warp a row.
// Launch: grid ceil(items * rows / 4), block 128; all_rows = items * rows.
extern "C" __global__ void __launch_bounds__(128) layer_norm_f32(NormArguments p, int all_rows)
{
    int r = blockIdx.x * 4 + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (r >= all_rows) return;
    const float* x = p.x.row(r);
    float* y = p.y.row(r);
    float sum = 0.0f;
    for (int c = lane; c < p.columns; c += WARP) sum += x[c];
    float mean = warp_sum(sum) / p.columns, squares = 0.0f;
    for (int c = lane; c < p.columns; c += WARP) squares += (x[c] - mean) * (x[c] - mean);
    float factor = 1.0f / sqrtf(warp_sum(squares) / p.columns + p.epsilon);
    for (int c = lane; c < p.columns; c += WARP) y[c] = (x[c] - mean) * factor * p.scale[c] + p.shift[c];
}

// Group norm, one group per channel, in place: each channel of each item normalised over its rows, scaled, shifted, then ACT.
// Launch: grid (ceil(columns / 32), items), block 256 as 8 rows of 32 channels. Macro: ACT.
extern "C" __global__ void __launch_bounds__(256) group_norm_f32(NormArguments p)
{
    __shared__ float partial[8][WARP];
    int lane = threadIdx.x % WARP, part = threadIdx.x / WARP, c = blockIdx.x * WARP + lane;
    bool inside = c < p.columns;
    float* x = p.x.data + blockIdx.y * p.x.item_stride + (inside ? c : 0);

    float mean = 0.0f, factor = 0.0f;
#pragma unroll
    for (int pass = 0; pass < 2; pass++)
    {
        float sum = 0.0f;
        for (int t = part; t < p.x.rows; t += 8)
        {
            float d = x[(i64)t * p.x.row_stride] - mean;
            sum += pass == 0 ? d : d * d;
        }
        partial[part][lane] = sum;
        __syncthreads();
        float total = 0.0f;
#pragma unroll
        for (int i = 0; i < 8; i++) total += partial[i][lane];
        __syncthreads(); // before the next pass, or nothing, writes partial again
        if (pass == 0) mean = total / p.x.rows;
        else factor = 1.0f / sqrtf(total / p.x.rows + p.epsilon);
    }
    if (!inside) return;
    float scale = factor * p.scale[c], shift = p.shift[c];
    for (int t = part; t < p.x.rows; t += 8)
    {
        float* at = x + (i64)t * p.x.row_stride;
        *at = activate<ACT>((*at - mean) * scale + shift);
    }
}
