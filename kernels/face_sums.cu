// The right-hand side of the blendshape solve, D' (pose - neutral), two ways. sums: [chunks][characters][poses] of double.
//
// project: from positions. A block takes a chunk of CHUNK coordinates of one part for the TILE characters of a tile: a lane owns a pose, a
//   warp 32 coordinates. Products are added in float32 in runs of 16, the runs in double, then the warps' sums in order. The solve adds the
//   chunks. Each float of D is read once per tile.
//   Launch: grid (tiles, most chunks, parts), block 256.
// fold: from network output, without a vertex. The pose is linear in k coefficients, those of basis, offset and what opens or moves
//   the part, so the smoothers work on coefficients, and sums = constant + matrix . coefficients; all in double. One chunk.
//     skin:   coefficients [lower half, upper half][shapes, offset, eye close, lip open]; state: [slots][lower 1, lower 2, upper 1, upper 2,
//             the lower half's result, the upper half's][shapes + 3]
//     tongue: coefficients [shapes, offset, height, depth], at the end of the slot's state
//   A block takes a part of a character, a warp one pose after another.
//   Launch: grid (characters, parts), block 256.
#include "face.cuh"

struct SumPart
{
    double* sums;
    const float* positions; // [places][pitch]
    i64 pitch;
    int poses;
    int first;  // column of the part's first output in a row
    int shapes;
    int unused;
};

struct SumArguments
{
    const FaceCharacter* characters;
    const FaceTile* tiles;
    const FaceRig* rigs;
    const float* rows;
    double* state;
    i64 state_pitch; // of a slot
    int row_length, count;
    int first_part, unused;
    SumPart parts[PARTS];
};

#define THREADS 256
#define WARPS (THREADS / WARP)
#define CHUNK 256
#define ROWS (CHUNK / WARPS) // of a warp
#define RUN 16
#define EXTRA 3

extern "C" __global__ void __launch_bounds__(THREADS) project(SumArguments p)
{
    __shared__ __align__(16) float differences[CHUNK][TILE];
    __shared__ double partial[WARPS][TILE][WARP];
    const FaceTile tile = p.tiles[blockIdx.x];
    const int part = p.first_part + blockIdx.z, warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const FaceShapes& shapes = p.rigs[tile.rig].shapes[part];
    const SumPart& q = p.parts[part];
    const i64 start = (i64)blockIdx.y * CHUNK;
    if (start >= shapes.rows) return;

    const i64 row = start + threadIdx.x;
    const bool inside = row < shapes.rows;
    const i64 at = inside && shapes.vertices ? 3 * (i64)shapes.vertices[row / 3] + row % 3 : row;
    const float neutral = inside ? shapes.neutral[row] : 0.0f;
    for (int c = 0; c < TILE; c++)
    {
        const bool used = inside && c < tile.count;
        differences[threadIdx.x][c] = used ? q.positions[p.characters[tile.first + c].place * q.pitch + at] - neutral : 0.0f;
    }
    __syncthreads();

    for (int group = 0; group < q.poses; group += WARP)
    {
        const int pose = group + lane;
        double total[TILE];
#pragma unroll
        for (int c = 0; c < TILE; c++) total[c] = 0.0;
        if (pose < q.poses)
        {
            for (int run = 0; run < ROWS; run += RUN)
            {
                const float* deltas = shapes.deltas + (start + warp * ROWS + run) * q.poses + pose;
                float sum[TILE];
#pragma unroll
                for (int c = 0; c < TILE; c++) sum[c] = 0.0f;
#pragma unroll
                for (int r = 0; r < RUN; r++)
                {
                    add_products(sum, deltas[r * q.poses], differences[warp * ROWS + run + r]);
                }
#pragma unroll
                for (int c = 0; c < TILE; c++) total[c] += (double)sum[c];
            }
        }
#pragma unroll
        for (int c = 0; c < TILE; c++) partial[warp][c][lane] = total[c];
        __syncthreads();
        double sum = 0.0;
        for (int w = 0; w < WARPS; w++) sum += partial[w][warp][lane]; // here a warp is a character
        if (warp < tile.count && pose < q.poses)
            q.sums[((i64)blockIdx.y * p.count + tile.first + warp) * q.poses + pose] = sum;
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) fold(SumArguments p)
{
    const FaceCharacter& m = p.characters[blockIdx.x];
    const int part = p.first_part + blockIdx.y, warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const FacePart& solved = m.parts[part];
    const SumPart& q = p.parts[part];
    const float* row = p.rows + (i64)m.row * p.row_length + q.first;
    const int count = q.shapes + EXTRA;
    double* state = p.state + m.slot * p.state_pitch;
    double* coefficients = part == 0 ? state + 4 * count : state + p.state_pitch - count;
    const double gain = part == 0 ? m.skin : m.tongue;
    for (int k = threadIdx.x; k < count; k += THREADS)
    {
        double d = gain;
        if (k < q.shapes) d *= row[k];
        else if (k == q.shapes + 1) d = part == 0 ? m.eye_close : m.tongue_height;
        else if (k == q.shapes + 2) d = part == 0 ? m.lip_open : m.tongue_depth;
        if (part == 0)
        {
            coefficients[count + k] = smooth(d, state + 2 * count + k, count, (double)m.upper_alpha, m.started) * m.upper;
            d = smooth(d, state + k, count, (double)m.lower_alpha, m.started) * m.lower;
        }
        coefficients[k] = d;
    }
    __syncthreads();
    for (int pose = warp; pose < q.poses; pose += WARPS)
    {
        const double* matrix = solved.fold + (i64)pose * solved.columns;
        double sum = 0.0;
        for (int k = lane; k < solved.columns; k += WARP) sum += matrix[k] * coefficients[k];
        sum = warp_sum(sum);
        if (lane == 0) q.sums[(i64)blockIdx.x * q.poses + pose] = solved.fold[(i64)q.poses * solved.columns + pose] + sum;
    }
}
