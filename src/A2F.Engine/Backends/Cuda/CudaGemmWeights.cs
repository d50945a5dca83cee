using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// B of a GEMM in device memory: [group][taps * PaddedInputs][Pitch], zeros where padded, and the bias [groups * outputs] in float32.
/// </summary>
internal sealed class CudaGemmWeights : GemmWeights
{
    internal required ulong Matrix { get; init; }

    internal required ulong Bias { get; init; }

    /// <summary>What the matrix holds; x is of the same type.</summary>
    internal required ElementType Type { get; init; }

    /// <summary>Inputs of a tap, with zero rows that meet the padding of x.</summary>
    internal required int PaddedInputs { get; init; }

    /// <summary>Elements of a row of the matrix.</summary>
    internal required int Pitch { get; init; }

    /// <summary>Whether cuBLAS computes this layer where it can.</summary>
    internal bool UseCublas { get; set; }

    internal int Depth => Taps * PaddedInputs;

    internal long MatrixBytes => (long)Groups * Depth * Pitch * (int)Type;

    /// <summary>
    /// Parts of the depth that a layer with a norm sums apart, so that it keeps a GPU busy when there is one window. It follows from the layer
    /// alone, or a result would depend on the batch.
    /// </summary>
    internal int Splits => Math.Clamp(Depth / 768, 1, 4);

    /// <summary>Lays [taps, inputs, groups * outputs] out as the kernels read it.</summary>
    /// <exception cref="A2FException">A weight is beyond what half precision holds.</exception>
    internal static byte[] Layout(
        ReadOnlySpan<float> weights, int taps, int inputs, int outputs, int groups, int paddedInputs, int pitch, ElementType type)
    {
        byte[] bytes = new byte[(long)groups * taps * paddedInputs * pitch * (int)type];
        Span<float> singles = MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
        Span<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes.AsSpan());
        for (int group = 0; group < groups; group++)
        {
            for (int k = 0; k < taps * inputs; k++)
            {
                ReadOnlySpan<float> source = weights.Slice((k * groups + group) * outputs, outputs);
                int at = ((group * taps + k / inputs) * paddedInputs + k % inputs) * pitch;
                if (type == ElementType.Float32) source.CopyTo(singles[at..]);
                else Convert(source, halves.Slice(at, outputs));
            }
        }
        return bytes;
    }

    private static void Convert(ReadOnlySpan<float> source, Span<Half> target)
    {
        for (int i = 0; i < source.Length; i++) target[i] = ToHalf(source[i]);
    }

    /// <summary>A weight in half precision.</summary>
    /// <exception cref="A2FException">It is beyond that.</exception>
    internal static Half ToHalf(float weight)
    {
        const float LargestHalf = 65504;
        if (Math.Abs(weight) <= LargestHalf || float.IsNaN(weight)) return (Half)weight;
        throw new A2FException(A2FErrorCode.InvalidModel, $"a weight of {weight} is beyond half precision (65504); run this model in fp32");
    }
}
