namespace A2F.Engine.Weights.Onnx;

/// <summary>Steps from an activation to the ones it was made of, across anything that only moves numbers.</summary>
/// <param name="graph">The graph.</param>
/// <param name="sharesWeights">Whether weights that several layers use are decoded once.</param>
internal sealed class Walker(OnnxGraph graph, bool sharesWeights = false)
{
    /// <summary>Most elements of an activation that is followed.</summary>
    private const int MaxElements = 1 << 23;

    /// <summary>Elements of a signal that are followed through joins at a time, so that their positions stay in the cache.</summary>
    private const int Block = 1 << 14;

    private readonly Dictionary<(int Kind, string Layout), float[]> _weights = [];

    /// <summary>Which tensors of the graph are the same computation.</summary>
    public Equivalence Equivalence { get; } = new(graph);

    public OnnxGraph Graph => graph;

    /// <summary>A whole tensor in its own order.</summary>
    public Signal Whole(int tensor)
    {
        int[] shape = graph.Shape(tensor);
        return new Signal(tensor, shape, Shapes.Range(Checked(graph.Producer(tensor), Shapes.Count(shape))));
    }

    public int Checked(OnnxNode? node, long elements) => elements is > 0 and <= MaxElements
        ? (int)elements
        : throw graph.Error(A2FErrorCode.OutOfMemory, $"{node}: an activation of {elements} elements, expected 1 to {MaxElements}");

    /// <summary>
    /// Follows moved elements back to the tensor that an operator computed, or to a constant or a graph input. Stops at a Concat whose
    /// pieces all contribute.
    /// </summary>
    public Signal Resolve(Signal signal)
    {
        int tensor = signal.Tensor;
        int[]? index = null;
        while (graph.Producer(tensor) is { } node && graph.Stored(tensor) is null && Movement.Follows(graph, node))
        {
            index ??= (int[])signal.Index.Clone();
            int from = Movement.Pull(graph, node, tensor, index);
            if (from < 0) break;
            tensor = node.Inputs[from];
        }
        return index is null ? signal : signal.At(tensor, index);
    }

    /// <summary>
    /// Follows moved elements of a signal through Concats as well, and cuts it along its last axis into the runs that come from one
    /// tensor each.
    /// </summary>
    public List<(int Start, Signal Part)> Parts(Signal signal)
    {
        (int[] source, int[] index) = Sources(signal);
        int last = signal.Last;
        var parts = new List<(int, Signal)>();
        for (int i = last; i < source.Length; i++)
        {
            if (source[i] != source[i % last]) throw graph.Mismatch(signal.Tensor, "channels that come from the same tensor in each row");
        }
        for (int start = 0; start < last;)
        {
            int end = start + 1;
            while (end < last && source[end] == source[start]) end++;
            parts.Add((start, new Signal(source[start], signal.Dims, index).Slice(start, end - start)));
            start = end;
        }
        return parts;
    }

    /// <summary>For each element, the tensor it was computed into and the position there.</summary>
    public (int[] Source, int[] Index) Sources(Signal signal)
    {
        var source = new int[signal.Index.Length];
        var index = new int[signal.Index.Length];
        for (int start = 0; start < source.Length; start += Block)
        {
            int length = Math.Min(Block, source.Length - start);
            FindSources(signal.Tensor, signal.Index.AsSpan(start, length).ToArray(), source.AsSpan(start, length), index.AsSpan(start, length));
        }
        return (source, index);
    }

    private void FindSources(int tensor, int[] elements, Span<int> source, Span<int> index)
    {
        var pending = new Stack<(Signal Signal, int[] Positions)>();
        pending.Push((new Signal(tensor, [elements.Length], elements), Shapes.Range(elements.Length)));
        while (pending.TryPop(out (Signal Signal, int[] Positions) item))
        {
            Signal s = Resolve(item.Signal);
            if (graph.Producer(s.Tensor) is { } join && Movement.IsJoin(join.Op) && Movement.Follows(graph, join))
            {
                foreach ((int input, int[] inside, int[] positions) in Split(join, s.Index, item.Positions))
                    pending.Push((new Signal(join.Inputs[input], [inside.Length], inside), positions));
                continue;
            }
            for (int i = 0; i < item.Positions.Length; i++)
            {
                source[item.Positions[i]] = s.Tensor;
                index[item.Positions[i]] = s.Index[i];
            }
        }
    }

    /// <summary>Sorts positions in a join's output by the input they come from, each with its position in that input.</summary>
    private IEnumerable<(int Input, int[] Inside, int[] Positions)> Split(OnnxNode join, int[] index, int[] positions)
    {
        var moved = (int[])index.Clone();
        int[] pieces = Movement.Pieces(graph, join, moved);
        var counts = new int[join.Inputs.Length];
        foreach (int piece in pieces) counts[piece]++;
        for (int input = 0; input < counts.Length; input++)
        {
            if (counts[input] == 0) continue;
            var inside = new int[counts[input]];
            var outside = new int[counts[input]];
            for (int i = 0, at = 0; i < pieces.Length; i++)
            {
                if (pieces[i] != input) continue;
                inside[at] = moved[i];
                outside[at++] = positions[i];
            }
            yield return (input, inside, outside);
        }
    }

