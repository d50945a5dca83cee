using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace A2F.Engine.Weights;

/// <summary>
/// A safetensors file, mapped into memory: opening costs the header only, and tensors are views that the system pages in on use.
/// <para>Limits: header 8 MiB, 8 dimensions, 2147483591 bytes a tensor; dtypes F32, F64, F16, I32, I64, U8.</para>
/// <para>Views are valid until <see cref="Dispose"/>. May be read by several threads.</para>
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly MappedFile _map;
    private readonly long _dataStart;
    private readonly Dictionary<string, SafetensorsEntry> _entries;
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsFile(MappedFile map)
    {
        _map = map;
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(map.Bytes(0, 8));
        if (headerBytes > SafetensorsHeader.MaxHeaderBytes || (long)headerBytes + 8 > map.Length)
        {
            throw new FormatException($"the header has {headerBytes} bytes, at most {SafetensorsHeader.MaxHeaderBytes} are read " +
                $"and the file has {map.Length}");
        }
        _dataStart = 8 + (long)headerBytes;
        List<SafetensorsEntry> entries = SafetensorsHeader.Parse(map.Bytes(8, (int)headerBytes), map.Length - _dataStart, _metadata);
        Names = entries.ConvertAll(e => e.Name);
        _entries = entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
    }

    /// <summary>Maps a file and checks its header: sizes, types, and that tensors cover the data without gap or overlap.</summary>
    /// <exception cref="A2FException">The file is missing or no safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile map = MappedFile.Open(path, minimumLength: 8);
        try
        {
            return new SafetensorsFile(map);
        }
        catch (Exception e)
        {
            map.Dispose();
            throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: no readable safetensors file: {e.Message}", e);
        }
    }

    /// <summary>Tensor names, in the header's order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Text entries of the header.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Whether the file holds this tensor.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The element type of a tensor.</summary>
    /// <exception cref="A2FException">No such tensor.</exception>
    public ElementType TypeOf(string name) => Entry(name).Type;

    /// <summary>The extents of a tensor.</summary>
    /// <exception cref="A2FException">No such tensor.</exception>
    public IReadOnlyList<int> ShapeOf(string name) => Entry(name).Shape;

    /// <summary>A view of a float32 tensor, without a copy. Values are not checked.</summary>
    /// <exception cref="A2FException">No such tensor, or another element type.</exception>
    public ReadOnlyMemory<float> Float32(string name)
    {
        SafetensorsEntry entry = Entry(name);
        if (entry.Type != ElementType.Float32)
            throw new A2FException(A2FErrorCode.InvalidFile, $"{_map.Path}: tensor '{name}': expected Float32, found {entry.Type}");
        // Other writers need not align their data; unaligned float views would fault on some machines.
        return (_dataStart + entry.Offset) % sizeof(float) == 0
            ? _map.View<float>(_dataStart + entry.Offset, (int)(entry.Bytes / sizeof(float)))
            : Copy<float>(entry);
    }

    /// <summary>The bytes of a tensor.</summary>
    internal ReadOnlySpan<byte> Bytes(string name)
    {
        SafetensorsEntry entry = Entry(name);
        return _map.Bytes(_dataStart + entry.Offset, (int)entry.Bytes);
    }

    /// <summary>A copy of any tensor.</summary>
    /// <exception cref="A2FException">No such tensor, or no memory for it.</exception>
    public NdArray Read(string name)
    {
        SafetensorsEntry entry = Entry(name);
        Array data = entry.Type switch
        {
            ElementType.Float32 => Copy<float>(entry),
            ElementType.Float64 => Copy<double>(entry),
            ElementType.Float16 => Copy<Half>(entry),
            ElementType.Int32 => Copy<int>(entry),
            ElementType.Int64 => Copy<long>(entry),
            _ => Copy<byte>(entry),
        };
        return NdArray.Of(data, entry.Shape);
    }

    /// <summary>
    /// Writes a file; it appears whole or not at all. The data starts at a multiple of 64 bytes, as does every tensor whose size is one.
    /// </summary>
    /// <exception cref="A2FException">A name twice, text, an array over the limits, or the file cannot be written.</exception>
    public static void Write(
        string path, IEnumerable<KeyValuePair<string, NdArray>> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsWriter.Write(path, [.. tensors.Select(t => SafetensorsWriter.Tensor.Of(t.Key, t.Value))], metadata);

    /// <summary>Lets the system drop the pages that were read; views stay valid.</summary>
    internal void ReleasePages() => _map.ReleasePages();

    /// <inheritdoc/>
    public void Dispose() => _map.Dispose();

    private SafetensorsEntry Entry(string name) => _entries.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new A2FException(A2FErrorCode.InvalidFile, $"{_map.Path}: tensor '{name}' is missing");

    private T[] Copy<T>(SafetensorsEntry entry) where T : unmanaged
    {
        try
        {
            ReadOnlySpan<byte> bytes = Bytes(entry.Name);
            T[] data = GC.AllocateUninitializedArray<T>(bytes.Length / Marshal.SizeOf<T>());
            bytes.CopyTo(MemoryMarshal.AsBytes(data.AsSpan()));
            return data;
        }
        catch (OutOfMemoryException e)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory, $"{_map.Path}: tensor '{entry.Name}': not enough memory for a copy", e);
        }
    }
}
