using System.Globalization;

namespace A2F.Engine.Weights;

/// <summary>
/// The mapped tensors of a packed model. Opening checks names, types, shapes and sizes of all, and the values of small ones; the
/// large ones stay on disk until used, and <see cref="Verify"/> reads all.
/// </summary>
internal sealed class PackedTensors : IDisposable
{
    /// <summary>Tensors up to this many bytes are searched for NaN on opening.</summary>
    private const int CheckedOnOpening = 1 << 20;

    private readonly string _path;
    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, uint> _checksums = new(StringComparer.Ordinal);

    private PackedTensors(string path)
    {
        _path = path;
        _file = SafetensorsFile.Open(path);
    }

    /// <summary>Names in the manifest's order.</summary>
    public List<string> Names { get; } = [];

    /// <summary>Opens the tensors that a manifest lists.</summary>
    public static PackedTensors Open(string path, JsonItem manifest)
    {
        PackedTensors tensors = new(path);
        try
        {
            tensors.Check(manifest);
            return tensors;
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => _checksums.ContainsKey(name);

    public IReadOnlyList<int> ShapeOf(string name)
    {
        RequireListed(name);
        return _file.ShapeOf(name);
    }

    /// <summary>A view of a float32 tensor of this shape; -1 stands for any extent.</summary>
    public ReadOnlyMemory<float> Floats(string name, params int[] shape)
    {
        CheckShape(name, shape);
        ReadOnlyMemory<float> data = _file.Float32(name);
        if (data.Length * sizeof(float) <= CheckedOnOpening) FiniteValues.Check(data.Span, $"{_path}: tensor '{name}'");
        return data;
    }

    /// <summary>A row of whole numbers within a range.</summary>
    public int[] Ints(string name, int minimum, int maximum)
    {
        CheckShape(name, [-1]);
        if (_file.TypeOf(name) != ElementType.Int32)
            throw new A2FException(A2FErrorCode.InvalidFile, $"{_path}: tensor '{name}': expected Int32, found {_file.TypeOf(name)}");
        int[] values = _file.Read(name).Data<int>();
        int bad = Array.FindIndex(values, x => x < minimum || x > maximum);
        return bad < 0 ? values : throw new A2FException(A2FErrorCode.OutOfRange,
            $"{_path}: tensor '{name}': expected {minimum} to {maximum}, found {values[bad]} at index {bad}");
    }

    /// <summary>Reads every byte: checksums must match and all float32 be finite.</summary>
    public void Verify()
    {
        foreach ((string name, uint expected) in _checksums)
        {
            uint found = Crc32.Append(0, _file.Bytes(name));
            if (found != expected)
            {
                throw new A2FException(A2FErrorCode.InvalidFile,
                    $"{_path}: tensor '{name}': the checksum is {found:x8}, the manifest says {expected:x8}");
            }
            if (_file.TypeOf(name) == ElementType.Float32) FiniteValues.Check(_file.Float32(name).Span, $"{_path}: tensor '{name}'");
        }
    }

    /// <summary>Lets the system drop the pages that were read; views stay valid.</summary>
    public void ReleasePages() => _file.ReleasePages();

    public void Dispose() => _file.Dispose();

    private void Check(JsonItem manifest)
    {
        string content = manifest[PackedFormat.ContentKey].Text();
        if (_file.Metadata.GetValueOrDefault(PackedFormat.ContentKey) != content) throw Mismatch(manifest);
        List<(string Name, IReadOnlyList<int> Shape, uint Crc)> listed = [];
        foreach (JsonItem item in manifest["tensors"].Items())
        {
            string name = item["name"].Text();
            int[] shape = [.. item["shape"].Items().Select(x => x.Int(0, int.MaxValue))];
            if (!uint.TryParse(item["crc32"].Text(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint crc))
                throw item["crc32"].Wrong("8 hexadecimal digits");
            if (!_checksums.TryAdd(name, crc)) throw item["name"].Wrong("different names");
            if (!_file.ShapeOf(name).SequenceEqual(shape))
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"{_path}: tensor '{name}': expected shape {NdArray.FormatShape(shape)} " +
                    $"as in the manifest, found {NdArray.FormatShape(_file.ShapeOf(name))}");
            }
            listed.Add((name, shape, crc));
            Names.Add(name);
        }
        if (PackedFormat.Content(listed) != content) throw Mismatch(manifest);
    }

    private A2FException Mismatch(JsonItem manifest) => new(A2FErrorCode.InvalidModel,
        $"{_path}: its '{PackedFormat.ContentKey}' is not that of {manifest.File}: " +
        "the two files do not belong together; import the model again");

    private void CheckShape(string name, int[] shape)
    {
        IReadOnlyList<int> found = ShapeOf(name);
        bool same = found.Count == shape.Length;
        for (int i = 0; same && i < shape.Length; i++) same = shape[i] == -1 ? found[i] > 0 : found[i] == shape[i];
        if (same) return;
        string expected = NdArray.FormatShape(shape).Replace("-1", "1 or more", StringComparison.Ordinal);
        throw new A2FException(A2FErrorCode.InvalidModel,
            $"{_path}: tensor '{name}': expected shape {expected}, found {NdArray.FormatShape(found)}");
    }

    private void RequireListed(string name)
    {
        if (!_checksums.ContainsKey(name))
            throw new A2FException(A2FErrorCode.InvalidModel, $"{_path}: tensor '{name}' is missing from the manifest");
    }
}
