using System.Buffers.Binary;

namespace A2F.Engine.Weights;

/// <summary>
/// The container of glTF binary, version 2 (glTF 2.0 specification, chapter "GLB File Format Specification"): a header of 12 bytes, a JSON chunk,
/// and usually a chunk of binary data. At most 1 GiB, of which JSON 8 MiB.
/// </summary>
internal sealed class GlbFile : IDisposable
{
    private const int MaxBytes = 1 << 30;
    private const int HeaderBytes = 12, ChunkHeaderBytes = 8;
    private const uint Magic = 0x46546C67, Json = 0x4E4F534A, Bin = 0x004E4942;

    private readonly JsonFile _json;

    private GlbFile(string path, long fileLength, JsonFile json, ReadOnlyMemory<byte> binary)
    {
        Path = path;
        FileLength = fileLength;
        _json = json;
        Binary = binary;
    }

    public string Path { get; }

    /// <summary>Bytes of the whole file.</summary>
    public long FileLength { get; }

    /// <summary>The outermost object of the JSON chunk.</summary>
    public JsonItem Root => _json.Root;

    /// <summary>The data of the binary chunk; empty where there is none.</summary>
    public ReadOnlyMemory<byte> Binary { get; }

    public static GlbFile Open(string path)
    {
        byte[] bytes = SafeFile.ReadSmall(path, MaxBytes);
        if (bytes.Length < HeaderBytes || Word(bytes, 0) != Magic) throw Wrong(path, "a glTF binary header of 12 bytes", $"{bytes.Length} bytes of something else");
        if (Word(bytes, 4) != 2) throw Wrong(path, "glTF binary version 2", $"{Word(bytes, 4)}");
        if (Word(bytes, 8) != bytes.Length) throw Wrong(path, $"{Word(bytes, 8)} bytes as its header says", $"{bytes.Length}");
        ReadOnlyMemory<byte> json = default, binary = default;
        int number = 0;
        for (long at = HeaderBytes; at < bytes.Length; number++)
        {
            if (bytes.Length - at < ChunkHeaderBytes) throw Wrong(path, $"a chunk header of 8 bytes at byte {at}", $"{bytes.Length - at}");
            uint length = Word(bytes, (int)at), type = Word(bytes, (int)at + 4);
            at += ChunkHeaderBytes;
            if (length > bytes.Length - at)
                throw Wrong(path, $"a chunk of {length} bytes at byte {at}", $"{bytes.Length - at} up to the end of the file");
            ReadOnlyMemory<byte> chunk = bytes.AsMemory((int)at, (int)length);
            if (number == 0 && type != Json) throw Wrong(path, "a JSON chunk first", $"chunk type 0x{type:X8}");
            if (number == 0) json = chunk;
            else if (number == 1 && type == Bin) binary = chunk;
            at += length;
        }
        if (number == 0) throw Wrong(path, "a JSON chunk", "no chunk");
        return new GlbFile(path, bytes.Length, JsonFile.Parse(path, json), binary);
    }

    public void Dispose() => _json.Dispose();

    private static uint Word(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static A2FException Wrong(string path, string expected, string found) =>
        new(A2FErrorCode.InvalidFile, $"{path}: expected {expected}, found {found}");
}
