using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>What recurrent layers, attention and noise promise beyond agreement with the CPU: bits.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaSequenceTests
{
    [NvrtcTheory]
    [MemberData(nameof(CudaOperatorTests.Targets), MemberType = typeof(CudaOperatorTests))]
    public void Bits_of_a_gru_item_depend_neither_on_the_batch_nor_on_its_place(string target, Precision precision)
    {
        const int Items = 6, Steps = 5;
        using CudaOperators ops = CudaTarget.Of(target).Operators(precision);
        foreach (int channels in new[] { 24, 70 })
        {
            (Tensor y, Tensor state) = CudaSequenceCases.Gru(ops, 0, Items, Steps, channels);
            for (int item = 0; item < Items; item++)
            {
                (Tensor alone, Tensor aloneState) = CudaSequenceCases.Gru(ops, item, 1, Steps, channels);
                Assert.Equal(OperatorCase.Download(ops, alone), OperatorCase.Download(ops, y.Item(item)));
                Assert.Equal(OperatorCase.Download(ops, aloneState), OperatorCase.Download(ops, state.Item(item)));
            }
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(CudaOperatorTests.Targets), MemberType = typeof(CudaOperatorTests))]
    public void Bits_of_attention_do_not_depend_on_the_batch(string target, Precision precision)
    {
        const int Items = 3, Steps = 70, Heads = 2, Size = 12, Columns = 3 * Heads * Size;
        using CudaOperators ops = CudaTarget.Of(target).Operators(precision);
        Tensor qkv = OperatorCase.Upload(ops, CudaCases.Halves(Items * Steps * Columns, 1), Items, Steps, Columns);
        Tensor together = ops.Allocate(Items, Steps, Heads * Size), alone = ops.Allocate(1, Steps, Heads * Size);
        ops.Attention(qkv, Heads, together);
        for (int item = 0; item < Items; item++)
        {
            ops.Attention(qkv.Item(item), Heads, alone);
            Assert.Equal(OperatorCase.Download(ops, alone), OperatorCase.Download(ops, together.Item(item)));
        }
    }

    /// <summary>The kernels take as many slices into shared memory as the architecture has room for: the bits stay.</summary>
    [NvrtcTheory]
    [InlineData(Precision.Float16)]
    [InlineData(Precision.Float32)]
    public void Bits_of_a_gru_do_not_depend_on_what_fits_in_shared_memory(Precision precision)
    {
        float[][] results =
        [
            .. new[] { "sm_80", "sm_86", "sm_90" }.Select(architecture =>
            {
                using CudaOperators ops = CudaTarget.Of(architecture).Operators(precision);
                return OperatorCase.Download(ops, CudaSequenceCases.Gru(ops, 0, 2, 2, 256).Y);
            }),
        ];
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [NvrtcTheory]
    [InlineData("sm_75")]
    [InlineData("sm_90")]
    public void Noise_has_the_bits_of_the_cpu(string target)
    {
        using CudaOperators ops = CudaTarget.Of(target).Operators(Precision.Float32);
        foreach ((NoiseRange range, int rows, int columns) in CudaSequenceCases.NoiseRanges)
        {
            float[] actual = OperatorCase.Download(ops, CudaSequenceCases.Noise(ops, range, rows, columns)), expected = new float[columns];
            for (int row = 0; row < 2 * rows; row++)
            {
                (ulong seed, ulong window) = row < rows ? (0x89ABCDEF01234567ul, 0xFFFFFFFF00000007ul) : (0x1FFFFFFFFul, 0x280000000ul);
                NormalNoise.Fill(seed, window, range.First(row % rows), expected);
                Assert.Equal(
                    Array.ConvertAll(expected, BitConverter.SingleToInt32Bits),
                    Array.ConvertAll(actual[(row * columns)..((row + 1) * columns)], BitConverter.SingleToInt32Bits));
            }
        }
    }

    [Fact]
    public void A_gru_keeps_what_fits_on_the_multiprocessor()
    {
        GruShape half = new(256, ElementType.Float16), single = new(256, ElementType.Float32);
        Assert.Equal([2, 6, 3, 3, 9], new[] { 75, 80, 86, 89, 90 }.Select(half.Resident));
        Assert.Equal([18, 51, 30, 30, 73], new[] { 75, 80, 86, 89, 90 }.Select(single.Resident));
        Assert.Equal(0, new GruShape(24, ElementType.Float16).Resident(75));
    }
}
