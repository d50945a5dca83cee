// Shared by the kernels of the animation stage: rows of network output become faces, for many characters in one call.
//
// The characters of a call lie sorted by rig, cut into tiles of up to TILE that have the same rig, so that what belongs to a rig is read
// once per tile. Each sum runs in an order that neither the tile nor the place in it changes: a character's bits never depend on the others.
// Mirrored by the structs of the same names in FaceArguments.cs.
#pragma once
#include "common.cuh"

#define TILE 8
#define PARTS 2 // skin, tongue

// How a character's blendshape weights for one part are solved for.
struct FacePart
{
    const double* g;      // [active, active]
    const double* a;      // [active, active]; null where the right-hand side is taken as it is
    const int* active;    // [active]: poses, ascending
    const int* pairs;     // [pairs, 2]: positions among the active poses
    const double* fold;   // [poses, columns], then [poses]; null where the part is posed
    double temporal;      // what the weights before are multiplied by
    int active_count, pair_count;
    int columns;          // of the fold
    int flags;            // FRESH, FORGET
};

#define FRESH 1  // every variable starts free: the solver is new
#define FORGET 2 // there are no weights before

struct FaceCharacter
{
    FacePart parts[PARTS];
    int slot;     // where its state is
    int row;      // of the network output
    int out;      // row of the results
    int place;    // row of the positions
    int rig;
    int started;  // whether there was a frame before
    float skin, eye_close, lip_open;              // gains of displacement, of the eye close and of the lip open pose
    float lower_alpha, upper_alpha;               // 1: no smoothing
    float lower, upper;                           // gains
    float mask_level, mask_softness;
    float tongue, tongue_height, tongue_depth;
    float jaw, jaw_height, jaw_depth;
    float eyes, right_x, right_y, left_x, left_y; // gain of the network's rotation; offsets
    float saccade_x, saccade_y;
};

// A stretch of characters with one rig.
struct FaceTile
{
    int rig, first, count, unused;
};

// Coordinates of a part that are posed: all, or those that the solver looks at.
struct FaceRegion
{
    const float* basis;     // [shapes, length]; null: the row holds displacements of the whole part
    const float* neutral;   // [length]
    const float* offset;    // [length]
    const float* eye_close; // [length], skin only
    const float* lip_open;  // [length], skin only
    const float* heights;   // [length / 3], skin only
    const int* vertices;    // [length / 3]: vertices of the whole part; null: all of them
    i64 length;
};

// Blendshapes of a part at the vertices that the solver looks at.
struct FaceShapes
{
    const float* deltas;  // [coordinates, rounded up to whole chunks; poses]; zeros beyond
    const float* neutral; // [coordinates]
    const int* vertices;  // [coordinates / 3]: where they are among the posed vertices; null: in this order
    i64 rows;             // coordinates
};

struct FaceRig
{
    FaceRegion regions[PARTS];
    FaceShapes shapes[PARTS];
    const float* jaw; // [jaw points, 3]
    i64 jaw_points;
};

// sums += factor * values, for the TILE characters of a tile; values are aligned to 16 bytes.
__device__ __forceinline__ void add_products(float (&sums)[TILE], float factor, const float* values)
{
    const float4 low = ((const float4*)values)[0], high = ((const float4*)values)[1];
    sums[0] = fmaf(factor, low.x, sums[0]);
    sums[1] = fmaf(factor, low.y, sums[1]);
    sums[2] = fmaf(factor, low.z, sums[2]);
    sums[3] = fmaf(factor, low.w, sums[3]);
    sums[4] = fmaf(factor, high.x, sums[4]);
    sums[5] = fmaf(factor, high.y, sums[5]);
    sums[6] = fmaf(factor, high.z, sums[6]);
    sums[7] = fmaf(factor, high.w, sums[7]);
}

// Two one-pole smoothers in a row: s1 += (d - s1) alpha; s2 += (s1 - s2) alpha. s points to s1; s2 lies a pitch behind. The first frame, and
// alpha = 1, set both to d.
template <class T>
__device__ __forceinline__ T smooth(T d, T* s, i64 pitch, T alpha, bool started)
{
    T s1 = d, s2 = d;
    if (started && alpha < 1)
    {
        s1 = s[0];
        s2 = s[pitch];
        s1 += (d - s1) * alpha;
        s2 += (s1 - s2) * alpha;
    }
    s[0] = s1;
    s[pitch] = s2;
    return s2;
}
