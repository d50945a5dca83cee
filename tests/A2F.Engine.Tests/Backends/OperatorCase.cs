using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using Xunit;

namespace A2F.Engine.Tests.Backends;

/// <summary>Inputs, instruction sets and comparisons that the operator tests share.</summary>
internal static class OperatorCase
{
    /// <summary>Every kernel family that this machine can run, with one and with three threads.</summary>
    public static TheoryData<CpuInstructionSet, int> Backends()
    {
        TheoryData<CpuInstructionSet, int> data = [];
        foreach (CpuInstructionSet set in Enum.GetValues<CpuInstructionSet>())
        {
            if (set > GemmKernels.Best) continue;
            data.Add(set, 1);
            data.Add(set, 3);
        }
        return data;
    }

    /// <summary>Uniform in [-1, 1).</summary>
    public static float[] Random(int count, int seed)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = random.NextSingle() * 2 - 1;
        return values;
    }

    /// <summary>Fails with the worst element when any differs by more than <paramref name="tolerance"/> times the largest expected value.</summary>
    public static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = 1e-30, worst = -1;
        int index = 0;
        foreach (double e in expected) scale = Math.Max(scale, Math.Abs(e));
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs(expected[i] - actual[i]);
            if (difference <= worst) continue; // false for NaN, which then is the worst
            (worst, index) = (difference, i);
            if (double.IsNaN(difference)) break;
        }
        Assert.True(worst <= tolerance * scale,
            $"{what}: element {index}: expected {expected[index]:R}, found {actual[index]:R}, difference {worst / scale:E2} of scale {scale:E2}");
    }

    /// <summary>A tensor with the given values, with <paramref name="padding"/> zero rows before and after each item.</summary>
    public static Tensor Upload(OperatorSet ops, float[] values, int items, int rows, int columns, int padding = 0)
    {
        Tensor inner = ops.Allocate(items, rows + 2 * padding, columns).RowRange(padding, rows);
        ops.Write(inner, values);
        return inner;
    }

    /// <summary>A float32 tensor with the given values.</summary>
    public static Tensor UploadFloat32(OperatorSet ops, float[] values, int items, int rows, int columns)
    {
        Tensor tensor = ops.AllocateFloat32(items, rows, columns);
        ops.Write(tensor, values);
        return tensor;
    }

    /// <summary>The values of a tensor, item by item.</summary>
    public static float[] Download(OperatorSet ops, Tensor tensor)
    {
        float[] values = new float[tensor.Items * tensor.Rows * tensor.Columns];
        ops.Read(tensor, values);
        return values;
    }
}
