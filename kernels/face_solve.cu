// Blendshape weights of a part of a character: b = sum of the chunks of project or fold + temporal * weights before; c = A b, or b; and
//
//   x = argmin x'Gx/2 - c'x over 0 <= x <= upper;   weight = (float)x * multiplier + offset, the offset alone for poses that are not active
//
// exactly, in double, by the primal active-set method of BoundedQuadratic.cs, started from the variables that were free in the frame before.
// upper is 1. With cancel pairs it is solved twice: then the smaller of each pair may not exceed CANCELLED. Pivots are held above rounding, so
// a singular G does no harm. The number of rounds is bounded.
//
// A block takes a part of a character. The free variables stand in the order in which they were freed; S, column-major lower triangle,
// holds G over them, and is factored in place, column by column, as L diag(d) L' with S(k, c) = L(k, c) d(c): all threads subtract a
// finished column from those right of it and from the right-hand side, one barrier a column. Rows before `valid` are still good from the face
// before, or the frame before: the triangle is kept. Sums run over the variables in order within one thread, so bits don't depend on THREADS.
//
// For 52 poses the triangle is 11 KiB; a face costs at most 2 * 52 column steps, n^3/6 + 3 n^2/2 products.
//
// state: values [slots][weights before by pose, first solve's x][poses]; orders [slots][2][2 + poses]: count, valid rows and free variables of
// the solves; factors [slots][2][triangle, inverse pivots] of double, poses * (poses + 3) / 2 each.
// Launch: grid (characters, parts), block THREADS; dynamic shared memory: 5 * most doubles, the triangle if SHARED, 2 * most ints.
// Macros: THREADS, a multiple of 32; SHARED: whether the triangle is copied to shared memory, else it is worked on in `factors`.
#include "face.cuh"
#include "face_quadratic.cuh"

struct SolvePart
{
    const double* sums;  // [chunks][characters][poses]
    double* values;
    int* orders;
    double* factors;
    const float* scales; // [slots][multipliers, offsets][poses]
    float* weights;      // [rows][poses]
    int poses;
    int projected;       // whether there are as many chunks as the rig has; else 1
};

struct SolveArguments
{
    const FaceCharacter* characters;
    const FaceRig* rigs;
    int count, most; // characters; poses of the largest part
    int first_part, unused;
    SolvePart parts[PARTS];
};

#define CHUNK 256 // of face_sums.cu

extern "C" __global__ void __launch_bounds__(THREADS, 1) solve(SolveArguments p)
{
    extern __shared__ __align__(16) double shared[];
    const FaceCharacter& m = p.characters[blockIdx.x];
    const int part = p.first_part + blockIdx.y;
    const FacePart& setup = m.parts[part];
    const SolvePart& t = p.parts[part];
    const int n = setup.active_count, most = p.most;
    double* before = t.values + (i64)m.slot * 2 * t.poses;
    double* first_x = before + t.poses;
    int* orders = t.orders + (i64)m.slot * 2 * (2 + t.poses);
    const i64 factor_length = (i64)t.poses * (t.poses + 3) / 2;
    const bool fresh = setup.flags & FRESH, forget = setup.flags & FORGET;

    Quadratic q;
    q.g = setup.g;
    q.n = n;
    q.x = shared;
    q.c = q.x + most;
    q.step = q.c + most;
    q.z = q.step + most;
    q.inverse = q.z + most;
#if SHARED
    q.s = q.inverse + most;
    q.order = (int*)(q.s + most * (most + 1) / 2);
#else
    q.order = (int*)(q.inverse + most);
#endif
    q.flags = q.order + most;

    if (forget)
    {
        for (int pose = threadIdx.x; pose < t.poses; pose += THREADS) before[pose] = 0.0;
        __syncthreads();
    }
    const int chunks = t.projected ? (int)((p.rigs[m.rig].shapes[part].rows + CHUNK - 1) / CHUNK) : 1;
    for (int i = threadIdx.x; i < n; i += THREADS)
    {
        const int pose = setup.active[i];
        double b = 0.0;
        for (int chunk = 0; chunk < chunks; chunk++) b += t.sums[((i64)chunk * p.count + blockIdx.x) * t.poses + pose];
        q.z[i] = b + setup.temporal * before[pose];
        if (!setup.a) q.c[i] = q.z[i];
        q.flags[i] = 0;
    }
    __syncthreads();
    if (setup.a)
    {
        for (int i = threadIdx.x; i < n; i += THREADS)
        {
            double sum = 0.0;
            for (int j = 0; j < n; j++) sum += __ldg(setup.a + (i64)j * n + i) * q.z[j];
            q.c[i] = sum;
        }
    }

    for (int turn = setup.pair_count > 0 ? 0 : 1; turn < 2; turn++)
    {
        int* stored = orders + turn * (2 + t.poses);
        double* factor = t.factors + (2 * (i64)m.slot + turn) * factor_length;
#if !SHARED
        q.s = factor;
#endif
        for (int i = threadIdx.x; i < n; i += THREADS) q.x[i] = fresh ? 0.0 : turn == 0 ? first_x[i] : before[setup.active[i]];
        q.restore(stored, factor, fresh);
        q.solve();
        q.keep(stored, factor);
        if (turn == 1) break;
        for (int i = threadIdx.x; i < n; i += THREADS)
        {
            first_x[i] = q.x[i];
            q.flags[i] = 0;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < setup.pair_count; i += THREADS)
        {
            const int first = setup.pairs[2 * i], second = setup.pairs[2 * i + 1];
            q.flags[q.x[first] < q.x[second] ? first : second] = BOUND;
        }
        __syncthreads();
    }

    const float* multipliers = t.scales + (i64)m.slot * 2 * t.poses;
    const float* offsets = multipliers + t.poses;
    float* weights = t.weights + (i64)m.out * t.poses;
    for (int pose = threadIdx.x; pose < t.poses; pose += THREADS) weights[pose] = offsets[pose];
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += THREADS)
    {
        const int pose = setup.active[i];
        before[pose] = q.x[i];
        weights[pose] = __fadd_rn(__fmul_rn((float)q.x[i], multipliers[pose]), offsets[pose]);
    }
}
