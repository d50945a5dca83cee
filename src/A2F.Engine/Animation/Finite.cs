using System.Numerics;

namespace A2F.Engine.Animation;

/// <summary>Refuses numbers that would poison the state of a track.</summary>
internal static class Finite
{
    /// <summary>
    /// Largest magnitude that the animation stage accepts. Coordinates are centimetres and coefficients are of order 100; products of
    /// two such limits, summed over a model, stay far from overflow, so what passes here can never become infinite or NaN later.
    /// </summary>
    public const float Limit = 1e6f;

    /// <summary>Throws for the first value that is NaN, infinite or beyond <see cref="Limit"/>.</summary>
    public static void Check(ReadOnlySpan<float> values, string what)
    {
        int bad = IndexOfBad(values);
        if (bad >= 0) Refuse(values[bad], $"{what}[{bad}]");
    }

    /// <summary>Throws when the value is NaN, infinite or beyond <see cref="Limit"/>.</summary>
    public static void Check(float value, string what)
    {
        if (!(MathF.Abs(value) <= Limit)) Refuse(value, what);
    }

    /// <summary>Index of the first such value, or -1.</summary>
    public static int IndexOfBad(ReadOnlySpan<float> values)
    {
        Vector<float> limit = new(Limit);
        int i = 0;
        while (i + Vector<float>.Count <= values.Length && Vector.LessThanOrEqualAll(Vector.Abs(new Vector<float>(values[i..])), limit))
            i += Vector<float>.Count;
        for (; i < values.Length; i++)
        {
            if (!(MathF.Abs(values[i]) <= Limit)) return i;
        }
        return -1;
    }

    private static void Refuse(float value, string what) => throw (float.IsFinite(value)
        ? new A2FException(A2FErrorCode.OutOfRange, $"{what}: {value} is beyond {Limit}")
        : new A2FException(A2FErrorCode.NotFinite, $"{what}: {value} is not a number the animation can use"));
}
