using System.Numerics;

namespace A2F.CudaEmulator.Execution;

internal readonly struct Popc32 : IUnary<uint, uint>
{
    public static uint Do(uint a) => (uint)BitOperations.PopCount(a);
}

internal readonly struct Popc64 : IUnary<ulong, uint>
{
    public static uint Do(ulong a) => (uint)BitOperations.PopCount(a);
}

internal readonly struct Clz32 : IUnary<uint, uint>
{
    public static uint Do(uint a) => (uint)BitOperations.LeadingZeroCount(a);
}

internal readonly struct Clz64 : IUnary<ulong, uint>
{
    public static uint Do(ulong a) => (uint)BitOperations.LeadingZeroCount(a);
}

internal readonly struct Brev32 : IUnary<uint, uint>
{
    public static uint Do(uint a)
    {
        a = (a >> 1 & 0x55555555) | (a & 0x55555555) << 1;
        a = (a >> 2 & 0x33333333) | (a & 0x33333333) << 2;
        a = (a >> 4 & 0x0F0F0F0F) | (a & 0x0F0F0F0F) << 4;
        return BinaryPrimitivesReverse(a);
    }

    private static uint BinaryPrimitivesReverse(uint a) => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(a);
}

internal readonly struct Brev64 : IUnary<ulong, ulong>
{
    public static ulong Do(ulong a) => (ulong)Brev32.Do((uint)a) << 32 | Brev32.Do((uint)(a >> 32));
}

/// <summary>Position of the highest bit that differs from the sign; all ones where there is none.</summary>
internal readonly struct Bfind<T> : IUnary<T, uint> where T : unmanaged, IBinaryInteger<T>
{
    public static uint Do(T a)
    {
        if (T.IsNegative(a)) a = ~a;
        return T.IsZero(a) ? uint.MaxValue : uint.CreateTruncating(T.Log2(a));
    }
}

/// <summary>How far that bit lies below the top one.</summary>
internal readonly struct BfindShift<T> : IUnary<T, uint> where T : unmanaged, IBinaryInteger<T>
{
    public static uint Do(T a)
    {
        uint at = Bfind<T>.Do(a);
        return at == uint.MaxValue ? at : (uint)Unsafe.SizeOf<T>() * 8 - 1 - at;
    }
}

/// <summary>Bit field extract; the sign (or zero) fills above the field.</summary>
internal readonly struct Bfe<TSign> : ITernary<ulong, uint, uint, ulong>
{
    public static ulong Do(ulong a, uint b, uint c) => Extract(a, b, c, 64, typeof(TSign) == typeof(long));

    public static ulong Extract(ulong a, uint position, uint length, int width, bool signed)
    {
        int pos = (int)(position & 0xFF), len = (int)(length & 0xFF), top = width - 1;
        bool sign = signed && len != 0 && (a >> Math.Min(pos + len - 1, top) & 1) != 0;
        ulong result = 0;
        for (int i = 0; i <= top; i++)
        {
            bool bit = i < len && pos + i <= top ? (a >> (pos + i) & 1) != 0 : sign;
            if (bit) result |= 1UL << i;
        }
        return result;
    }
}

internal readonly struct Bfe32<TSign> : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c) => (uint)Bfe<long>.Extract(a, b, c, 32, typeof(TSign) == typeof(int));
}

/// <summary>prmt: each selector nibble picks one of 8 bytes; its top bit replicates that byte's sign.</summary>
internal readonly struct Prmt : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c)
    {
        ulong bytes = (ulong)b << 32 | a;
        uint result = 0;
        for (int i = 0; i < 4; i++)
        {
            uint pick = c >> (4 * i);
            byte v = (byte)(bytes >> (int)(8 * (pick & 7)));
            if ((pick & 8) != 0) v = (v & 0x80) != 0 ? (byte)0xFF : (byte)0;
            result |= (uint)v << (8 * i);
        }
        return result;
    }
}

/// <summary>Funnel shifts of b:a by c.</summary>
internal readonly struct ShfLeftWrap : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> (int)(32 - (c & 31)));
}

internal readonly struct ShfLeftClamp : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> (int)(32 - Math.Min(c, 32)));
}

internal readonly struct ShfRightWrap : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> (int)(c & 31));
}

internal readonly struct ShfRightClamp : ITernary<uint, uint, uint, uint>
{
    public static uint Do(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> (int)Math.Min(c, 32));
}

