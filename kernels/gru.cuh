// What the two GRU kernels share; gru_f16.cu on tensor cores, gru_f32.cu on CUDA cores.
//
// With h the state before a row and u = h w + bias, w [channels, 3 * channels] and its gates in the order reset, update, new:
//   r = sigmoid(x_r + u_r), z = sigmoid(x_z + u_z), n = tanh(x_n + r * u_n); the row of y, and the next state, is (1 - z) * n + z * h
// x is the input's part of the gates, [items, steps, 3 * channels], made by a GEMM over all rows before.
//
// One launch runs all steps. A step needs all of h, so a block owns whole items, ITEMS of them, and nothing crosses blocks: no grid barrier,
// one __syncthreads a step, h in two buffers in turn. What limits a step is that one multiprocessor sees all recurrent weights, 3 * channels^2
// of them (256 channels: 196608, 384 KiB in half precision, 768 KiB in float32), and that steps cannot overlap. So the first KEPT slices of
// the depth stay in registers, the next `resident` slices in shared memory, as many as fit; the rest comes through L2 each step. Each weight
// serves all items of the block at once. KEPT is a macro, because registers are the same on all architectures; `resident` is a parameter,
// because shared memory is not, so that the compiled kernel does not depend on it.
//
// An item's sums run over the depth in order, and no two items meet in a sum: its bits depend neither on the batch nor on its place.
#pragma once
#include "common.cuh"

#define ITEMS 4

struct GruArguments
{
    View<const element> x;
    View<element> y;
    const void* weights;
    const float* bias; // [3][channels]
    const float* state;
    float* final_state;
    i64 state_items, final_items; // elements from an item to the next
    int items, resident;
};

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// The next state.
__device__ __forceinline__ float gru(float r, float z, float x_n, float u_n, float h)
{
    z = sigmoid(z);
    return (1.0f - z) * tanhf(x_n + sigmoid(r) * u_n) + z * h;
}
