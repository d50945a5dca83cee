// GRU on tensor cores, f16 weights, float32 sums and state. See gru.cuh.
//
// u' = w' h': 16 channels a tile of w' (mma A), 16 of the depth a slice, and the state as B, whose 8 columns are the 4 items twice: h rounded
// to f16, and what the rounding left over. The sum of the two products is h at 22 bits, at no cost: with one column an item, half of the tile
// would be empty for up to 4 items, and more items than 4 a multiprocessor are rare. A warp owns TILES tiles of channels and computes all
// three gates of them, so the lane that holds the sums of r, z and n of a channel and item also finishes them and keeps that state: no
// exchange between warps but the new h.
//
// A step of 256 channels is 768 mma a block: 1536 cycles of a multiprocessor at 1024 products a cycle (sm_80), 6144 at 256 (GeForce).
// In registers and shared memory are, of the 16 slices of 24 KiB, 7 on sm_75, 8 on sm_86, 11 on sm_80, 14 on sm_90; the rest comes through L2:
// 8 slices or 3100 cycles at 64 bytes a cycle on sm_86, under way while the tensor cores work.
//
// Launch: grid ceil(items / 4), block 32 * WARPS; dynamic shared memory: h, 2 * 8 * (16 * SLICES + 8) f16, then `resident` slices of
// weights, SLICES * 3 * 512 bytes each.
// Macros: HALF=1; CHANNELS; WARPS; KEPT, at most ceil(CHANNELS / 16).
// weights: [slice][tile][gate][lane][8] f16, a lane's elements of a 16 x 16 matrix A; zeros where padded.
#include "gru.cuh"

#define SLICES ((CHANNELS + 15) / 16) // of the depth, and tiles of channels
#define TILES ((SLICES + WARPS - 1) / WARPS)
#define PITCH (16 * SLICES + 8) // an odd multiple of 16 bytes: the rows of ldmatrix fall into different banks
#define COLUMNS (2 * ITEMS)
#define THREADS (32 * WARPS)
#define MATRIX 32 // uint4, the elements of a 16 x 16 matrix A

__device__ __forceinline__ void load_state(u32 (&b)[2], u32 address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(b[0]), "=r"(b[1]) : "r"(address) : "memory");
}

// c += a (16 x 16) b (16 x 8)
__device__ __forceinline__ void multiply(float (&c)[4], const uint4& a, const u32 (&b)[2])
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b[0]), "r"(b[1]));
#else
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a.x), "r"(a.y), "r"(b[0]));
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a.z), "r"(a.w), "r"(b[1]));
#endif
}