/// <summary>Operations with four sources or a table, and those that need the instruction's fields.</summary>
internal static unsafe class BitHandlers
{
    /// <summary>Any function of three bits; <see cref="Instruction.Imm"/> is its truth table.</summary>
    public static void Lop3(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            uint a = Lanes.Get<uint>(r + i->A, l), b = Lanes.Get<uint>(r + i->B, l), c = Lanes.Get<uint>(r + i->C, l), v = 0;
            for (int k = 0; k < 8; k++)
            {
                if ((i->Imm >> k & 1) == 0) continue;
                v |= ((k & 4) != 0 ? a : ~a) & ((k & 2) != 0 ? b : ~b) & ((k & 1) != 0 ? c : ~c);
            }
            Lanes.Set(r + i->D, l, v);
        }
    }

    /// <summary>The selectors that the modes of prmt stand for, by the low two bits of c.</summary>
    public static readonly Dictionary<string, ulong> PermuteModes = new(StringComparer.Ordinal)
    {
        ["f4e"] = 0x6543_5432_4321_3210,
        ["b4e"] = 0x0123_7012_6701_5670,
        ["rc8"] = 0x3333_2222_1111_0000,
        ["ecl"] = 0x3333_3222_3211_3210,
        ["ecr"] = 0x3210_2210_1110_0000,
        ["rc16"] = 0x3232_1010_3232_1010,
    };

    /// <summary>prmt in one of its modes: <see cref="Instruction.Imm"/> holds the four selectors.</summary>
    public static void PermuteMode(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            uint selector = (ushort)((ulong)i->Imm >> (int)(16 * (Lanes.Get<uint>(r + i->C, l) & 3)));
            Lanes.Set(r + i->D, l, Prmt.Do(Lanes.Get<uint>(r + i->A, l), Lanes.Get<uint>(r + i->B, l), selector));
        }
    }

    /// <summary>Bit field insert: A into B at C, X[0] bits long.</summary>
    public static void Bfi(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        int width = i->Width * 8;
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            int pos = (int)(Lanes.Get<uint>(r + i->C, l) & 0xFF), len = (int)(Lanes.Get<uint>(r + i->X[0], l) & 0xFF);
            ulong a = width == 64 ? Lanes.Get<ulong>(r + i->A, l) : Lanes.Get<uint>(r + i->A, l);
            ulong b = width == 64 ? Lanes.Get<ulong>(r + i->B, l) : Lanes.Get<uint>(r + i->B, l);
            len = Math.Min(len, width - pos);
            if (pos < width && len > 0)
            {
                ulong field = (len == 64 ? ulong.MaxValue : (1UL << len) - 1) << pos;
                b = b & ~field | a << pos & field;
            }
            if (width == 64) Lanes.Set(r + i->D, l, b);
            else Lanes.Set(r + i->D, l, (uint)b);
        }
    }

    /// <summary>
    /// Extended-precision steps. <see cref="Instruction.Flag"/> takes the carry in, <see cref="Instruction.Signed"/> writes it,
    /// <see cref="Instruction.Op"/> is 1 for subtraction. A, B and (for mad) the product arrive already formed.
    /// </summary>
    public static void Carry(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        bool wide = i->Width == 8;
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            UInt128 a = wide ? Lanes.Get<ulong>(r + i->A, l) : Lanes.Get<uint>(r + i->A, l);
            UInt128 b = wide ? Lanes.Get<ulong>(r + i->B, l) : Lanes.Get<uint>(r + i->B, l);
            UInt128 c = i->Flag && (w.CarryFlags >> l & 1) != 0 ? UInt128.One : UInt128.Zero;
            UInt128 v = i->Op == 1 ? a - b - c : a + b + c;
            if (i->Signed)
            {
                bool carry = (v >> (i->Width * 8) & 1) != 0;
                w.CarryFlags = carry ? w.CarryFlags | 1u << l : w.CarryFlags & ~(1u << l);
            }
            if (wide) Lanes.Set(r + i->D, l, (ulong)v);
            else Lanes.Set(r + i->D, l, (uint)v);
        }
    }

    /// <summary>dp4a: c plus the four byte products; Flag and Signed say which of a, b are signed.</summary>
    public static void Dp4a(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            uint a = Lanes.Get<uint>(r + i->A, l), b = Lanes.Get<uint>(r + i->B, l);
            int sum = Lanes.Get<int>(r + i->C, l);
            for (int k = 0; k < 32; k += 8)
            {
                int x = i->Flag ? (sbyte)(a >> k) : (byte)(a >> k), y = i->Signed ? (sbyte)(b >> k) : (byte)(b >> k);
                sum = unchecked(sum + x * y);
            }
            Lanes.Set(r + i->D, l, sum);
        }
    }

    /// <summary>dp2a: c plus the products of a's halves with two bytes of b, the upper ones where Op is 1.</summary>
    public static void Dp2a(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            uint a = Lanes.Get<uint>(r + i->A, l), b = Lanes.Get<uint>(r + i->B, l) >> (16 * i->Op);
            int sum = Lanes.Get<int>(r + i->C, l);
            for (int k = 0; k < 2; k++)
            {
                int x = i->Flag ? (short)(a >> 16 * k) : (ushort)(a >> 16 * k), y = i->Signed ? (sbyte)(b >> 8 * k) : (byte)(b >> 8 * k);
                sum = unchecked(sum + x * y);
            }
            Lanes.Set(r + i->D, l, sum);
        }
    }
}
