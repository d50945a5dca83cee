namespace A2F.Engine.Audio;

/// <summary>How one sample of a WAV file is coded.</summary>
internal enum WavEncoding
{
    /// <summary>A well-formed WAV file whose codec (ADPCM, MP3, ...) this reader does not decode.</summary>
    Unsupported,

    /// <summary>Integers: unsigned in one byte, else signed; the value sits in the high bits of its container.</summary>
    Pcm,

    /// <summary>IEEE floats of 32 or 64 bits.</summary>
    Float,

    /// <summary>ITU-T G.711 A-law, 8 bits.</summary>
    ALaw,

    /// <summary>ITU-T G.711 mu-law, 8 bits.</summary>
    MuLaw,
}

/// <summary>What the chunks of a WAV file say about its audio, already checked against each other and the file's length.</summary>
/// <param name="Encoding">How samples are coded.</param>
/// <param name="FormatTag">The format tag as stored (of the sub-format where the file has one), for messages.</param>
/// <param name="Channels">Interleaved channels, 1 to <see cref="MaxChannels"/>.</param>
/// <param name="SampleRate">Frames a second.</param>
/// <param name="Bits">Bits that carry the value, as the file states them.</param>
/// <param name="BlockAlign">Bytes of a frame: one sample of every channel.</param>
/// <param name="BigEndian">Multi-byte values come high byte first (RIFX).</param>
/// <param name="DataOffset">Where the first frame starts in the file.</param>
/// <param name="Frames">Whole frames that the file really holds.</param>
internal sealed record WavHeader(
    WavEncoding Encoding, int FormatTag, int Channels, int SampleRate, int Bits, int BlockAlign, bool BigEndian,
    long DataOffset, long Frames)
{
    public const int MaxChannels = 1024;

    public int BytesPerSample => BlockAlign / Channels;

    /// <summary>For people: "WAV, 16-bit PCM".</summary>
    public string Description => Encoding switch
    {
        WavEncoding.Pcm => $"WAV, {Bits}-bit PCM",
        WavEncoding.Float => $"WAV, {Bits}-bit float",
        WavEncoding.ALaw => "WAV, A-law",
        WavEncoding.MuLaw => "WAV, mu-law",
        _ => $"WAV, format tag 0x{FormatTag:X4}",
    };
}
