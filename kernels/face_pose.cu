// Network output to positions, skin and tongue. With x = row . basis (or the row itself, where there is no basis):
//
// pose_skin:   d   = skin (x + offset) + eye_close_pose eye_close + lip_open_pose lip_open
//              two one-pole smoothers in a row for each half of the face:  s1 += (d - s1) alpha;  s2 += (s1 - s2) alpha
//              y   = neutral + s2_upper upper (1 - mask) + s2_lower lower mask,  mask = 1 / (1 + exp((height - level) / softness))
//              The first frame, and alpha = 1, set both smoothers to d. state: [slots][lower 1, lower 2, upper 1, upper 2][pitch].
// pose_tongue: y = neutral + (x + offset) tongue, plus height on every y and depth on every z.
//
// A thread owns a coordinate for the TILE characters of a tile: [TILE, shapes] x [shapes, length], each float of the basis read once per tile,
// coalesced, 16 loads under way at once, TILE products for each. Tiles are the fast dimension of the grid: those of one rig find the
// basis in L2. Shapes are summed in ascending order. Bound by memory: 4 (shapes + 4) bytes a coordinate and tile, and for the skin 36 a
// coordinate and character (4 smoothers in and out, and the position).
//
// Launch: grid (tiles, ceil(longest region / THREADS)), block THREADS.
// y: [places][y_pitch]; rows: [rows][row_length].
#include "face.cuh"

struct PoseArguments
{
    const FaceCharacter* characters;
    const FaceTile* tiles;
    const FaceRig* rigs;
    const float* rows;
    float* y;
    float* state;
    i64 y_pitch, state_pitch;
    int row_length;
    int first; // column of the part's first output in a row
    int shapes;
};

#define THREADS 256
#define SLICE 64 // shapes whose coefficients are in shared memory at once

__device__ __forceinline__ void reconstruct(
    const PoseArguments& p, const FaceRegion& region, const FaceTile& tile, i64 i, float (&x)[TILE])
{
    __shared__ __align__(16) float coefficients[SLICE][TILE];
#pragma unroll
    for (int c = 0; c < TILE; c++) x[c] = 0.0f;
    if (!region.basis)
    {
        if (i >= region.length) return;
        const i64 column = region.vertices ? 3 * (i64)region.vertices[i / 3] + i % 3 : i;
#pragma unroll
        for (int c = 0; c < TILE; c++)
            if (c < tile.count) x[c] = p.rows[(i64)p.characters[tile.first + c].row * p.row_length + p.first + column];
        return;
    }
    for (int first = 0; first < p.shapes; first += SLICE)
    {
        const int count = min(SLICE, p.shapes - first);
        __syncthreads();
        for (int k = threadIdx.x; k < SLICE * TILE; k += THREADS)
        {
            const int c = k / SLICE, shape = k % SLICE;
            const bool used = c < tile.count && shape < count;
            coefficients[shape][c] = used ? p.rows[(i64)p.characters[tile.first + c].row * p.row_length + p.first + first + shape] : 0.0f;
        }
        __syncthreads();
        if (i >= region.length) continue;
        const float* column = region.basis + first * region.length + i;
#pragma unroll 16
        for (int k = 0; k < count; k++)
        {
            add_products(x, column[k * region.length], coefficients[k]);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) pose_skin(PoseArguments p)
{
    const FaceTile tile = p.tiles[blockIdx.x];
    const FaceRegion& region = p.rigs[tile.rig].regions[0];
    const i64 i = (i64)blockIdx.y * THREADS + threadIdx.x;
    float x[TILE];
    reconstruct(p, region, tile, i, x);
    if (i >= region.length) return;
    const float neutral = region.neutral[i], offset = region.offset[i], eye_close = region.eye_close[i], lip_open = region.lip_open[i];
    const float height = region.heights[i / 3];
#pragma unroll
    for (int c = 0; c < TILE; c++)
    {
        if (c >= tile.count) break;
        const FaceCharacter& m = p.characters[tile.first + c];
        const float mask = 1.0f / (1.0f + expf(-((m.mask_level - height) / m.mask_softness)));
        const float d = m.skin * (x[c] + offset) + eye_close * m.eye_close + lip_open * m.lip_open;
        float* s = p.state + (i64)m.slot * 4 * p.state_pitch + i;
        const float lower = smooth(d, s, p.state_pitch, m.lower_alpha, m.started);
        const float upper = smooth(d, s + 2 * p.state_pitch, p.state_pitch, m.upper_alpha, m.started);
        p.y[(i64)m.place * p.y_pitch + i] = neutral + upper * m.upper * (1.0f - mask) + lower * m.lower * mask;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) pose_tongue(PoseArguments p)
{
    const FaceTile tile = p.tiles[blockIdx.x];
    const FaceRegion& region = p.rigs[tile.rig].regions[1];
    const i64 i = (i64)blockIdx.y * THREADS + threadIdx.x;
    float x[TILE];
    reconstruct(p, region, tile, i, x);
    if (i >= region.length) return;
    const float neutral = region.neutral[i], offset = region.offset[i];
    const int axis = i % 3;
#pragma unroll
    for (int c = 0; c < TILE; c++)
    {
        if (c >= tile.count) break;
        const FaceCharacter& m = p.characters[tile.first + c];
        const float moved = axis == 1 ? m.tongue_height : axis == 2 ? m.tongue_depth : 0.0f;
        p.y[(i64)m.place * p.y_pitch + i] = neutral + (x[c] + offset) * m.tongue + moved;
    }
}
