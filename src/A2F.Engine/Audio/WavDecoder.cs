using System.Buffers.Binary;

namespace A2F.Engine.Audio;

/// <summary>Turns the frames of a WAV file into mono float32 samples: the mean over the channels, full scale at 1.</summary>
internal static class WavDecoder
{
    /// <summary>The longest audio read, in frames at the source rate: 2 GiB of float32 (3.1 hours at 48 kHz).</summary>
    public const int MaxFrames = 1 << 29;

    /// <summary>
    /// The loudest float sample taken. Files scaled to integers' range stay below it; more is a corrupt file, and would
    /// overflow in the arithmetic that follows.
    /// </summary>
    public const double MaxMagnitude = 1e6;

    private const int BlockBytes = 1 << 16;

    public static float[] ReadMono(Stream stream, WavHeader header, string name)
    {
        if (header.Frames > MaxFrames)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{name} holds {header.Frames} samples a channel, expected at most {MaxFrames}. Split it into shorter files.");
        }
        float[] mono = new float[header.Frames];
        int framesPerBlock = Math.Max(1, BlockBytes / header.BlockAlign);
        byte[] block = new byte[framesPerBlock * header.BlockAlign];
        float[] samples = new float[framesPerBlock * header.Channels];
        stream.Position = header.DataOffset;
        for (int first = 0; first < mono.Length; first += framesPerBlock)
        {
            int frames = Math.Min(framesPerBlock, mono.Length - first);
            Span<byte> bytes = block.AsSpan(0, frames * header.BlockAlign);
            if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
                throw new A2FException(A2FErrorCode.Io, $"{name} became shorter while it was read.");
            Span<float> values = samples.AsSpan(0, frames * header.Channels);
            Decode(bytes, header, values);
            CheckValues(values, first, header.Channels, name);
            Average(values, header.Channels, mono.AsSpan(first, frames));
        }
        return mono;
    }

    /// <summary>ITU-T G.711 A-law to a 13-bit value scaled to 16 bits: even bits are stored inverted.</summary>
    public static int ALaw(byte code)
    {
        int bits = code ^ 0x55;
        int segment = (bits >> 4) & 7;
        int magnitude = ((bits & 15) << 4) + 8;
        if (segment > 0)
            magnitude = (magnitude + 0x100) << (segment - 1);
        return (bits & 0x80) != 0 ? magnitude : -magnitude;
    }

    /// <summary>ITU-T G.711 mu-law to a 14-bit value scaled to 16 bits: all bits are stored inverted, the bias is 33.</summary>
    public static int MuLaw(byte code)
    {
        int bits = code ^ 0xFF;
        int magnitude = (((((bits & 15) << 1) + 33) << ((bits >> 4) & 7)) - 33) << 2;
        return (bits & 0x80) != 0 ? -magnitude : magnitude;
    }

    private static void Decode(Span<byte> bytes, WavHeader header, Span<float> values)
    {
        int size = header.BytesPerSample;
        if (header.BigEndian)
        {
            for (int at = 0; size > 1 && at < bytes.Length; at += size)
                bytes.Slice(at, size).Reverse();
        }
        switch (header.Encoding, size)
        {
            case (WavEncoding.ALaw, _):
                for (int i = 0; i < values.Length; i++)
                    values[i] = ALaw(bytes[i]) / 32768f;
                break;
            case (WavEncoding.MuLaw, _):
                for (int i = 0; i < values.Length; i++)
                    values[i] = MuLaw(bytes[i]) / 32768f;
                break;
            case (WavEncoding.Float, 4):
                for (int i = 0; i < values.Length; i++)
                    values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
                break;
            case (WavEncoding.Float, _):
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * i)..]);
                break;
            default:
                DecodePcm(bytes, size, values);
                break;
        }
    }

    private static void DecodePcm(ReadOnlySpan<byte> bytes, int size, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> sample = bytes.Slice(i * size, size);
            values[i] = size switch
            {
                1 => (sample[0] - 128) / 128f,
                2 => BinaryPrimitives.ReadInt16LittleEndian(sample) / 32768f,
                3 => (sample[0] | (sample[1] << 8) | ((sbyte)sample[2] << 16)) / 8388608f,
                _ => (float)(BinaryPrimitives.ReadInt32LittleEndian(sample) / 2147483648.0),
            };
        }
    }

    public static void CheckValues(ReadOnlySpan<float> values, int firstFrame, int channels, string name)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (Math.Abs(values[i]) <= MaxMagnitude)
                continue;
            string where = $"{name}: sample {firstFrame + (i / channels)} of channel {i % channels} is {values[i]}";
            throw float.IsFinite(values[i])
                ? new A2FException(A2FErrorCode.OutOfRange, $"{where}, expected about -1 to 1 and at most {MaxMagnitude} in magnitude.")
                : new A2FException(A2FErrorCode.NotFinite, $"{where}, expected a finite number.");
        }
    }

    private static void Average(ReadOnlySpan<float> values, int channels, Span<float> mono)
    {
        if (channels == 1)
        {
            values.CopyTo(mono);
            return;
        }
        for (int frame = 0; frame < mono.Length; frame++)
        {
            double sum = 0;
            foreach (float value in values.Slice(frame * channels, channels))
                sum += value;
            mono[frame] = (float)(sum / channels);
        }
    }
}
