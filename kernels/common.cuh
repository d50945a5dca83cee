// Shared by all kernels. No CUDA header is included anywhere: NVRTC runs on machines that have none.
//
// Activations are views [items, rows, columns] of device memory: columns are contiguous, strides count elements. Their elements are
// `element`: f16 where the macro HALF is 1, else float. All arithmetic is float32.
#pragma once

typedef long long i64;
typedef unsigned int u32;
typedef unsigned short u16;

#define WARP 32
#define FULL_MASK 0xffffffffu

struct f16
{
    u16 bits;
};

__device__ __forceinline__ float load(const float* p) { return *p; }

__device__ __forceinline__ float load(const f16* p)
{
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(p->bits));
    return x;
}

__device__ __forceinline__ void store(float* p, float x) { *p = x; }

__device__ __forceinline__ void store(f16* p, float x)
{
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    p->bits = bits;
}

#if HALF
typedef f16 element;
#else
typedef float element;
#endif

template <class T>
struct View
{
    T* data;
    i64 item_stride;
    int row_stride;
    int rows; // of one item

    // Row r, the rows of all items counted through.
    __device__ __forceinline__ T* row(int r) const
    {
        return data + (r / rows) * item_stride + (i64)(r % rows) * row_stride;
    }
};

enum Activation
{
    ACT_NONE,
    ACT_RELU,
    ACT_GELU,
    ACT_MISH,
    ACT_TANH
};

// x * (1 + erf(x / sqrt 2)) / 2. erfc keeps the relative accuracy of the negative tail.
__device__ __forceinline__ float gelu(float x)
{
    return 0.5f * x * erfcf(-0.70710678f * x);
}

// x * tanh(log(1 + exp x)) = x * n / (n + 2) with n = exp x (exp x + 2): nothing cancels. From 15 on it is x to the last bit.
__device__ __forceinline__ float mish(float x)
{
    float e = expf(fminf(x, 15.0f)), n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
}

// The kind is a parameter of the launch, the same for all threads: one compiled kernel serves them all.
__device__ __forceinline__ float activate(float x, int kind)
{
    if (kind == ACT_GELU) return gelu(x);
    if (kind == ACT_MISH) return mish(x);
    if (kind == ACT_TANH) return tanhf(x);
    return kind == ACT_RELU ? fmaxf(x, 0.0f) : x;
}

// Sum over the lanes of a warp, the same on each; the order of additions is fixed.
template <class T>
__device__ __forceinline__ T warp_sum(T x)
{
    for (int offset = WARP / 2; offset > 0; offset /= 2) x += __shfl_xor_sync(FULL_MASK, x, offset);
    return x;
}

__device__ __forceinline__ float warp_max(float x)
{
    for (int offset = WARP / 2; offset > 0; offset /= 2) x = fmaxf(x, __shfl_xor_sync(FULL_MASK, x, offset));
    return x;
}
