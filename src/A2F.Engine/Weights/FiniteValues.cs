using System.Numerics;

namespace A2F.Engine.Weights;

/// <summary>Finds values that are no numbers.</summary>
internal static class FiniteValues
{
    /// <summary>Index of the first NaN or infinity, or -1.</summary>
    public static int IndexOfBad(ReadOnlySpan<float> values)
    {
        Vector<float> largest = new(float.MaxValue);
        int i = 0;
        while (i + Vector<float>.Count <= values.Length && Vector.LessThanOrEqualAll(Vector.Abs(new Vector<float>(values[i..])), largest))
            i += Vector<float>.Count;
        for (; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i])) return i;
        }
        return -1;
    }

    /// <summary>Throws for the first NaN or infinity.</summary>
    /// <exception cref="A2FException">With <paramref name="what"/>, the index and the value.</exception>
    public static void Check(ReadOnlySpan<float> values, string what)
    {
        int bad = IndexOfBad(values);
        if (bad >= 0)
        {
            throw new A2FException(A2FErrorCode.NotFinite,
                $"{what}: expected finite numbers, found {values[bad]} at index {bad} of {values.Length}");
        }
    }
}
