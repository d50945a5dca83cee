namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// An activation seen in this engine's order of axes, such as [batch, time, channel]: <see cref="Index"/> gives for each of its
/// elements the position in the graph's tensor that holds it, whatever shape and layout the exporter gave that tensor.
/// </summary>
internal sealed class Signal(int tensor, int[] dims, int[] index)
{
    public int Tensor { get; } = tensor;

    public int[] Dims { get; } = dims;

    public int[] Index { get; } = index;

    public int Last => Dims[^1];

    public Signal At(int tensor, int[] index) => new(tensor, Dims, index);

    /// <summary>The same elements under other extents.</summary>
    public Signal As(params int[] dims) => new(Tensor, dims, Index);

    /// <summary>Whether both stand for the same elements of the same tensor.</summary>
    public bool Same(Signal other) => Tensor == other.Tensor && Index.AsSpan().SequenceEqual(other.Index);

    /// <summary>The elements with their axes in another order.</summary>
    public Signal Permute(params int[] order)
    {
        int[] strides = Shapes.Strides(Dims);
        int[] dims = [.. order.Select(a => Dims[a])];
        int[] from = Shapes.Range(Index.Length);
        Shapes.Remap(from, dims, [.. order.Select(a => strides[a])], 0);
        for (int i = 0; i < from.Length; i++) from[i] = Index[from[i]];
        return new Signal(Tensor, dims, from);
    }

    /// <summary>The elements first .. first + count of the last axis.</summary>
    public Signal Slice(int first, int count)
    {
        var index = new int[Index.Length / Last * count];
        for (int i = 0; i < index.Length; i++) index[i] = Index[i / count * Last + first + i % count];
        return new Signal(Tensor, [.. Dims[..^1], count], index);
    }
}
