using A2F.Engine.Audio;
using Xunit;
using static A2F.Engine.Tests.Audio.WavBytes;

namespace A2F.Engine.Tests.Audio;

/// <summary>Chunks in every order and state of health.</summary>
public sealed class WavContainerTests
{
    private static readonly byte[] Mono16 = Format(1, 1, 16000, 16);
    private static readonly byte[] Half = [0x00, 0x40, 0x00, 0xC0];
    private static readonly float[] HalfValues = [0.5f, -0.5f];

    [Fact]
    public void Unknown_chunks_of_odd_size_are_stepped_over_before_between_and_after()
    {
        byte[] odd = Chunk("JUNK", [1, 2, 3]);
        byte[] list = Chunk("LIST", "INFOISFT\u0005\0\0\0name\0"u8);
        Assert.Equal(HalfValues, Decode(Riff(odd, Mono16, list, odd, Chunk("data", Half), list, odd)));
    }

    [Fact]
    public void Audio_before_its_format_is_read() => Assert.Equal(HalfValues, Decode(Riff(Chunk("data", Half), Mono16)));

    [Fact]
    public void A_format_chunk_with_extra_bytes_is_read()
    {
        byte[] longer = Chunk("fmt ", [.. Mono16[8..], 0, 0]);
        Assert.Equal(HalfValues, Decode(Riff(longer, Chunk("data", Half))));
    }

    [Fact]
    public void A_cut_data_chunk_gives_its_whole_frames()
    {
        byte[] file = Riff(Mono16, Chunk("data", [.. Half, 0x00], 1000));
        Assert.Equal(HalfValues, Decode(file[..^1]));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(0xFFFFFFFFu)]
    [InlineData(0x7FFFF000u)]
    public void A_streamed_file_without_sizes_is_read_to_its_end(uint placeholder)
    {
        byte[] file = Riff(Mono16, Chunk("data", Half, placeholder));
        U32(placeholder).CopyTo(file, 4);
        Assert.Equal(HalfValues, Decode(file));
    }

    [Fact]
    public void An_empty_data_chunk_of_a_complete_file_does_not_swallow_what_follows() =>
        Assert.Empty(Decode(Riff(Mono16, Chunk("data", []), Chunk("LIST", "INFO"u8))));

    [Theory]
    [InlineData("RF64")]
    [InlineData("BW64")]
    public void A_64_bit_file_takes_its_size_from_the_ds64_chunk(string id)
    {
        byte[] ds64 = Chunk("ds64", [.. U32(100), .. U32(0), .. U32(4), .. U32(0), .. U32(2), .. U32(0), .. U32(0)]);
        byte[] file = Riff(ds64, Mono16, Chunk("data", Half, 0xFFFFFFFF), Chunk("LIST", "INFO"u8));
        System.Text.Encoding.ASCII.GetBytes(id).CopyTo(file, 0);
        U32(0xFFFFFFFF).CopyTo(file, 4);
        Assert.Equal(HalfValues, Decode(file));
    }

    [Fact]
    public void A_ds64_size_beyond_all_bounds_reads_what_is_there()
    {
        byte[] ds64 = Chunk("ds64", [.. Enumerable.Repeat((byte)0xFF, 24), 0, 0, 0, 0]);
        byte[] file = Riff(ds64, Mono16, Chunk("data", Half, 0xFFFFFFFF));
        "RF64"u8.CopyTo(file);
        Assert.Equal(HalfValues, Decode(file));
    }

    [Fact]
    public void Missing_chunks_are_named()
    {
        Refused(Riff(Mono16), A2FErrorCode.InvalidFile, "\"data\"");
        Refused(Riff(Chunk("data", Half)), A2FErrorCode.InvalidFile, "\"fmt \"");
        Refused(Riff(Chunk("fmt ", new byte[14]), Chunk("data", Half)), A2FErrorCode.InvalidFile, "14 bytes", "16");
    }

