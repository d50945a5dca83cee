using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using A2F.Engine.Weights;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// A compiled module on disk; docs/file-formats.md describes the format. Anything that is not exactly a whole file of this version reads as
/// null: whoever asks compiles again.
/// </summary>
/// <param name="Description">Lines key=value that say what was compiled.</param>
/// <param name="Log">The compiler's log.</param>
/// <param name="Image">A cubin, or PTX that ends with a zero byte.</param>
internal sealed record KernelFile(string Description, string Log, byte[] Image)
{
    /// <summary>How names of such files end.</summary>
    internal const string Extension = ".a2fk";

    /// <summary>No module comes near this size; more is not read.</summary>
    internal const int MaxBytes = 64 * 1024 * 1024;

    private const int HeaderBytes = 64, LengthsAt = 8, HashAt = 20;

    /// <summary>The version is part of it: a reader takes its own version only.</summary>
    private static ReadOnlySpan<byte> Magic => "A2FKERN1"u8;

    /// <summary>Reads a file; null if there is none or it is not whole.</summary>
    internal static KernelFile? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? Decode(SafeFile.ReadSmall(path, MaxBytes)) : null;
        }
        catch (A2FException)
        {
            return null; // Locked, unreadable, just now deleted, too large: as good as none.
        }
    }

    /// <summary>Writes a file; others see the old one or the whole new one.</summary>
    /// <exception cref="A2FException">The system refused.</exception>
    internal void Write(string path)
    {
        byte[] bytes = Encode();
        SafeFile.WriteWhole(path, stream => stream.Write(bytes));
    }

    internal byte[] Encode()
    {
        byte[] description = Encoding.UTF8.GetBytes(Description), log = Encoding.UTF8.GetBytes(Log);
        byte[] bytes = new byte[HeaderBytes + description.Length + log.Length + Image.Length];
        Span<byte> header = bytes.AsSpan(0, HeaderBytes), body = bytes.AsSpan(HeaderBytes);
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[LengthsAt..], description.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[(LengthsAt + 4)..], log.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[(LengthsAt + 8)..], Image.Length);
        description.CopyTo(body);
        log.CopyTo(body[description.Length..]);
        Image.CopyTo(body[(description.Length + log.Length)..]);
        SHA256.HashData(body, header.Slice(HashAt, SHA256.HashSizeInBytes));
        return bytes;
    }

    internal static KernelFile? Decode(byte[] bytes)
    {
        if (bytes.Length < HeaderBytes || !bytes.AsSpan().StartsWith(Magic)) return null;
        ReadOnlySpan<byte> header = bytes.AsSpan(0, HeaderBytes), body = bytes.AsSpan(HeaderBytes);
        long description = BinaryPrimitives.ReadUInt32LittleEndian(header[LengthsAt..]);
        long log = BinaryPrimitives.ReadUInt32LittleEndian(header[(LengthsAt + 4)..]);
        long image = BinaryPrimitives.ReadUInt32LittleEndian(header[(LengthsAt + 8)..]);
        if (description + log + image != body.Length) return null;
        if (!SHA256.HashData(body).AsSpan().SequenceEqual(header.Slice(HashAt, SHA256.HashSizeInBytes))) return null;
        return new KernelFile(
            Encoding.UTF8.GetString(body[..(int)description]),
            Encoding.UTF8.GetString(body.Slice((int)description, (int)log)),
            body[(int)(description + log)..].ToArray());
    }
}
