using System.Buffers.Binary;

namespace A2F.Engine.Audio;

/// <summary>
/// Reads the chunks of RIFF, RIFX, RF64 and BW64 WAVE files. Tolerant where writers are known to be careless and the audio is
/// still certain (data longer or shorter than stated, streamed files without a size, chunks in any order), strict where a
/// wrong guess would be noise (format fields that contradict each other).
/// </summary>
internal sealed class WavReader
{
    // Real files have a handful; the bound keeps a file of millions of empty chunks from costing a seek each.
    private const int MaxChunks = 10_000;
    private const int FormatBytes = 16;
    private const int ExtensibleBytes = 40;
    private const int TagPcm = 1;
    private const int TagFloat = 3;
    private const int TagALaw = 6;
    private const int TagMuLaw = 7;
    private const int TagExtensible = 0xFFFE;
    private const uint Unknown32 = 0xFFFFFFFF;

    private readonly Stream _stream;
    private readonly string _name;
    private readonly long _length;
    private readonly bool _bigEndian;
    private readonly bool _is64;
    private readonly uint _riffSize;

    private WavReader(Stream stream, string name)
    {
        _stream = stream;
        _name = name;
        _length = stream.Length;
        Span<byte> head = stackalloc byte[12];
        if (ReadAt(0, head) < head.Length)
            throw Bad($"a WAV header takes 12 bytes, the file has {_length}");
        if (!LooksLikeWav(head) || !head[8..].SequenceEqual("WAVE"u8))
            throw Bad("a WAV file starts with RIFF, RIFX, RF64 or BW64, a size and WAVE; this one does not");
        _bigEndian = head.StartsWith("RIFX"u8);
        _is64 = head.StartsWith("RF64"u8) || head.StartsWith("BW64"u8);
        _riffSize = U32(head[4..]);
    }

