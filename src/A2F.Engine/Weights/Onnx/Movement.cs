namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Operators that only move numbers. Instead of recognising the many ways in which exporters spell a layout, the importer asks of each
/// element of a result where it came from: positions are pulled back through these operators one at a time.
/// </summary>
internal static class Movement
{
    public static bool IsKnown(string op) => op is "Identity" or "Dropout" or "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze" or
        "Transpose" or "Slice" or "Concat" or "Split" or "Gather" or "Expand" or "Tile" or "Cast" or "ScatterND";

    /// <summary>Whether an operator puts its output together from several inputs.</summary>
    public static bool IsJoin(string op) => op is "Concat" or "ScatterND";

    /// <summary>Whether an operator leaves every number where it is, under another shape.</summary>
    public static bool KeepsOrder(string op) => op is "Identity" or "Dropout" or "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze";

    /// <summary>Whether a Transpose of two axes swaps them.</summary>
    public static bool Swaps(OnnxGraph graph, OnnxNode node) => Permutation(graph, node, 2)[0] == 1;

    /// <summary>Whether shapes, axes and indices of a known operator are constants, so that it can be followed.</summary>
    public static bool HasConstantParameters(OnnxGraph graph, OnnxNode node)
    {
        if (node.Op == "Concat") return node.Inputs.All(i => graph.TryShape(i) is not null);
        if (node.Op == "ScatterND")
        {
            return node.Inputs.Length == 3 && graph.IsConstant(node.Inputs[1]) && graph.TryShape(node.Inputs[2]) is not null
                && node.Text("reduction", "none") == "none";
        }
        for (int i = 1; i < node.Inputs.Length; i++)
        {
            if (node.Inputs[i] >= 0 && !graph.IsConstant(node.Inputs[i])) return false;
        }
        return true;
    }

    /// <summary>Whether a tensor is a moved copy of others. A cast to a narrower or integer type is not.</summary>
    public static bool Follows(OnnxGraph graph, OnnxNode node) => node.Op switch
    {
        "Cast" => node.Int("to", 0) is 1 or 11,
        "Dropout" => node.Input(2) < 0
            || (graph.IsConstant(node.Input(2)) && graph.Value(node.Input(2)) is { Length: 1 } training && training[0] == 0),
        _ => IsKnown(node.Op),
    } && HasConstantParameters(graph, node) && node.Inputs.Length > 0 && graph.TryShape(node.Inputs[0]) is not null;

    public static int[]?[] OutputShapes(OnnxGraph graph, OnnxNode node)
    {
        int[] x = graph.Shape(node.Input(0));
        switch (node.Op)
        {
            case "Reshape": return [Reshape(graph, node, x)];
            case "Flatten": return [Flatten(graph, node, x)];
            case "Squeeze": return [Squeeze(graph, node, x)];
            case "Unsqueeze": return [Unsqueeze(graph, node, x)];
            case "Transpose":
                int[] perm = Permutation(graph, node, x.Length);
                return [[.. perm.Select(p => x[p])]];
            case "Slice": return [SliceOf(graph, node, x).Shape];
            case "Concat": return [Concat(graph, node, x)];
            case "Split":
                int axis = ShapeInference.Axis(graph, node, node.Int("axis", 0), x.Length);
                return [.. SplitSizes(graph, node, x[axis]).Select(size => Replace(x, axis, size))];
            case "Gather": return [Gather(graph, node, x)];
            case "Expand":
                int[] target = ShapeInference.FromValues(graph, node, graph.Ints(node, 1) ?? []);
                return [Shapes.Broadcast(x, target)
                    ?? throw graph.Mismatch(node, $"a shape to which {NdArray.FormatShape(x)} broadcasts", NdArray.FormatShape(target))];
            case "Tile":
                int[] repeats = ShapeInference.FromValues(graph, node, graph.Ints(node, 1) ?? []);
                if (repeats.Length != x.Length) throw graph.Mismatch(node, $"{x.Length} repeats", $"{repeats.Length}");
                return [[.. x.Select((extent, i) => Extent(graph, node, (long)extent * repeats[i]))]];
            default: return [x];
        }
    }

