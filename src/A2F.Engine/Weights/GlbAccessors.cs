using System.Buffers.Binary;

namespace A2F.Engine.Weights;

/// <summary>
/// The accessors of a glTF binary file, as far as positions need them: VEC3 of float32, or of the integers of KHR_mesh_quantization, plain or
/// normalised, whole or sparse. Every offset, length and count is checked against the bytes that are there before memory is taken for it.
/// </summary>
internal sealed class GlbAccessors
{
    private const int Byte = 5120, UnsignedByte = 5121, Short = 5122, UnsignedShort = 5123, UnsignedInt = 5125, Float = 5126;
    private static readonly string[] Compressions = ["EXT_meshopt_compression", "KHR_meshopt_compression"];

    private readonly GlbFile _file;
    private readonly List<JsonItem> _accessors, _views;
    private readonly int _bytes;

    public GlbAccessors(GlbFile file)
    {
        _file = file;
        _accessors = file.Root["accessors"].Items();
        _views = file.Root.Find("bufferViews")?.Items() ?? [];
        _bytes = file.Root.Find("buffers") is { } buffers ? OwnBuffer(buffers) : 0;
    }

    /// <summary>Number of accessors.</summary>
    public int Count => _accessors.Count;

    /// <summary>Number of elements of an accessor, which must be of type VEC3.</summary>
    public int Elements(int accessor)
    {
        JsonItem item = _accessors[accessor];
        ModelJson.RequireText(item["type"], "VEC3");
        return item["count"].Int(1, ModelJson.MaxVertices);
    }

    /// <summary>Adds the elements of an accessor, times <paramref name="scale"/>, to <paramref name="target"/> [elements * 3].</summary>
    /// <param name="accessor">Its index.</param>
    /// <param name="scale">What values are multiplied by.</param>
    /// <param name="target">Zeros; three for each of <see cref="Elements"/>.</param>
    /// <param name="what">What it holds, for messages.</param>
    public void Read(int accessor, float scale, Span<float> target, string what)
    {
        JsonItem item = _accessors[accessor];
        int count = target.Length / 3;
        Components components = ComponentsOf(item);
        if (item.Find("bufferView") is { } view)
        {
            (ReadOnlyMemory<byte> bytes, int stride) = View(view, strided: true);
            int start = item.Find("byteOffset")?.Int(0, int.MaxValue) ?? 0, step = stride == 0 ? 3 * components.Size : stride;
            if (step < 3 * components.Size)
                throw _views[view.Int(0, _views.Count - 1)]["byteStride"].Wrong($"at least {3 * components.Size}, the bytes of an element");
            CheckBytes(item, (long)start + (long)step * (count - 1) + 3 * components.Size, bytes.Length);
            for (int i = 0; i < count; i++) components.Read(bytes.Span[(start + i * step)..], scale, target.Slice(3 * i, 3));
        }
        if (item.Find("sparse") is { } sparse) ReadSparse(sparse, components, count, scale, target);
        FiniteValues.Check(target, $"{_file.Path}: key '{item.Key}' ({what})");
    }

