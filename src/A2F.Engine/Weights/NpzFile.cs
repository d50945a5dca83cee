using System.IO.Compression;
using System.Text;

namespace A2F.Engine.Weights;

/// <summary>
/// A numpy .npz archive opened for reading; entries are decoded when asked for. Not for use by several threads at once.
/// <para>
/// Reads npy versions 1 to 3, stored and deflated entries, zip64, C and Fortran order, either byte order. bool reads as UInt8; int8, int16
/// and uint16 as Int32; uint32 and uint64 as Int64.
/// </para>
/// <para>
/// Limits: an entry expands to at most 1032 times its compressed size (deflate's own bound), entries do not share data, a header has at
/// most 64 KiB, an array at most 8 dimensions and 2147483591 bytes, a text array at most 1048576 elements. No memory is taken on the
/// word of a header: it never exceeds 8 times the bytes present (texts and widened integers aside); where an entry promises more, it is
/// first decompressed once to be counted. Every array's checksum is verified.
/// </para>
/// </summary>
public sealed class NpzFile : IDisposable
{
    private const int DeflateRatio = 1032;
    private const int TrustedRatio = 8;
    private const int Slack = 4096;

    private static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    private readonly string _path;
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];

    private NpzFile(string path, long fileLength, ZipArchive archive)
    {
        _path = path;
        _archive = archive;
        long compressed = 0;
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            // Entries that share their data would let a small file stand for any number of arrays.
            if (entry.CompressedLength < 0 || entry.CompressedLength > fileLength - compressed)
                throw new InvalidDataException($"entry '{entry.FullName}': the entries are larger than the file, they overlap");
            compressed += entry.CompressedLength;
            if (!entry.FullName.EndsWith(".npy", StringComparison.Ordinal)) continue;
            string name = entry.FullName[..^4];
            if (!_entries.TryAdd(name, entry)) throw new InvalidDataException($"two arrays are called '{name}'");
            _names.Add(name);
        }
    }

    /// <summary>Opens an archive and reads its directory.</summary>
    /// <exception cref="A2FException">The file is missing, unreadable or no zip archive.</exception>
    public static NpzFile Open(string path)
    {
        FileStream stream = SafeFile.OpenRead(path);
        try
        {
            return new NpzFile(path, stream.Length, new ZipArchive(stream, ZipArchiveMode.Read));
        }
        catch (Exception e)
        {
            stream.Dispose();
            throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: no readable npz archive: {e.Message}", e);
        }
    }

    /// <summary>Array names, without ".npy", in file order.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Whether the archive holds an array of this name.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>Decodes one array into C order.</summary>
    /// <exception cref="A2FException">No such array, a corrupt entry, or an element type that is not supported.</exception>
    public NdArray Read(string name)
    {
        if (!_entries.TryGetValue(name, out ZipArchiveEntry? entry))
        {
            string found = string.Join(", ", _names.Take(20)) + (_names.Count > 20 ? ", ..." : "");
            throw new A2FException(A2FErrorCode.InvalidFile, $"{_path}: array '{name}' is missing, found: {found}");
        }
        try
        {
            return Read(entry);
        }
        catch (OutOfMemoryException e)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory, $"{_path}: array '{name}': not enough memory", e);
        }
        catch (Exception e) when (e is not A2FException)
        {
            // The zip and deflate readers throw what they meet (InvalidData, EndOfStream, Argument, Overflow, ...): all mean a bad file.
            throw new A2FException(A2FErrorCode.InvalidFile, $"{_path}: array '{name}': {e.Message}", e);
        }
    }

    /// <summary>Writes an archive; the file appears whole or not at all. Equal arrays give equal bytes.</summary>
    /// <param name="path">File to create or replace.</param>
    /// <param name="arrays">Names (without ".npy") and arrays; texts are written as 'S' where all are ASCII, else as 'U'.</param>
    /// <param name="compress">Whether to deflate.</param>
    /// <exception cref="A2FException">A name twice, an array over the limits, or the file cannot be written.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, NdArray>> arrays, bool compress = false)
    {
        SafeFile.WriteWhole(path, stream =>
        {
            using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
            HashSet<string> names = new(StringComparer.Ordinal);
            foreach ((string name, NdArray array) in arrays)
            {
                if (!names.Add(name)) throw new A2FException(A2FErrorCode.InvalidArgument, $"two arrays are called '{name}'");
                string header = NpyHeader.Format(NpyCodec.DescrOf(array), array.Shape);
                CheckWritable(name, array, header);
                ZipArchiveEntry entry = archive.CreateEntry(
                    name + ".npy", compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
                entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
                using Stream content = entry.Open();
                WriteHeader(content, header);
                NpyCodec.Encode(array, content);
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _archive.Dispose();

    private static NdArray Read(ZipArchiveEntry entry)
    {
        if (entry.IsEncrypted) throw new FormatException("the entry is encrypted");
        if (entry.Length > DeflateRatio * entry.CompressedLength + Slack)
        {
            throw new FormatException(
                $"{entry.CompressedLength} compressed bytes cannot hold the {entry.Length} that the directory promises");
        }

        bool trusted = entry.Length <= TrustedRatio * entry.CompressedLength + Slack;
        if (!trusted) CountAndVerify(entry);
        using Stream content = entry.Open();
        EntryReader reader = new(content);
        NpyHeader header = ReadHeader(reader);
        if (entry.Length != reader.Position + header.DataBytes)
        {
            throw new FormatException(
                $"shape {NdArray.FormatShape(header.Shape)} of {header.ItemSize}-byte elements needs {header.DataBytes} bytes, " +
                $"the entry has {entry.Length - reader.Position}");
        }
        NdArray array = NpyCodec.Decode(header, reader.Fill);
        reader.VerifyEnd(entry.Crc32);
        return array;
    }

    private static void CountAndVerify(ZipArchiveEntry entry)
    {
        using Stream content = entry.Open();
        EntryReader reader = new(content);
        byte[] block = new byte[64 * 1024];
        while (reader.Position < entry.Length) reader.Fill(block.AsSpan(0, (int)Math.Min(block.Length, entry.Length - reader.Position)));
        reader.VerifyEnd(entry.Crc32);
    }

    private static NpyHeader ReadHeader(EntryReader reader)
    {
        Span<byte> start = stackalloc byte[8];
        reader.Fill(start);
        if (!start[..6].SequenceEqual(Magic)) throw new FormatException("no npy array: the magic bytes are missing");
        int version = start[6];
        if (version is < 1 or > 3) throw new FormatException($"npy version {version} is not known, 1 to 3 are");
        Span<byte> size = stackalloc byte[version == 1 ? 2 : 4];
        reader.Fill(size);
        uint length = 0;
        for (int i = size.Length - 1; i >= 0; i--) length = (length << 8) | size[i];
        if (length > NpyHeader.MaxHeaderBytes)
            throw new FormatException($"a header of {length} bytes, at most {NpyHeader.MaxHeaderBytes} are read");
        byte[] text = new byte[length];
        reader.Fill(text);
        return NpyHeader.Parse(text);
    }

    /// <summary>What is written can be read again.</summary>
    private static void CheckWritable(string name, NdArray array, string header)
    {
        try
        {
            NpyHeader.Parse(Encoding.ASCII.GetBytes(header));
        }
        catch (FormatException e)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"array '{name}' of shape {NdArray.FormatShape(array.Shape)} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Version 1 with the data 64-byte aligned within the array, as numpy writes it.</summary>
    private static void WriteHeader(Stream stream, string dictionary)
    {
        int length = (10 + dictionary.Length + 1 + 63) / 64 * 64 - 10;
        stream.Write(Magic);
        stream.Write([1, 0, (byte)length, (byte)(length >> 8)]);
        stream.Write(Encoding.ASCII.GetBytes(dictionary.PadRight(length - 1) + "\n"));
    }

    /// <summary>Reads an entry to its end, counting and checksumming.</summary>
    private sealed class EntryReader(Stream stream)
    {
        private uint _crc;

        public long Position { get; private set; }

        public void Fill(Span<byte> destination)
        {
            while (destination.Length > 0)
            {
                // Pieces that fit the cache, so that the checksum reads what was just written.
                Span<byte> piece = destination[..Math.Min(destination.Length, 256 * 1024)];
                int count = stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
                if (count < piece.Length) throw new FormatException($"the data ends after {Position + count} bytes");
                _crc = Crc32.Append(_crc, piece);
                Position += count;
                destination = destination[count..];
            }
        }

        public void VerifyEnd(uint expectedCrc)
        {
            if (stream.ReadByte() >= 0) throw new FormatException($"there is data beyond the {Position} bytes that the directory promises");
            if (_crc != expectedCrc) throw new FormatException($"the checksum is {_crc:x8}, the directory says {expectedCrc:x8}");
        }
    }
}
