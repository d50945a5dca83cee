// Multi-head self attention: y = softmax(q k' / sqrt(SIZE)) v for one head of one item per block.
//
// qkv is [items, steps, 3 * heads * SIZE]: query, key, value; head h owns columns h * SIZE onwards of each. Keys and values of the head are
// read once into shared memory; then each warp takes query rows in turn: lanes over keys for the scores, lanes over channels for the sum.
//
// Launch: grid (heads, items), block 128; dynamic shared memory (2 * steps * (SIZE + 1) + 4 * steps) floats. 
// Macros: SIZE (channels of a head), HALF (element type; scores and sums are float32).
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(128) attention(View<element> qkv, View<element> y, int heads)
{
    extern __shared__ float shared[];
    int steps = qkv.rows, dim = heads * SIZE, head = blockIdx.x;
    float* keys = shared;                       // [steps][SIZE + 1]: lanes of the score loop read down a column
    float* values = keys + steps * (SIZE + 1);  // [steps][SIZE + 1]
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    float* scores = values + steps * (SIZE + 1) + warp * steps;
    const element* query = qkv.data + blockIdx.y * qkv.item_stride + head * SIZE;

    for (int i = threadIdx.x; i < steps * (SIZE + 1); i += blockDim.x)
    {
        // The last column only pads; it is written because the compiler may load it along with its neighbours.
        int t = i / (SIZE + 1), c = i % (SIZE + 1);
        keys[i] = c < SIZE ? load(query + (i64)t * qkv.row_stride + dim + c) : 0.0f;
        values[i] = c < SIZE ? load(query + (i64)t * qkv.row_stride + 2 * dim + c) : 0.0f;
    }
    __syncthreads();

    const float scale = 1.0f / sqrtf((float)SIZE);
    for (int t = warp; t < steps; t += 4)
    {
        const element* q = query + (i64)t * qkv.row_stride;
        float largest = -3.0e38f;
        for (int u = lane; u < steps; u += WARP)
        {
            float dot = 0.0f;
            for (int c = 0; c < SIZE; c++) dot = fmaf(load(q + c), keys[u * (SIZE + 1) + c], dot);
            scores[u] = dot * scale;
            largest = fmaxf(largest, dot * scale);
        }
        largest = warp_max(largest);
        float total = 0.0f;
        for (int u = lane; u < steps; u += WARP)
        {
            scores[u] = expf(scores[u] - largest);
            total += scores[u];
        }
        total = warp_sum(total);
        __syncwarp();
        element* row = y.data + blockIdx.y * y.item_stride + (i64)t * y.row_stride + head * SIZE;
        for (int c = lane; c < SIZE; c += WARP)
        {
            float sum = 0.0f;
            for (int u = 0; u < steps; u++) sum = fmaf(scores[u], values[u * (SIZE + 1) + c], sum);
            store(row + c, sum / total);
        }
        __syncwarp(); // the next row overwrites the scores
    }
}
