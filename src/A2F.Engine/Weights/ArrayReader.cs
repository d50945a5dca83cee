namespace A2F.Engine.Weights;

/// <summary>Arrays of one npz file of a model folder, each checked for type, shape and finite values.</summary>
internal sealed class ArrayReader(string path) : IDisposable
{
    /// <summary>Any extent of 1 or more.</summary>
    public const int Any = -1;

    private readonly NpzFile _npz = NpzFile.Open(path);

    public bool Contains(string name) => _npz.Contains(name);

    /// <summary>Points [.., points, 3], which may also be stored [.., points * 3].</summary>
    public float[] Points(string name, params int[] leadingAndPoints)
    {
        int[] interleaved = [.. leadingAndPoints[..^1], leadingAndPoints[^1] * 3];
        NdArray array = _npz.Read(name);
        return Matches(array, interleaved) ? CheckedFloats(name, array, interleaved) : CheckedFloats(name, array, [.. leadingAndPoints, 3]);
    }

    /// <summary>Numbers of exactly this shape, where <see cref="Any"/> stands for what the file says.</summary>
    public float[] Floats(string name, params int[] shape) => CheckedFloats(name, _npz.Read(name), shape);

    /// <summary>Whole numbers within a range, one row of <paramref name="count"/> or <see cref="Any"/>.</summary>
    public int[] Ints(string name, int count, int minimum, int maximum)
    {
        NdArray array = _npz.Read(name);
        long[] values = array.Type switch
        {
            ElementType.Int32 => Array.ConvertAll(array.Data<int>(), x => (long)x),
            ElementType.Int64 => array.Data<long>(),
            ElementType.UInt8 => Array.ConvertAll(array.Data<byte>(), x => (long)x),
            _ => throw WrongType(name, "integers", array),
        };
        CheckShape(name, array, [count]);
        int bad = Array.FindIndex(values, x => x < minimum || x > maximum);
        if (bad >= 0)
        {
            throw new A2FException(A2FErrorCode.OutOfRange,
                $"{path}: array '{name}': expected {minimum} to {maximum}, found {values[bad]} at index {bad}");
        }
        return Array.ConvertAll(values, x => (int)x);
    }

    /// <summary>Different texts that are not empty, one row.</summary>
    public string[] Names(string name)
    {
        NdArray array = _npz.Read(name);
        if (array.Type != ElementType.Text) throw WrongType(name, "texts", array);
        CheckShape(name, array, [Any]);
        string[] names = array.Data<string>();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string text in names)
        {
            if (text.Length == 0 || !seen.Add(text))
            {
                throw new A2FException(A2FErrorCode.InvalidFile,
                    $"{path}: array '{name}': expected different names, found '{text}' {(text.Length == 0 ? "" : "twice")}");
            }
        }
        return names;
    }

    public void Dispose() => _npz.Dispose();

    private float[] CheckedFloats(string name, NdArray array, int[] shape)
    {
        if (array.Type is not (ElementType.Float32 or ElementType.Float64 or ElementType.Float16)) throw WrongType(name, "float32", array);
        CheckShape(name, array, shape);
        float[] values = array.ToFloat32();
        FiniteValues.Check(values, $"{path}: array '{name}'");
        return values;
    }

    private void CheckShape(string name, NdArray array, int[] shape)
    {
        if (Matches(array, shape)) return;
        string expected = NdArray.FormatShape(shape).Replace("-1", "1 or more", StringComparison.Ordinal);
        throw new A2FException(A2FErrorCode.InvalidModel,
            $"{path}: array '{name}': expected shape {expected}, found {NdArray.FormatShape(array.Shape)}");
    }

    private static bool Matches(NdArray array, int[] shape)
    {
        if (array.Shape.Count != shape.Length) return false;
        for (int i = 0; i < shape.Length; i++)
        {
            if (array.Shape[i] == 0 || (shape[i] != Any && shape[i] != array.Shape[i])) return false;
        }
        return true;
    }

    private A2FException WrongType(string name, string expected, NdArray array) =>
        new(A2FErrorCode.InvalidFile, $"{path}: array '{name}': expected {expected}, found {array.Type}");
}
