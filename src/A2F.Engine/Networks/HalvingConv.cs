using A2F.Engine.Backends;

namespace A2F.Engine.Networks;

/// <summary>
/// A convolution of width 3 and stride 2 with 5 products for two outputs instead of 6 (shortcut 8). Its even taps are a two-tap filter on
/// the even rows, for which fast FIR (Winograd's F(2, 2)) needs 3 products for 2 outputs; the odd tap takes one product each. With rows
/// a = x[4s], b = x[4s + 1], c = x[4s + 2], d = x[4s + 3], e = x[4s + 4]:
/// <code>
/// m = c (w0 + w2)      y[2s] = m + (a - c) w0 + b w1      y[2s + 1] = m + (e - c) w2 + d w1
/// </code>
/// </summary>
internal sealed class HalvingConv
{
    private readonly OperatorSet _ops;
    private readonly GemmWeights _outer, _first, _middle, _last;
    private readonly Tensor _difference;

    /// <summary>Prepares [3, inputs, outputs] weights without bias for outputs of up to <paramref name="rows"/> rows.</summary>
    internal HalvingConv(OperatorSet ops, ReadOnlySpan<float> weights, int inputs, int outputs, int maxItems, int rows)
    {
        _ops = ops;
        int size = inputs * outputs;
        float[] outer = new float[size];
        for (int i = 0; i < size; i++) outer[i] = weights[i] + weights[2 * size + i];
        _outer = ops.Pack(outer, [], 1, inputs, outputs);
        _first = ops.Pack(weights[..size], [], 1, inputs, outputs);
        _middle = ops.Pack(weights.Slice(size, size), [], 1, inputs, outputs);
        _last = ops.Pack(weights[(2 * size)..], [], 1, inputs, outputs);
        _difference = ops.Allocate(maxItems, (rows + 1) / 2, inputs);
    }

    /// <summary>y = activation(conv(x)).</summary>
    internal void Run(Tensor x, Tensor y, Activation activation)
    {
        int evens = (y.Rows + 1) / 2, odds = y.Rows / 2;
        Tensor difference = _difference.Take(x.Items);
        Tensor even = y.EveryRow(2, 0, evens);
        _ops.Gemm(x.EveryRow(4, 2, evens), 1, _outer, even);
        if (odds > 0)
        {
            Tensor odd = y.EveryRow(2, 1, odds);
            _ops.Scale(even.RowRange(0, odds), 1, odd);
            _ops.Subtract(x.EveryRow(4, 4, odds), x.EveryRow(4, 2, odds), difference.RowRange(0, odds));
            _ops.Gemm(difference.RowRange(0, odds), 1, _last, odd, new Epilogue(Accumulate: true));
            _ops.Gemm(x.EveryRow(4, 3, odds), 1, _middle, odd, new Epilogue(activation, Accumulate: true));
        }
        _ops.Subtract(x.EveryRow(4, 0, evens), x.EveryRow(4, 2, evens), difference.RowRange(0, evens));
        _ops.Gemm(difference.RowRange(0, evens), 1, _first, even, new Epilogue(Accumulate: true));
        _ops.Gemm(x.EveryRow(4, 1, evens), 1, _middle, even, new Epilogue(activation, Accumulate: true));
    }
}
