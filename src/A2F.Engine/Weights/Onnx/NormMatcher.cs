namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Recognises normalisations of an activation [batch, time, channel]: over its channels (layer norm) or, for each channel, over time
/// (group norm with one group per channel), as one operator or as the chain of means, differences and a square root.
/// </summary>
internal sealed class NormMatcher(Walker walker)
{
    private readonly OnnxGraph _graph = walker.Graph;

    /// <summary>Layer norm: statistics over the channels.</summary>
    public (Signal Input, NormLayer Layer) LayerNorm(Signal signal, string what) => Match(walker.Resolve(signal), 2, what);

    /// <summary>Group norm with one group per channel: statistics over time.</summary>
    public (Signal Input, NormLayer Layer) GroupNorm(Signal signal, string what) => Match(walker.Resolve(signal), 1, what);

    private (Signal Input, NormLayer Layer) Match(Signal signal, int axis, string what)
    {
        float[] weight = Filled(signal.Last, 1);
        float[] bias = Filled(signal.Last, 0);
        Signal s = signal;
        // An affine part outside the operator: y = w * n + b.
        if (walker.TryNode(s) is { Op: "Add" } add && ConstantOperand(s, add) is var (scaled, shift))
        {
            bias = walker.PerChannel(shift, $"bias of {what}");
            s = scaled;
            if (walker.TryNode(s) is { Op: "Mul" } mul && ConstantOperand(s, mul) is var (plain, factor))
            {
                weight = walker.PerChannel(factor, $"weight of {what}");
                s = plain;
            }
        }
        OnnxNode node = walker.Node(s, $"the normalisation {what}", "Div", "LayerNormalization", "InstanceNormalization",
            "GroupNormalization");
        if (node.Op == "Div") return Chain(s, node, axis, weight, bias, what);
        (Signal input, NormLayer inner) = Single(s, node, axis, what);
        for (int c = 0; c < weight.Length; c++)
        {
            bias[c] = bias[c] + inner.Bias[c] * weight[c];
            weight[c] *= inner.Weight[c];
        }
        return (input, new NormLayer(weight, bias, inner.Epsilon));
    }

    private (Signal Other, Signal Constant)? ConstantOperand(Signal signal, OnnxNode node)
    {
        for (int i = 0; i < 2; i++)
        {
            if (_graph.IsConstant(node.Input(i))) return (walker.Operand(signal, node, 1 - i), walker.Operand(signal, node, i));
        }
        return null;
    }

    /// <summary>(x - mean) / sqrt(mean((x - mean)^2) + epsilon).</summary>
    private (Signal Input, NormLayer Layer) Chain(Signal signal, OnnxNode div, int axis, float[] weight, float[] bias, string what)
    {
        Signal x = Centred(walker.Operand(signal, div, 0), axis, what);
        Signal root = walker.Operand(signal, div, 1);
        OnnxNode sqrt = walker.Node(root, $"the standard deviation in {what}", "Sqrt");
        Signal sum = walker.Operand(root, sqrt, 0);
        OnnxNode add = walker.Node(sum, $"variance plus epsilon in {what}", "Add");
        for (int i = 0; i < 2; i++)
        {
            if (!walker.TryUniform(walker.Operand(sum, add, i), out double epsilon)) continue;
            Signal square = Mean(walker.Operand(sum, add, 1 - i), axis, signal.Dims.Length, $"the variance in {what}");
            if (!Squared(square, what).Same(x)) break;
            return (x, new NormLayer(weight, bias, (float)epsilon));
        }
        throw _graph.Mismatch(add, $"the variance of the same activation plus epsilon in {what}", "other operands");
    }

    /// <summary>The activation from which its own mean is subtracted.</summary>
    private Signal Centred(Signal signal, int axis, string what)
    {
        OnnxNode sub = walker.Node(signal, $"the difference from the mean in {what}", "Sub");
        Signal x = walker.Operand(signal, sub, 0);
        Signal mean = Mean(walker.Operand(signal, sub, 1), axis, signal.Dims.Length, $"the mean in {what}");
        if (!mean.Same(x))
            throw _graph.Mismatch(sub, $"the mean of the same activation in {what}", "the mean of another, or over other axes");
        return x;
    }

