namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Where a ScatterND writes: a rectangular region, possibly with gaps, of the leading axes of its data. Exporters make the index tensor,
/// one entry for each written element, at run time; here it is only looked at, and what is kept is one table an axis.
/// </summary>
internal sealed class ScatterGrid
{
    /// <summary>Most index vectors of a ScatterND.</summary>
    private const int MaxRows = 1 << 24;

    private const int Block = 1 << 17;

    private readonly int[] _data;
    private readonly int[][] _inverse;
    private readonly int[] _strides;
    private readonly int _slab;

    private ScatterGrid(int[] data, int[][] inverse, int[] strides, int slab)
    {
        _data = data;
        _inverse = inverse;
        _strides = strides;
        _slab = slab;
    }

    public static ScatterGrid Of(OnnxGraph graph, OnnxNode node)
    {
        int[] data = graph.Shape(node.Inputs[0]);
        int[] indices = graph.Shape(node.Inputs[1]);
        int axes = indices.Length - 1;
        if (axes < 1 || axes > data.Length || indices[^1] != axes
            || !Shapes.Same(graph.Shape(node.Inputs[2]), [.. indices[..axes], .. data[axes..]]))
        {
            throw graph.Mismatch(node, "indices [n0, n1, .., axes] of a rectangular region and as many updates",
                $"indices {NdArray.FormatShape(indices)}, updates {NdArray.FormatShape(graph.Shape(node.Inputs[2]))}");
        }
        int[] grid = indices[..axes];
        if (Shapes.Count(grid) > MaxRows)
            throw graph.Error(A2FErrorCode.OutOfMemory, $"{node}: {Shapes.Count(grid)} indices, expected at most {MaxRows}");
        int[] strides = Shapes.Strides(grid);
        var inverse = new int[axes][];
        for (int axis = 0; axis < axes; axis++) inverse[axis] = Axis(graph, node, grid, strides, axis, data[axis]);
        return new ScatterGrid(data, inverse, strides, (int)Shapes.Count(data.AsSpan(axes)));
    }

    /// <summary>For positions in the output: 2 where the update stands, else 0; the positions become positions in that input.</summary>
    public int[] Pieces(OnnxGraph graph, int[] index)
    {
        graph.Spend(index.Length);
        var pieces = new int[index.Length];
        int last = _inverse.Length - 1;
        int[] lastInverse = _inverse[last];
        // The row but for the last axis is that of the position before, as long as that axis goes on.
        int outer = 0, before = -1;
        for (int i = 0; i < index.Length; i++)
        {
            int rest = index[i] / _slab;
            int line = rest / _data[last];
            if (line != before) outer = Outer(before = line);
            int along = lastInverse[rest - line * _data[last]];
            if (outer < 0 || along < 0) continue;
            pieces[i] = 2;
            index[i] = (outer + along * _strides[last]) * _slab + index[i] - rest * _slab;
        }
        return pieces;
    }

    /// <summary>The update's row of a position on all axes but the last, or -1.</summary>
    private int Outer(int rest)
    {
        int row = 0;
        for (int axis = _inverse.Length - 2; axis >= 0; axis--)
        {
            int along = _inverse[axis][rest % _data[axis]];
            if (along < 0) return -1;
            row += along * _strides[axis];
            rest /= _data[axis];
        }
        return row;
    }

    /// <summary>For each coordinate of the data on an axis, the coordinate in the region, or -1. Checks every index of the tensor.</summary>
    private static int[] Axis(OnnxGraph graph, OnnxNode node, int[] grid, int[] strides, int axis, int extent)
    {
        var reader = new Reader(graph, node);
        int axes = grid.Length;
        int[] line = Shapes.Range(grid[axis]);
        long[] values = reader.Read([.. line.Select(i => i * strides[axis] * axes + axis)]);
        var inverse = new int[extent];
        Array.Fill(inverse, -1);
        for (int i = 0; i < values.Length; i++)
        {
            long at = values[i] < 0 ? values[i] + extent : values[i];
            if (at < 0 || at >= extent || inverse[at] >= 0)
                throw graph.Mismatch(node, $"different indices below {extent} on axis {axis}", $"{values[i]}");
            inverse[at] = i;
        }
        int rows = (int)Shapes.Count(grid);
        for (int start = 0; start < rows; start += Block)
        {
            var positions = new int[Math.Min(Block, rows - start)];
            for (int i = 0; i < positions.Length; i++) positions[i] = (start + i) * axes + axis;
            long[] found = reader.Read(positions);
            for (int i = 0; i < found.Length; i++)
            {
                long expected = values[(start + i) / strides[axis] % grid[axis]];
                if (found[i] != expected)
                    throw graph.Mismatch(node, $"index {expected} on axis {axis}, as a rectangular region has", $"{found[i]}");
            }
        }
        return inverse;
    }

    /// <summary>Reads elements of the index tensor; keeps the constant that the last ones stood in.</summary>
    private sealed class Reader(OnnxGraph graph, OnnxNode node)
    {
        private readonly Walker _walker = new(graph);
        private int _tensor = -1;
        private long[] _values = [];

        public long[] Read(int[] positions)
        {
            Signal s = _walker.Resolve(new Signal(node.Inputs[1], [positions.Length], positions));
            graph.Spend(positions.Length);
            if (s.Tensor != _tensor) (_tensor, _values) = (s.Tensor, graph.Value(s.Tensor).Integers($"{graph.Path}: {node}, indices"));
            return Array.ConvertAll(s.Index, i => _values[i]);
        }
    }
}
