using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>How cvt rounds to an integral value.</summary>
internal enum IntegralRounding : byte
{
    None, Even, Zero, Floor, Ceiling,
}

/// <summary>cvt in all its forms, and moves between register widths.</summary>
internal static unsafe class ConvertOps
{
    public readonly struct HalfToSingle : IUnary<ushort, float>
    {
        private static readonly float[] Table = Build();
        public static float Do(ushort a) => Table[a];

        private static float[] Build()
        {
            float[] table = new float[65536];
            for (int i = 0; i < table.Length; i++) table[i] = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            return table;
        }
    }

    public readonly struct SingleToHalf : IUnary<float, ushort>
    {
        public static ushort Do(float a) => Round.ToHalf(a, Rounding.Nearest);
    }

    public readonly struct Sign32To64 : IUnary<int, long>
    {
        public static long Do(int a) => a;
    }

    public readonly struct Zero32To64 : IUnary<uint, ulong>
    {
        public static ulong Do(uint a) => a;
    }

    public readonly struct Low64 : IUnary<ulong, uint>
    {
        public static uint Do(ulong a) => (uint)a;
    }

    public readonly struct Low64To16 : IUnary<ulong, ushort>
    {
        public static ushort Do(ulong a) => (ushort)a;
    }

    public readonly struct IntToSingle : IUnary<int, float>
    {
        public static float Do(int a) => a;
    }

    public readonly struct UIntToSingle : IUnary<uint, float>
    {
        public static float Do(uint a) => a;
    }

    public readonly struct BrainToSingle : IUnary<ushort, float>
    {
        public static float Do(ushort a) => Round.FromBrain(a);
    }

