namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// One GRU layer: weights [in, 3 * channels] for the input, [channels, 3 * channels] for the state, gates in the order reset, update,
/// new; and where its first state comes from.
/// </summary>
internal sealed record GruLayer(LinearLayer Input, LinearLayer State, Signal First, OnnxNode Node);

/// <summary>Recognises a GRU operator, one direction, on an activation [batch, time, channel].</summary>
internal sealed class GruMatcher(Walker walker)
{
    /// <summary>Place of each of our gates (reset, update, new) in ONNX (update, reset, hidden).</summary>
    private static readonly int[] _order = [1, 0, 2];

    private readonly OnnxGraph _graph = walker.Graph;

    public bool IsGru(Signal signal) => walker.TryNode(signal) is { Op: "GRU" };

    public (Signal Input, GruLayer Layer) Match(Signal output, string what)
    {
        OnnxNode node = walker.Node(output, what, "GRU");
        CheckAttributes(node, what);
        int[] x = _graph.Shape(node.Input(0));
        (int batch, int times, int size) = (output.Dims[0], output.Dims[1], output.Last);
        (int inputs, int gates) = (x[2], 3 * size);
        if (!_graph.IsConstant(node.Input(1)) || !_graph.IsConstant(node.Input(2)) || !_graph.IsConstant(node.Input(3)))
            throw _graph.Mismatch(node, $"constant weights and biases in {what}", "others");
        RequireShape(node, 1, what, 1, gates, inputs);
        RequireShape(node, 2, what, 1, gates, size);
        RequireShape(node, 3, what, 1, 2 * gates);
        if (node.Input(4) >= 0) throw _graph.Mismatch(node, $"{what} without sequence lengths", "some");
        if (node.Input(5) < 0) throw _graph.Mismatch(node, $"a first state in {what}", "none");
        RequireShape(node, 5, what, 1, batch, size);
        if (!Shapes.Same(_graph.Shape(output.Tensor), [times, 1, batch, size]))
            throw _graph.Mismatch(node, $"{what} over {times} frames", NdArray.FormatShape(_graph.Shape(output.Tensor)));
        for (int i = 0; i < output.Index.Length; i++)
        {
            int row = i / size;
            if (output.Index[i] != (row % times * batch + row / times) * size + i % size)
                throw _graph.Mismatch(node, $"all states of {what} in order of time", "another order");
        }
        var index = new int[walker.Checked(node, (long)batch * times * inputs)];
        for (int i = 0; i < index.Length; i++)
        {
            int row = i / inputs;
            index[i] = (row % times * batch + row / times) * inputs + i % inputs;
        }
        Signal input = walker.Resolve(new Signal(node.Inputs[0], [batch, times, inputs], index));
        Signal first = walker.Resolve(new Signal(node.Inputs[5], [batch, size], Shapes.Range(batch * size)));
        float[] bias = walker.Weights(node.Inputs[3]);
        return (input, new GruLayer(Gates(node.Inputs[1], bias, 0, inputs, size), Gates(node.Inputs[2], bias, gates, size, size), first, node));
    }

    private void CheckAttributes(OnnxNode node, string what)
    {
        if (node.Int("linear_before_reset", 0) != 1)
        {
            throw _graph.Mismatch(node, $"linear_before_reset = 1 in {what}: the reset gate after the state's product",
                $"{node.Int("linear_before_reset", 0)}");
        }
        if (node.Text("direction", "forward") != "forward")
            throw _graph.Mismatch(node, $"the forward direction in {what}", node.Text("direction", ""));
        if (node.Int("layout", 0) != 0) throw _graph.Mismatch(node, $"layout = 0 in {what}", $"{node.Int("layout", 0)}");
        if (node.Attribute("clip") is not null) throw _graph.Mismatch(node, $"{what} without clip", $"{node.Float("clip", 0)}");
        if (node.Texts("activations") is { } activations && !activations.SequenceEqual(["Sigmoid", "Tanh"]))
            throw _graph.Mismatch(node, $"the activations Sigmoid and Tanh in {what}", string.Join(", ", activations));
    }

    private void RequireShape(OnnxNode node, int input, string what, params int[] expected)
    {
        int[] found = _graph.Shape(node.Inputs[input]);
        if (!Shapes.Same(found, expected))
        {
            throw _graph.Mismatch(node, $"input {input} of shape {NdArray.FormatShape(expected)} in {what}", NdArray.FormatShape(found));
        }
    }

    /// <summary>[1, 3 * size, inputs] and its part of the bias as a linear layer with the gates in our order.</summary>
    private LinearLayer Gates(int tensor, float[] bias, int from, int inputs, int size)
    {
        float[] weight = walker.Weights(tensor, "gates", w =>
        {
            float[] ordered = new float[w.Length];
            for (int gate = 0; gate < 3; gate++) Array.Copy(w, _order[gate] * size * inputs, ordered, gate * size * inputs, size * inputs);
            return Shapes.Transposed(ordered, 3 * size, inputs);
        });
        var shift = new float[3 * size];
        for (int gate = 0; gate < 3; gate++) Array.Copy(bias, from + _order[gate] * size, shift, gate * size, size);
        return new LinearLayer(weight, shift, inputs, 3 * size);
    }
}
