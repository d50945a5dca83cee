namespace A2F.Engine.Weights.Onnx;

/// <summary>Which elements a reduction combines.</summary>
internal static class Reduction
{
    /// <summary>Axes over which a Reduce* node works: an attribute in older opsets, an input in newer ones; none means all.</summary>
    public static int[] Axes(OnnxGraph graph, OnnxNode node)
    {
        int rank = graph.Shape(node.Input(0)).Length;
        long[]? given = node.Ints("axes") ?? graph.Ints(node, 1);
        if (given is null || given.Length == 0)
        {
            return node.Int("noop_with_empty_axes", 0) != 0 ? [] : Shapes.Range(rank);
        }
        var axes = new SortedSet<int>();
        foreach (long axis in given) axes.Add(ShapeInference.Axis(graph, node, axis, rank));
        return [.. axes];
    }

    /// <summary>The kept and the reduced axes of a shape, each as a shape of its own with the strides of the whole.</summary>
    public static (int[] Shape, int[] Strides, int[] Reduced, int[] ReducedStrides) Split(ReadOnlySpan<int> shape, int[] axes)
    {
        int[] strides = Shapes.Strides(shape);
        var kept = new List<int>();
        for (int i = 0; i < shape.Length; i++)
        {
            if (!axes.Contains(i)) kept.Add(i);
        }
        int[] whole = shape.ToArray();
        return ([.. kept.Select(a => whole[a])], [.. kept.Select(a => strides[a])],
            [.. axes.Select(a => whole[a])], [.. axes.Select(a => strides[a])]);
    }
}
