namespace A2F.Engine.Weights.Onnx;

/// <summary>Static shapes of the operators that the known networks are made of. Any other operator has no shape (null).</summary>
internal static class ShapeInference
{
    public static int[]?[] Infer(OnnxGraph graph, OnnxNode node)
    {
        if (node.Op is not ("Range" or "ConstantOfShape") && graph.TryShape(node.Input(0)) is null) return [];
        int[] x = graph.TryShape(node.Input(0)) ?? [];
        switch (node.Op)
        {
            case "Identity" or "Dropout" or "Cast" or "Sqrt" or "Exp" or "Erf" or "Neg" or "Floor" or "Ceil" or "Abs" or "Not" or
                "Reciprocal" or "Tanh" or "Softplus" or "Mish" or "Relu" or "LeakyRelu" or "Gelu" or "Clip" or "Softmax" or "InstanceNormalization" or
                "LayerNormalization" or "GroupNormalization":
                return [x];
            case "Add" or "Sub" or "Mul" or "Div" or "Pow" or "Equal" or "Less" or "Greater" or "And" or "Or":
                return Broadcast(graph, node);
            case "Where":
                return Broadcast(graph, node);
            case "Shape":
                return [[x.Length]];
            case "Size":
                return [[]];
            case "ReduceSum" or "ReduceMean" or "ReduceMax" or "ReduceMin" or "ReduceL2" or "ReduceProd" or "ReduceSumSquare":
                return [Reduce(node, x, Reduction.Axes(graph, node))];
            case "ConstantOfShape":
                return [graph.IsConstant(node.Input(0)) ? FromValues(graph, node, graph.Ints(node, 0)!) : null];
            case "Range":
                return [node.Inputs.Length == 3 && node.Inputs.All(graph.IsConstant) ? [ConstantFolder.RangeCount(graph, node)] : null];
            case "MatMul":
                return [MatMul(graph, node, x)];
            case "Gemm":
                return [Gemm(graph, node, x)];
            case "NonZero":
                return [graph.IsConstant(node.Input(0)) ? [x.Length, ConstantFolder.NonZeroCount(graph.Value(node.Input(0)))] : null];
            case "GRU":
                return Gru(graph, node, x);
            case "Conv":
                return graph.TryShape(node.Input(1)) is null ? [] : [Convolution.OutputShape(graph, node)];
            default:
                return Movement.IsKnown(node.Op) && Movement.HasConstantParameters(graph, node) ? Movement.OutputShapes(graph, node) : [];
        }
    }

    /// <summary>Dimensions given by numbers in the file or folded from it.</summary>
    public static int[] FromValues(OnnxGraph graph, OnnxNode node, long[] values)
    {
        var shape = new int[values.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            if (values[i] is < 0 or > Shapes.MaxElements) throw graph.Mismatch(node, "dimensions that are not negative", $"{values[i]}");
            shape[i] = (int)values[i];
        }
        return shape;
    }

    /// <summary>An axis counted from the front.</summary>
    public static int Axis(OnnxGraph graph, OnnxNode node, long axis, int rank)
    {
        if (axis < -rank || axis >= rank) throw graph.Mismatch(node, $"an axis of a tensor with {rank} dimensions", $"axis {axis}");
        return (int)(axis < 0 ? axis + rank : axis);
    }

    private static int[]?[] Broadcast(OnnxGraph graph, OnnxNode node)
    {
        int[]? shape = [];
        for (int i = 0; i < node.Inputs.Length; i++)
        {
            int[]? operand = graph.TryShape(node.Inputs[i]);
            if (operand is null) return [];
            int[]? wider = Shapes.Broadcast(shape, operand);
            shape = wider ?? throw graph.Mismatch(node, $"shapes that broadcast to {NdArray.FormatShape(shape)}",
                NdArray.FormatShape(operand));
        }
        return [shape];
    }

    private static int[] Reduce(OnnxNode node, int[] x, int[] axes)
    {
        bool keep = node.Int("keepdims", 1) != 0;
        var shape = new List<int>();
        for (int i = 0; i < x.Length; i++)
        {
            if (!axes.Contains(i)) shape.Add(x[i]);
            else if (keep) shape.Add(1);
        }
        return [.. shape];
    }

    private static int[]? MatMul(OnnxGraph graph, OnnxNode node, int[] a)
    {
        int[]? b = graph.TryShape(node.Input(1));
        if (b is null) return null;
        if (a.Length >= 2 && b.Length == 1)
            return a[^1] == b[0] ? a[..^1] : throw graph.Mismatch(node, $"{a[^1]} elements in its second factor", $"{b[0]}");
        if (a.Length < 2 || b.Length < 2) return null;
        if (a[^1] != b[^2]) throw graph.Mismatch(node, $"{a[^1]} rows in its second factor", NdArray.FormatShape(b));
        int[]? batch = Shapes.Broadcast(a.AsSpan(0, a.Length - 2), b.AsSpan(0, b.Length - 2));
        return batch is null
            ? throw graph.Mismatch(node, $"a factor that multiplies {NdArray.FormatShape(a)}", NdArray.FormatShape(b))
            : [.. batch, a[^2], b[^1]];
    }

    private static int[]? Gemm(OnnxGraph graph, OnnxNode node, int[] a)
    {
        int[]? b = graph.TryShape(node.Input(1));
        if (b is null || a.Length != 2 || b.Length != 2) return null;
        (int rows, int inner) = node.Int("transA", 0) == 0 ? (a[0], a[1]) : (a[1], a[0]);
        (int innerB, int columns) = node.Int("transB", 0) == 0 ? (b[0], b[1]) : (b[1], b[0]);
        return inner == innerB
            ? [rows, columns]
            : throw graph.Mismatch(node, $"{inner} rows in its second factor", NdArray.FormatShape(b));
    }

    /// <summary>One direction, time first: all states [time, 1, batch, channel] and the last [1, batch, channel].</summary>
    private static int[]?[] Gru(OnnxGraph graph, OnnxNode node, int[] x)
    {
        int[]? recurrent = graph.TryShape(node.Input(2));
        if (x.Length != 3 || recurrent is not { Length: 3 }) return [];
        return [[x[0], 1, x[1], recurrent[2]], [1, x[1], recurrent[2]]];
    }
}
