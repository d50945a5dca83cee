using A2F.Engine.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda.Kernels;

/// <summary>Values of NVIDIA's occupancy calculator.</summary>
public sealed class OccupancyTests
{
    [Theory]
    [InlineData(75, 256, 32, 0, 4)] // 32 warps
    [InlineData(75, 1024, 64, 0, 1)] // all registers
    [InlineData(75, 128, 64, 16384, 4)] // 64 KiB of shared memory
    [InlineData(75, 32, 16, 0, 16)] // 16 blocks
    [InlineData(80, 256, 32, 0, 8)] // 64 warps
    [InlineData(80, 256, 40, 0, 6)] // 1280 registers a warp: 12 in each quarter
    [InlineData(80, 32, 16, 0, 32)] // 32 blocks
    [InlineData(80, 128, 32, 163 * 1024, 1)] // the most that a block may have
    [InlineData(80, 128, 32, 164 * 1024, 0)]
    [InlineData(86, 256, 32, 0, 6)] // 48 warps
    [InlineData(86, 128, 168, 0, 3)] // 5376 registers a warp: 3 in each quarter
    [InlineData(86, 128, 255, 0, 2)]
    [InlineData(86, 128, 32, 49152, 2)] // 48 KiB and 1 KiB for the system, twice
    [InlineData(86, 128, 32, 50 * 1024, 1)] // 51 KiB, once
    [InlineData(86, 128, 32, 99 * 1024, 1)]
    [InlineData(86, 32, 16, 0, 16)]
    [InlineData(89, 32, 16, 0, 24)]
    [InlineData(90, 128, 128, 0, 4)]
    [InlineData(90, 384, 168, 0, 1)] // 12 warps of 5376 registers
    [InlineData(90, 128, 32, 227 * 1024, 1)]
    [InlineData(90, 1024, 65, 0, 0)] // 2304 registers a warp, 32 warps: more than there are
    [InlineData(90, 1056, 16, 0, 0)]
    public void Blocks_of_a_multiprocessor(int architecture, int threads, int registers, int shared, int expected)
    {
        Occupancy occupancy = Occupancy.Of(architecture, threads, registers, shared)!.Value;
        Assert.Equal(expected, occupancy.Blocks);
        Assert.Equal(expected * ((threads + 31) / 32), occupancy.Warps);
    }

    [Fact]
    public void The_part_of_the_warps_is_a_fraction() => Assert.Equal(0.25, Occupancy.Of(86, 128, 168, 0)!.Value.Part);

    [Fact]
    public void Architectures_with_unknown_limits_have_none() => Assert.Null(Occupancy.Of(999, 128, 32, 0));
}
