namespace A2F.Engine.Weights;

/// <summary>Element types that npy files and safetensors files may hold here.</summary>
public enum ElementType
{
    /// <summary>IEEE binary32.</summary>
    Float32,

    /// <summary>IEEE binary64.</summary>
    Float64,

    /// <summary>IEEE binary16.</summary>
    Float16,

    /// <summary>32-bit signed integer.</summary>
    Int32,

    /// <summary>64-bit signed integer.</summary>
    Int64,

    /// <summary>Unsigned byte.</summary>
    UInt8,

    /// <summary>Text: numpy's fixed-width byte strings ('S') or unicode strings ('U').</summary>
    Text,
}

/// <summary>An n-dimensional array in C order, read from or to be written to a file.</summary>
public sealed class NdArray
{
    private readonly Array _data;

    private NdArray(ElementType type, int[] shape, Array data)
    {
        Type = type;
        Shape = shape;
        _data = data;
    }

    /// <summary>The element type; the backing array is float[], double[], Half[], int[], long[], byte[] or string[].</summary>
    public ElementType Type { get; }

    /// <summary>Extents, outermost first. Empty for a scalar.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>Number of elements.</summary>
    public int Length => _data.Length;

    /// <summary>Wraps an array without a copy.</summary>
    /// <exception cref="A2FException">The product of <paramref name="shape"/> is not the array's length, or the type is unknown.</exception>
    public static NdArray Of(Array data, params int[] shape)
    {
        ElementType type = data switch
        {
            float[] => ElementType.Float32,
            double[] => ElementType.Float64,
            Half[] => ElementType.Float16,
            int[] => ElementType.Int32,
            long[] => ElementType.Int64,
            byte[] => ElementType.UInt8,
            string[] => ElementType.Text,
            _ => throw new A2FException(A2FErrorCode.InvalidArgument, $"arrays of {data.GetType()} are not supported"),
        };
        long count = shape.Contains(0) ? 0 : 1;
        foreach (int extent in shape)
        {
            if (extent < 0) throw new A2FException(A2FErrorCode.InvalidArgument, $"shape {FormatShape(shape)} has a negative extent");
            if (count <= int.MaxValue) count *= extent;
        }
        if (count != data.Length)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"shape {FormatShape(shape)} has {(count > int.MaxValue ? "too many" : count)} elements, the data has {data.Length}");
        }
        return new NdArray(type, shape, data);
    }

    /// <summary>The elements, when they are stored as <typeparamref name="T"/>.</summary>
    /// <exception cref="A2FException">The array has another element type.</exception>
    public T[] Data<T>() => _data as T[]
        ?? throw new A2FException(A2FErrorCode.InvalidArgument, $"the array holds {Type}, not {typeof(T).Name}");

    /// <summary>The elements as float32: the same array when they already are, else a rounded copy. Text is refused.</summary>
    public float[] ToFloat32() => _data switch
    {
        float[] f => f,
        double[] d => Array.ConvertAll(d, x => (float)x),
        Half[] h => Array.ConvertAll(h, x => (float)x),
        int[] i => Array.ConvertAll(i, x => (float)x),
        long[] l => Array.ConvertAll(l, x => (float)x),
        byte[] b => Array.ConvertAll(b, x => (float)x),
        _ => throw new A2FException(A2FErrorCode.InvalidArgument, $"an array of {Type} has no numbers"),
    };

    /// <summary>"[2, 3]" for messages.</summary>
    public static string FormatShape(IReadOnlyList<int> shape) => $"[{string.Join(", ", shape)}]";
}
