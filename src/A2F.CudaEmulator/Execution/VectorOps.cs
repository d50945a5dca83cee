namespace A2F.CudaEmulator.Execution;

/// <summary>An operation on a vector of lanes; operands that it doesn't need are ignored.</summary>
internal interface IVector
{
    static abstract Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c);
}

/// <summary>The hot operations, 16 (or 8) lanes at a time, blended where lanes are inactive.</summary>
internal static unsafe class VectorOps
{
    private static readonly Vector512<uint> Bits32 = Vector512.Create(1u, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
        16384, 32768);
    private static readonly Vector512<ulong> Bits64 = Vector512.Create(1UL, 2, 4, 8, 16, 32, 64, 128);

    public static void Run32<TOp>(Warp w, Instruction* i) where TOp : IVector
    {
        byte* d = w.Registers + i->D, a = w.Registers + i->A, b = w.Registers + i->B, c = w.Registers + i->C;
        Vector512<uint> low = TOp.Do(Vector512.Load((uint*)a), Vector512.Load((uint*)b), Vector512.Load((uint*)c));
        Vector512<uint> high = TOp.Do(Vector512.Load((uint*)(a + 64)), Vector512.Load((uint*)(b + 64)), Vector512.Load((uint*)(c + 64)));
        uint mask = w.Mask;
        if (mask != uint.MaxValue)
        {
            low = Vector512.ConditionalSelect(Expand(mask), low, Vector512.Load((uint*)d));
            high = Vector512.ConditionalSelect(Expand(mask >> 16), high, Vector512.Load((uint*)(d + 64)));
        }
        low.Store((uint*)d);
        high.Store((uint*)(d + 64));
    }

    public static void Run64<TOp>(Warp w, Instruction* i) where TOp : IVector
    {
        byte* d = w.Registers + i->D, a = w.Registers + i->A, b = w.Registers + i->B, c = w.Registers + i->C;
        uint mask = w.Mask;
        for (int at = 0; at < 256; at += 64, mask >>= 8)
        {
            Vector512<uint> v = TOp.Do(Vector512.Load((uint*)(a + at)), Vector512.Load((uint*)(b + at)), Vector512.Load((uint*)(c + at)));
            if ((mask & 0xFF) != 0xFF)
            {
                Vector512<ulong> on = Vector512.Equals(Vector512.Create((ulong)mask) & Bits64, Bits64);
                v = Vector512.ConditionalSelect(on.AsUInt32(), v, Vector512.Load((uint*)(d + at)));
            }
            v.Store((uint*)(d + at));
        }
    }

    /// <summary>Bit i of the low 16 becomes all ones in element i.</summary>
    public static Vector512<uint> Expand(uint mask) => Vector512.Equals(Vector512.Create(mask) & Bits32, Bits32);

    public static Vector512<float> Flush(Vector512<float> v)
    {
        Vector512<uint> sign = v.AsUInt32() & Vector512.Create(0x80000000u);
        Vector512<uint> small = Vector512.LessThan(Vector512.Abs(v), Vector512.Create(1.17549435e-38f)).AsUInt32();
        return Vector512.ConditionalSelect(small, sign, v.AsUInt32()).AsSingle();
    }
}

internal readonly struct VecMove : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a;
}

internal readonly struct VecAdd32 : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a + b;
}

internal readonly struct VecSub32 : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a - b;
}

internal readonly struct VecMul32 : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a * b;
}

internal readonly struct VecMad32 : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a * b + c;
}

internal readonly struct VecAdd64 : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => (a.AsUInt64() + b.AsUInt64()).AsUInt32();
}

internal readonly struct VecSub64 : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => (a.AsUInt64() - b.AsUInt64()).AsUInt32();
}

internal readonly struct VecAnd : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a & b;
}

internal readonly struct VecOr : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a | b;
}

internal readonly struct VecXor : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => a ^ b;
}

internal readonly struct VecAddF : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => (a.AsSingle() + b.AsSingle()).AsUInt32();
}

internal readonly struct VecSubF : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => (a.AsSingle() - b.AsSingle()).AsUInt32();
}

internal readonly struct VecMulF : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => (a.AsSingle() * b.AsSingle()).AsUInt32();
}

internal readonly struct VecFma : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) =>
        Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsUInt32();
}

internal readonly struct VecDivF : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => (a.AsSingle() / b.AsSingle()).AsUInt32();
}

internal readonly struct VecMinF : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) =>
        Vector512.MinNumber(a.AsSingle(), b.AsSingle()).AsUInt32();
}

internal readonly struct VecMaxF : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) =>
        Vector512.MaxNumber(a.AsSingle(), b.AsSingle()).AsUInt32();
}

/// <summary>Subnormal inputs and results become zero of their sign.</summary>
internal readonly struct Ftz<TOp> : IVector where TOp : IVector
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => VectorOps.Flush(TOp.Do(
        VectorOps.Flush(a.AsSingle()).AsUInt32(), VectorOps.Flush(b.AsSingle()).AsUInt32(),
            VectorOps.Flush(c.AsSingle()).AsUInt32()).AsSingle())
        .AsUInt32();
}
