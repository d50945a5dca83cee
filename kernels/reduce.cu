// What follows a product whose sums lie in memory; partials: [splits][all_rows][columns].
//
// reduce_norm, for a layer that ends in a layer norm: the splits are added in order, and the row is finished while it is at hand:
//   y = norm(act(bias + partials[0] + partials[1] + ...) + residual),  norm(v) = (v - mean v) / sqrt(var v + epsilon) * scale + shift
//   What is normalised also goes to `sum`, where that is given. The row may be its own residual. Launch: a block of 128 a row; dynamic shared memory `columns` floats.
// finish_rows, after a product by cuBLAS: y = act(bias + partials[0]) + residual.
//   Launch: grid (ceil(columns / 128), all_rows), block 128.
//
// Macro: HALF (element type of y and residual).
#include "common.cuh"

struct ReduceArguments
{
    const float* partials;
    const float* bias;
    View<element> residual; // data null for none
    View<element> y;
    View<element> sum; // data null for none
    const float* scale;
    const float* shift;
    float epsilon;
    int splits, all_rows, columns, activation;
};

#define THREADS 128

// Sum over the block, the same in each thread.
__device__ __forceinline__ float block_sum(float x)
{
    __shared__ float partial[THREADS / WARP];
    x = warp_sum(x);
    __syncthreads(); // the sum before may still be read
    if (threadIdx.x % WARP == 0) partial[threadIdx.x / WARP] = x;
    __syncthreads();
    return partial[0] + partial[1] + (partial[2] + partial[3]);
}

extern "C" __global__ void __launch_bounds__(THREADS) reduce_norm(ReduceArguments p)
{
    extern __shared__ float values[];
    const int r = blockIdx.x;
    const element* residual = p.residual.data ? p.residual.row(r) : 0;
    element* unnormalised = p.sum.data ? p.sum.row(r) : 0;
    float sum = 0.0f;
    for (int c = threadIdx.x; c < p.columns; c += THREADS)
    {
        float total = p.bias[c];
        for (int s = 0; s < p.splits; s++) total += p.partials[((i64)s * p.all_rows + r) * p.columns + c];
        float value = activate(total, p.activation);
        if (residual) value += load(residual + c);
        if (unnormalised) store(unnormalised + c, value);
        values[c] = value;
        sum += value;
    }
    float mean = block_sum(sum) / p.columns, squares = 0.0f;
    for (int c = threadIdx.x; c < p.columns; c += THREADS) squares += (values[c] - mean) * (values[c] - mean);
    float factor = 1.0f / sqrtf(block_sum(squares) / p.columns + p.epsilon);
    element* y = p.y.row(r);
    for (int c = threadIdx.x; c < p.columns; c += THREADS) store(y + c, (values[c] - mean) * factor * p.scale[c] + p.shift[c]);
}

extern "C" __global__ void __launch_bounds__(THREADS) finish_rows(ReduceArguments p)
{
    const int r = blockIdx.y, c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= p.columns) return;
    float value = activate(p.bias[c] + p.partials[(i64)r * p.columns + c], p.activation);
    if (p.residual.data) value += load(p.residual.row(r) + c);
    store(p.y.row(r) + c, value);
}
