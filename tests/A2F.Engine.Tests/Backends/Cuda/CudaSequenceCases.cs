using A2F.Engine.Backends;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Cases of the operators that the diffusion and emotion networks add; see <see cref="CudaCases"/>.</summary>
internal static class CudaSequenceCases
{
    public static IEnumerable<CudaCase> All => [.. Grus(), .. Epilogues(), .. Rows(), .. Noises(), .. LongAttention()];

    /// <summary>A GRU layer over some items: its output and the state after it.</summary>
    public static (Tensor Y, Tensor State) Gru(OperatorSet ops, int firstItem, int items, int steps, int channels)
    {
        // Weights far below 1, as trained ones are; powers of two keep them exact in half precision.
        float factor = channels > 100 ? 0.125f : 0.25f;
        float[] weights = Array.ConvertAll(CudaCases.Halves(channels * 3 * channels, 2), v => factor * v);
        int each = steps * 3 * channels;
        Tensor gates = OperatorCase.Upload(
            ops, CudaCases.Halves((firstItem + items) * each, 1)[(firstItem * each)..], items, steps, 3 * channels, padding: 1);
        Tensor states = ops.AllocateFloat32(items, 1, channels + 5), state = states.ColumnRange(3, channels);
        ops.Write(state, CudaCases.Halves((firstItem + items) * channels, 3).AsSpan(firstItem * channels));
        Tensor y = ops.Allocate(items, steps + 2, channels + 9).ColumnRange(7, channels).RowRange(1, steps);
        ops.Gru(gates, ops.PackGru(weights, CudaCases.Halves(3 * channels, 4)), state, y, state);
        return (y, state);
    }

    private static IEnumerable<CudaCase> Grus()
    {
        foreach ((int items, int steps, int channels) in new[] { (1, 1, 1), (5, 9, 24), (3, 4, 40), (2, 3, 256), (4, 2, 272), (9, 2, 33) })
        {
            yield return new CudaCase($"gru [{items}, {steps}, {channels}]", ops => Gru(ops, 0, items, steps, channels).Y);
            yield return new CudaCase($"state of gru [{items}, {steps}, {channels}]", ops => Gru(ops, 0, items, steps, channels).State);
        }
        yield return new CudaCase("gru into another state", ops =>
        {
            const int Items = 6, Steps = 3, Channels = 20;
            Tensor gates = OperatorCase.Upload(ops, CudaCases.Halves(Items * Steps * 3 * Channels, 1), Items, Steps, 3 * Channels);
            Tensor before = OperatorCase.UploadFloat32(ops, CudaCases.Halves(Items * Channels, 3), Items, 1, Channels);
            Tensor after = ops.AllocateFloat32(Items, 1, Channels);
            ops.Gru(gates, ops.PackGru(CudaCases.Halves(Channels * 3 * Channels, 2), new float[3 * Channels]), before,
                ops.Allocate(Items, Steps, Channels), after);
            return after;
        });
    }

    private static IEnumerable<CudaCase> Epilogues()
    {
        foreach ((int rows, int inputs, int outputs) in new[] { (1, 8, 5), (40, 72, 100), (97, 33, 150) })
        {
            yield return new CudaCase($"gemm scaled by item with a residual for all items, {rows} rows [{inputs}, {outputs}]", ops =>
            {
                const int Items = 3;
                Tensor y = ops.Allocate(Items, rows, outputs);
                Tensor shared = OperatorCase.Upload(ops, CudaCases.Halves(rows * outputs, 4), 1, rows, outputs) with { Items = Items, ItemStride = 0 };
                Tensor scales = ops.AllocateFloat32(Items, 1, 3).ColumnRange(1, 1);
                ops.Write(scales, [2, -0.75f, 0.125f]);
                ops.Gemm(OperatorCase.Upload(ops, CudaCases.Halves(Items * rows * inputs, 1), Items, rows, inputs), 1,
                    ops.Pack(CudaCases.Halves(inputs * outputs, 2), CudaCases.Halves(outputs, 3), 1, inputs, outputs), y,
                    new Epilogue(Activation.Mish, shared, ItemScale: scales));
                return y;
            });
            yield return new CudaCase($"gemm with one residual row for all rows, {rows} rows [{inputs}, {outputs}]", ops =>
            {
                const int Items = 3;
                Tensor y = ops.Allocate(Items, rows, outputs);
                Tensor row = OperatorCase.Upload(ops, CudaCases.Halves(Items * outputs, 4), Items, 1, outputs) with { Rows = rows, RowStride = 0 };
                ops.Gemm(OperatorCase.Upload(ops, CudaCases.Halves(Items * rows * inputs, 1), Items, rows, inputs), 1,
                    ops.Pack(CudaCases.Halves(inputs * outputs, 2), CudaCases.Halves(outputs, 3), 1, inputs, outputs), y,
                    new Epilogue(Activation.Tanh, row));
                return y;
            });
        }
        foreach (bool wantsSum in new[] { false, true })
        {
            yield return new CudaCase($"gemm and layer norm that keeps the sum, {(wantsSum ? "the sum" : "the norm")}", ops =>
            {
                const int Items = 2, Rows = 7, Size = 45;
                Tensor y = ops.Allocate(Items, Rows, Size), sum = ops.Allocate(Items, Rows + 1, Size).RowRange(1, Rows);
                NormWeights norm = new(ops.Upload(CudaCases.Halves(Size, 7)), ops.Upload(CudaCases.Halves(Size, 8)), 1e-5f);
                ops.GemmLayerNorm(OperatorCase.Upload(ops, CudaCases.Halves(Items * Rows * 24, 1), Items, Rows, 24),
                    ops.Pack(CudaCases.Halves(24 * Size, 2), CudaCases.Halves(Size, 3), 1, 24, Size), Activation.None,
                    OperatorCase.Upload(ops, CudaCases.Halves(Items * Rows * Size, 4), Items, Rows, Size), norm, y, sum);
                return wantsSum ? sum : y;
            });
        }
    }

