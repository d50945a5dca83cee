// Operators that take a row at a time. Macro: HALF (element type of activations). Statistics and sums are float32, in a fixed order.
#include "common.cuh"

struct LayerNormArguments
{
    View<element> x;
    View<element> y;
    const float* scale;
    const float* shift;
    float epsilon;
    int columns, all_rows, activation;
};

// y = act(each row of x normalised over its columns, scaled and shifted); statistics in two passes. One warp a row.
// Launch: grid ceil(all_rows / 4), block 128.
extern "C" __global__ void __launch_bounds__(128) layer_norm(LayerNormArguments p)
{
    int r = blockIdx.x * 4 + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (r >= p.all_rows) return;
    const element* x = p.x.row(r);
    element* y = p.y.row(r);
    float sum = 0.0f;
    for (int c = lane; c < p.columns; c += WARP) sum += load(x + c);
    float mean = warp_sum(sum) / p.columns, squares = 0.0f;
    for (int c = lane; c < p.columns; c += WARP) squares += (load(x + c) - mean) * (load(x + c) - mean);
    float factor = 1.0f / sqrtf(warp_sum(squares) / p.columns + p.epsilon);
    for (int c = lane; c < p.columns; c += WARP) {
        store(y + c, activate((load(x + c) - mean) * factor * p.scale[c] + p.shift[c], p.activation));
    }
}

// y = act(factor * x), or act(y + factor * x) where accumulate; where x has one row, it is repeated for every row of y.
// Launch: grid (ceil(columns / 256), items * rows), block 256.
extern "C" __global__ void __launch_bounds__(256) scale(
    View<element> x, View<element> y, int columns, float factor, int accumulate, int activation)
{
    int c = blockIdx.x * 256 + threadIdx.x, r = blockIdx.y;
    if (c >= columns) return;
    float value = factor * load(x.row(x.rows == 1 ? r / y.rows : r) + c);
    element* at = y.row(r) + c;
    store(at, activate(accumulate ? load(at) + value : value, activation));
}

// y = a - b. Launch: grid (ceil(columns / 256), items * rows), block 256.
extern "C" __global__ void __launch_bounds__(256) subtract(View<element> a, View<element> b, View<element> y, int columns)
{
    int c = blockIdx.x * 256 + threadIdx.x, r = blockIdx.y;
    if (c < columns) store(y.row(r) + c, load(a.row(r) + c) - load(b.row(r) + c));
}

// Linear interpolation along time: row t of y is x at (first + t) * (rows of x - 1) / (count - 1).
// Launch: grid (ceil(columns / 256), items * rows), block 256.
extern "C" __global__ void __launch_bounds__(256) resample(View<element> x, View<element> y, int columns, int count, int first)
{
    int c = blockIdx.x * 256 + threadIdx.x, item = blockIdx.y / y.rows, t = blockIdx.y % y.rows;
    if (c >= columns) return;
    i64 place = (i64)(first + t) * (x.rows - 1);
    int before = (int)(place / (count - 1)), rest = (int)(place % (count - 1)); // whole numbers: weights are exact
    const element* a = x.data + item * x.item_stride + (i64)before * x.row_stride + c;
    float w = (float)rest / (float)(count - 1), next = rest > 0 ? load(a + x.row_stride) : 0.0f;
    store(y.row(blockIdx.y) + c, load(a) * (1.0f - w) + next * w);
}

// y = mean of the rows of each item, summed in order. Launch: grid (ceil(columns / 64), items), block 64.
extern "C" __global__ void __launch_bounds__(64) mean_rows(View<element> x, View<element> y, int columns)
{
    int c = blockIdx.x * 64 + threadIdx.x;
    if (c >= columns) return;
    const element* at = x.data + blockIdx.y * x.item_stride + c;
    float sum = 0.0f;
#pragma unroll 8
    for (int t = 0; t < x.rows; t++) sum += load(at + (i64)t * x.row_stride);
    store(y.data + blockIdx.y * y.item_stride + c, sum / x.rows);
}

#define MOST_TARGETS 8

struct BroadcastArguments
{
    View<const float> x; // one row an item
    const float* weights; // [inputs][pitch]
    const float* bias;
    int inputs, outputs, pitch, count;
    View<element> targets[MOST_TARGETS];
};

// A linear layer on one row an item, x w + bias, written to every row of the item in each of the targets.
// Launch: grid (ceil(outputs / 64), items), block 64, a thread a column.
extern "C" __global__ void __launch_bounds__(64) broadcast_linear(BroadcastArguments p)
{
    int o = blockIdx.x * 64 + threadIdx.x, item = blockIdx.y;
    if (o >= p.outputs) return;
    const float* x = p.x.data + item * p.x.item_stride;
    float sum = 0.0f;
    for (int i = 0; i < p.inputs; i++) sum = fmaf(x[i], p.weights[(i64)i * p.pitch + o], sum);
    sum += p.bias[o];
    for (int n = 0; n < p.count; n++)
    {
        const View<element>& y = p.targets[n];
        for (int t = 0; t < y.rows; t++) store(y.data + item * y.item_stride + (i64)t * y.row_stride + o, sum);
    }
}

// Short-time autocorrelation, float32 throughout: its values are quadratic in the audio.
//   y[item, frame, lag] = gain * sum over n of w[n] * w[n + lag],  w[n] = taper[n] * (audio[frame * hop + n] - mean of the frame)
// Launch: grid (frames, items), block 128; dynamic shared memory length floats. A warp takes lags in turn.
extern "C" __global__ void __launch_bounds__(128) autocorrelation(
    View<const float> audio, const float* taper, int length, int hop, float gain, View<float> y, int lags)
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
        if (lane == 0) row[lag] = products * gain;
    }
}
