namespace A2F.CudaEmulator.Execution;

/// <summary>
/// Rounding to narrow floats. "Odd" results carry a sticky last bit (round to odd), so that a second rounding to at
/// most half the precision is exact.
/// </summary>
internal static class Round
{
    public static float Flush(float v) => Math.Abs(v) < 1.17549435e-38f ? MathF.CopySign(0, v) : v;

    /// <summary>a*b + c where a*b is exact in double.</summary>
    public static double FmaOdd(double a, double b, double c)
    {
        double p = a * b, s = p + c;
        if (!double.IsFinite(s)) return s;
        double back = s - p, error = (p - (s - back)) + (c - back);
        return Odd(s, error);
    }

    public static double DivOdd(double a, double b)
    {
        double q = a / b;
        if (!double.IsFinite(q) || q == 0) return q;
        double rest = Math.FusedMultiplyAdd(-q, b, a);
        return Odd(q, b < 0 ? -rest : rest);
    }

    public static double SqrtOdd(double a)
    {
        double s = Math.Sqrt(a);
        return double.IsFinite(s) && s != 0 ? Odd(s, Math.FusedMultiplyAdd(-s, s, a)) : s;
    }

    private static double Odd(double value, double error)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        if (error == 0 || (bits & 1) != 0) return value;
        if (value == 0) return error;
        return BitConverter.Int64BitsToDouble(bits + (error > 0 == value > 0 ? 1 : -1));
    }

    public static float ToSingleOdd(double v)
    {
        float f = ToSingle(v, Rounding.Zero);
        uint bits = BitConverter.SingleToUInt32Bits(f);
        return f != v && float.IsFinite(f) ? BitConverter.UInt32BitsToSingle(bits | 1) : f;
    }

    public static float ToSingle(double v, Rounding mode)
    {
        float f = (float)v;
        if (mode == Rounding.Nearest || f == v || double.IsNaN(v) || double.IsInfinity(v)) return f;
        return mode switch
        {
            Rounding.Zero => f > v == v > 0 ? Toward(f, 0) : f,
            Rounding.Down => f > v ? MathF.BitDecrement(f) : f,
            _ => f < v ? MathF.BitIncrement(f) : f,
        };

        static float Toward(float x, float _) => x > 0 ? MathF.BitDecrement(x) : MathF.BitIncrement(x);
    }

    public static ushort ToHalf(double v, Rounding mode)
    {
        Half h = (Half)v;
        if (mode != Rounding.Nearest && double.IsFinite(v) && (double)h != v)
        {
            if (mode == Rounding.Zero && Math.Abs((double)h) > Math.Abs(v)) h = v > 0 ? Half.BitDecrement(h) : Half.BitIncrement(h);
            if (mode == Rounding.Down && (double)h > v) h = Half.BitDecrement(h);
            if (mode == Rounding.Up && (double)h < v) h = Half.BitIncrement(h);
        }
        return Half.IsNaN(h) ? (ushort)0x7FFF : BitConverter.HalfToUInt16Bits(h);
    }

    public static float FromBrain(ushort v) => BitConverter.UInt32BitsToSingle((uint)v << 16);

    public static ushort ToBrain(float v, Rounding mode)
    {
        if (float.IsNaN(v)) return 0x7FFF;
        uint bits = BitConverter.SingleToUInt32Bits(v);
        if (mode == Rounding.Zero) return (ushort)(bits >> 16);
        return (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }

    /// <summary>10 mantissa bits, ties away from zero (cvt.rna) or to even.</summary>
    public static uint ToTf32(uint bits, Rounding mode)
    {
        if ((bits & 0x7F800000) == 0x7F800000) return bits;
        uint half = mode switch { Rounding.Zero => 0, Rounding.Nearest => 0xFFF + (bits >> 13 & 1), _ => 0x1000u };
        return (bits + half) & 0xFFFFE000;
    }
}