    /// <summary>
    /// Whether the first bytes of a file claim to be a WAV file. A file cut inside its first 12 bytes still counts, so that its
    /// error speaks of a truncated WAV; other RIFF kinds (AVI, WebP) do not.
    /// </summary>
    public static bool LooksLikeWav(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("RIFF"u8) && !head.StartsWith("RIFX"u8) && !head.StartsWith("RF64"u8) && !head.StartsWith("BW64"u8))
            return false;
        return head.Length < 12 || head[8..12].SequenceEqual("WAVE"u8);
    }

    /// <summary>Finds the format and the audio of a seekable stream; <paramref name="name"/> is for messages.</summary>
    public static WavHeader ReadHeader(Stream stream, string name) => new WavReader(stream, name).Walk();

    private WavHeader Walk()
    {
        byte[]? format = null;
        long dataOffset = -1;
        long dataBytes = 0;
        long data64 = -1;
        long position = 12;
        Span<byte> head = stackalloc byte[8];
        for (int chunk = 0; (format is null || dataOffset < 0) && ReadAt(position, head) == head.Length; chunk++)
        {
            if (chunk == MaxChunks)
                throw Bad($"no format and audio among the first {MaxChunks} chunks");
            long start = position + head.Length;
            long size = U32(head[4..]);
            if (head.StartsWith("ds64"u8) && _is64)
            {
                data64 = ReadDataSize64(start, size);
            }
            else if (head.StartsWith("fmt "u8) && format is null)
            {
                format = ReadFormat(start, size);
            }
            else if (head.StartsWith("data"u8) && dataOffset < 0)
            {
                dataOffset = start;
                dataBytes = DataBytes(size, data64, _length - start);
                size = dataBytes;
            }
            position = start + size + (size & 1);
        }
        if (format is null)
            throw Bad($"no \"fmt \" chunk in its {_length} bytes");
        if (dataOffset < 0)
            throw Bad($"no \"data\" chunk in its {_length} bytes");
        return Interpret(format, dataOffset, dataBytes);
    }

    /// <summary>The audio's bytes: as stated, but never past the end; to the end where a streaming writer left no size.</summary>
    private long DataBytes(long stated, long stated64, long available)
    {
        if (_is64 && stated == Unknown32)
            stated = stated64 > 0 ? stated64 : available;
        // A size of 0 in a file whose RIFF size fits its length is meant: there is no audio, whatever chunks follow.
        bool complete = _riffSize + 8L == _length;
        if (stated == Unknown32 || (stated == 0 && !complete))
            return available;
        return Math.Min(stated, available);
    }

    private long ReadDataSize64(long start, long size)
    {
        Span<byte> sizes = stackalloc byte[16]; // RIFF size, data size
        if (size < sizes.Length || ReadAt(start, sizes) < sizes.Length)
            throw Bad($"its \"ds64\" chunk states {size} bytes, expected at least 28, all inside the file");
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(sizes[8..]);
        return value > long.MaxValue ? long.MaxValue : (long)value;
    }

    private byte[] ReadFormat(long start, long size)
    {
        if (size < FormatBytes)
            throw Bad($"its \"fmt \" chunk has {size} bytes, expected at least {FormatBytes}");
        byte[] format = new byte[Math.Min(size, ExtensibleBytes)];
        int read = ReadAt(start, format);
        if (read < format.Length)
            throw Bad($"the file ends after {read} bytes of its \"fmt \" chunk of {size} bytes");
        return format;
    }

    private WavHeader Interpret(ReadOnlySpan<byte> format, long dataOffset, long dataBytes)
    {
        int tag = U16(format);
        int channels = U16(format[2..]);
        long rate = U32(format[4..]);
        int blockAlign = U16(format[12..]);
        int bits = U16(format[14..]);
        int validBits = bits;
        WavEncoding encoding = EncodingOf(tag);
        if (tag == TagExtensible)
        {
            if (format.Length < ExtensibleBytes)
                throw Bad($"its extensible \"fmt \" chunk has {format.Length} bytes, expected at least {ExtensibleBytes}");
            int stated = U16(format[18..]);
            validBits = stated == 0 ? bits : stated;
            (tag, encoding) = SubFormat(format[24..40], tag);
        }
        if (channels is < 1 or > WavHeader.MaxChannels)
            throw Bad($"it states {channels} channels, expected 1 to {WavHeader.MaxChannels}");
        if (rate is < Resampler.MinRate or > Resampler.MaxRate)
            throw Bad($"it states {rate} samples a second, expected {Resampler.MinRate} to {Resampler.MaxRate}");
        if (encoding == WavEncoding.Unsupported)
            return new WavHeader(encoding, tag, channels, (int)rate, bits, blockAlign, _bigEndian, dataOffset, 0);

        CheckSampleSize(encoding, bits, validBits, channels, blockAlign);
        return new WavHeader(encoding, tag, channels, (int)rate, validBits, blockAlign, _bigEndian, dataOffset, dataBytes / blockAlign);
    }

    private static WavEncoding EncodingOf(int tag) => tag switch
    {
        TagPcm => WavEncoding.Pcm,
        TagFloat => WavEncoding.Float,
        TagALaw => WavEncoding.ALaw,
        TagMuLaw => WavEncoding.MuLaw,
        _ => WavEncoding.Unsupported,
    };

    /// <summary>A sub-format is a format tag in the first field of the GUID xxxxxxxx-0000-0010-8000-00AA00389B71.</summary>
    private (int Tag, WavEncoding Encoding) SubFormat(ReadOnlySpan<byte> guid, int tag)
    {
        Span<byte> base0 = [0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71];
        bool standard = U16(guid[4..]) == 0 && U16(guid[6..]) == 0x10 && guid[8..].SequenceEqual(base0[4..]);
        uint subTag = U32(guid);
        return standard && subTag <= 0xFFFF ? ((int)subTag, EncodingOf((int)subTag)) : (tag, WavEncoding.Unsupported);
    }

    private void CheckSampleSize(WavEncoding encoding, int bits, int validBits, int channels, int blockAlign)
    {
        (bool known, string expected) = encoding switch
        {
            WavEncoding.Pcm => (bits is >= 1 and <= 32, "1 to 32"),
            WavEncoding.Float => (bits is 32 or 64, "32 or 64"),
            _ => (bits == 8, "8"),
        };
        if (!known)
            throw Bad($"it states {bits} bits a sample, expected {expected} for {encoding}");
        if (validBits > bits || (encoding != WavEncoding.Pcm && validBits != bits))
            throw Bad($"it states {validBits} valid bits in samples of {bits} bits");
        int expectedAlign = channels * ((bits + 7) / 8);
        if (blockAlign != expectedAlign)
            throw Bad($"it states a block align of {blockAlign} bytes, expected {expectedAlign} for {channels} channels of {bits} bits");
    }

    private int ReadAt(long position, Span<byte> target)
    {
        if (position >= _length)
            return 0;
        _stream.Position = position;
        return _stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
    }

    private int U16(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private uint U32(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private A2FException Bad(string problem) => new(A2FErrorCode.InvalidFile, $"{_name} is not a readable WAV file: {problem}.");
}
