// argmin x'Gx/2 - c'x over 0 <= x <= upper by a block of threads, in double: the active-set method of BoundedQuadratic.cs. See face_solve.cu.
// Macros: THREADS, SHARED.
#pragma once
#include "common.cuh"

#define WARPS (THREADS / WARP)
#define CANCELLED 1e-10
#define LEAST_PIVOT 1e-14    // of the diagonal
#define GRADIENT_NOISE 1e-13 // of a gradient's terms
#define BOX_NOISE 1e-16      // of a gradient's terms at the far corner of the box

#define FREE 1
#define BLOCKED 2 // left alone until another makes progress
#define BOUND 4   // upper is CANCELLED

struct Choice
{
    double value;
    int index;
};

// The largest value of the block, the lowest index where equal; index -1 for none. Between two calls there must be a barrier.
__device__ __forceinline__ Choice block_best(Choice mine)
{
    __shared__ double values[WARPS];
    __shared__ int indices[WARPS];
    for (int offset = WARP / 2; offset > 0; offset /= 2)
    {
        const double value = __shfl_xor_sync(FULL_MASK, mine.value, offset);
        const int index = __shfl_xor_sync(FULL_MASK, mine.index, offset);
        if (index >= 0 && (mine.index < 0 || value > mine.value || (value == mine.value && index < mine.index))) mine = { value, index };
    }
    if (threadIdx.x % WARP == 0)
    {
        values[threadIdx.x / WARP] = mine.value;
        indices[threadIdx.x / WARP] = mine.index;
    }
    __syncthreads();
    Choice best = { values[0], indices[0] };
    for (int w = 1; w < WARPS; w++)
    {
        const double value = values[w];
        const int index = indices[w];
        if (index >= 0 && (best.index < 0 || value > best.value || (value == best.value && index < best.index))) best = { value, index };
    }
    return best;
}

// One problem. Members that are no pointers have the same value in all threads. Each function leaves what it wrote visible to all.
struct Quadratic
{
    const double* g;
    int n;
    double* x;
    double* c;
    double* step;
    double* z;       // by position in the order
    double* inverse; // of the pivots, by position
    double* s;
    int* order;
    int* flags;
    int count; // free variables
    int valid; // rows of s that are still factored

    // Start of column k of the triangle, less its first row.
    __device__ __forceinline__ int column(int k) const { return k * (2 * n - k - 1) / 2; }

    __device__ __forceinline__ double upper(int flag) const { return flag & BOUND ? CANCELLED : 1.0; }

    __device__ __forceinline__ void set_pivot(int k, double pivot)
    {
        const double diagonal = __ldg(g + (i64)order[k] * (n + 1));
        // A column of zeros has no gradient either: its variable stays where it is.
        inverse[k] = diagonal > 0.0 ? 1.0 / fmax(pivot, LEAST_PIVOT * diagonal) : 1.0;
    }

    // step = -(G over the free variables)^-1 gradient; 0 for fixed variables.
    __device__ __forceinline__ void solve_free()
    {
        const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
        for (int i = threadIdx.x; i < n; i += THREADS) step[i] = 0.0;
        for (int k = threadIdx.x; k < count; k += THREADS)
        {
            const int i = order[k];
            double rest = c[i];
            for (int j = 0; j < n; j++) rest -= __ldg(g + (i64)j * n + i) * x[j];
            z[k] = rest;
        }
        for (int k = warp; k < count; k += WARPS)
            for (int row = max(k, valid) + lane; row < count; row += WARP) s[column(k) + row] = __ldg(g + (i64)order[k] * n + order[row]);
        __syncthreads();
        if (valid == 0 && count > 0)
        {
            if (threadIdx.x == 0) set_pivot(0, s[0]);
            __syncthreads();
        }
        for (int k = 0; k + 1 < count; k++)
        {
            eliminate(k, warp, lane);
            __syncthreads();
        }
        for (int k = threadIdx.x; k < count; k += THREADS) z[k] *= inverse[k];
        __syncthreads();
        for (int k = count - 1; k > 0; k--)
        {
            const double value = z[k];
            for (int j = threadIdx.x; j < k; j += THREADS) z[j] -= s[column(j) + k] * inverse[j] * value;
            __syncthreads();
        }
        for (int k = threadIdx.x; k < count; k += THREADS) step[order[k]] = z[k];
        valid = count;
        __syncthreads();
    }

