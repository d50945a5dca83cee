using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// Recurrent weights in device memory as gru_f16.cu or gru_f32.cu reads them, cut into slices of the depth, and the bias in float32. How many
/// slices stay in registers follows from the channels alone.
/// </summary>
internal sealed class CudaGruWeights : GruWeights
{
    private const int MatrixSide = 16, MatrixElements = MatrixSide * MatrixSide, Gates = 3;

    internal required ulong Matrix { get; init; }

    internal required ulong Bias { get; init; }

    internal required GruShape Shape { get; init; }

    /// <summary>Lays [channels, 3 * channels] out as the kernels read it.</summary>
    /// <exception cref="A2FException">A weight is beyond what half precision holds.</exception>
    internal static byte[] Layout(ReadOnlySpan<float> weights, GruShape shape)
    {
        byte[] bytes = new byte[shape.MatrixBytes];
        if (shape.Type == ElementType.Float16) LayoutHalves(weights, shape, MemoryMarshal.Cast<byte, Half>(bytes.AsSpan()));
        else LayoutSingles(weights, shape, MemoryMarshal.Cast<byte, float>(bytes.AsSpan()));
        return bytes;
    }

    /// <summary>[slice][tile][gate][lane][8]: what a lane holds of a 16 x 16 matrix A of mma.m16n8k16, channels down, depth across.</summary>
    private static void LayoutHalves(ReadOnlySpan<float> weights, GruShape shape, Span<Half> target)
    {
        int channels = shape.Channels;
        for (int k = 0; k < channels; k++)
        {
            for (int column = 0; column < Gates * channels; column++)
            {
                (int gate, int channel) = Math.DivRem(column, channels);
                (int row, int across) = (channel % MatrixSide, k % MatrixSide);
                int lane = row % 8 * 4 + across % 8 / 2, element = across / 8 * 4 + row / 8 * 2 + across % 2;
                int matrix = (k / MatrixSide * shape.Slices + channel / MatrixSide) * Gates + gate;
                target[matrix * MatrixElements + lane * 8 + element] = CudaGemmWeights.ToHalf(weights[k * Gates * channels + column]);
            }
        }
    }

    /// <summary>[slice][gate][pitch].</summary>
    private static void LayoutSingles(ReadOnlySpan<float> weights, GruShape shape, Span<float> target)
    {
        int channels = shape.Channels, pitch = shape.Tiles * shape.Threads;
        for (int row = 0; row < channels * Gates; row++) weights.Slice(row * channels, channels).CopyTo(target[(row * pitch)..]);
    }
}

/// <summary>How a GRU kernel divides a layer; see gru.cuh.</summary>
/// <param name="Channels">Channels of the state.</param>
/// <param name="Type">What the weights are stored as.</param>
internal readonly record struct GruShape(int Channels, ElementType Type)
{
    /// <summary>Items of a block.</summary>
    internal const int Items = 4;

    private const int MatrixSide = 16, Gates = 3, MostWarps = 16, MostThreads = 256, WarpSize = 32;

    // Slices that fit in the registers of a thread with one tile, with no spill on any architecture.
    private const int KeptHalves = 5, KeptSingles = 40;

    private bool IsHalf => Type == ElementType.Float16;

    /// <summary>Slices of the depth: 16 channels of the state, or one.</summary>
    internal int Slices => IsHalf ? Divide(Channels, MatrixSide) : Channels;

    /// <summary>Threads of a block.</summary>
    internal int Threads => IsHalf ? WarpSize * Math.Min(MostWarps, Slices) : Math.Min(MostThreads, Divide(Channels, WarpSize) * WarpSize);

    /// <summary>How often a warp, or a thread, goes over the depth to have all channels.</summary>
    internal int Tiles => IsHalf ? Divide(Slices, Threads / WarpSize) : Divide(Channels, Threads);

    /// <summary>Slices in registers.</summary>
    internal int Kept => Math.Min(Slices, (IsHalf ? KeptHalves : KeptSingles) / Tiles);

    /// <summary>Bytes of a slice of the weights.</summary>
    internal int SliceBytes => Gates * (IsHalf ? Slices * MatrixSide * MatrixSide : Tiles * Threads) * (int)Type;

    /// <summary>Bytes of the weights.</summary>
    internal long MatrixBytes => (long)Slices * SliceBytes;

    /// <summary>Shared memory for two states of all items.</summary>
    internal int StateBytes => 2 * Items * (IsHalf ? 2 * (MatrixSide * Slices + 8) * sizeof(ushort) : Channels * sizeof(float));

    /// <summary>Slices that fit in shared memory.</summary>
    internal int Resident(int architecture) =>
        Math.Clamp((Occupancy.MostSharedBytes(architecture) - StateBytes) / SliceBytes, 0, Slices - Kept);

    /// <summary>The kernel.</summary>
    internal KernelSpec Kernel => IsHalf
        ? new KernelSpec("gru_f16.cu", "gru_f16", $"HALF=1 CHANNELS={Channels} WARPS={Threads / WarpSize} KEPT={Kept}")
        : new KernelSpec("gru_f32.cu", "gru_f32", $"HALF=0 CHANNELS={Channels} THREADS={Threads} KEPT={Kept}");

    private static int Divide(int count, int each) => (count + each - 1) / each;
}
