// Shared by all kernels. No CUDA header is included anywhere: NVRTC runs on machines that have none.
//
// Activations are float32 views [items, rows, columns] of device memory: columns are contiguous, strides count elements.
#pragma once

typedef long long i64;

#define WARP 32
#define FULL_MASK 0xffffffffu

struct View
{
    float* data;
    i64 item_stride;
    int row_stride;
    int rows; // of one item

    // Row r, the rows of all items counted through.
    __device__ __forceinline__ float* row(int r) const
    {
        return data + (r / rows) * item_stride + (i64)(r % rows) * row_stride;
    }
};

enum Activation
{
    ACT_NONE,
    ACT_RELU,
    ACT_GELU
};

// x * (1 + erf(x / sqrt 2)) / 2. erfc keeps the relative accuracy of the negative tail.
__device__ __forceinline__ float gelu(float x)
{
    return 0.5f * x * erfcf(-0.70710678f * x);
}

template <int KIND>
__device__ __forceinline__ float activate(float x)
{
    if (KIND == ACT_RELU) return fmaxf(x, 0.0f);
    if (KIND == ACT_GELU) return gelu(x);
    return x;
}

// Sum over the lanes of a warp, the same on each; the order of additions is fixed.
__device__ __forceinline__ float warp_sum(float x)
{
    for (int offset = WARP / 2; offset > 0; offset /= 2) x += __shfl_xor_sync(FULL_MASK, x, offset);
    return x;
}

__device__ __forceinline__ float warp_max(float x)
{
    for (int offset = WARP / 2; offset > 0; offset /= 2) x = fmaxf(x, __shfl_xor_sync(FULL_MASK, x, offset));
    return x;
}