    // Takes column k out of the columns right of it, in the rows that are new, and out of the right-hand side.
    __device__ __forceinline__ void eliminate(int k, int warp, int lane)
    {
        const int first = max(valid, k + 1);
        const double scale = inverse[k];
        const double* pivots = s + column(k);
        const double value = z[k] * scale;
        for (int row = k + 1 + threadIdx.x; row < count; row += THREADS) z[row] -= pivots[row] * value;
        if (first + 1 == count) // one new row: a thread has a column, not a warp
        {
            const double factor = pivots[first] * scale;
            for (int j = k + 1 + threadIdx.x; j <= first; j += THREADS) subtract(k, first, j, factor * pivots[j]);
            return;
        }
        for (int j = k + 1 + warp; j < count; j += WARPS)
        {
            const double factor = pivots[j] * scale;
            for (int row = max(j, first) + lane; row < count; row += WARP) subtract(k, row, j, factor * pivots[row]);
        }
    }

    __device__ __forceinline__ void subtract(int k, int row, int j, double product)
    {
        double* element = s + column(j) + row;
        const double value = *element - product;
        *element = value;
        if (row == k + 1) set_pivot(row, value); // its last product
    }

    // Takes the variables that are free no more out of the order. The factor keeps its rows up to the first of them.
    __device__ __forceinline__ void drop_fixed()
    {
        __shared__ int kept_count, kept_valid;
        if (threadIdx.x < WARP)
        {
            int kept = 0, good = valid;
            for (int base = 0; base < count; base += WARP)
            {
                const int k = base + threadIdx.x;
                const int i = k < count ? order[k] : 0;
                const bool stays = k < count && (flags[i] & FREE);
                const u32 mask = __ballot_sync(FULL_MASK, stays), gone = __ballot_sync(FULL_MASK, k < count && !stays);
                if (gone) good = min(good, base + __ffs(gone) - 1);
                if (stays) order[kept + __popc(mask & ((1u << threadIdx.x) - 1))] = i;
                kept += __popc(mask);
                __syncwarp();
            }
            if (threadIdx.x == 0)
            {
                kept_count = kept;
                kept_valid = min(good, kept);
            }
        }
        __syncthreads();
        count = kept_count;
        valid = kept_valid;
    }

    __device__ __forceinline__ void fix(int i)
    {
        if (threadIdx.x == 0) flags[i] &= ~FREE;
        __syncthreads();
        drop_fixed();
    }

    __device__ __forceinline__ void clip_until_feasible()
    {
        for (int round = 0; round <= n; round++) // each fixes at least one variable
        {
            solve_free();
            bool clipped = false;
            for (int i = threadIdx.x; i < n; i += THREADS)
            {
                const int flag = flags[i];
                if (!(flag & FREE)) continue;
                const double most = upper(flag), value = x[i] + step[i];
                if (value >= 0.0 && value <= most) x[i] = value;
                else
                {
                    x[i] = value > most ? most : 0.0;
                    flags[i] = flag & ~FREE;
                    clipped = true;
                }
            }
            if (!__syncthreads_or(clipped)) return;
            drop_fixed();
        }
    }

    // The bound variable whose gradient points into the box most steeply, or -1 at a KKT point.
    __device__ __forceinline__ int find_entering() const
    {
        Choice best = { 0.0, -1 };
        for (int i = threadIdx.x; i < n; i += THREADS)
        {
            if (flags[i] & (FREE | BLOCKED)) continue;
            double gradient = -c[i], size = fabs(c[i]), corner = 0.0;
            for (int j = 0; j < n; j++)
            {
                const double element = __ldg(g + (i64)j * n + i), product = element * x[j];
                gradient += product;
                size += fabs(product);
                corner += fabs(element);
            }
            const double inward = x[i] <= 0.0 ? -gradient : gradient;
            if (inward > GRADIENT_NOISE * size + BOX_NOISE * corner && inward > best.value) best = { inward, i };
        }
        return block_best(best).index;
    }

