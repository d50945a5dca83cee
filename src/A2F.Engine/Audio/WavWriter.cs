using System.Buffers.Binary;

namespace A2F.Engine.Audio;

/// <summary>How <see cref="WavWriter"/> stores a sample.</summary>
internal enum WavSampleKind
{
    /// <summary>16-bit integers; values outside -1 to 1 are clipped.</summary>
    Pcm16,

    /// <summary>32-bit floats, exactly as given.</summary>
    Float32,
}

/// <summary>Writes plain little-endian WAV files.</summary>
internal static class WavWriter
{
    /// <summary>Writes interleaved samples, full scale at 1.</summary>
    public static void Write(Stream stream, ReadOnlySpan<float> interleaved, int sampleRate, int channels, WavSampleKind kind)
    {
        int size = kind == WavSampleKind.Pcm16 ? 2 : 4;
        long dataBytes = (long)interleaved.Length * size;
        if (channels < 1 || interleaved.Length % channels != 0 || dataBytes > uint.MaxValue - 64)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"{interleaved.Length} samples in {channels} channels cannot be one WAV file: expected whole frames and less than 4 GiB.");
        }
        WriteHeader(stream, (uint)dataBytes, sampleRate, channels, size, kind);
        byte[] block = new byte[1 << 16];
        int perBlock = block.Length / size;
        for (int first = 0; first < interleaved.Length; first += perBlock)
        {
            ReadOnlySpan<float> part = interleaved.Slice(first, Math.Min(perBlock, interleaved.Length - first));
            for (int i = 0; i < part.Length; i++)
            {
                if (kind == WavSampleKind.Pcm16)
                    BinaryPrimitives.WriteInt16LittleEndian(block.AsSpan(2 * i), ToInt16(part[i]));
                else
                    BinaryPrimitives.WriteSingleLittleEndian(block.AsSpan(4 * i), part[i]);
            }
            stream.Write(block, 0, part.Length * size);
        }
    }

    private static void WriteHeader(Stream stream, uint dataBytes, int sampleRate, int channels, int size, WavSampleKind kind)
    {
        Span<byte> head = stackalloc byte[44];
        "RIFF"u8.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], dataBytes + 36);
        "WAVEfmt "u8.CopyTo(head[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(head[16..], 16);
        BinaryPrimitives.WriteInt16LittleEndian(head[20..], (short)(kind == WavSampleKind.Pcm16 ? 1 : 3));
        BinaryPrimitives.WriteUInt16LittleEndian(head[22..], checked((ushort)channels));
        BinaryPrimitives.WriteInt32LittleEndian(head[24..], sampleRate);
        BinaryPrimitives.WriteUInt32LittleEndian(head[28..], checked((uint)((long)sampleRate * channels * size)));
        BinaryPrimitives.WriteUInt16LittleEndian(head[32..], checked((ushort)(channels * size)));
        BinaryPrimitives.WriteInt16LittleEndian(head[34..], (short)(8 * size));
        "data"u8.CopyTo(head[36..]);
        BinaryPrimitives.WriteUInt32LittleEndian(head[40..], dataBytes);
        stream.Write(head);
    }

    private static short ToInt16(float value) => (short)Math.Clamp(MathF.Round(value * 32768f), short.MinValue, short.MaxValue);
}
