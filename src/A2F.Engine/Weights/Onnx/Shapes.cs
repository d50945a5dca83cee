namespace A2F.Engine.Weights.Onnx;

/// <summary>Arithmetic on tensor shapes and C-order positions.</summary>
internal static class Shapes
{
    /// <summary>Most elements that a tensor of the graph may have (it is never materialised, only indexed).</summary>
    public const long MaxElements = 1 << 30;

    /// <summary>Number of elements; an overflow gives long.MaxValue.</summary>
    public static long Count(ReadOnlySpan<int> shape)
    {
        long count = 1;
        foreach (int extent in shape)
        {
            if (extent != 0 && count > long.MaxValue / extent) return long.MaxValue;
            count *= extent;
        }
        return count;
    }

    /// <summary>Elements between neighbours on each axis.</summary>
    public static int[] Strides(ReadOnlySpan<int> shape)
    {
        var strides = new int[shape.Length];
        int stride = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }
        return strides;
    }

    /// <summary>Strides with which a tensor of shape <paramref name="from"/> is read when broadcast to <paramref name="to"/>.</summary>
    public static int[] BroadcastStrides(ReadOnlySpan<int> from, ReadOnlySpan<int> to)
    {
        int[] own = Strides(from);
        var strides = new int[to.Length];
        for (int i = 0; i < from.Length; i++) strides[to.Length - from.Length + i] = from[i] == 1 ? 0 : own[i];
        return strides;
    }

    /// <summary>The common shape of two broadcast operands, or null.</summary>
    public static int[]? Broadcast(ReadOnlySpan<int> a, ReadOnlySpan<int> b)
    {
        var result = new int[Math.Max(a.Length, b.Length)];
        for (int i = 1; i <= result.Length; i++)
        {
            int x = i <= a.Length ? a[^i] : 1;
            int y = i <= b.Length ? b[^i] : 1;
            if (x != y && x != 1 && y != 1) return null;
            result[^i] = x == 1 ? y : x;
        }
        return result;
    }

    /// <summary>
    /// Replaces each C-order position in <paramref name="shape"/> by offset + sum of coordinate times stride: any transposition,
    /// slice or broadcast.
    /// </summary>
    public static void Remap(int[] index, ReadOnlySpan<int> shape, ReadOnlySpan<int> strides, int offset)
    {
        // Most positions follow the one before them along the last axis, which spares them the divisions.
        int step = shape.Length > 0 ? strides[^1] : 0;
        int mapped = offset, expected = 0, left = 0;
        for (int i = 0; i < index.Length; i++)
        {
            int rest = index[i];
            if (left > 0 && rest == expected)
            {
                left--;
                mapped += step;
            }
            else
            {
                mapped = offset;
                left = shape.Length > 0 ? shape[^1] - 1 - rest % shape[^1] : 0;
                expected = rest;
                for (int d = shape.Length - 1; d >= 0; d--)
                {
                    int next = rest / shape[d];
                    mapped += (rest - next * shape[d]) * strides[d];
                    rest = next;
                }
            }
            expected++;
            index[i] = mapped;
        }
    }

    /// <summary>[rows, columns] as [columns, rows], in blocks that fit the cache.</summary>
    public static T[] Transposed<T>(T[] source, int rows, int columns)
    {
        const int Block = 32;
        T[] result = GC.AllocateUninitializedArray<T>(source.Length);
        for (int firstRow = 0; firstRow < rows; firstRow += Block)
        {
            int endRow = Math.Min(firstRow + Block, rows);
            for (int first = 0; first < columns; first += Block)
            {
                int end = Math.Min(first + Block, columns);
                for (int c = first; c < end; c++)
                {
                    for (int r = firstRow; r < endRow; r++) result[c * rows + r] = source[r * columns + c];
                }
            }
        }
        return result;
    }

    /// <summary>0, 1, 2, ... count - 1.</summary>
    public static int[] Range(int count)
    {
        var index = new int[count];
        for (int i = 0; i < count; i++) index[i] = i;
        return index;
    }

    public static bool Same(ReadOnlySpan<int> a, ReadOnlySpan<int> b) => a.SequenceEqual(b);
}
