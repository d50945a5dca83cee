// The first convolution of wav2vec2 with its group norm (one group per channel, statistics over time) and activation, on raw audio:
//
//   v[t, c] = sum over k of audio[t * stride + k] * w[k][c];   y = act((v - mean_t v) / sqrt(var_t v + epsilon) * scale + shift)
//
// The convolution is linear, so its statistics follow from those of the audio: with m_k the mean over t of audio[t * stride + k] and
// C_kl the covariance of two such phases, mean v = sum w_k m_k and var v = sum w_k w_l C_kl. Both are formed in double, because a filter
// may leave little of a strong signal. So v is computed once, goes to memory once, and time is split over blocks like any other axis.
//
// Macros: TAPS (2 to 32), HALF (element type of y). moments: [items][TAPS][TAPS + 1] double, row k: m_k, then the mean of the products of
// phase k with each phase.
#include "common.cuh"

#define MOMENTS (TAPS * (TAPS + 1))

// Launch: grid (TAPS, items), block 128.
extern "C" __global__ void __launch_bounds__(128) audio_moments(View<const float> audio, int steps, int stride, double* moments)
{
    __shared__ double partial[4];
    const int k = blockIdx.x, warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const float* x = audio.data + blockIdx.y * audio.item_stride;
    double sums[TAPS + 1];
#pragma unroll
    for (int l = 0; l <= TAPS; l++) sums[l] = 0;
    for (int t = threadIdx.x; t < steps; t += 128)
    {
        const float* at = x + (i64)t * stride;
        double here = at[k];
        sums[0] += here;
#pragma unroll
        for (int l = 0; l < TAPS; l++) sums[l + 1] = fma(here, (double)at[l], sums[l + 1]);
    }
    double* row = moments + blockIdx.y * (i64)MOMENTS + k * (TAPS + 1);
#pragma unroll
    for (int l = 0; l <= TAPS; l++)
    {
        double sum = warp_sum(sums[l]);
        __syncthreads();
        if (lane == 0) partial[warp] = sum;
        __syncthreads();
        if (threadIdx.x == 0) row[l] = (partial[0] + partial[1] + (partial[2] + partial[3])) / steps;
    }
}

struct ConvNormArguments
{
    View<const float> audio;
    View<element> y;
    const double* moments;
    const float* weights; // [TAPS][pitch]
    const float* scale;
    const float* shift;
    float epsilon;
    int stride, channels, pitch, activation;
};

#define STEPS 64

// Launch: grid (ceil(rows / 64), ceil(channels / 128), items), block 128, a thread a channel; dynamic shared memory
// 63 * stride + TAPS floats.
extern "C" __global__ void __launch_bounds__(128) conv_norm(ConvNormArguments p)
{
    extern __shared__ float samples[];
    __shared__ double moments[MOMENTS];
    const int c = blockIdx.y * 128 + threadIdx.x, first = blockIdx.x * STEPS, steps = min(STEPS, p.y.rows - first);
    const float* audio = p.audio.data + blockIdx.z * p.audio.item_stride + (i64)first * p.stride;
    for (int i = threadIdx.x; i < (steps - 1) * p.stride + TAPS; i += 128) samples[i] = audio[i];
    for (int i = threadIdx.x; i < MOMENTS; i += 128) moments[i] = p.moments[blockIdx.z * (i64)MOMENTS + i];
    __syncthreads();
    if (c >= p.channels) return;

    float w[TAPS];
    double mean = 0, square = 0;
#pragma unroll
    for (int k = 0; k < TAPS; k++) w[k] = p.weights[k * p.pitch + c];
#pragma unroll
    for (int k = 0; k < TAPS; k++) mean = fma((double)w[k], moments[k * (TAPS + 1)], mean);
#pragma unroll
    for (int k = 0; k < TAPS; k++)
    {
        double sum = 0;
#pragma unroll
        for (int l = 0; l < TAPS; l++) sum = fma((double)w[l], moments[k * (TAPS + 1) + 1 + l], sum);
        square = fma((double)w[k], sum, square);
    }
    float variance = (float)fmax(square - mean * mean, 0.0);
    float factor = p.scale[c] / sqrtf(variance + p.epsilon), centre = (float)mean, shift = p.shift[c];
    element* y = p.y.data + blockIdx.z * p.y.item_stride + (i64)first * p.y.row_stride + c;
    for (int t = 0; t < steps; t++)
    {
        float v = -centre;
#pragma unroll
        for (int k = 0; k < TAPS; k++) v = fmaf(samples[t * p.stride + k], w[k], v);
        store(y + (i64)t * p.y.row_stride, activate(v * factor + shift, p.activation));
    }
}