    /// <summary>cvt d, a with <see cref="Instruction.Type"/> from <see cref="Instruction.Type2"/>; Count is the IntegralRounding.</summary>
    public static void Convert(Warp w, Instruction* i)
    {
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            ulong bits = ReadBits(w.Registers + i->A, l, i->Type2);
            ulong v = i->Type2.IsFloat() ? FromFloat(i, bits) : FromInteger(i, bits);
            WriteBits(w.Registers + i->D, l, i->Width, v);
        }
    }

    /// <summary>Two f32 into the halves of one register: A above, B below.</summary>
    public static void Pack(Warp w, Instruction* i)
    {
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            float high = Lanes.Get<float>(w.Registers + i->A, l), low = Lanes.Get<float>(w.Registers + i->B, l);
            Lanes.Set(w.Registers + i->D, l, (uint)One(i, high) << 16 | One(i, low));
        }

        static ushort One(Instruction* i, float v)
        {
            if (i->Relu) v = v > 0 || float.IsNaN(v) ? v : 0;
            return i->Type == PtxType.BF16X2 ? Round.ToBrain(v, i->Rounding) : Round.ToHalf(v, i->Rounding);
        }
    }

    private static ulong ReadBits(byte* column, int lane, PtxType type) => type.Bytes() switch
    {
        1 => (byte)Lanes.Get<uint>(column, lane),
        2 => (ushort)Lanes.Get<uint>(column, lane),
        8 => Lanes.Get<ulong>(column, lane),
        _ => Lanes.Get<uint>(column, lane),
    };

    /// <summary>Writes a register of <paramref name="width"/> bytes.</summary>
    public static void WriteBits(byte* column, int lane, int width, ulong value)
    {
        if (width == 8) Lanes.Set(column, lane, value);
        else Lanes.Set(column, lane, width == 4 ? (uint)value : width == 2 ? (ushort)value : (byte)value);
    }

    private static ulong FromInteger(Instruction* i, ulong bits)
    {
        Int128 value = i->Type2 switch
        {
            PtxType.S8 => (sbyte)bits,
            PtxType.S16 => (short)bits,
            PtxType.S32 => (int)bits,
            PtxType.S64 => (long)bits,
            _ => bits,
        };
        if (!i->Type.IsFloat()) return ToInteger(i, value);
        double near = (double)value;
        // Above 53 bits the rounding to double is undone by a sticky bit.
        Int128 rest = value - (Int128)near;
        double v = near;
        if (rest != 0 && (BitConverter.DoubleToInt64Bits(near) & 1) == 0)
            v = BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(near) + (rest > 0 == near > 0 ? 1 : -1));
        return i->Type == PtxType.F64 ? BitConverter.DoubleToUInt64Bits(Directed(near, rest, i->Rounding)) : FromDouble(i, v);
    }

    /// <summary>The neighbour of a rounded value that a directed mode wants, from what rounding left over.</summary>
    private static double Directed(double near, Int128 rest, Rounding mode)
    {
        if (rest == 0 || mode == Rounding.Nearest) return near;
        bool down = mode == Rounding.Down || (mode == Rounding.Zero && near > 0);
        return down ? rest < 0 ? Math.BitDecrement(near) : near : rest > 0 ? Math.BitIncrement(near) : near;
    }

    /// <summary>The value in the destination's width, sign-extended to the register's.</summary>
    private static ulong ToInteger(Instruction* i, Int128 value)
    {
        int bits = i->Type.Bytes() * 8;
        bool signed = i->Type.IsSigned();
        if (i->Sat)
        {
            Int128 top = (Int128.One << (signed ? bits - 1 : bits)) - 1, bottom = signed ? -(Int128.One << (bits - 1)) : 0;
            value = Int128.Clamp(value, bottom, top);
        }
        ulong v = (ulong)(UInt128)(value & ulong.MaxValue);
        return i->Type switch
        {
            PtxType.S8 => (ulong)(sbyte)v,
            PtxType.S16 => (ulong)(short)v,
            PtxType.S32 => (ulong)(int)v,
            PtxType.U8 or PtxType.B8 => (byte)v,
            PtxType.U16 or PtxType.B16 => (ushort)v,
            PtxType.U32 or PtxType.B32 => (uint)v,
            _ => v,
        };
    }

    private static ulong FromFloat(Instruction* i, ulong bits)
    {
        double v = i->Type2 switch
        {
            PtxType.F16 => (double)BitConverter.UInt16BitsToHalf((ushort)bits),
            PtxType.BF16 => Round.FromBrain((ushort)bits),
            PtxType.F64 => BitConverter.UInt64BitsToDouble(bits),
            _ => BitConverter.UInt32BitsToSingle((uint)bits),
        };
        if (i->Type == PtxType.TF32) return i->Relu && !(v > 0) && !double.IsNaN(v) ? 0 : Round.ToTf32((uint)bits, i->Rounding);
        if (i->Ftz && i->Type2 == PtxType.F32) v = Round.Flush((float)v);
        v = (IntegralRounding)i->Count switch
        {
            IntegralRounding.Even => Math.Round(v, MidpointRounding.ToEven),
            IntegralRounding.Zero => Math.Truncate(v),
            IntegralRounding.Floor => Math.Floor(v),
            IntegralRounding.Ceiling => Math.Ceiling(v),
            _ => v,
        };
        return i->Type.IsFloat() ? FromDouble(i, v) : Clamp(i, v);
    }

    /// <summary>Out-of-range values clamp. NaN gives 0, but the top bit alone where a side is 64 bits wide.</summary>
    private static ulong Clamp(Instruction* i, double v)
    {
        int bits = i->Type.Bytes() * 8;
        if (double.IsNaN(v)) return i->Type2 == PtxType.F64 || bits == 64 ? 1UL << (bits - 1) : 0;
        bool signed = i->Type.IsSigned();
        double top = Math.Pow(2, signed ? bits - 1 : bits), bottom = signed ? -top : 0;
        Int128 value = v >= top ? (Int128.One << (signed ? bits - 1 : bits)) - 1 : v <= bottom ? (Int128)bottom : (Int128)v;
        return ToInteger(i, value);
    }

    private static ulong FromDouble(Instruction* i, double v)
    {
        if (i->Sat) v = v > 0 ? Math.Min(v, 1) : 0;
        if (i->Relu) v = v > 0 || double.IsNaN(v) ? v : 0;
        switch (i->Type)
        {
            case PtxType.F64: return BitConverter.DoubleToUInt64Bits(v);
            case PtxType.F16: return Round.ToHalf(v, i->Rounding);
            case PtxType.BF16:
                return Round.ToBrain(i->Rounding == Rounding.Zero ? Round.ToSingle(v, Rounding.Zero)
                : Round.ToSingleOdd(v), i->Rounding);
            default:
                float f = Round.ToSingle(v, i->Rounding);
                return BitConverter.SingleToUInt32Bits(i->Ftz ? Round.Flush(f) : f);
        }
    }

    /// <summary>mov d, {a, b..}: joins Count columns of Width bytes each.</summary>
    public static void Join(Warp w, Instruction* i)
    {
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            ulong v = 0;
            for (int k = 0; k < i->Count; k++) v |= ReadWidth(w.Registers + i->X[k], l, i->Width) << (8 * i->Width * k);
            if (i->Width * i->Count == 8) Lanes.Set(w.Registers + i->D, l, v);
            else Lanes.Set(w.Registers + i->D, l, (uint)v);
        }
    }

    /// <summary>mov {a, b..}, s: splits into Count columns of Width bytes; a negative column is left out.</summary>
    public static void Split(Warp w, Instruction* i)
    {
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            ulong v = i->Width * i->Count == 8 ? Lanes.Get<ulong>(w.Registers + i->A, l) : Lanes.Get<uint>(w.Registers + i->A, l);
            for (int k = 0; k < i->Count; k++)
                if (i->X[k] >= 0) WriteBits(w.Registers + i->X[k], l, i->Width, v >> (8 * i->Width * k));
        }
    }

    private static ulong ReadWidth(byte* column, int lane, int width) => width switch
    {
        8 => Lanes.Get<ulong>(column, lane),
        4 => Lanes.Get<uint>(column, lane),
        2 => (ushort)Lanes.Get<uint>(column, lane),
        _ => (byte)Lanes.Get<uint>(column, lane),
    };
}
