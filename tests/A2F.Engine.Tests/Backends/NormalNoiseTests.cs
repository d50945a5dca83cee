using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using Xunit;

namespace A2F.Engine.Tests.Backends;

public sealed class NormalNoiseTests
{
    // Published answers of philox4x32-10 (Random123's known-answer tests).
    [Theory]
    [InlineData(0x00000000_00000000ul, 0x00000000_00000000ul, 0x00000000_00000000ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffff_fffffffful, 0xffffffff_fffffffful, 0xffffffff_fffffffful, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x299f31d0_a4093822ul, 0x03707344_13198a2eul, 0x85a308d3_243f6a88ul, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Words_are_those_of_philox(ulong seed, ulong window, ulong block, uint x, uint y, uint z, uint w) =>
        Assert.Equal((x, y, z, w), NormalNoise.Words(seed, window, block));

    [Fact]
    public void A_number_depends_on_its_position_only()
    {
        float[] all = new float[1000];
        NormalNoise.Fill(7, 3, 0, all);
        foreach ((int first, int count) in new[] { (0, 1), (1, 1), (3, 2), (5, 100), (31, 33), (32, 32), (997, 3), (500, 0) })
        {
            float[] part = new float[count];
            NormalNoise.Fill(7, 3, first, part);
            Assert.Equal(all[first..(first + count)], part);
        }
        float[] other = new float[1000];
        NormalNoise.Fill(8, 3, 0, other);
        Assert.NotEqual(all, other);
        NormalNoise.Fill(7, 4, 0, other);
        Assert.NotEqual(all, other);
    }

    [Fact]
    public void Counters_beyond_32_bits_carry()
    {
        float[] across = new float[64], after = new float[32];
        NormalNoise.Fill(1, 0, (1L << 34) - 32, across); // block 2^32 - 8 onwards
        NormalNoise.Fill(1, 0, 1L << 34, after);
        Assert.Equal(after, across[32..]);
        NormalNoise.Fill(1, 0, (1L << 34) - 4, after); // the carry falls within a batch
        Assert.Equal(after, across[28..60]);
        float[] start = new float[32];
        NormalNoise.Fill(1, 0, 0, start);
        Assert.NotEqual(start, across[32..]);
    }

    [Fact]
    public void Numbers_are_those_of_box_and_muller_in_double_precision()
    {
        float[] actual = new float[40_000];
        NormalNoise.Fill(42, 1, 0, actual);
        for (int block = 0; block < actual.Length / 4; block++)
        {
            (uint x, uint y, uint z, uint w) = NormalNoise.Words(42, 1, (ulong)block);
            foreach ((int pair, uint a, uint b) in new[] { (0, x, y), (2, z, w) })
            {
                double radius = Math.Sqrt(-2 * Math.Log((float)(((a >> 8) + 0.5) / (1 << 24))));
                double angle = (b >> 30) * Math.PI / 2 + ((b << 2 >> 8) / (double)(1 << 24) - 0.5) * Math.PI / 2;
                Assert.Equal(radius * Math.Cos(angle), actual[4 * block + pair], 2e-6);
                Assert.Equal(radius * Math.Sin(angle), actual[4 * block + pair + 1], 2e-6);
            }
        }
    }

    [Fact]
    public void Numbers_are_normally_distributed()
    {
        const int Count = 4_000_000;
        float[] values = new float[Count];
        NormalNoise.Fill(123, 0, 0, values);
        double mean = values.Average(v => (double)v), m2 = 0, m3 = 0, m4 = 0, neighbours = 0;
        foreach (float v in values) (m2, m3, m4) = (m2 + v * v, m3 + (double)v * v * v, m4 + (double)v * v * v * v);
        for (int i = 1; i < Count; i++) neighbours += values[i] * values[i - 1];
        Assert.Equal(0, mean, 5 / Math.Sqrt(Count));
        Assert.Equal(1, m2 / Count, 5 * Math.Sqrt(2.0 / Count));
        Assert.Equal(0, m3 / Count, 5 * Math.Sqrt(15.0 / Count));
        Assert.Equal(3, m4 / Count, 5 * Math.Sqrt(96.0 / Count));
        Assert.Equal(0, neighbours / Count, 5 / Math.Sqrt(Count));
        // Kolmogorov and Smirnov: the largest distance between the distributions, at one in a million.
        Array.Sort(values);
        double distance = 0;
        for (int i = 0; i < Count; i += 97) distance = Math.Max(distance, Math.Abs(0.5 * ReferenceMath.Erfc(-values[i] / Math.Sqrt(2)) - (i + 0.5) / Count));
        Assert.InRange(distance, 0, 2.7 / Math.Sqrt(Count));
    }

    [Fact]
    public void The_operator_fills_each_item_from_its_own_seed()
    {
        using CpuOperators ops = new(threads: 2);
        Tensor seeds = ops.AllocateFloat32(2, 1, 4), y = ops.Allocate(2, 3, 5);
        uint[] words = [5, 0, 0, 0, 6, 1, 2, 0];
        ops.Write(seeds, Array.ConvertAll(words, BitConverter.UInt32BitsToSingle));
        ops.Normal(seeds, new NoiseRange(Slice: 1, Frames: 10, FirstFrame: 4, Channels: 11, FirstChannel: 6), y);
        float[] actual = OperatorCase.Download(ops, y), row = new float[5];
        for (int item = 0; item < 2; item++)
        {
            for (int t = 0; t < 3; t++)
            {
                NormalNoise.Fill(item == 0 ? 5ul : 6ul + (1ul << 32), item == 0 ? 0ul : 2ul, (10 + 4 + t) * 11 + 6, row);
                Assert.Equal(row, actual[((item * 3 + t) * 5)..((item * 3 + t) * 5 + 5)]);
            }
        }
        ops.VerifyGuards();
    }
}
