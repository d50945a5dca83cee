namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Where a ScatterND writes: a rectangular region, possibly with gaps, of the leading axes of its data. Exporters make the index tensor,
/// one entry for each written element, at run time; here it is only looked at, and what is kept is one table an axis.
/// </summary>
internal sealed class ScatterGrid
{
    /// <summary>Most index vectors of a ScatterND.</summary>
    private const int MaxRows = 1 << 24;

    private const int Block = 1 << 20;

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
        for (int i = 0; i < index.Length; i++)
        {
            int rest = index[i] / _slab;
            int row = 0;
            for (int axis = _inverse.Length - 1; axis >= 0 && row >= 0; axis--)
            {
                int along = _inverse[axis][rest % _data[axis]];
                row = along < 0 ? -1 : row + along * _strides[axis];
                rest /= _data[axis];
            }
            if (row < 0) continue;
            pieces[i] = 2;
            index[i] = row * _slab + index[i] % _slab;
        }
        return pieces;
    }

    /// <summary>For each coordinate of the data on an axis, the coordinate in the region, or -1. Checks every index of the tensor.</summary>
    private static int[] Axis(OnnxGraph graph, OnnxNode node, int[] grid, int[] strides, int axis, int extent)
    {
        var walker = new Walker(graph);
        int axes = grid.Length;
        int[] line = Shapes.Range(grid[axis]);
        long[] values = Read(walker, node, [.. line.Select(i => i * strides[axis] * axes + axis)]);
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
            long[] found = Read(walker, node, positions);
            for (int i = 0; i < found.Length; i++)
            {
                long expected = values[(start + i) / strides[axis] % grid[axis]];
                if (found[i] != expected)
                    throw graph.Mismatch(node, $"index {expected} on axis {axis}, as a rectangular region has", $"{found[i]}");
            }
        }
        return inverse;
    }

    private static long[] Read(Walker walker, OnnxNode node, int[] positions)
    {
        Signal s = walker.Resolve(new Signal(node.Inputs[1], [positions.Length], positions));
        walker.Graph.Spend(positions.Length);
        long[] values = walker.Graph.Value(s.Tensor).Integers($"{walker.Graph.Path}: {node}, indices");
        return Array.ConvertAll(s.Index, i => values[i]);
    }
}