    // Elements that differ from those of the buffer view (from zeros, where there is none), by ascending index.
    private void ReadSparse(JsonItem sparse, Components components, int count, float scale, Span<float> target)
    {
        int changed = sparse["count"].Int(1, count);
        JsonItem indices = sparse["indices"], values = sparse["values"];
        int type = indices["componentType"].Int(0, int.MaxValue);
        int size = type switch
        {
            UnsignedByte => 1,
            UnsignedShort => 2,
            UnsignedInt => 4,
            _ => throw indices["componentType"].Wrong($"{UnsignedByte}, {UnsignedShort} or {UnsignedInt}"),
        };
        ReadOnlySpan<byte> indexBytes = Part(indices, (long)size * changed), valueBytes = Part(values, 3L * components.Size * changed);
        long previous = -1;
        for (int i = 0; i < changed; i++)
        {
            ReadOnlySpan<byte> at = indexBytes[(i * size)..];
            uint index = size == 1 ? at[0] : size == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);
            if (index <= previous || index >= count)
            {
                throw new A2FException(A2FErrorCode.InvalidFile,
                    $"{_file.Path}: key '{indices.Key}': expected indices that grow, below {count}, found {index} after {previous}");
            }
            components.Read(valueBytes[(3 * components.Size * i)..], scale, target.Slice(3 * (int)index, 3));
            previous = index;
        }
    }

    private ReadOnlySpan<byte> Part(JsonItem item, long length)
    {
        ReadOnlyMemory<byte> bytes = View(item["bufferView"], strided: false).Bytes;
        int start = item.Find("byteOffset")?.Int(0, int.MaxValue) ?? 0;
        CheckBytes(item, start + length, bytes.Length);
        return bytes.Span.Slice(start, (int)length);
    }

    private (ReadOnlyMemory<byte> Bytes, int Stride) View(JsonItem index, bool strided)
    {
        if (_views.Count == 0) throw index.Wrong("no buffer view, as the file has none");
        JsonItem view = _views[index.Int(0, _views.Count - 1)];
        if (view.Find("extensions") is { } extensions && Compressions.FirstOrDefault(c => extensions.Find(c) is not null) is { } compression)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{_file.Path}: key '{view.Key}' is compressed ({compression}), which is not read; export without compression");
        }
        view["buffer"].Int(0, 0);
        int start = view.Find("byteOffset")?.Int(0, int.MaxValue) ?? 0, length = view["byteLength"].Int(1, int.MaxValue);
        if ((long)start + length > _bytes)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{_file.Path}: key '{view.Key}': expected it within the {_bytes} bytes of buffer 0, found bytes {start} to {(long)start + length}");
        }
        int stride = strided ? view.Find("byteStride")?.Int(4, 252) ?? 0 : 0;
        if (stride % 4 != 0) throw view["byteStride"].Wrong("a multiple of 4");
        return (_file.Binary.Slice(start, length), stride);
    }

    // The buffer that lies in the file: the binary chunk, whose end may be padding.
    private int OwnBuffer(JsonItem buffers)
    {
        List<JsonItem> list = buffers.Items();
        if (list.Count == 0) return 0;
        if (list[0].Find("uri") is { } uri) throw uri.Wrong("a buffer in the file itself; export as one .glb file");
        int length = list[0]["byteLength"].Int(1, int.MaxValue);
        return length <= _file.Binary.Length ? length : throw new A2FException(A2FErrorCode.InvalidFile,
            $"{_file.Path}: key '{list[0].Key}.byteLength': expected at most {_file.Binary.Length}, the bytes of the binary chunk, found {length}");
    }

    private void CheckBytes(JsonItem item, long needed, int there)
    {
        if (needed > there)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{_file.Path}: key '{item.Key}': expected a buffer view of at least {needed} bytes, found {there}");
        }
    }

    private static Components ComponentsOf(JsonItem accessor)
    {
        JsonItem item = accessor["componentType"];
        int type = item.Int(0, int.MaxValue);
        bool normalised = accessor.Find("normalized")?.Bool() ?? false;
        return type switch
        {
            Float when !normalised => new Components(type, 4, 1),
            Byte => new Components(type, 1, normalised ? sbyte.MaxValue : 1),
            UnsignedByte => new Components(type, 1, normalised ? byte.MaxValue : 1),
            Short => new Components(type, 2, normalised ? short.MaxValue : 1),
            UnsignedShort => new Components(type, 2, normalised ? ushort.MaxValue : 1),
            _ => throw item.Wrong($"{Float} (float32, not normalized), or {Byte} to {UnsignedShort} (integers of 8 and 16 bits)"),
        };
    }

    /// <summary>How three numbers are stored.</summary>
    /// <param name="Type">glTF's componentType.</param>
    /// <param name="Size">Bytes of one number.</param>
    /// <param name="Full">What an integer is divided by; a normalised one is then cut off below -1.</param>
    private readonly record struct Components(int Type, int Size, int Full)
    {
        public void Read(ReadOnlySpan<byte> bytes, float scale, Span<float> xyz)
        {
            for (int i = 0; i < 3; i++)
            {
                ReadOnlySpan<byte> at = bytes[(i * Size)..];
                float value = Type switch
                {
                    Float => BinaryPrimitives.ReadSingleLittleEndian(at),
                    Byte => (sbyte)at[0],
                    UnsignedByte => at[0],
                    Short => BinaryPrimitives.ReadInt16LittleEndian(at),
                    _ => BinaryPrimitives.ReadUInt16LittleEndian(at),
                };
                xyz[i] = scale * (Full == 1 ? value : MathF.Max(value / Full, -1));
            }
        }
    }
}
