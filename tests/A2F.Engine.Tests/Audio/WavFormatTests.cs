using A2F.Engine.Audio;
using Xunit;
using static A2F.Engine.Tests.Audio.WavBytes;

namespace A2F.Engine.Tests.Audio;

/// <summary>Every sample coding, against values written down from the formats' definitions.</summary>
public sealed class WavFormatTests
{
    private const int Pcm = 1;
    private const int Float = 3;
    private const int ALaw = 6;
    private const int MuLaw = 7;

    [Fact]
    public void Eight_bit_pcm_is_unsigned_round_128() =>
        Assert.Equal([-1f, 0f, 0.5f, 127 / 128f], Decode(Simple(Pcm, 1, 16000, 8, [0, 128, 192, 255])));

    [Fact]
    public void Sixteen_bit_pcm_is_signed_little_endian() =>
        Assert.Equal([-1f, 1 / 32768f, 0.5f, -1 / 32768f],
            Decode(Simple(Pcm, 1, 16000, 16, [0x00, 0x80, 0x01, 0x00, 0x00, 0x40, 0xFF, 0xFF])));

    [Fact]
    public void Twenty_four_bit_pcm_is_signed_little_endian() =>
        Assert.Equal([-1f, 1 / 8388608f, 0.5f, -1 / 8388608f],
            Decode(Simple(Pcm, 1, 16000, 24, [0, 0, 0x80, 1, 0, 0, 0, 0, 0x40, 0xFF, 0xFF, 0xFF])));

    [Fact]
    public void Thirty_two_bit_pcm_is_signed_little_endian() =>
        Assert.Equal([-1f, 0.5f, -1 / 2147483648f],
            Decode(Simple(Pcm, 1, 16000, 32, [0, 0, 0, 0x80, 0, 0, 0, 0x40, 0xFF, 0xFF, 0xFF, 0xFF])));

    [Fact]
    public void Bits_that_are_no_whole_byte_sit_in_the_high_end_of_their_container() =>
        Assert.Equal([0.5f], Decode(Simple(Pcm, 1, 16000, 12, [0x00, 0x40])));

    [Fact]
    public void Float_samples_come_through_exactly_even_beyond_one()
    {
        float[] values = [0.1f, -1.75f, 1e-30f];
        Assert.Equal(values, Decode(Simple(Float, 1, 16000, 32, [.. values.SelectMany(BitConverter.GetBytes)])));
        double[] wide = [0.1, -1.75, 1e-300];
        Assert.Equal(wide.Select(v => (float)v), Decode(Simple(Float, 1, 16000, 64, [.. wide.SelectMany(BitConverter.GetBytes)])));
    }

    [Fact]
    public void Every_a_law_code_decodes_as_g711_defines_it()
    {
        byte[] codes = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        float[] decoded = Decode(Simple(ALaw, 1, 8000, 8, codes));
        for (int code = 0; code < 256; code++)
        {
            // G.711 table 1: the character signal has its even bits inverted; then come sign, segment and step. In units of 1/4096,
            // segment s > 0 starts at 32 * 2^(s-1) with steps of 2^s, segment 0 at 0 with steps of 2; the middle of a step is meant.
            int plain = code ^ 0b0101_0101;
            int segment = (plain / 16) % 8;
            int step = plain % 16;
            double width = segment < 2 ? 2 : Math.Pow(2, segment);
            double start = segment == 0 ? 0 : 32 * Math.Pow(2, segment - 1);
            double magnitude = (start + ((step + 0.5) * width)) / 4096;
            AssertSample(code, plain >= 128 ? magnitude : -magnitude, decoded[code]);
        }
    }

    [Fact]
    public void Every_mu_law_code_decodes_as_g711_defines_it()
    {
        byte[] codes = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        float[] decoded = Decode(Simple(MuLaw, 1, 8000, 8, codes));
        for (int code = 0; code < 256; code++)
        {
            // G.711 table 2: the character signal is inverted; segment s starts at 33 * (2^s - 1) with steps of 2^(s+1), in 1/8192.
            int plain = 255 - code;
            int segment = (plain / 16) % 8;
            double magnitude = ((33 * (Math.Pow(2, segment) - 1)) + ((plain % 16) * Math.Pow(2, segment + 1))) / 8192;
            AssertSample(code, plain < 128 ? magnitude : -magnitude, decoded[code]);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1024)]
    public void Channels_are_averaged(int channels)
    {
        byte[] data = [.. Enumerable.Range(0, 2 * channels).SelectMany(i => U16((i % channels) * 16))];
        float expected = (channels - 1) / 2f * 16 / 32768;
        Assert.Equal([expected, expected], Decode(Simple(Pcm, channels, 16000, 16, data)));
    }

