// GRU on CUDA cores, float32 throughout. See gru.cuh.
//
// A thread owns a channel with its three gates, and PASSES of them where there are more channels than threads. For each slice of the depth
// (one channel of h) it reads three weights and the state of all four items, a float4 that the whole warp shares: 12 products for two or
// four loads.
//
// A step of 256 channels is 786432 products a block: 6144 cycles of a multiprocessor with 128 lanes. Of the 256 slices of 3 KiB, 40 are
// in registers and 18 (sm_75) to 73 (sm_90) in shared memory; on sm_86 186 come through L2, 8900 cycles at 64 bytes a cycle: what limits it.
//
// Launch: grid ceil(items / 4), block THREADS; dynamic shared memory: h, 2 * CHANNELS float4, then `resident` slices of 3 * PITCH floats.
// Macros: HALF=0; CHANNELS; THREADS; KEPT, at most CHANNELS.
// weights: [slice][gate][PITCH] float, PITCH the channels rounded up to whole passes; zeros where padded.
#include "gru.cuh"

#define PASSES ((CHANNELS + THREADS - 1) / THREADS)
#define PITCH (PASSES * THREADS)
#define SLICE (3 * PITCH)
#define AHEAD 8 // slices whose loads are under way at once

__device__ __forceinline__ void multiply(float (&sums)[ITEMS], float weight, const float4& h)
{
    sums[0] = fmaf(weight, h.x, sums[0]);
    sums[1] = fmaf(weight, h.y, sums[1]);
    sums[2] = fmaf(weight, h.z, sums[2]);
    sums[3] = fmaf(weight, h.w, sums[3]);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) gru_f32(GruArguments p)
{
    extern __shared__ __align__(16) float4 shared[];
    float4* const states = shared;                               // [2][CHANNELS]
    float* const resident = (float*)(shared + 2 * CHANNELS);     // [slice][gate][PITCH]
    const float* weights = (const float*)p.weights;
    const int first = blockIdx.x * ITEMS, items = min(ITEMS, p.items - first);

    for (int i = threadIdx.x; i < p.resident * SLICE; i += THREADS) resident[i] = weights[KEPT * SLICE + i];
    float kept[PASSES][KEPT > 0 ? KEPT : 1][3];
#pragma unroll
    for (int pass = 0; pass < PASSES; pass++)
    {
        const int channel = pass * THREADS + threadIdx.x;
#pragma unroll
        for (int k = 0; k < KEPT; k++)
#pragma unroll
            for (int gate = 0; gate < 3; gate++) kept[pass][k][gate] = weights[k * SLICE + gate * PITCH + channel];
        if (channel >= CHANNELS) continue;
        float h[ITEMS];
#pragma unroll
        for (int i = 0; i < ITEMS; i++) h[i] = i < items ? p.state[(first + i) * p.state_items + channel] : 0.0f;
        states[channel] = make_float4(h[0], h[1], h[2], h[3]);
    }
    __syncthreads();

    for (int step = 0, now = 0; step < p.x.rows; step++, now ^= 1)
    {
        const float4* h = states + now * CHANNELS;
#pragma unroll
        for (int pass = 0; pass < PASSES; pass++)
        {
            const int channel = pass * THREADS + threadIdx.x;
            float sums[3][ITEMS], gates[3][ITEMS];
#pragma unroll
            for (int gate = 0; gate < 3; gate++)
            {
#pragma unroll
                for (int i = 0; i < ITEMS; i++)
                {
                    const bool used = i < items && channel < CHANNELS;
                    const float* row = p.x.data + (first + i) * p.x.item_stride + (i64)step * p.x.row_stride;
                    gates[gate][i] = used ? row[gate * CHANNELS + channel] : 0.0f;
                    sums[gate][i] = used ? p.bias[gate * CHANNELS + channel] : 0.0f;
                }
            }
#pragma unroll
            for (int k = 0; k < KEPT; k++)
            {
                const float4 v = h[k];
#pragma unroll
                for (int gate = 0; gate < 3; gate++) multiply(sums[gate], kept[pass][k][gate], v);
            }
            const float* near = resident + channel;
#pragma unroll 4
            for (int k = KEPT; k < KEPT + p.resident; k++, near += SLICE)
            {
                const float4 v = h[k];
#pragma unroll
                for (int gate = 0; gate < 3; gate++) multiply(sums[gate], near[gate * PITCH], v);
            }
            const float* far = weights + (KEPT + p.resident) * SLICE + channel;
#pragma unroll AHEAD
            for (int k = KEPT + p.resident; k < CHANNELS; k++, far += SLICE)
            {
                const float4 v = h[k];
#pragma unroll
                for (int gate = 0; gate < 3; gate++) multiply(sums[gate], far[gate * PITCH], v);
            }
            if (channel >= CHANNELS) continue;
            const float4 old = h[channel];
            float value[ITEMS];
#pragma unroll
            for (int i = 0; i < ITEMS; i++)
            {
                value[i] = gru(gates[0][i] + sums[0][i], gates[1][i] + sums[1][i], gates[2][i], sums[2][i], (&old.x)[i]);
                if (i >= items) continue;
                p.y.data[(first + i) * p.y.item_stride + (i64)step * p.y.row_stride + channel] = value[i];
            }
            states[(now ^ 1) * CHANNELS + channel] = make_float4(value[0], value[1], value[2], value[3]);
        }
        __syncthreads();
    }

    const float4* last = states + p.x.rows % 2 * CHANNELS;
    for (int channel = threadIdx.x; channel < CHANNELS; channel += THREADS)
    {
        const float4 h = last[channel];
#pragma unroll
        for (int i = 0; i < ITEMS; i++)
            if (i < items) p.final_state[(first + i) * p.final_items + channel] = (&h.x)[i];
    }
}
