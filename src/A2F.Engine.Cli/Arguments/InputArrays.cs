using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Arguments;

/// <summary>Named tensors of an npz file.</summary>
internal sealed class InputArrays : IDisposable
{
    private readonly NpzFile _file;
    private readonly string _path;
    private readonly string _prefix;

    private InputArrays(string path, string prefix) => (_file, _path, _prefix) = (NpzFile.Open(path), path, prefix);

    /// <summary>Opens a file; names below get the prefix in front.</summary>
    /// <exception cref="A2FException">The file is missing or no npz archive.</exception>
    public static InputArrays Open(string path, string prefix) => new(path, prefix);

    /// <summary>The array [rows, length] or [rows, 1, length] as float32.</summary>
    /// <param name="name">Its name, without the prefix.</param>
    /// <param name="rows">What the rows are, for messages.</param>
    /// <param name="length">Length of a row.</param>
    /// <exception cref="A2FException">There is no such array, or it has another shape or no numbers.</exception>
    public float[] ReadRows(string name, string rows, int length) => ReadRows(name, rows, length, 1).Values;

    /// <summary>
    /// The array [frames, length], or [windows, centre, length], or [windows, all, length], of which the centre frames are taken, as float32.
    /// </summary>
    /// <exception cref="A2FException">There is no such array, or it has another shape or no numbers.</exception>
    public float[] ReadWindows(string name, int left, int centre, int all, int length)
    {
        (float[] values, int frames) = ReadRows(name, "windows", length, centre, all);
        if (frames != all || all == centre) return values;
        float[] result = new float[values.Length / all * centre];
        for (int window = 0; window * all * length < values.Length; window++)
            values.AsSpan((window * all + left) * length, centre * length).CopyTo(result.AsSpan(window * centre * length));
        return result;
    }

    private (float[] Values, int Middle) ReadRows(string name, string rows, int length, params int[] middles)
    {
        string full = _prefix + name;
        if (!_file.Contains(full)) throw Missing(name, full);
        NdArray array = _file.Read(full);
        IReadOnlyList<int> shape = array.Shape;
        int middle = shape.Count == 3 ? shape[1] : 0;
        bool fits = shape.Count is 2 or 3 && shape[^1] == length && (shape.Count == 2 || middles.Contains(middle));
        if (!fits)
        {
            string others = string.Concat(middles.Select(m => $" or [{rows}, {m}, {length}]"));
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{_path}: array '{full}': expected shape [{(middles.Length > 1 ? "frames" : rows)}, {length}]{others}, found {NdArray.FormatShape(shape)}");
        }
        return array.Type == ElementType.Text
            ? throw new A2FException(A2FErrorCode.InvalidFile, $"{_path}: array '{full}': expected numbers, found text")
            : (array.ToFloat32(), middle);
    }

    /// <summary>The first extent of an array; 0 where there is no such array or it is a single number.</summary>
    public int RowsOf(string name) => Has(name) && _file.Read(_prefix + name).Shape is [int rows, ..] ? rows : 0;

    /// <summary>Whether there is an array of this name.</summary>
    public bool Has(string name) => _file.Contains(_prefix + name);

    /// <summary>The array of this shape as float32.</summary>
    /// <param name="name">Its name, without the prefix.</param>
    /// <param name="shape">What it must be like; text stands for a size that is free, and is its name.</param>
    /// <exception cref="A2FException">There is no such array, or it has another shape or no numbers.</exception>
    public (float[] Values, IReadOnlyList<int> Shape) Read(string name, params object[] shape)
    {
        string full = _prefix + name;
        if (!_file.Contains(full)) throw Missing(name, full);
        NdArray array = _file.Read(full);
        bool fits = array.Shape.Count == shape.Length && !shape.Where((size, i) => size is int wanted && wanted != array.Shape[i]).Any();
        if (!fits)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{_path}: array '{full}': expected shape [{string.Join(", ", shape)}], found {NdArray.FormatShape(array.Shape)}");
        }
        return array.Type == ElementType.Text
            ? throw new A2FException(A2FErrorCode.InvalidFile, $"{_path}: array '{full}': expected numbers, found text")
            : (array.ToFloat32(), array.Shape);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private A2FException Missing(string name, string full)
    {
        string found = _file.Names.Count == 0 ? "nothing" : string.Join(", ", _file.Names.Take(20))
            + (_file.Names.Count > 20 ? ", ..." : "");
        string? prefixed = _file.Names.FirstOrDefault(n => n.EndsWith(name, StringComparison.Ordinal));
        string hint = prefixed is null ? "" : $"; --prefix {prefixed[..^name.Length]} would take '{prefixed}'";
        return new A2FException(A2FErrorCode.InvalidFile, $"{_path}: array '{full}' is missing, found {found}{hint}");
    }
}
