using System.Buffers.Binary;
using System.Text;
using A2F.Engine.Audio;

namespace A2F.Engine.Tests.Audio;

/// <summary>Builds WAV files byte by byte, apart from the library's writer, and loads them.</summary>
internal static class WavBytes
{
    public static byte[] Chunk(string id, ReadOnlySpan<byte> body, uint? size = null)
    {
        List<byte> bytes = [.. Encoding.ASCII.GetBytes(id), .. U32(size ?? (uint)body.Length), .. body];
        if (body.Length % 2 != 0)
            bytes.Add(0);
        return [.. bytes];
    }

    public static byte[] Riff(params byte[][] chunks)
    {
        byte[] body = [.. "WAVE"u8, .. chunks.SelectMany(c => c)];
        return [.. "RIFF"u8, .. U32((uint)body.Length), .. body];
    }

    public static byte[] Format(int tag, int channels, int rate, int bits, int? blockAlign = null)
    {
        int align = blockAlign ?? channels * ((bits + 7) / 8);
        return Chunk("fmt ", FormatBody(tag, channels, rate, bits, align));
    }

    public static byte[] Extensible(int subTag, int channels, int rate, int bits, int validBits, byte lastGuidByte = 0x71)
    {
        byte[] guid = [.. U32((uint)subTag), 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, lastGuidByte];
        byte[] body = FormatBody(0xFFFE, channels, rate, bits, channels * bits / 8);
        return Chunk("fmt ", [.. body, .. U16(22), .. U16(validBits), .. U32(0), .. guid]);
    }

    /// <summary>A plain file of one format chunk and one data chunk.</summary>
    public static byte[] Simple(int tag, int channels, int rate, int bits, byte[] data) =>
        Riff(Format(tag, channels, rate, bits), Chunk("data", data));

    public static byte[] U16(int value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        return bytes;
    }

    public static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    /// <summary>The file's samples as the library reads them, before resampling.</summary>
    public static float[] Decode(byte[] file)
    {
        using MemoryStream stream = new(file);
        return WavDecoder.ReadMono(stream, WavReader.ReadHeader(stream, "test.wav"), "test.wav");
    }

    public static A2FException Refused(byte[] file, A2FErrorCode code, params string[] mentions)
    {
        A2FException e = Xunit.Assert.Throws<A2FException>(() => Decode(file));
        Xunit.Assert.Equal(code, e.Code);
        foreach (string mention in mentions.Append("test.wav"))
            Xunit.Assert.Contains(mention, e.Message, StringComparison.Ordinal);
        return e;
    }

    private static byte[] FormatBody(int tag, int channels, int rate, int bits, int align) =>
        [.. U16(tag), .. U16(channels), .. U32((uint)rate), .. U32((uint)(rate * align)), .. U16(align), .. U16(bits)];
}