    /// <summary>
    /// Turns positions in output <paramref name="tensor"/> of <paramref name="node"/> into positions in one of its inputs, whose number
    /// in the node is returned. A Concat or ScatterND of which several inputs contribute leaves the positions alone and returns -1.
    /// </summary>
    public static int Pull(OnnxGraph graph, OnnxNode node, int tensor, int[] index)
    {
        graph.Spend(index.Length + node.Inputs.Length + node.Outputs.Length);
        int[] x = graph.Shape(node.Input(0));
        int[] y = graph.Shape(tensor);
        switch (node.Op)
        {
            case "Transpose":
                int[] perm = Permutation(graph, node, x.Length);
                int[] strides = Shapes.Strides(x);
                Shapes.Remap(index, y, [.. perm.Select(p => strides[p])], 0);
                break;
            case "Slice":
                (_, int[] steps, int offset) = SliceOf(graph, node, x);
                Shapes.Remap(index, y, steps, offset);
                break;
            case "Expand":
                Shapes.Remap(index, y, Shapes.BroadcastStrides(x, y), 0);
                break;
            case "Tile":
                PullTile(index, x, y);
                break;
            case "Split":
                int axis = ShapeInference.Axis(graph, node, node.Int("axis", 0), x.Length);
                int[] sizes = SplitSizes(graph, node, x[axis]);
                int slot = Array.IndexOf(node.Outputs, tensor);
                int[] whole = Shapes.Strides(x);
                Shapes.Remap(index, y, whole, sizes.Take(slot).Sum() * whole[axis]);
                break;
            case "Gather":
                PullGather(graph, node, x, index);
                break;
            case "Concat" or "ScatterND":
                return PullJoin(graph, node, index);
        }
        return 0;
    }

    /// <summary>
    /// For positions in a Concat or ScatterND: which input each comes from; the positions become positions in that input.
    /// </summary>
    public static int[] Pieces(OnnxGraph graph, OnnxNode node, int[] index)
    {
        if (node.Op == "ScatterND") return graph.Grid(node).Pieces(graph, index);
        int[] y = graph.Shape(node.Output);
        graph.Spend(index.Length);
        int axis = ShapeInference.Axis(graph, node, node.Int("axis", 0), y.Length);
        int inner = (int)Shapes.Count(y.AsSpan(axis + 1));
        var ends = new int[node.Inputs.Length];
        for (int i = 0, end = 0; i < ends.Length; i++) ends[i] = end += graph.Shape(node.Inputs[i])[axis];
        var pieces = new int[index.Length];
        // Positions that follow each other within a piece do so in its input.
        int piece = 0, expected = 0, left = 0, mapped = 0;
        for (int i = 0; i < index.Length; i++)
        {
            int position = index[i];
            if (left > 0 && position == expected)
            {
                left--;
                mapped++;
            }
            else
            {
                int row = position / inner;
                int outer = row / y[axis];
                int along = row - outer * y[axis];
                if (along >= ends[piece] || (piece > 0 && along < ends[piece - 1])) piece = PieceOf(ends, along);
                int start = piece == 0 ? 0 : ends[piece - 1];
                mapped = (outer * (ends[piece] - start) + along - start) * inner + position - row * inner;
                left = (ends[piece] - along) * inner - (position - row * inner) - 1;
            }
            expected = position + 1;
            pieces[i] = piece;
            index[i] = mapped;
        }
        return pieces;
    }

    private static int PieceOf(int[] ends, int along)
    {
        int piece = Array.BinarySearch(ends, along + 1);
        if (piece < 0) piece = ~piece;
        while (piece > 0 && ends[piece - 1] > along) piece--;
        return piece;
    }

    private static int PullJoin(OnnxGraph graph, OnnxNode node, int[] index)
    {
        if (node.Inputs.Length == 1) return 0;
        if (index.Length == 0) return -1;
        int[] ends = Pieces(graph, node, [index[0], index[^1]]);
        if (ends[0] != ends[1]) return -1;
        var moved = (int[])index.Clone();
        int[] pieces = Pieces(graph, node, moved);
        foreach (int piece in pieces)
        {
            if (piece != pieces[0]) return -1;
        }
        moved.CopyTo(index, 0);
        return pieces[0];
    }

    private static void PullTile(int[] index, int[] x, int[] y)
    {
        int[] strides = Shapes.Strides(x);
        for (int i = 0; i < index.Length; i++)
        {
            int rest = index[i];
            int mapped = 0;
            for (int d = y.Length - 1; d >= 0; d--)
            {
                int coordinate = rest % y[d];
                rest /= y[d];
                mapped += coordinate % x[d] * strides[d];
            }
            index[i] = mapped;
        }
    }

