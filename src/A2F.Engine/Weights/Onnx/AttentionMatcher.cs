namespace A2F.Engine.Weights.Onnx;

/// <summary>The weights of a self-attention: query, key, value and output layers.</summary>
internal sealed record AttentionLayer(LinearLayer Query, LinearLayer Key, LinearLayer Value, LinearLayer Output, int Heads);

/// <summary>
/// Recognises softmax(q k^T / sqrt(head size)) v on [batch, time, channel], however heads are split off: 4-D or merged with the batch,
/// the scale on the query, on query and key, or on the scores, with or without the row maximum subtracted first.
/// </summary>
internal sealed class AttentionMatcher(Walker walker, LayerMatcher layers)
{
    private readonly OnnxGraph _graph = walker.Graph;

    public (Signal Input, AttentionLayer Layer) Match(Signal signal, string what)
    {
        (Signal merged, LinearLayer output) = layers.Linear(signal, $"{what}.out_proj");
        OnnxNode product = walker.Node(merged, $"the product of attention weights and values in {what}", "MatMul");
        int size = _graph.Shape(merged.Tensor)[^1];
        (int batch, int times, int dim) = (merged.Dims[0], merged.Dims[1], merged.Last);
        if (size < 1 || dim % size != 0) throw _graph.Mismatch(product, $"a head size that divides {dim}", $"{size}");
        int heads = dim / size;
        (Signal weights, Signal values) = Factors(Split(merged, heads), product, what);
        OnnxNode softmax = walker.Node(weights, $"the softmax in {what}", "Softmax");
        int rank = _graph.Shape(weights.Tensor).Length;
        if (!walker.RowsAreGroups(weights, [ShapeInference.Axis(_graph, softmax, softmax.Int("axis", -1), rank)]))
        {
            throw _graph.Mismatch(softmax, $"a softmax over the keys in {what}", "another axis");
        }
        Signal scores = WithoutMaximum(walker.Operand(weights, softmax, 0), what);
        (double scale, Signal bare) = walker.Scaled(scores);
        OnnxNode dot = walker.Node(bare, $"the product of queries and keys in {what}", "MatMul");
        (Signal q, Signal k) = Factors(bare, dot, what);
        (double queryScale, Signal query) = walker.Scaled(q);
        (double keyScale, Signal key) = walker.Scaled(k);
        double found = scale * queryScale * keyScale;
        if (!LayerMatcher.Near(found, 1 / Math.Sqrt(size)))
            throw _graph.Mismatch(dot, $"scores scaled by 1/sqrt({size}) in {what}", $"{found}");

        Signal Joined(Signal s) => s.Permute(0, 2, 1, 3).As(batch, times, dim);
        (Signal x, LinearLayer queryLayer) = layers.Linear(Joined(query), $"{what}.q_proj");
        (Signal xKey, LinearLayer keyLayer) = layers.Linear(Joined(key.Permute(0, 1, 3, 2)), $"{what}.k_proj");
        (Signal xValue, LinearLayer valueLayer) = layers.Linear(Joined(values), $"{what}.v_proj");
        if (!xKey.Same(x) || !xValue.Same(x))
            throw _graph.Mismatch(product, $"queries, keys and values of the same activation in {what}", "different ones");
        return (x, new AttentionLayer(queryLayer, keyLayer, valueLayer, output, heads));
    }

    /// <summary>[batch, time, head * size] as [batch, head, time, size].</summary>
    private static Signal Split(Signal signal, int heads) =>
        signal.As(signal.Dims[0], signal.Dims[1], heads, signal.Last / heads).Permute(0, 2, 1, 3);

    /// <summary>
    /// Both factors of a batched product [batch, head, row, column] as [batch, head, row, k] and [batch, head, k,
    /// column].
    /// </summary>
    private (Signal Left, Signal Right) Factors(Signal signal, OnnxNode node, string what)
    {
        int[] a = _graph.Shape(node.Inputs[0]);
        int[] b = _graph.Shape(node.Inputs[1]);
        if (a.Length != b.Length || !a.AsSpan(0, a.Length - 2).SequenceEqual(b.AsSpan(0, b.Length - 2)))
        {
            throw _graph.Mismatch(node, $"two factors with the same heads in {what}",
                $"{NdArray.FormatShape(a)} and {NdArray.FormatShape(b)}");
        }
        (int m, int k, int n) = (a[^2], a[^1], b[^1]);
        (int blocks, int rows, int columns) = (signal.Dims[0] * signal.Dims[1], signal.Dims[2], signal.Dims[3]);
        var left = new int[walker.Checked(node, (long)blocks * rows * k)];
        var right = new int[walker.Checked(node, (long)blocks * k * columns)];
        _graph.Spend(left.Length + right.Length + signal.Index.Length);
        for (int block = 0; block < blocks; block++)
        {
            int start = block * rows * columns;
            int matrix = signal.Index[start] / (m * n);
            int corner = signal.Index[start] % (m * n);
            if (corner != 0 || rows != m || columns != n)
                throw _graph.Mismatch(node, $"whole heads of {rows} x {columns} in {what}", $"{m} x {n}");
            for (int i = 0; i < rows * columns; i++)
            {
                if (signal.Index[start + i] != matrix * m * n + i)
                    throw _graph.Mismatch(node, $"heads in order in {what}", "another layout");
            }
            for (int i = 0; i < rows * k; i++) left[block * rows * k + i] = matrix * m * k + i;
            for (int i = 0; i < k * columns; i++) right[block * k * columns + i] = matrix * k * n + i;
        }
        return (walker.Resolve(new Signal(node.Inputs[0], [signal.Dims[0], signal.Dims[1], rows, k], left)),
            walker.Resolve(new Signal(node.Inputs[1], [signal.Dims[0], signal.Dims[1], k, columns], right)));
    }

    /// <summary>x - max(x) has the same softmax as x.</summary>
    private Signal WithoutMaximum(Signal signal, string what)
    {
        if (walker.TryNode(signal) is not { Op: "Sub" } sub) return signal;
        Signal x = walker.Operand(signal, sub, 0);
        Signal maximum = walker.Operand(signal, sub, 1);
        OnnxNode max = walker.Node(maximum, $"the row maximum in {what}", "ReduceMax");
        Signal spread = walker.Unreduce(walker.Drop(maximum, 3), max);
        return spread.Same(x) ? x : throw _graph.Mismatch(sub, $"the maximum of the same scores in {what}", "another");
    }
}
