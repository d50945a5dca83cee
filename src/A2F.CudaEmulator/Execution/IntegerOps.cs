using System.Numerics;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>Operations that exist for every integer type.</summary>
internal interface IIntegerOp
{
    static abstract T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>;
}

internal static unsafe class IntegerOps
{
    public readonly struct Of<TOp, T> : ITernary<T, T, T, T> where TOp : IIntegerOp where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        public static T Do(T a, T b, T c) => TOp.Do(a, b, c);
    }

    /// <summary>The handler of an operation for an integer type, or null where the type is none.</summary>
    public static Handler Pick<TOp>(PtxType type) where TOp : IIntegerOp => type switch
    {
        PtxType.S16 => &Scalar.Ternary<Of<TOp, short>, short, short, short, short>,
        PtxType.U16 or PtxType.B16 => &Scalar.Ternary<Of<TOp, ushort>, ushort, ushort, ushort, ushort>,
        PtxType.S32 => &Scalar.Ternary<Of<TOp, int>, int, int, int, int>,
        PtxType.U32 or PtxType.B32 => &Scalar.Ternary<Of<TOp, uint>, uint, uint, uint, uint>,
        PtxType.S64 => &Scalar.Ternary<Of<TOp, long>, long, long, long, long>,
        PtxType.U64 or PtxType.B64 => &Scalar.Ternary<Of<TOp, ulong>, ulong, ulong, ulong, ulong>,
        _ => null,
    };

    public static T Shift<T>(T a, T b, bool left) where T : unmanaged, IBinaryInteger<T>
    {
        int width = sizeof(T) * 8;
        uint by = uint.CreateTruncating(b);
        if (by < width) return left ? a << (int)by : a >> (int)by;
        return left ? T.Zero : T.IsNegative(a) ? ~T.Zero : T.Zero;
    }

    /// <summary>High half of the product.</summary>
    public static T High<T>(T a, T b) where T : unmanaged, IBinaryInteger<T>
    {
        if (sizeof(T) < 8) return T.CreateTruncating((long.CreateTruncating(a) * long.CreateTruncating(b)) >> (sizeof(T) * 8));
        if (typeof(T) == typeof(long)) return T.CreateTruncating(Math.BigMul(long.CreateTruncating(a), long.CreateTruncating(b), out _));
        return T.CreateTruncating(Math.BigMul(ulong.CreateTruncating(a), ulong.CreateTruncating(b), out _));
    }
}

internal readonly struct IntAdd : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => unchecked(a + b);
}

internal readonly struct IntSub : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => unchecked(a - b);
}

internal readonly struct IntMul : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => unchecked(a * b);
}

internal readonly struct IntMulHigh : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => IntegerOps.High(a, b);
}

internal readonly struct IntMad : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => unchecked(a * b + c);
}

internal readonly struct IntMadHigh : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => unchecked(IntegerOps.High(a, b) + c);
}

/// <summary>Division by zero gives all ones, as the hardware does.</summary>
internal readonly struct IntDiv : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> =>
        T.IsZero(b) ? ~T.Zero : T.IsNegative(b) && b == ~T.Zero ? unchecked(T.Zero - a) : a / b;
}

internal readonly struct IntRem : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> =>
        T.IsZero(b) ? a : T.IsNegative(b) && b == ~T.Zero ? T.Zero : a % b;
}

internal readonly struct IntMin : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => a < b ? a : b;
}

internal readonly struct IntMax : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => a > b ? a : b;
}

internal readonly struct IntAbs : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => T.IsNegative(a)
        ? unchecked(T.Zero - a) : a;
}

internal readonly struct IntNeg : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => unchecked(T.Zero - a);
}

internal readonly struct IntNot : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => ~a;
}

internal readonly struct IntCnot : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => T.IsZero(a) ? T.One : T.Zero;
}

internal readonly struct IntAnd : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => a & b;
}

internal readonly struct IntOr : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => a | b;
}

internal readonly struct IntXor : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => a ^ b;
}

internal readonly struct IntSad : IIntegerOp
{
    public static T Do<T>(T a, T b, T c) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> => unchecked(c + (a > b ? a - b : b - a));
}

/// <summary>Saturating add and subtract exist for s32 only.</summary>
internal readonly struct AddSat : ITernary<int, int, int, int>
{
    public static int Do(int a, int b, int c) => (int)Math.Clamp((long)a + b, int.MinValue, int.MaxValue);
}

internal readonly struct SubSat : ITernary<int, int, int, int>
{
    public static int Do(int a, int b, int c) => (int)Math.Clamp((long)a - b, int.MinValue, int.MaxValue);
}

/// <summary>Shift left; the amount is 32 bits wide whatever the type, and is clamped to the width.</summary>
internal readonly struct ShiftLeft<T> : IBinary<T, uint, T> where T : unmanaged, IBinaryInteger<T>
{
    public static T Do(T a, uint b) => b < sizeof(ulong) * 8 ? IntegerOps.Shift(a, T.CreateTruncating(b), true) : T.Zero;
}

internal readonly struct ShiftRight<T> : IBinary<T, uint, T> where T : unmanaged, IBinaryInteger<T>
{
    public static T Do(T a, uint b) => IntegerOps.Shift(a, T.CreateTruncating(Math.Min(b, 64)), false);
}

internal readonly struct MulWideS16 : ITernary<short, short, int, int>
{
    public static int Do(short a, short b, int c) => a * b + c;
}

internal readonly struct MulWideU16 : ITernary<ushort, ushort, uint, uint>
{
    public static uint Do(ushort a, ushort b, uint c) => (uint)a * b + c;
}

internal readonly struct MulWideS32 : ITernary<int, int, long, long>
{
    public static long Do(int a, int b, long c) => unchecked((long)a * b + c);
}

internal readonly struct MulWideU32 : ITernary<uint, uint, ulong, ulong>
{
    public static ulong Do(uint a, uint b, ulong c) => unchecked((ulong)a * b + c);
}

/// <summary>Low 32 bits of the 24-bit product.</summary>
internal readonly struct Mul24<TSign> : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c) => unchecked(
        typeof(TSign) == typeof(int) ? (uint)(((int)(a << 8) >> 8) * ((int)(b << 8) >> 8)) + c : (a & 0xFFFFFF) * (b & 0xFFFFFF) + c);
}

/// <summary>Bits 16 to 47 of the 24-bit product.</summary>
internal readonly struct Mul24High<TSign> : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c) => unchecked(
        typeof(TSign) == typeof(int) ? (uint)((long)((int)(a << 8) >> 8) * ((int)(b << 8) >> 8) >> 16) + c
            : (uint)((ulong)(a & 0xFFFFFF) * (b & 0xFFFFFF) >> 16) + c);
}