    private static void PullGather(OnnxGraph graph, OnnxNode node, int[] x, int[] index)
    {
        int axis = ShapeInference.Axis(graph, node, node.Int("axis", 0), x.Length);
        long[] table = graph.Ints(node, 1)!;
        int inner = (int)Shapes.Count(x.AsSpan(axis + 1));
        int expected = 0, left = 0, mapped = 0;
        for (int i = 0; i < index.Length; i++)
        {
            int position = index[i];
            if (left > 0 && position == expected)
            {
                left--;
                mapped++;
            }
            else
            {
                int row = position / inner;
                int outer = row / table.Length;
                long entry = table[row - outer * table.Length];
                mapped = (outer * x[axis] + (int)(entry < 0 ? entry + x[axis] : entry)) * inner + position - row * inner;
                left = inner - (position - row * inner) - 1;
            }
            expected = position + 1;
            index[i] = mapped;
        }
    }

    private static int[] Reshape(OnnxGraph graph, OnnxNode node, int[] x)
    {
        long[] target = graph.Ints(node, 1) ?? throw graph.Mismatch(node, "a target shape", "none");
        var shape = new int[target.Length];
        int free = -1;
        for (int i = 0; i < shape.Length; i++)
        {
            long extent = target[i];
            if (extent == -1 && free < 0) (free, extent) = (i, 1);
            else if (extent == 0 && node.Int("allowzero", 0) == 0) extent = i < x.Length ? x[i] : -1;
            shape[i] = Extent(graph, node, extent);
        }
        long count = Shapes.Count(x);
        long given = Shapes.Count(shape);
        if (free >= 0 && given > 0 && count % given == 0) shape[free] = Extent(graph, node, count / given);
        if (Shapes.Count(shape) != count)
        {
            throw graph.Mismatch(node,
                $"a target shape of {count} elements, as its input {NdArray.FormatShape(x)} has (at a batch of {OnnxGraph.Batch})",
                $"[{string.Join(", ", target)}]");
        }
        return shape;
    }

    private static int[] Flatten(OnnxGraph graph, OnnxNode node, int[] x)
    {
        long given = node.Int("axis", 1);
        int axis = given == x.Length ? x.Length : ShapeInference.Axis(graph, node, given, x.Length);
        return [Extent(graph, node, Shapes.Count(x.AsSpan(0, axis))), Extent(graph, node, Shapes.Count(x.AsSpan(axis)))];
    }

    private static int[] Squeeze(OnnxGraph graph, OnnxNode node, int[] x)
    {
        long[]? given = node.Ints("axes") ?? graph.Ints(node, 1);
        int[] axes = given is null
            ? [.. Enumerable.Range(0, x.Length).Where(i => x[i] == 1)]
            : [.. given.Select(a => ShapeInference.Axis(graph, node, a, x.Length))];
        foreach (int axis in axes)
        {
            if (x[axis] != 1) throw graph.Mismatch(node, $"an extent of 1 on axis {axis}", NdArray.FormatShape(x));
        }
        return [.. x.Where((_, i) => !axes.Contains(i))];
    }

    private static int[] Unsqueeze(OnnxGraph graph, OnnxNode node, int[] x)
    {
        long[] given = node.Ints("axes") ?? graph.Ints(node, 1) ?? [];
        if (given.Length > 8) throw graph.Mismatch(node, "at most 8 axes", $"{given.Length}");
        int rank = x.Length + given.Length;
        int[] axes = [.. given.Select(a => ShapeInference.Axis(graph, node, a, rank)).Distinct()];
        if (axes.Length != given.Length) throw graph.Mismatch(node, "different axes", $"[{string.Join(", ", given)}]");
        var shape = new int[rank];
        for (int i = 0, from = 0; i < rank; i++) shape[i] = axes.Contains(i) ? 1 : x[from++];
        return shape;
    }

    private static int[] Permutation(OnnxGraph graph, OnnxNode node, int rank)
    {
        long[] perm = node.Ints("perm") ?? [.. Enumerable.Range(0, rank).Reverse().Select(i => (long)i)];
        int[] result = [.. perm.Select(p => ShapeInference.Axis(graph, node, p, rank)).Distinct()];
        if (result.Length != rank) throw graph.Mismatch(node, $"a permutation of {rank} axes", $"[{string.Join(", ", perm)}]");
        return result;
    }