    // Goes to the minimum over the free variables, fixing those that meet a bound on the way. False where nothing moved.
    __device__ __forceinline__ bool walk(int entering)
    {
        bool first = true, moved = false;
        while (true) // each time round fixes a variable
        {
            solve_free();
            if (first && (x[entering] <= 0.0 ? step[entering] <= 0.0 : step[entering] >= 0.0))
            {
                fix(entering);
                return false;
            }
            first = false;

            // The largest share of the step that stays in the box; negative, since the smallest counts.
            Choice nearest = { 0.0, -1 };
            for (int i = threadIdx.x; i < n; i += THREADS)
            {
                const int flag = flags[i];
                if (!(flag & FREE) || step[i] == 0.0) continue;
                const double room = step[i] < 0.0 ? x[i] : upper(flag) - x[i], reach = fabs(step[i]);
                if (reach <= room) continue;
                const double share = -(room / reach);
                if (nearest.index < 0 || share > nearest.value) nearest = { share, i };
            }
            nearest = block_best(nearest);
            const double length = nearest.index < 0 ? 1.0 : -nearest.value;
            bool moves = false;
            for (int i = threadIdx.x; i < n; i += THREADS)
            {
                const int flag = flags[i];
                if (!(flag & FREE) || step[i] == 0.0) continue;
                const double old = x[i], most = upper(flag);
                double value = fmin(fmax(old + length * step[i], 0.0), most);
                moves |= value != old;
                if (i == nearest.index) value = step[i] < 0.0 ? 0.0 : most;
                x[i] = value;
            }
            moved |= __syncthreads_or(moves) != 0;
            if (nearest.index < 0) return moved;
            fix(nearest.index);
            if (nearest.index == entering && !moved) return false;
        }
    }

    // x: what the solve before left there for variables that were fixed.
    __device__ __forceinline__ void solve()
    {
        for (int i = threadIdx.x; i < n; i += THREADS)
        {
            const double most = upper(flags[i]);
            x[i] = !(flags[i] & FREE) && x[i] > most / 2 ? most : 0.0; // the bound that it was at, or what is left of it
        }
        __syncthreads();
        clip_until_feasible();
        const int rounds = 20 * n + 50;
        for (int round = 0; round < rounds; round++)
        {
            const int entering = find_entering();
            if (entering < 0) return;
            if (threadIdx.x == 0)
            {
                flags[entering] |= FREE;
                order[count] = entering;
            }
            count++;
            __syncthreads();
            const bool progress = walk(entering);
            for (int i = threadIdx.x; i < n; i += THREADS)
            {
                if (progress) flags[i] &= ~BLOCKED;
                else if (i == entering) flags[i] |= BLOCKED;
            }
            __syncthreads();
        }
    }

    // The free variables and their factor of the frame before; all are free, and nothing is factored, in a new solver.
    __device__ __forceinline__ void restore(const int* stored, const double* factor, bool fresh)
    {
        count = fresh ? n : stored[0];
        valid = fresh ? 0 : stored[1];
        for (int k = threadIdx.x; k < count; k += THREADS) order[k] = fresh ? k : stored[2 + k];
        if (!fresh) copy_factor(factor, factor + n * (n + 1) / 2, s, inverse);
        __syncthreads();
        for (int k = threadIdx.x; k < count; k += THREADS) flags[order[k]] |= FREE;
        __syncthreads();
    }

    __device__ __forceinline__ void keep(int* stored, double* factor) const
    {
        if (threadIdx.x == 0)
        {
            stored[0] = count;
            stored[1] = valid;
        }
        for (int k = threadIdx.x; k < count; k += THREADS) stored[2 + k] = order[k];
        copy_factor(s, inverse, factor, factor + n * (n + 1) / 2);
    }

    // The rows that are factored.
    __device__ __forceinline__ void copy_factor(const double* from, const double* from_inverse, double* to, double* to_inverse) const
    {
        for (int k = threadIdx.x; k < valid; k += THREADS) to_inverse[k] = from_inverse[k];
#if SHARED
        for (int k = threadIdx.x / WARP; k < valid; k += WARPS)
            for (int row = k + threadIdx.x % WARP; row < valid; row += WARP) to[column(k) + row] = from[column(k) + row];
#endif
    }
};