    /// <summary>The node that computed a resolved signal, which must be one of these operators.</summary>
    public OnnxNode Node(Signal signal, string expected, params string[] ops)
    {
        OnnxNode? node = TryNode(signal);
        return node is not null && ops.Contains(node.Op) ? node : throw graph.Mismatch(signal.Tensor, expected);
    }

    public OnnxNode? TryNode(Signal signal) => graph.Stored(signal.Tensor) is null && graph.Producer(signal.Tensor) is { } node
        && node.Outputs.Length > 0 && node.Output == signal.Tensor && graph.TryShape(signal.Tensor) is not null ? node : null;

    /// <summary>An input of an element-by-element node, for the elements of its output that the signal names.</summary>
    public Signal Operand(Signal signal, OnnxNode node, int input)
    {
        int tensor = node.Input(input);
        if (tensor < 0) throw graph.Mismatch(node, $"an input {input}", "none");
        int[] from = graph.Shape(tensor);
        int[] to = graph.Shape(signal.Tensor);
        graph.Spend(signal.Index.Length);
        if (Shapes.Same(from, to)) return Resolve(signal.At(tensor, signal.Index));
        var index = (int[])signal.Index.Clone();
        Shapes.Remap(index, to, Shapes.BroadcastStrides(from, to), 0);
        return Resolve(signal.At(tensor, index));
    }

    /// <summary>Whether a signal is a constant with one value.</summary>
    public bool TryUniform(Signal signal, out double value) => TryUniform(signal, out value, depth: 8);

    /// <summary>Constants that are too large to be made are followed to the operands they are computed from, up to a depth.</summary>
    private bool TryUniform(Signal signal, out double value, int depth)
    {
        value = 0;
        if (!graph.IsConstant(signal.Tensor) || signal.Index.Length == 0) return false;
        if (Shapes.Count(graph.Shape(signal.Tensor)) > 1 << 14) return depth > 0 && TryComputed(signal, out value, depth);
        ConstantValue constant = graph.Value(signal.Tensor);
        value = constant[signal.Index[0]];
        if (constant.Length == 1) return true;
        foreach (int i in signal.Index)
        {
            if (constant[i] != value) return false;
        }
        return true;
    }

    private bool TryComputed(Signal signal, out double value, int depth)
    {
        value = 0;
        if (TryNode(signal) is not { Op: "Add" or "Sub" or "Mul" or "Div" or "Sqrt" or "Exp" or "Neg" } node) return false;
        Span<double> operands = [0, 0];
        for (int i = 0; i < Math.Min(2, node.Inputs.Length); i++)
        {
            if (!TryUniform(Operand(signal, node, i), out operands[i], depth - 1)) return false;
        }
        value = Elementwise.Number(node.Op, operands[0], operands[1]);
        return true;
    }

    /// <summary>Values of a constant signal, one for each of its elements.</summary>
    public double[] Numbers(Signal signal, string what)
    {
        if (!graph.IsConstant(signal.Tensor)) throw graph.Mismatch(signal.Tensor, $"a constant {what}");
        ConstantValue constant = graph.Value(signal.Tensor);
        return Array.ConvertAll(signal.Index, i => constant[i]);
    }

    /// <summary>Values of a constant signal, which may depend on the last axis only.</summary>
    public float[] PerChannel(Signal signal, string what)
    {
        if (!graph.IsConstant(signal.Tensor)) throw graph.Mismatch(signal.Tensor, $"a constant {what}");
        ConstantValue constant = graph.Value(signal.Tensor);
        float[] numbers = constant.ToFloat32();
        var values = new float[signal.Last];
        for (int i = 0; i < signal.Index.Length; i++)
        {
            int c = i % values.Length;
            if (i < values.Length) values[c] = numbers[signal.Index[i]];
            else if (values[c] != numbers[signal.Index[i]]) throw graph.Mismatch(signal.Tensor, $"a {what} with one value per channel");
        }
        return Finite(values, signal.Tensor);
    }

    /// <summary>
    /// A constant as float32, brought into another layout where one is named. Where weights are shared, tensors with the same content give
    /// the same array, which must not be changed; only the layout that is asked for is kept.
    /// </summary>
    public float[] Weights(int tensor, string layout = "", Func<float[], float[]>? arrange = null)
    {
        (int, string) key = (sharesWeights ? Equivalence.ClassOf(tensor) : -1, layout);
        if (sharesWeights && _weights.TryGetValue(key, out float[]? known)) return known;
        float[] values = Finite(graph.Value(tensor).ToFloat32(), tensor);
        if (arrange is not null) values = arrange(values);
        if (sharesWeights) _weights[key] = values;
        return values;
    }

