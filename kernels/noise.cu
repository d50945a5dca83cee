// Normally distributed numbers by position, the same bits as NormalNoise.cs: Philox4x32-10 words, Box and Muller, and polynomials of correctly
// rounded operations in a fixed order. The intrinsics keep the compiler from contracting or reordering any of them.
//
//   y[item, t, c] = number first + t * channels + c of (seed, window) of the item; seeds: [items][seed low, high, window low, high]
//
// Launch: grid (ceil((ceil(columns / 4) + 1) / 128), items * rows), block 128: a thread computes the four numbers of one Philox block and
// writes those that lie in its row. Macro: HALF (element type of y).
#include "common.cuh"

__device__ __forceinline__ void philox(u32 (&words)[4], u32 key0, u32 key1)
{
#pragma unroll
    for (int round = 0; round < 10; round++)
    {
        u32 high0 = __umulhi(words[0], 0xD2511F53u), low0 = words[0] * 0xD2511F53u;
        u32 high1 = __umulhi(words[2], 0xCD9E8D57u), low1 = words[2] * 0xCD9E8D57u;
        words[0] = high1 ^ words[1] ^ key0;
        words[2] = high0 ^ words[3] ^ key1;
        words[1] = low1;
        words[3] = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

// log x for normal x above 0.
__device__ __forceinline__ float log_exactly(float x)
{
    int bits = __float_as_int(x) - 0x3F3504F3, exponent = bits >> 23;
    float m = __int_as_float((bits & 0x007FFFFF) + 0x3F3504F3);
    float s = __fdiv_rn(__fadd_rn(m, -1.0f), __fadd_rn(m, 1.0f)), t = __fmul_rn(s, s);
    float p = 0.11111111f;
    p = __fmaf_rn(p, t, 0.14285714f);
    p = __fmaf_rn(p, t, 0.2f);
    p = __fmaf_rn(p, t, 0.33333333f);
    p = __fmaf_rn(__fmul_rn(p, t), s, s);
    return __fmaf_rn((float)exponent, 0.69314718f, __fadd_rn(p, p));
}

__device__ __forceinline__ void normal_pair(u32 a, u32 b, float& first, float& second)
{
    float u = __fmaf_rn((float)(int)(a >> 8), 5.9604644775390625e-8f, 2.98023223876953125e-8f);
    float radius = __fsqrt_rn(__fmul_rn(log_exactly(u), -2.0f));

    // A quarter turn, and the angle x from its middle, in [-pi/4, pi/4).
    u32 quarter = b >> 30;
    float x = __fmaf_rn((float)(int)(b << 2 >> 8), 9.362675e-8f, -0.78539816f), t = __fmul_rn(x, x);
    float sine = 2.7557319e-6f;
    sine = __fmaf_rn(sine, t, -1.9841270e-4f);
    sine = __fmaf_rn(sine, t, 8.3333333e-3f);
    sine = __fmaf_rn(sine, t, -0.16666667f);
    sine = __fmaf_rn(__fmul_rn(sine, t), x, x);
    float cosine = -2.7557319e-7f;
    cosine = __fmaf_rn(cosine, t, 2.4801587e-5f);
    cosine = __fmaf_rn(cosine, t, -1.3888889e-3f);
    cosine = __fmaf_rn(cosine, t, 4.1666667e-2f);
    cosine = __fmaf_rn(cosine, t, -0.5f);
    cosine = __fmaf_rn(cosine, t, 1.0f);

    // Quarters 0 to 3: (c, s), (-s, c), (-c, -s), (s, -c).
    u32 first_sign = ((quarter ^ quarter >> 1) & 1) << 31, second_sign = quarter >> 1 << 31;
    bool swap = quarter & 1;
    first = __fmul_rn(radius, __uint_as_float(__float_as_uint(swap ? sine : cosine) ^ first_sign));
    second = __fmul_rn(radius, __uint_as_float(__float_as_uint(swap ? cosine : sine) ^ second_sign));
}

extern "C" __global__ void __launch_bounds__(128) normal(View<const u32> seeds, View<element> y, int columns, i64 first, i64 channels)
{
    const int item = blockIdx.y / y.rows, t = blockIdx.y % y.rows;
    const i64 start = first + t * channels, block = start / 4 + blockIdx.x * 128 + threadIdx.x;
    if (block * 4 >= start + columns) return;
    const u32* seed = seeds.data + item * seeds.item_stride;
    u32 words[4] = { (u32)block, (u32)(block >> 32), seed[2], seed[3] };
    philox(words, seed[0], seed[1]);
    float numbers[4];
    normal_pair(words[0], words[1], numbers[0], numbers[1]);
    normal_pair(words[2], words[3], numbers[2], numbers[3]);
    element* row = y.data + item * y.item_stride + (i64)t * y.row_stride;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        i64 c = block * 4 + i - start;
        if (c >= 0 && c < columns) store(row + c, numbers[i]);
    }
}