    [Fact]
    public void Format_fields_that_contradict_each_other_are_refused_with_both_sides()
    {
        RefusedFormat(Format(1, 2, 16000, 16, 2), "block align of 2", "expected 4");
        RefusedFormat(Format(1, 1, 16000, 16, 0), "block align of 0", "expected 2");
        RefusedFormat(Format(1, 0, 16000, 16), "0 channels", "1 to 1024");
        RefusedFormat(Format(1, 1025, 16000, 8), "1025 channels");
        RefusedFormat(Format(1, 1, 999, 16), "999 samples a second", "1000 to 768000");
        RefusedFormat(Format(1, 1, 768_001, 16), "768001");
        RefusedFormat(Format(1, 1, -1, 16), "4294967295");
        RefusedFormat(Format(1, 1, 16000, 0), "0 bits", "1 to 32");
        RefusedFormat(Format(1, 1, 16000, 64), "64 bits");
        RefusedFormat(Format(3, 1, 16000, 16), "16 bits", "32 or 64");
        RefusedFormat(Format(6, 1, 16000, 16), "16 bits", "expected 8");
        RefusedFormat(Extensible(1, 1, 16000, 16, 24), "24 valid bits", "16 bits");
        RefusedFormat(Chunk("fmt ", [.. Format(0xFFFE, 1, 16000, 16)[8..], 22, 0]), "18 bytes", "40");
    }

    [Fact]
    public void A_file_of_endless_chunks_is_refused()
    {
        byte[] empty = Chunk("junk", []);
        byte[] file = Riff([.. Enumerable.Repeat(empty, 20_000), Mono16, Chunk("data", Half)]);
        Refused(file, A2FErrorCode.InvalidFile, "10000 chunks");
    }

    [Fact]
    public void Truncation_at_every_byte_gives_a_shorter_clip_or_the_librarys_error()
    {
        byte[] ds64 = Chunk("ds64", [.. U32(100), .. U32(0), .. U32(4), .. U32(0), .. U32(2), .. U32(0), .. U32(0)]);
        byte[] rf64 = Riff(ds64, Mono16, Chunk("data", Half, 0xFFFFFFFF));
        "RF64"u8.CopyTo(rf64);
        byte[] plain = Riff(Chunk("LIST", [1, 2, 3]), Extensible(1, 1, 44100, 16, 16), Chunk("data", Half));
        foreach (byte[] file in new[] { rf64, plain })
        {
            for (int length = 0; length < file.Length; length++)
            {
                float[]? samples = DecodeOrRefuse(file[..length]);
                int expected = length >= file.Length - Half.Length ? (length - (file.Length - Half.Length)) / 2 : -1;
                Assert.True(expected == (samples?.Length ?? -1), $"cut at {length}: expected {expected}, found {samples?.Length ?? -1}");
            }
        }
    }

    [Fact]
    public void Flipped_bits_give_a_finite_clip_or_the_librarys_error()
    {
        byte[] data = [.. Enumerable.Range(0, 8).SelectMany(i => BitConverter.GetBytes(i / 8f))];
        byte[] file = Riff(Chunk("LIST", [1, 2, 3]), Extensible(3, 2, 44100, 32, 32), Chunk("data", data), Chunk("LIST", [1, 2]));
        Random random = new(5);
        int clips = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] broken = [.. file];
            for (int flips = random.Next(1, 5); flips > 0; flips--)
                broken[random.Next(broken.Length)] ^= (byte)(1 << random.Next(8));
            float[]? samples = DecodeOrRefuse(broken);
            Assert.True(samples is null || (samples.Length <= broken.Length && samples.All(float.IsFinite)), $"round {round}");
            clips += samples is { Length: > 0 } ? 1 : 0;
        }
        Assert.InRange(clips, 1000, 19_000);
    }

    private static float[]? DecodeOrRefuse(byte[] file)
    {
        try
        {
            using MemoryStream stream = new(file);
            WavHeader header = WavReader.ReadHeader(stream, "test.wav");
            return header.Encoding == WavEncoding.Unsupported ? null : WavDecoder.ReadMono(stream, header, "test.wav");
        }
        catch (A2FException e)
        {
            Assert.NotEqual(A2FErrorCode.Internal, e.Code);
            return null;
        }
    }

    private static void RefusedFormat(byte[] format, params string[] mentions) =>
        Refused(Riff(format, Chunk("data", new byte[64])), A2FErrorCode.InvalidFile, mentions);
}