    /// <summary>Refuses weights that folding made NaN or infinite.</summary>
    public float[] Finite(float[] values, int tensor)
    {
        int bad = FiniteValues.IndexOfBad(values);
        return bad < 0 ? values : throw graph.Error(A2FErrorCode.NotFinite,
            $"tensor '{graph.NameOf(tensor)}': element {bad} is {values[bad]}, expected a finite number");
    }

    /// <summary>A product as a constant factor and the activations (or constants with more than one value) that are multiplied.</summary>
    public (double Scale, List<Signal> Leaves) Factors(Signal signal)
    {
        double scale = 1;
        var leaves = new List<Signal>();
        var pending = new Stack<Signal>();
        pending.Push(Resolve(signal));
        while (pending.TryPop(out Signal? s))
        {
            if (TryUniform(s, out double value))
            {
                scale *= value;
                continue;
            }
            OnnxNode? node = graph.IsConstant(s.Tensor) ? null : TryNode(s);
            if (node?.Op == "Mul" && leaves.Count + pending.Count < 8)
            {
                pending.Push(Operand(s, node, 1));
                pending.Push(Operand(s, node, 0));
            }
            else if (node?.Op == "Div" && TryUniform(Operand(s, node, 1), out double divisor))
            {
                scale /= divisor;
                pending.Push(Operand(s, node, 0));
            }
            else
            {
                leaves.Add(s);
            }
        }
        return (scale, leaves);
    }

    /// <summary>An activation times a constant.</summary>
    public (double Scale, Signal Signal) Scaled(Signal signal)
    {
        (double scale, List<Signal> leaves) = Factors(signal);
        return leaves.Count == 1 ? (scale, leaves[0]) : throw graph.Mismatch(Resolve(signal).Tensor, "an activation times a constant");
    }

    /// <summary>
    /// What a reduction combined: the signal at its output gains a last axis along which the reduced elements lie, in C order.
    /// </summary>
    public Signal Unreduce(Signal signal, OnnxNode node) =>
        Resolve(Spread(signal, node.Input(0), Reduction.Axes(graph, node)));

    /// <summary>Adds a last axis that runs over these axes of a tensor; the signal counts positions on its other axes.</summary>
    public Signal Spread(Signal signal, int tensor, int[] axes)
    {
        (int[] kept, int[] keptStrides, int[] reduced, int[] reducedStrides) = Reduction.Split(graph.Shape(tensor), axes);
        int count = Checked(graph.Producer(tensor), Shapes.Count(reduced));
        var index = new int[Checked(graph.Producer(tensor), (long)signal.Index.Length * count)];
        graph.Spend(index.Length);
        var starts = (int[])signal.Index.Clone();
        Shapes.Remap(starts, kept, keptStrides, 0);
        int[] offsets = Shapes.Range(count);
        Shapes.Remap(offsets, reduced, reducedStrides, 0);
        for (int i = 0; i < starts.Length; i++)
        {
            for (int j = 0; j < count; j++) index[i * count + j] = starts[i] + offsets[j];
        }
        return new Signal(tensor, [.. signal.Dims, count], index);
    }

    /// <summary>Whether each row (last axis) of a signal is one whole group of elements, in order, along these axes.</summary>
    public bool RowsAreGroups(Signal signal, int[] axes)
    {
        int[] shape = graph.Shape(signal.Tensor);
        int[] strides = Shapes.Strides(shape);
        int[] kept = [.. Enumerable.Range(0, shape.Length).Where(i => !axes.Contains(i))];
        var first = new int[signal.Index.Length / signal.Last];
        for (int i = 0; i < first.Length; i++)
        {
            int rest = signal.Index[i * signal.Last];
            foreach (int axis in kept) first[i] = first[i] * shape[axis] + rest / strides[axis] % shape[axis];
        }
        Signal groups = Spread(new Signal(signal.Tensor, signal.Dims[..^1], first), signal.Tensor, axes);
        return groups.Last == signal.Last && groups.Same(signal);
    }

    /// <summary>Drops an axis along which the signal does not change.</summary>
    public Signal Drop(Signal signal, int axis)
    {
        int[] order = [.. Enumerable.Range(0, signal.Dims.Length).Where(i => i != axis), axis];
        Signal moved = signal.Permute(order);
        int extent = moved.Last;
        for (int i = 0; i < moved.Index.Length; i++)
        {
            if (moved.Index[i] != moved.Index[i / extent * extent])
                throw graph.Mismatch(signal.Tensor, "a value that is shared along the normalised axis");
        }
        Signal first = moved.Slice(0, 1);
        return first.As(first.Dims[..^1]);
    }
}
