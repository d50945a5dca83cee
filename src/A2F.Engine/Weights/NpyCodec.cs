using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace A2F.Engine.Weights;

/// <summary>Elements of npy arrays: bytes to typed arrays in C order, and back.</summary>
internal static class NpyCodec
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads the elements that <paramref name="header"/> describes.</summary>
    /// <param name="header">Describes them.</param>
    /// <param name="fill">Fills a span with the next bytes of the file or throws.</param>
    /// <exception cref="FormatException">A value has no counterpart here.</exception>
    public static NdArray Decode(NpyHeader header, ReadBytes fill) => (header.Kind, header.ItemSize) switch
    {
        ('f', 2) => Finish(header, Same<Half>(header, fill)),
        ('f', 4) => Finish(header, Same<float>(header, fill)),
        ('f', 8) => Finish(header, Same<double>(header, fill)),
        ('i', 4) => Finish(header, Same<int>(header, fill)),
        ('i', 8) => Finish(header, Same<long>(header, fill)),
        ('u' or 'b', 1) => Finish(header, Same<byte>(header, fill)),
        ('i', 1) => Finish(header, Array.ConvertAll(Same<sbyte>(header, fill), x => (int)x)),
        ('i', 2) => Finish(header, Array.ConvertAll(Same<short>(header, fill), x => (int)x)),
        ('u', 2) => Finish(header, Array.ConvertAll(Same<ushort>(header, fill), x => (int)x)),
        ('u', 4) => Finish(header, Array.ConvertAll(Same<uint>(header, fill), x => (long)x)),
        ('u', 8) => Finish(header, Array.ConvertAll(Same<ulong>(header, fill),
            x => x <= long.MaxValue ? (long)x : throw new FormatException($"{x} does not fit a 64-bit signed integer"))),
        _ => Finish(header, Texts(header, fill)),
    };

    /// <summary>Fills the whole span with the next bytes, or throws.</summary>
    public delegate void ReadBytes(Span<byte> destination);

    /// <summary>The descr of an array as <see cref="Encode"/> writes it.</summary>
    public static string DescrOf(NdArray array) => array.Type switch
    {
        ElementType.Float32 => "<f4",
        ElementType.Float64 => "<f8",
        ElementType.Float16 => "<f2",
        ElementType.Int32 => "<i4",
        ElementType.Int64 => "<i8",
        ElementType.UInt8 => "|u1",
        _ => IsAscii(array.Data<string>())
            ? $"|S{Math.Max(1, MaxLength(array.Data<string>(), s => s.Length))}"
            : $"<U{Math.Max(1, MaxLength(array.Data<string>(), CodePoints))}",
    };

    /// <summary>Writes the elements, little-endian.</summary>
    public static void Encode(NdArray array, Stream stream)
    {
        switch (array.Type)
        {
            case ElementType.Float32: WriteRaw(array.Data<float>(), stream); break;
            case ElementType.Float64: WriteRaw(array.Data<double>(), stream); break;
            case ElementType.Float16: WriteRaw(array.Data<Half>(), stream); break;
            case ElementType.Int32: WriteRaw(array.Data<int>(), stream); break;
            case ElementType.Int64: WriteRaw(array.Data<long>(), stream); break;
            case ElementType.UInt8: stream.Write(array.Data<byte>()); break;
            default: WriteTexts(array.Data<string>(), stream); break;
        }
    }

    private static T[] Same<T>(NpyHeader header, ReadBytes fill) where T : unmanaged
    {
        T[] data = GC.AllocateUninitializedArray<T>(header.Count);
        Span<byte> bytes = MemoryMarshal.AsBytes(data.AsSpan());
        fill(bytes);
        if (header.BigEndian == BitConverter.IsLittleEndian && header.ItemSize > 1) ReverseElements(bytes, header.ItemSize);
        return data;
    }

    private static void ReverseElements(Span<byte> bytes, int size)
    {
        switch (size)
        {
            case 2:
                Span<ushort> twos = MemoryMarshal.Cast<byte, ushort>(bytes);
                BinaryPrimitives.ReverseEndianness(twos, twos);
                break;
            case 4:
                Span<uint> fours = MemoryMarshal.Cast<byte, uint>(bytes);
                BinaryPrimitives.ReverseEndianness(fours, fours);
                break;
            default:
                Span<ulong> eights = MemoryMarshal.Cast<byte, ulong>(bytes);
                BinaryPrimitives.ReverseEndianness(eights, eights);
                break;
        }
    }

    private static string[] Texts(NpyHeader header, ReadBytes fill)
    {
        byte[] cell = new byte[header.ItemSize];
        string[] texts = new string[header.Count];
        for (int i = 0; i < texts.Length; i++)
        {
            fill(cell);
            texts[i] = header.Kind == 'S' ? ByteText(cell) : UnicodeText(cell, header.BigEndian);
        }
        return texts;
    }

    private static string ByteText(ReadOnlySpan<byte> cell)
    {
        try
        {
            return StrictUtf8.GetString(cell.TrimEnd((byte)0));
        }
        catch (DecoderFallbackException e)
        {
            throw new FormatException("a byte string is not UTF-8", e);
        }
    }

    private static string UnicodeText(ReadOnlySpan<byte> cell, bool bigEndian)
    {
        StringBuilder text = new();
        for (int i = 0; i < cell.Length; i += 4)
        {
            uint point = bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(cell[i..]) : BinaryPrimitives.ReadUInt32LittleEndian(cell[i..]);
            if (!Rune.TryCreate(point, out Rune rune)) throw new FormatException($"0x{point:X} is no character");
            text.Append(rune.ToString());
        }
        return text.ToString().TrimEnd('\0');
    }

    private static NdArray Finish<T>(NpyHeader header, T[] data) =>
        NdArray.Of(header.FortranOrder && header.Shape.Length > 1 ? ToCOrder(data, header.Shape) : data, header.Shape);

    /// <summary>Reorders data whose first index runs fastest so that the last one does.</summary>
    private static T[] ToCOrder<T>(T[] data, int[] shape)
    {
        if (data.Length == 0) return data;
        T[] result = new T[data.Length];
        int[] strides = new int[shape.Length];
        for (int d = 0, stride = 1; d < shape.Length; stride *= shape[d++]) strides[d] = stride;
        int[] index = new int[shape.Length];
        int inner = shape[^1], innerStride = strides[^1];
        for (int at = 0; at < result.Length;)
        {
            int source = 0;
            for (int d = 0; d < shape.Length - 1; d++) source += index[d] * strides[d];
            for (int i = 0; i < inner; i++) result[at++] = data[source + i * innerStride];
            for (int d = shape.Length - 2; d >= 0 && ++index[d] == shape[d]; d--) index[d] = 0;
        }
        return result;
    }

    private static void WriteRaw<T>(T[] data, Stream stream) where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(data.AsSpan());
        if (BitConverter.IsLittleEndian)
        {
            stream.Write(bytes);
            return;
        }
        byte[] copy = bytes.ToArray();
        ReverseElements(copy, Marshal.SizeOf<T>());
        stream.Write(copy);
    }

    private static void WriteTexts(string[] texts, Stream stream)
    {
        if (IsAscii(texts))
        {
            byte[] cell = new byte[Math.Max(1, MaxLength(texts, s => s.Length))];
            foreach (string text in texts)
            {
                cell.AsSpan().Clear();
                Encoding.ASCII.GetBytes(text, cell);
                stream.Write(cell);
            }
            return;
        }
        byte[] wide = new byte[4 * Math.Max(1, MaxLength(texts, CodePoints))];
        foreach (string text in texts)
        {
            wide.AsSpan().Clear();
            int at = 0;
            foreach (Rune rune in text.EnumerateRunes())
            {
                BinaryPrimitives.WriteInt32LittleEndian(wide.AsSpan(at), rune.Value);
                at += 4;
            }
            stream.Write(wide);
        }
    }

    private static bool IsAscii(string[] texts) => Array.TrueForAll(texts, t => Ascii.IsValid(t));

    private static int MaxLength(string[] texts, Func<string, int> length) => texts.Length == 0 ? 0 : texts.Max(length);

    private static int CodePoints(string text)
    {
        int count = 0;
        foreach (Rune _ in text.EnumerateRunes()) count++;
        return count;
    }
}
