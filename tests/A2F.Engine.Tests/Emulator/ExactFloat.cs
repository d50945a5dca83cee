using System.Numerics;

namespace A2F.Engine.Tests.Emulator;

/// <summary>float32 arithmetic in every rounding mode, from integers of any size: nothing here rounds twice.</summary>
internal static class ExactFloat
{
    private const int Least = -149;

    /// <summary>A finite float is this integer times 2^-149.</summary>
    private static BigInteger Units(float v)
    {
        uint bits = BitConverter.SingleToUInt32Bits(v);
        int exponent = (int)(bits >> 23 & 0xFF);
        BigInteger units = (BigInteger)(bits & 0x7FFFFF | (exponent > 0 ? 0x800000u : 0)) << Math.Max(exponent - 1, 0);
        return v < 0 ? -units : units;
    }

    public static float Add(float a, float b, string mode) =>
        !float.IsFinite(a) || !float.IsFinite(b) ? a + b : Sum(Units(a), Units(b), Least, float.IsNegative(a), float.IsNegative(b), mode);

    public static float Multiply(float a, float b, string mode) =>
        !float.IsFinite(a) || !float.IsFinite(b) ? a * b
            : Rounded(Units(a) * Units(b), 2 * Least, false, float.IsNegative(a) != float.IsNegative(b), mode);

    public static float Fma(float a, float b, float c, string mode)
    {
        if (!float.IsFinite(a) || !float.IsFinite(b) || !float.IsFinite(c)) return MathF.FusedMultiplyAdd(a, b, c);
        return Sum(Units(a) * Units(b), Units(c) << -Least, 2 * Least, float.IsNegative(a) != float.IsNegative(b), float.IsNegative(c),
            mode);
    }

    public static float Divide(float a, float b, string mode)
    {
        if (!float.IsFinite(a) || !float.IsFinite(b) || b == 0) return a / b;
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(Units(a)) << 400, BigInteger.Abs(Units(b)), out BigInteger rest);
        bool negative = float.IsNegative(a) != float.IsNegative(b);
        return Rounded(negative ? -quotient : quotient, -400, !rest.IsZero, negative, mode);
    }

    public static float Root(float a, string mode)
    {
        if (!(a > 0) || float.IsInfinity(a)) return MathF.Sqrt(a);
        // One bit more makes the exponent even; 100 more leave room below the last place.
        BigInteger square = Units(a) << 201, root = BigInteger.One << (int)(square.GetBitLength() / 2 + 1);
        for (BigInteger next = (root + square / root) / 2; next < root; next = (root + square / root) / 2) root = next;
        return Rounded(root, (Least - 201) / 2, root * root != square, false, mode);
    }

    private static float Sum(BigInteger a, BigInteger b, int exponent, bool negativeA, bool negativeB, string mode)
    {
        BigInteger sum = a + b;
        // A sum of zeros of one sign keeps it; any other exact zero is +0, and -0 when rounding down.
        bool negative = sum.IsZero ? negativeA == negativeB ? negativeA : mode == "rm" : sum.Sign < 0;
        return Rounded(sum, exponent, false, negative, mode);
    }

    /// <summary>value times 2^exponent, where <paramref name="more"/> says that its magnitude is a little larger.</summary>
    private static float Rounded(BigInteger value, int exponent, bool more, bool negative, string mode)
    {
        BigInteger size = BigInteger.Abs(value), half;
        int drop = Math.Max((int)size.GetBitLength() - 24, Least - exponent);
        BigInteger kept = drop > 0 ? size >> drop : size << -drop, rest = drop > 0 ? size - (kept << drop) : 0;
        half = drop > 0 ? BigInteger.One << (drop - 1) : 1;
        bool inexact = more || !rest.IsZero;
        bool away = mode switch
        {
            "rz" => false,
            "rm" => negative && inexact,
            "rp" => !negative && inexact,
            _ => rest > half || (rest == half && drop > 0 && (more || !kept.IsEven)),
        };
        double result = Math.ScaleB((double)(kept + (away ? 1 : 0)), exponent + drop);
        if (result > float.MaxValue)
            result = mode == "rn" || mode == (negative ? "rm" : "rp") ? double.PositiveInfinity : float.MaxValue;
        return (float)(negative ? -result : result);
    }
}
