// Short-time autocorrelation and elementwise operators, float32.
#include "common.cuh"

// y[item, frame, lag] = scale * sum over n of w[n] * w[n + lag],  w[n] = taper[n] * (audio[frame * hop + n] - mean of the frame)
// Launch: grid (frames, items), block 128; dynamic shared memory length floats. A warp takes lags in turn.
extern "C" __global__ void __launch_bounds__(128) autocorrelation_f32(
    View audio, const float* taper, int length, int hop, float scale, View y, int lags)
{
    extern __shared__ float windowed[];
    __shared__ float partial[4];
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const float* frame = audio.data + blockIdx.y * audio.item_stride + (i64)blockIdx.x * hop;
    float sum = 0.0f;
    for (int n = threadIdx.x; n < length; n += blockDim.x) sum += frame[n];
    sum = warp_sum(sum);
    if (lane == 0) partial[warp] = sum;
    __syncthreads();
    float mean = (partial[0] + partial[1] + partial[2] + partial[3]) / length;
    for (int n = threadIdx.x; n < length; n += blockDim.x) windowed[n] = (frame[n] - mean) * taper[n];
    __syncthreads();

    float* row = y.data + blockIdx.y * y.item_stride + (i64)blockIdx.x * y.row_stride;
    for (int lag = warp; lag < lags; lag += 4)
    {
        float products = 0.0f;
        for (int n = lane; n < length - lag; n += WARP) products = fmaf(windowed[n], windowed[n + lag], products);
        products = warp_sum(products);
        if (lane == 0) row[lag] = products * scale;
    }
}

// y = factor * x, or y += factor * x where accumulate; where x has one row, it is repeated for every row of y.
// Launch: grid (ceil(columns / 256), items * rows), block 256.
extern "C" __global__ void __launch_bounds__(256) scale_f32(View x, View y, int columns, float factor, int accumulate)
{
    int c = blockIdx.x * 256 + threadIdx.x, r = blockIdx.y;
    if (c >= columns) return;
    float value = factor * x.row(x.rows == 1 ? r / y.rows : r)[c];
    float* at = y.row(r) + c;
    *at = accumulate ? *at + value : value;
}

// y = a - b. Launch: grid (ceil(columns / 256), items * rows), block 256.
extern "C" __global__ void __launch_bounds__(256) subtract_f32(View a, View b, View y, int columns)
{
    int c = blockIdx.x * 256 + threadIdx.x, r = blockIdx.y;
    if (c < columns) y.row(r)[c] = a.row(r)[c] - b.row(r)[c];
}