    [Fact]
    public void An_extensible_format_is_read_by_its_sub_format()
    {
        byte[] data = [0, 0, 0, 0x40, 0, 0, 0, 0xC0];
        Assert.Equal([0.5f, -0.5f], Decode(Riff(Extensible(Pcm, 1, 48000, 32, 24), Chunk("data", data))));
        byte[] floats = [.. BitConverter.GetBytes(0.25f), .. BitConverter.GetBytes(-0.75f)];
        Assert.Equal([-0.25f], Decode(Riff(Extensible(Float, 2, 48000, 32, 32), Chunk("data", floats))));
        Assert.Equal([8 / 32768f], Decode(Riff(Extensible(ALaw, 1, 8000, 8, 8), Chunk("data", [0xD5]))));
        Assert.Equal([0.5f], Decode(Riff(Extensible(Pcm, 1, 8000, 16, 0), Chunk("data", [0, 0x40]))));
    }

    [Fact]
    public void A_big_endian_file_is_read()
    {
        byte[] format = [0, 1, 0, 2, 0, 0, 0x3E, 0x80, 0, 0, 0xFA, 0, 0, 4, 0, 16];
        byte[] file = [.. "RIFX"u8, 0, 0, 0, 40, .. "WAVEfmt "u8, 0, 0, 0, 16, .. format, .. "data"u8, 0, 0, 0, 4, 0x40, 0, 0x20, 0];
        Assert.Equal([0.375f], Decode(file));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_sample_that_is_no_number_is_refused_with_its_place(float wrong)
    {
        float[] values = new float[40000];
        values[30003] = wrong;
        byte[] data = [.. values.SelectMany(BitConverter.GetBytes)];
        Refused(Simple(Float, 2, 16000, 32, data), A2FErrorCode.NotFinite, "sample 15001 of channel 1", wrong.ToString());
    }

    [Fact]
    public void An_absurdly_loud_sample_is_refused()
    {
        Refused(Simple(Float, 1, 16000, 32, BitConverter.GetBytes(-1e20f)), A2FErrorCode.OutOfRange, "sample 0 of channel 0");
        Refused(Simple(Float, 1, 16000, 64, BitConverter.GetBytes(1e300)), A2FErrorCode.NotFinite, "sample 0 of channel 0");
    }

    [Theory]
    [InlineData(WavSampleKind.Pcm16, 1 / 65536f)]
    [InlineData(WavSampleKind.Float32, 0f)]
    public void What_the_writer_writes_is_read_back(object kind, float tolerance)
    {
        float[] samples = [.. Enumerable.Range(0, 50_000).Select(i => MathF.Sin(i * 0.1f) * 0.9f)];
        using MemoryStream stream = new();
        WavWriter.Write(stream, samples, 22050, 1, (WavSampleKind)kind);
        WavHeader header = WavReader.ReadHeader(stream, "written");
        Assert.Equal((22050, 1), (header.SampleRate, header.Channels));
        float[] read = WavDecoder.ReadMono(stream, header, "written");
        Assert.Equal(samples.Length, read.Length);
        int worst = Enumerable.Range(0, read.Length).MaxBy(i => Math.Abs(read[i] - samples[i]));
        Assert.True(Math.Abs(read[worst] - samples[worst]) <= tolerance, $"[{worst}]: wrote {samples[worst]}, read {read[worst]}");
    }

    [Fact]
    public void The_writer_clips_integers_at_full_scale()
    {
        using MemoryStream stream = new();
        WavWriter.Write(stream, [2f, -2f], 16000, 1, WavSampleKind.Pcm16);
        Assert.Equal([32767 / 32768f, -1f], Decode(stream.ToArray()));
    }

    private static void AssertSample(int code, double expected, float actual) =>
        Assert.True(expected == actual, $"code {code}: expected {expected}, found {actual}");
}