// A channel's state of an item into the two columns of the item.
__device__ __forceinline__ void store_state(f16* h, int item, int channel, float value)
{
    f16* high = h + 2 * item * PITCH + channel;
    store(high, value);
    store(high + PITCH, value - load(high));
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) gru_f16(GruArguments p)
{
    extern __shared__ __align__(16) uint4 shared[];
    f16* const h = (f16*)shared;                                    // [2][COLUMNS][PITCH]
    uint4* const resident = shared + 2 * COLUMNS * PITCH * 2 / 16;  // [slice][tile][gate][lane]
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const uint4* weights = (const uint4*)p.weights;
    const int slice_size = SLICES * 3 * MATRIX;

    // This lane holds the gates of its item for two channels of each tile of its warp: lane / 4, and 8 more.
    const int place = lane % 4, item = blockIdx.x * ITEMS + place;
    const bool there = item < p.items;
    const element* x = p.x.data + item * p.x.item_stride;
    element* y = p.y.data + item * p.y.item_stride;
    const u32 columns = (u32)__cvta_generic_to_shared(h) + lane % 8 * PITCH * 2 + lane / 8 % 2 * 16; // ldmatrix: row of lane % 8, its half

    for (int i = threadIdx.x; i < p.resident * slice_size; i += THREADS) resident[i] = weights[KEPT * slice_size + i];
    uint4 kept[TILES][KEPT > 0 ? KEPT : 1][3];
    float state[TILES][2];
#pragma unroll
    for (int t = 0; t < TILES; t++)
    {
        const int tile = t * WARPS + warp;
        if (tile >= SLICES) continue;
#pragma unroll
        for (int k = 0; k < KEPT; k++)
#pragma unroll
            for (int gate = 0; gate < 3; gate++) kept[t][k][gate] = weights[(k * SLICES + tile) * 3 * MATRIX + gate * MATRIX + lane];
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            const int channel = tile * 16 + half * 8 + lane / 4;
            state[t][half] = there && channel < CHANNELS ? p.state[item * p.state_items + channel] : 0.0f;
            store_state(h, place, channel, state[t][half]);
        }
    }
    __syncthreads();

    for (int step = 0, now = 0; step < p.x.rows; step++, now ^= 1)
    {
        const u32 b_now = columns + now * (COLUMNS * PITCH * 2);
#pragma unroll
        for (int t = 0; t < TILES; t++)
        {
            const int tile = t * WARPS + warp;
            if (tile >= SLICES) continue;
            const uint4* far = weights + ((KEPT + p.resident) * SLICES + tile) * 3 * MATRIX + lane;
            const uint4* near = resident + tile * 3 * MATRIX + lane;
            float sums[3][4], gates[3][2];
            uint4 next[3];
            if (KEPT + p.resident < SLICES)
            {
#pragma unroll
                for (int gate = 0; gate < 3; gate++) next[gate] = far[gate * MATRIX];
            }
#pragma unroll
            for (int gate = 0; gate < 3; gate++)
            {
#pragma unroll
                for (int half = 0; half < 2; half++)
                {
                    const int channel = tile * 16 + half * 8 + lane / 4;
                    const bool used = there && channel < CHANNELS;
                    gates[gate][half] = used ? load(x + (i64)step * p.x.row_stride + gate * CHANNELS + channel) : 0.0f;
                    sums[gate][2 * half] = used ? p.bias[gate * CHANNELS + channel] : 0.0f;
                    sums[gate][2 * half + 1] = 0.0f;
                }
            }
            u32 b[2];
#pragma unroll
            for (int k = 0; k < KEPT; k++)
            {
                load_state(b, b_now + k * 32);
#pragma unroll
                for (int gate = 0; gate < 3; gate++) multiply(sums[gate], kept[t][k][gate], b);
            }
            int k = KEPT;
#pragma unroll 1
            for (; k < KEPT + p.resident; k++, near += slice_size)
            {
                load_state(b, b_now + k * 32);
#pragma unroll
                for (int gate = 0; gate < 3; gate++) multiply(sums[gate], near[gate * MATRIX], b);
            }
#pragma unroll 1
            for (; k < SLICES; k++)
            {
                uint4 here[3] = { next[0], next[1], next[2] };
                far += slice_size;
                if (k + 1 < SLICES)
                {
#pragma unroll
                    for (int gate = 0; gate < 3; gate++) next[gate] = far[gate * MATRIX];
                }
                load_state(b, b_now + k * 32);
#pragma unroll
                for (int gate = 0; gate < 3; gate++) multiply(sums[gate], here[gate], b);
            }
#pragma unroll
            for (int half = 0; half < 2; half++)
            {
                const int channel = tile * 16 + half * 8 + lane / 4;
                float u[3];
#pragma unroll
                for (int gate = 0; gate < 3; gate++) u[gate] = sums[gate][2 * half] + sums[gate][2 * half + 1];
                float value = gru(gates[0][half] + u[0], gates[1][half] + u[1], gates[2][half], u[2], state[t][half]);
                state[t][half] = value;
                store_state(h + (now ^ 1) * COLUMNS * PITCH, place, channel, value);
                if (there && channel < CHANNELS) store(y + (i64)step * p.y.row_stride + channel, value);
            }
        }
        __syncthreads();
    }

#pragma unroll
    for (int t = 0; t < TILES; t++)
    {
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            const int channel = (t * WARPS + warp) * 16 + half * 8 + lane / 4;
            if (there && channel < CHANNELS) p.final_state[item * p.final_items + channel] = state[t][half];
        }
    }
}
