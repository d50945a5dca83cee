using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

internal enum FloatOp : byte
{
    Add, Sub, Mul, Fma, Div, Rcp, Sqrt, Rsqrt, Ex2, Lg2, Sin, Cos, Tanh, Min, Max, MinNan, MaxNan, Abs, Neg, CopySign,
}

/// <summary>
/// The general float path: every rounding mode, flush and saturation. Results of the .approx forms are the
/// correctly rounded ones, which lie inside the bounds the manual gives.
/// </summary>
internal static unsafe class FloatOps
{
    public static void F32(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            float a = Lanes.Get<float>(r + i->A, l), b = Lanes.Get<float>(r + i->B, l), c = Lanes.Get<float>(r + i->C, l);
            if (i->Ftz) (a, b, c) = (Round.Flush(a), Round.Flush(b), Round.Flush(c));
            float v = Compute((FloatOp)i->Op, a, b, c, i->Rounding);
            if (i->Ftz) v = Round.Flush(v);
            if (i->Sat) v = v > 0 ? Math.Min(v, 1f) : 0f;
            Lanes.Set(r + i->D, l, v);
        }
    }

    public static void F64(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            double a = Lanes.Get<double>(r + i->A, l), b = Lanes.Get<double>(r + i->B, l), c = Lanes.Get<double>(r + i->C, l);
            double v = (FloatOp)i->Op == FloatOp.Fma ? Math.FusedMultiplyAdd(a, b, c)
                : i->Ftz ? Gross((FloatOp)i->Op, a) : Exact((FloatOp)i->Op, a, b);
            Lanes.Set(r + i->D, l, v);
        }
    }

    /// <summary>rcp and rsqrt.approx.ftz.f64: made from the upper word alone, into the upper word alone.</summary>
    private static double Gross(FloatOp op, double a)
    {
        const long Upper = -1L << 32;
        double v = Exact(op, Flush(BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(a) & Upper)), 0);
        return Flush(BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(v) & Upper));

        static double Flush(double x) => double.IsSubnormal(x) ? Math.CopySign(0, x) : x;
    }

    /// <summary>f16, bf16 and their pairs: exact in double (rounded to odd), then rounded once.</summary>
    public static void Narrow(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        bool brain = i->Type is PtxType.BF16 or PtxType.BF16X2;
        int halves = i->Type.IsPacked() ? 2 : 1;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            uint a = Lanes.Get<uint>(r + i->A, l), b = Lanes.Get<uint>(r + i->B, l), c = Lanes.Get<uint>(r + i->C, l), v = 0;
            for (int h = 0; h < halves; h++)
                v |= (uint)NarrowOne(i, (ushort)(a >> 16 * h), (ushort)(b >> 16 * h), (ushort)(c >> 16 * h), brain) << 16 * h;
            Lanes.Set(r + i->D, l, v);
        }
    }

    private static ushort NarrowOne(Instruction* i, ushort a, ushort b, ushort c, bool brain)
    {
        FloatOp op = (FloatOp)i->Op;
        if (op == FloatOp.Neg) return (ushort)(a ^ 0x8000);
        if (op == FloatOp.Abs) return (ushort)(a & 0x7FFF);
        double x = Widen(a, brain, i->Ftz), y = Widen(b, brain, i->Ftz), z = Widen(c, brain, i->Ftz);
        double v = op switch
        {
            FloatOp.Add => Round.FmaOdd(x, 1, y),
            FloatOp.Sub => Round.FmaOdd(y, -1, x),
            FloatOp.Mul => x * y,
            FloatOp.Fma => Round.FmaOdd(x, y, z),
            _ => Exact(op, x, y),
        };
        if (i->Sat) v = v > 0 ? Math.Min(v, 1) : 0;
        if (i->Relu) v = v > 0 || double.IsNaN(v) ? v : 0;
        ushort result = brain ? Round.ToBrain(Round.ToSingleOdd(v), Rounding.Nearest) : Round.ToHalf(v, i->Rounding);
        if (i->Ftz && (result & (brain ? 0x7F80 : 0x7C00)) == 0) result &= 0x8000;
        return result;
    }

    private static double Widen(ushort v, bool brain, bool ftz)
    {
        if (ftz && (v & (brain ? 0x7F80 : 0x7C00)) == 0) v &= 0x8000;
        if (brain) return Round.FromBrain(v);
        return (double)BitConverter.UInt16BitsToHalf(v);
    }

    private static float Compute(FloatOp op, float a, float b, float c, Rounding mode)
    {
        if (mode == Rounding.Nearest)
        {
            switch (op)
            {
                case FloatOp.Add: return a + b;
                case FloatOp.Sub: return a - b;
                case FloatOp.Mul: return a * b;
                case FloatOp.Fma: return MathF.FusedMultiplyAdd(a, b, c);
                case FloatOp.Div: return a / b;
                case FloatOp.Rcp: return 1 / a;
                case FloatOp.Sqrt: return MathF.Sqrt(a);
                case FloatOp.Min: return float.MinNumber(a, b);
                case FloatOp.Max: return float.MaxNumber(a, b);
                default: return (float)Exact(op, a, b);
            }
        }
        double v = op switch
        {
            FloatOp.Add => Round.FmaOdd(a, 1, b),
            FloatOp.Sub => Round.FmaOdd(b, -1, a),
            FloatOp.Mul => (double)a * b,
            FloatOp.Fma => Round.FmaOdd(a, b, c),
            FloatOp.Div => Round.DivOdd(a, b),
            FloatOp.Rcp => Round.DivOdd(1, a),
            FloatOp.Sqrt => Round.SqrtOdd(a),
            _ => Exact(op, a, b),
        };
        // An exact zero sum of terms with different signs is -0 when rounding down.
        if (v == 0 && mode == Rounding.Down && op is FloatOp.Add or FloatOp.Sub or FloatOp.Fma)
        {
            bool first = op == FloatOp.Fma ? float.IsNegative(a) != float.IsNegative(b) : float.IsNegative(a);
            bool second = op == FloatOp.Fma ? float.IsNegative(c) : float.IsNegative(b) != (op == FloatOp.Sub);
            return first || second ? -0f : 0f;
        }
        return Round.ToSingle(v, mode);
    }

    private static double Exact(FloatOp op, double a, double b) => op switch
    {
        FloatOp.Add => a + b,
        FloatOp.Sub => a - b,
        FloatOp.Mul => a * b,
        FloatOp.Div => a / b,
        FloatOp.Rcp => 1 / a,
        FloatOp.Sqrt => Math.Sqrt(a),
        FloatOp.Rsqrt => 1 / Math.Sqrt(a),
        FloatOp.Ex2 => Math.Pow(2, a),
        FloatOp.Lg2 => Math.Log2(a),
        FloatOp.Sin => Math.Sin(a),
        FloatOp.Cos => Math.Cos(a),
        FloatOp.Tanh => Math.Tanh(a),
        FloatOp.Min => double.MinNumber(a, b),
        FloatOp.Max => double.MaxNumber(a, b),
        FloatOp.MinNan => Math.Min(a, b),
        FloatOp.MaxNan => Math.Max(a, b),
        FloatOp.Abs => Math.Abs(a),
        FloatOp.Neg => -a,
        // copysign d, a, b: the magnitude is b's, the sign a's.
        FloatOp.CopySign => Math.CopySign(b, a),
        _ => double.NaN,
    };
}
