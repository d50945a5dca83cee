// What the strided GEMMs share: their arguments, and what happens to a sum once it is formed.
//
//   y[r, o] = act(bias[o] + sum over tap, i of x[item, t * step + tap, g * inputs + i] * w[g][tap * inputs + i][o]) * item_scale[item] +
//     residual[r, o];  r = item * rows + t; with ACCUMULATE, what y held stands in for the bias
//
// or, where partials is set, only the sum, for reduce.cu: partials[split][r][g * outputs + o], each split over `chunk` of the depth.
// No padding: callers keep zero rows round what needs them. An element's sum runs over k = tap * inputs + i in order within a split, and
// the splits depend on the layer alone, so a result depends neither on the batch nor on the tile it falls into.
#pragma once
#include "common.cuh"

enum GemmFlags
{
    GEMM_HALF_Y = 1,   // y and residual are f16, else float
    GEMM_PAIRS = 2,    // two neighbouring columns of y and residual are aligned to their size
    GEMM_RESIDUAL = 4,
    GEMM_ACCUMULATE = 8
};

struct GemmArguments
{
    const void* x;
    const void* weights; // [groups][depth][pitch]
    const float* bias;   // [groups * outputs]
    void* y;
    const void* residual;
    float* partials;
    const float* item_scale; // null for none
    i64 x_items, y_items, residual_items, scale_items; // elements from an item to the next
    int x_step;                           // elements between what neighbouring rows of y start at
    int x_taps;                           // elements between taps
    int y_rows, residual_rows;            // elements between rows
    int rows, all_rows;                   // of one item of y, of all
    int inputs, depth, outputs, pitch;    // of one group; depth = taps * inputs
    int splits, chunk;
    int activation, flags;
};

// Where a row of outputs goes.
struct OutputRow
{
    i64 y, residual, partial;
    float scale;
};

__device__ __forceinline__ OutputRow output_row(const GemmArguments& p, int r, int group, int groups, int split)
{
    int item = r / p.rows, t = r - item * p.rows, column = group * p.outputs;
    OutputRow row;
    row.y = item * p.y_items + (i64)t * p.y_rows + column;
    row.residual = item * p.residual_items + (i64)t * p.residual_rows + column;
    row.partial = ((i64)split * p.all_rows + r) * groups * p.outputs + column;
    row.scale = p.item_scale ? p.item_scale[item * p.scale_items] : 1.0f;
    return row;
}

// One element of column o of the group.
__device__ __forceinline__ void finish(const GemmArguments& p, const OutputRow& row, int group, int o, float sum)
{
    if (p.partials)
    {
        p.partials[row.partial + o] = sum;
        return;
    }
    i64 at = row.y + o;
    float start;
    if (p.flags & GEMM_ACCUMULATE) start = p.flags & GEMM_HALF_Y ? load((f16*)p.y + at) : ((float*)p.y)[at];
    else start = p.bias[group * p.outputs + o];
    float value = activate(start + sum, p.activation) * row.scale;
    if (p.flags & GEMM_RESIDUAL)
    {
        i64 other = row.residual + o;
        value += p.flags & GEMM_HALF_Y ? load((const f16*)p.residual + other) : ((const float*)p.residual)[other];
    }
    if (p.flags & GEMM_HALF_Y) store((f16*)p.y + at, value);
    else ((float*)p.y)[at] = value;
}