    /// <summary>From a mean, broadcast along an axis, to what it is the mean of.</summary>
    private Signal Mean(Signal signal, int axis, int rank, string what)
    {
        OnnxNode node = walker.Node(signal, what, "ReduceMean");
        Signal spread = walker.Unreduce(walker.Drop(signal, axis), node);
        if (spread.Last != signal.Dims[axis]) throw _graph.Mismatch(node, $"{what} over {signal.Dims[axis]} elements", $"{spread.Last}");
        // The reduced axis lies last; put it back to its place.
        int[] order = [.. Enumerable.Range(0, rank).Select(i => i < axis ? i : i == axis ? rank - 1 : i - 1)];
        return spread.Permute(order);
    }

    /// <summary>The activation whose centred square this is, as a power or a product.</summary>
    private Signal Squared(Signal signal, string what)
    {
        OnnxNode node = walker.Node(signal, $"a square in {what}", "Pow", "Mul");
        Signal centred = walker.Operand(signal, node, 0);
        bool square = node.Op == "Pow"
            ? walker.TryUniform(walker.Operand(signal, node, 1), out double power) && power == 2
            : walker.Operand(signal, node, 1).Same(centred);
        if (!square) throw _graph.Mismatch(node, $"a square in {what}", "another power or product");
        int axis = FindAxis(centred);
        return Centred(centred, axis, what);
    }

    /// <summary>The axis of [batch, time, channel] along which the subtrahend of a difference does not change.</summary>
    private int FindAxis(Signal centred)
    {
        OnnxNode sub = walker.Node(centred, "a difference from a mean", "Sub");
        Signal mean = walker.Operand(centred, sub, 1);
        (int times, int channels) = (centred.Dims[^2], centred.Last);
        bool alongTime = times > 1 && mean.Index[0] == mean.Index[channels];
        bool alongChannels = channels > 1 && mean.Index[0] == mean.Index[1];
        return alongTime && !alongChannels ? 1 : 2;
    }

    private (Signal Input, NormLayer Layer) Single(Signal signal, OnnxNode node, int axis, string what)
    {
        int[] shape = _graph.Shape(signal.Tensor);
        int[] axes;
        if (node.Op == "LayerNormalization")
        {
            int first = ShapeInference.Axis(_graph, node, node.Int("axis", -1), shape.Length);
            axes = [.. Enumerable.Range(first, shape.Length - first)];
        }
        else
        {
            if (shape.Length < 3) throw _graph.Mismatch(node, $"an activation with a time axis in {what}", NdArray.FormatShape(shape));
            if (node.Op == "GroupNormalization" && node.Int("num_groups", 0) != shape[1])
                throw _graph.Mismatch(node, $"{shape[1]} groups in {what}", $"{node.Int("num_groups", 0)}");
            axes = [.. Enumerable.Range(2, shape.Length - 2)];
        }
        Signal rows = axis == 2 ? signal : signal.Permute(0, 2, 1);
        if (!walker.RowsAreGroups(rows, axes))
            throw _graph.Mismatch(node, $"{what} to normalise over {(axis == 2 ? "channels" : "time")}", "other axes");
        float[] weight = node.Input(1) < 0 ? Filled(signal.Last, 1) : Affine(signal, node, 1, shape, $"weight of {what}");
        float[] bias = node.Input(2) < 0 ? Filled(signal.Last, 0) : Affine(signal, node, 2, shape, $"bias of {what}");
        return (walker.Operand(signal, node, 0), new NormLayer(weight, bias, node.Float("epsilon", 1e-5f)));
    }

    /// <summary>An operator's own affine values: along the last axes for layer norm, along axis 1 for the others.</summary>
    private float[] Affine(Signal signal, OnnxNode node, int input, int[] shape, string what)
    {
        int[] own = _graph.Shape(node.Inputs[input]);
        if (node.Op == "LayerNormalization") return walker.PerChannel(walker.Operand(signal, node, input), what);
        if (own.Length != 1 || own[0] != shape[1]) throw _graph.Mismatch(node, $"{what} of {shape[1]}", NdArray.FormatShape(own));
        var index = (int[])signal.Index.Clone();
        var strides = new int[shape.Length];
        strides[1] = 1;
        Shapes.Remap(index, shape, strides, 0);
        return walker.PerChannel(walker.Resolve(signal.At(node.Inputs[input], index)), what);
    }

    private static float[] Filled(int count, float value)
    {
        var values = new float[count];
        Array.Fill(values, value);
        return values;
    }
}