    private static int[] Concat(OnnxGraph graph, OnnxNode node, int[] x)
    {
        int axis = ShapeInference.Axis(graph, node, node.Int("axis", 0), x.Length);
        long total = 0;
        foreach (int input in node.Inputs)
        {
            int[] piece = input < 0 ? [] : graph.Shape(input);
            if (piece.Length != x.Length || !Shapes.Same(Replace(piece, axis, 0), Replace(x, axis, 0)))
            {
                throw graph.Mismatch(node, $"inputs like {NdArray.FormatShape(x)} except on axis {axis}", NdArray.FormatShape(piece));
            }
            total += piece[axis];
        }
        return Replace(x, axis, Extent(graph, node, total));
    }

    private static int[] SplitSizes(OnnxGraph graph, OnnxNode node, int extent)
    {
        int parts = node.Outputs.Length;
        long[]? given = node.Ints("split") ?? graph.Ints(node, 1);
        if (given is null)
        {
            int size = (extent + parts - 1) / parts;
            given = [.. Enumerable.Range(0, parts).Select(i => (long)Math.Clamp(extent - (long)i * size, 0, size))];
        }
        if (given.Length != parts || given.Any(s => s < 0 || s > extent) || given.Sum() != extent)
        {
            throw graph.Mismatch(node, $"{parts} sizes that sum to {extent}", $"[{string.Join(", ", given)}]");
        }
        return [.. given.Select(s => (int)s)];
    }

    private static int[] Gather(OnnxGraph graph, OnnxNode node, int[] x)
    {
        int axis = ShapeInference.Axis(graph, node, node.Int("axis", 0), x.Length);
        long[] table = graph.Ints(node, 1) ?? throw graph.Mismatch(node, "indices", "none");
        foreach (long entry in table)
        {
            if (entry < -x[axis] || entry >= x[axis]) throw graph.Mismatch(node, $"indices below {x[axis]}", $"{entry}");
        }
        return [.. x[..axis], .. graph.Shape(node.Input(1)), .. x[(axis + 1)..]];
    }

    /// <summary>Shape, strides and first position of a slice: starts, ends, axes and steps are inputs.</summary>
    private static (int[] Shape, int[] Strides, int Offset) SliceOf(OnnxGraph graph, OnnxNode node, int[] x)
    {
        long[] starts = graph.Ints(node, 1) ?? [];
        long[] ends = graph.Ints(node, 2) ?? [];
        long[] axes = graph.Ints(node,
            3) ?? [.. Enumerable.Range(0, Math.Min(starts.Length, x.Length)).Select(i => (long)i)];
        long[] steps = graph.Ints(node, 4) ?? [.. starts.Select(_ => 1L)];
        if (ends.Length != starts.Length || axes.Length != starts.Length || steps.Length != starts.Length || starts.Length > x.Length)
        {
            throw graph.Mismatch(node, "as many starts as ends, axes and steps",
                $"{starts.Length}, {ends.Length}, {axes.Length}, {steps.Length}");
        }
        var shape = (int[])x.Clone();
        int[] strides = Shapes.Strides(x);
        int offset = 0;
        var seen = new bool[x.Length];
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = ShapeInference.Axis(graph, node, axes[i], x.Length);
            long step = steps[i];
            if (seen[axis] || step is 0 or < -int.MaxValue or > int.MaxValue)
                throw graph.Mismatch(node, "one step on each axis", $"{step} on axis {axis}");
            seen[axis] = true;
            (long low, long high) = step > 0 ? (0, (long)x[axis]) : (-1, x[axis] - 1L);
            if (x[axis] == 0) continue;
            long start = Bound(starts[i], x[axis], 0, high);
            long end = Bound(ends[i], x[axis], low, high);
            long count = step > 0 ? (end - start + step - 1) / step : (end - start + step + 1) / step;
            shape[axis] = (int)Math.Max(0, count);
            if (shape[axis] == 0) continue;
            offset += (int)start * strides[axis];
            strides[axis] = shape[axis] == 1 ? 0 : (int)(strides[axis] * step);
        }
        return (shape, strides, offset);
    }

    private static long Bound(long position, int extent, long low, long high)
    {
        if (position < 0) position = position < -extent ? -1L : position + extent;
        return Math.Clamp(position, low, high);
    }

    private static int[] Replace(int[] shape, int axis, int extent)
    {
        var result = (int[])shape.Clone();
        result[axis] = extent;
        return result;
    }

    private static int Extent(OnnxGraph graph, OnnxNode node, long extent) => extent is >= 0 and <= Shapes.MaxElements
        ? (int)extent
        : throw graph.Mismatch(node, $"dimensions from 0 to {Shapes.MaxElements}", $"{extent}");
}