    private static IEnumerable<CudaCase> Rows()
    {
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            yield return new CudaCase($"layer norm and {activation}", ops =>
            {
                Tensor x = OperatorCase.Upload(ops, CudaCases.Halves(2 * 7 * 37, 1), 2, 7, 37);
                ops.LayerNorm(x, new NormWeights(ops.Upload(CudaCases.Halves(37, 7)), ops.Upload(CudaCases.Halves(37, 8)), 1e-5f), x, activation);
                return x;
            });
            yield return new CudaCase($"scale and {activation}", ops =>
            {
                Tensor x = OperatorCase.Upload(ops, CudaCases.Halves(2 * 3 * 300, 3), 2, 3, 300);
                ops.Scale(x.RowRange(1, 1), 16f, x, accumulate: true, activation);
                return x;
            });
        }
        foreach ((int rows, int count, int first, int taken) in new[] { (49, 60, 0, 60), (49, 60, 15, 30), (1, 2, 0, 2), (7, 7, 2, 5), (5, 3, 1, 2) })
        {
            yield return new CudaCase($"resample {rows} to rows {first}.. of {count}", ops =>
            {
                Tensor x = OperatorCase.Upload(ops, CudaCases.Halves(2 * rows * 19, 1), 2, rows, 19, padding: 1), y = ops.Allocate(2, taken, 19);
                ops.Resample(x, count, first, y);
                return y;
            });
        }
        foreach ((int items, int rows, int columns) in new[] { (1, 1, 1), (3, 29, 70) })
        {
            yield return new CudaCase($"mean of rows [{items}, {rows}, {columns}]", ops =>
            {
                Tensor y = ops.Allocate(items, 2, columns).RowRange(1, 1);
                ops.MeanRows(OperatorCase.Upload(ops, CudaCases.Halves(items * rows * columns, 1), items, rows, columns, padding: 1), y);
                return y;
            });
        }
    }

    /// <summary>Noise at odd places, two items with seeds of their own.</summary>
    public static Tensor Noise(OperatorSet ops, NoiseRange range, int rows, int columns)
    {
        uint[] seeds = [0x01234567, 0x89ABCDEF, 7, 0xFFFFFFFF, 0, 0, 0xFFFFFFFF, 1, 0x80000000, 2, 0, 0];
        Tensor bits = ops.AllocateFloat32(2, 1, 6), y = ops.Allocate(2, rows + 1, columns + 3).ColumnRange(1, columns).RowRange(1, rows);
        ops.Write(bits, Array.ConvertAll(seeds, BitConverter.UInt32BitsToSingle));
        ops.Normal(bits.ColumnRange(0, 4), range, y);
        return y;
    }

    /// <summary>Ranges that begin at every place within a block of four, and far from the first number.</summary>
    public static IReadOnlyList<(NoiseRange Range, int Rows, int Columns)> NoiseRanges { get; } =
    [
        (new NoiseRange(0, 1, 0, 1), 1, 1), (new NoiseRange(0, 9, 1, 5), 6, 5), (new NoiseRange(2, 30, 3, 7, 2), 8, 3),
        (new NoiseRange(1, 4, 0, 600), 3, 600), (new NoiseRange(2000, 60, 59, 88831, 88000), 1, 831),
    ];

    private static IEnumerable<CudaCase> Noises() => NoiseRanges.Select(
        one => new CudaCase($"noise {one.Range}, {one.Rows} x {one.Columns}", ops => Noise(ops, one.Range, one.Rows, one.Columns)));

    private static IEnumerable<CudaCase> LongAttention()
    {
        foreach ((int items, int steps, int heads, int size) in new[] { (1, 33, 1, 36), (2, 187, 1, 64), (1, 500, 1, 8), (1, 64, 1, 100) })
        {
            yield return new CudaCase($"attention [{items}, {steps}] {heads} x {size}, large scores", ops =>
            {
                Tensor y = ops.Allocate(items, steps + 1, heads * size + 3).ColumnRange(3, heads * size).RowRange(1, steps);
                float[] qkv = Array.ConvertAll(CudaCases.Halves(items * steps * 3 * heads * size, 1), v => 2 * v);
                ops.Attention(OperatorCase.Upload(ops, qkv, items, steps, 3 * heads * size, padding: 1), heads, y);
                return y;
            });
        }
    }
}
