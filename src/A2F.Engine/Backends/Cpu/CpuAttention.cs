using System.Runtime.Intrinsics;

namespace A2F.Engine.Backends.Cpu;

/// <summary>
/// Attention of one head by the GEMM's micro-kernels. Keys and values of the head are laid out as panels of 16 columns once; then, for a
/// tile of query rows at a time, one product gives the scores, their softmax becomes the left side of the next, and that gives the rows of y.
/// What a row comes to does not depend on the tile it falls into.
/// </summary>
internal static unsafe class CpuAttention
{
    private const int Panel = GemmKernels.PanelWidth, MaxRows = GemmKernels.MaxRows;

    /// <summary>Floats of scratch memory for one head.</summary>
    internal static int ScratchFloats(int steps, int size) =>
        checked(Round(steps) * size + Round(size) * steps + Round(steps) * MaxRows + Round(size) * MaxRows + MaxRows * (steps + size) + 2 * Panel);

    /// <summary>The micro-kernel and the most rows of its tile.</summary>
    internal readonly struct Kernel(GemmKernels kernels)
    {
        internal readonly delegate*<int, int, int, float*, float*, nint, float*, nint, float*, void> Run = kernels.Run;
        internal readonly int Rows = kernels.Rows;
    }

    /// <summary>One head of one item; scratch is 64-byte aligned.</summary>
    internal static void Head(in Kernel kernel, Tensor qkv, int item, int head, int heads, Tensor y, float* scratch)
    {
        int steps = qkv.Rows, size = y.Columns / heads, scoreStride = Round(steps), outStride = Round(size);
        float* query = (float*)qkv.Address + item * qkv.ItemStride + head * size;
        float* output = (float*)y.Address + item * y.ItemStride + head * size;
        float* zeros = scratch, keys = zeros + 2 * Panel, values = keys + scoreStride * size;
        float* scores = values + outStride * steps, result = scores + scoreStride * MaxRows;
        float* left = result + outStride * MaxRows; // [depth][rows] of the tile: queries, then probabilities
        float* probabilities = left + MaxRows * size;
        new Span<float>(zeros, 2 * Panel).Clear();
        PackKeys(query + y.Columns, qkv.RowStride, steps, size, keys);
        PackValues(query + 2 * y.Columns, qkv.RowStride, steps, size, values);

        float scale = (float)(1 / Math.Sqrt(size));
        int tiles = (steps + kernel.Rows - 1) / kernel.Rows;
        for (int tile = 0; tile < tiles; tile++)
        {
            int first = (int)((long)steps * tile / tiles), rows = (int)((long)steps * (tile + 1) / tiles) - first;
            for (int row = 0; row < rows; row++)
            {
                float* source = query + (long)(first + row) * qkv.RowStride;
                for (int c = 0; c < size; c++) left[c * rows + row] = source[c] * scale;
            }
            Multiply(kernel, rows, size, left, keys, scoreStride / Panel, scores, scoreStride, zeros);
            for (int row = 0; row < rows; row++) Softmax(scores + row * scoreStride, steps, probabilities + row, rows);
            Multiply(kernel, rows, steps, probabilities, values, outStride / Panel, result, outStride, zeros);
            for (int row = 0; row < rows; row++)
                new ReadOnlySpan<float>(result + row * outStride, size).CopyTo(new Span<float>(output + (long)(first + row) * y.RowStride, size));
        }
    }

    private static int Round(int count) => (count + Panel - 1) / Panel * Panel;

    private static void Multiply(
        in Kernel kernel, int rows, int depth, float* left, float* panels, int count, float* result, int stride, float* zeros)
    {
        nint panelStride = (nint)depth * Panel;
        for (int panel = 0; panel < count; panel += 2)
        {
            kernel.Run(
                rows, Math.Min(2, count - panel), depth, left, panels + panel * panelStride, panelStride, result + panel * Panel, stride, zeros);
        }
    }

    /// <summary>keys' as panels: [steps / 16][channel][16 steps], zeros behind the last step.</summary>
    private static void PackKeys(float* keys, int stride, int steps, int size, float* panels)
    {
        for (int first = 0; first < steps; first += Panel, panels += size * Panel)
        {
            int count = Math.Min(Panel, steps - first);
            if (count < Panel) new Span<float>(panels, size * Panel).Clear();
            for (int lane = 0; lane < count; lane++)
            {
                float* source = keys + (long)(first + lane) * stride;
                for (int c = 0; c < size; c++) panels[c * Panel + lane] = source[c];
            }
        }
    }

    /// <summary>values as panels: [channels / 16][step][16 channels], zeros behind the last channel.</summary>
    private static void PackValues(float* values, int stride, int steps, int size, float* panels)
    {
        for (int first = 0; first < size; first += Panel)
        {
            int count = Math.Min(Panel, size - first);
            for (int step = 0; step < steps; step++, panels += Panel)
            {
                if (count < Panel) new Span<float>(panels, Panel).Clear();
                new ReadOnlySpan<float>(values + (long)step * stride + first, count).CopyTo(new Span<float>(panels, Panel));
            }
        }
    }

    /// <summary>exp(score - largest) over their sum, written a stride apart. The padding of the scores is overwritten.</summary>
    private static void Softmax(float* scores, int count, float* probabilities, int stride)
    {
        float largest = float.NegativeInfinity;
        for (int i = 0; i < count; i++) largest = Math.Max(largest, scores[i]);
        for (int i = count; i < Round(count); i++) scores[i] = float.NegativeInfinity;
        Vector256<float> top = Vector256.Create(largest);
        for (int i = 0; i < count; i += 8) VectorMath.Exp(Vector256.Load(scores + i) - top).Store(scores + i);
        float total = 0;
        for (int i = 0; i < count; i++) total += scores[i];
        float factor = 1 / total;
        for (int i = 0; i < count; i++) probabilities[(long)i * stride] = scores[i] * factor;
    }
}
