using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>Integer, float and bit instructions.</summary>
internal sealed unsafe partial class Decoder
{
    private void Integer(Handler run, int sources, PtxType type)
    {
        if (run == null) throw Unsupported($"type {type}");
        Instruction i = New(InstructionClass.Integer);
        i.A = Source(1, type);
        i.B = sources > 1 ? Source(2, type) : i.A;
        i.C = sources > 2 ? Source(3, type) : i.A;
        i.D = Target(0, type);
        i.Run = run;
        Emit(i);
    }

    private static bool Is32(PtxType t) => t is PtxType.S32 or PtxType.U32 or PtxType.B32;

    private static bool Is64(PtxType t) => t is PtxType.S64 or PtxType.U64 or PtxType.B64;

    private void AddSub(bool add)
    {
        PtxType t = Type();
        if (t.IsFloat())
        {
            Float(add ? FloatOp.Add : FloatOp.Sub, 2);
            return;
        }
        if (Has("cc"))
        {
            Carry(add ? 0 : 1, false, true);
            return;
        }
        Allow("sat");
        if (Has("sat"))
        {
            if (t != PtxType.S32) throw Unsupported(".sat exists for s32 only");
            Integer(add ? &Scalar.Ternary<AddSat, int, int, int, int> : &Scalar.Ternary<SubSat, int, int, int, int>, 2, t);
            return;
        }
        if (Is32(t)) Integer(add ? &VectorOps.Run32<VecAdd32> : &VectorOps.Run32<VecSub32>, 2, t);
        else if (Is64(t)) Integer(add ? &VectorOps.Run64<VecAdd64> : &VectorOps.Run64<VecSub64>, 2, t);
        else Integer(add ? IntegerOps.Pick<IntAdd>(t) : IntegerOps.Pick<IntSub>(t), 2, t);
    }

    private void Carry(int op, bool takes, bool gives)
    {
        Allow("cc");
        PtxType t = Type();
        Instruction i = New(InstructionClass.Integer);
        (i.A, i.B, i.D, i.Op, i.Width) = (Source(1, t), Source(2, t), Target(0, t), (byte)op, (byte)t.Bytes());
        (i.Flag, i.Signed) = (takes, gives);
        i.Run = &BitHandlers.Carry;
        Emit(i);
    }

    private void MulMad(bool mad)
    {
        PtxType t = Type();
        if (t.IsFloat())
        {
            Float(mad ? FloatOp.Fma : FloatOp.Mul, mad ? 3 : 2);
            return;
        }
        Allow("lo", "hi", "wide", "cc");
        if (Has("cc") || _i.Opcode == "madc")
        {
            Product(t);
            return;
        }
        if (Has("wide"))
        {
            MulWide(mad, t);
            return;
        }
        int sources = mad ? 3 : 2;
        if (Has("hi")) Integer(mad ? IntegerOps.Pick<IntMadHigh>(t) : IntegerOps.Pick<IntMulHigh>(t), sources, t);
        else if (Is32(t)) Integer(mad ? &VectorOps.Run32<VecMad32> : &VectorOps.Run32<VecMul32>, sources, t);
        else Integer(mad ? IntegerOps.Pick<IntMad>(t) : IntegerOps.Pick<IntMul>(t), sources, t);
    }

    /// <summary>mad.cc and madc: the product first, then an addition with carry.</summary>
    private void Product(PtxType t)
    {
        Instruction p = New(InstructionClass.Integer);
        (p.A, p.B, p.D) = (Source(1, t), Source(2, t), Temporary());
        p.C = p.A;
        p.Counted = false;
        p.Run = Has("hi") ? IntegerOps.Pick<IntMulHigh>(t) : IntegerOps.Pick<IntMul>(t);
        Emit(p);
        Instruction i = New(InstructionClass.Integer);
        (i.A, i.B, i.D, i.Width) = (p.D, Source(3, t), Target(0, t), (byte)t.Bytes());
        (i.Flag, i.Signed) = (_i.Opcode == "madc", Has("cc"));
        i.Run = &BitHandlers.Carry;
        Emit(i);
    }

    private void MulWide(bool mad, PtxType t)
    {
        PtxType to = t switch
        {
            PtxType.S16 => PtxType.S32,
            PtxType.U16 => PtxType.U32,
            PtxType.S32 => PtxType.S64,
            PtxType.U32 => PtxType.U64,
            _ => throw Unsupported($"wide of {t}"),
        };
        Instruction i = New(InstructionClass.Integer);
        (i.A, i.B) = (Source(1, t), Source(2, t));
        i.C = mad ? Source(3, to) : Constant(0, to.Bytes());
        i.D = Target(0, to);
        i.Run = t switch
        {
            PtxType.S16 => &Scalar.Ternary<MulWideS16, short, short, int, int>,
            PtxType.U16 => &Scalar.Ternary<MulWideU16, ushort, ushort, uint, uint>,
            PtxType.S32 => &Scalar.Ternary<MulWideS32, int, int, long, long>,
            _ => &Scalar.Ternary<MulWideU32, uint, uint, ulong, ulong>,
        };
        Emit(i);
    }

    private void Mul24(bool mad)
    {
        Allow("lo", "hi");
        PtxType t = Type();
        Instruction i = New(InstructionClass.Integer);
        (i.A, i.B, i.C, i.D) = (Source(1, t), Source(2, t), mad ? Source(3, t) : Constant(0, 4), Target(0, t));
        i.Run = (t == PtxType.S32, Has("hi")) switch
        {
            (true, false) => &Scalar.Ternary<Mul24<int>, uint, uint, uint, uint>,
            (false, false) => &Scalar.Ternary<Mul24<uint>, uint, uint, uint, uint>,
            (true, true) => &Scalar.Ternary<Mul24High<int>, uint, uint, uint, uint>,
            (false, true) => &Scalar.Ternary<Mul24High<uint>, uint, uint, uint, uint>,
        };
        Emit(i);
    }

    private void DivRem()
    {
        PtxType t = Type();
        if (_i.Opcode == "div" && t.IsFloat())
        {
            Float(FloatOp.Div, 2);
            return;
        }
        Allow();
        Integer(_i.Opcode == "div" ? IntegerOps.Pick<IntDiv>(t) : IntegerOps.Pick<IntRem>(t), 2, t);
    }

    private void MinMax(bool max)
    {
        PtxType t = Type();
        if (t.IsFloat())
        {
            Float(Has("NaN") ? max ? FloatOp.MaxNan : FloatOp.MinNan : max ? FloatOp.Max : FloatOp.Min, 2);
            return;
        }
        Allow();
        Integer(max ? IntegerOps.Pick<IntMax>(t) : IntegerOps.Pick<IntMin>(t), 2, t);
    }

    private void AbsNeg(bool neg)
    {
        PtxType t = Type();
        if (t.IsFloat())
        {
            Float(neg ? FloatOp.Neg : FloatOp.Abs, 1);
            return;
        }
        Allow();
        Integer(neg ? IntegerOps.Pick<IntNeg>(t) : IntegerOps.Pick<IntAbs>(t), 1, t);
    }

    private void Shift(bool left)
    {
        Allow();
        PtxType t = Type();
        Instruction i = New(InstructionClass.Integer);
        (i.A, i.B, i.D) = (Source(1, t), Source(2, PtxType.U32), Target(0, t));
        if (left)
            i.Run = t.Bytes() switch
            {
                2 => &Scalar.Binary<ShiftLeft<ushort>, ushort, uint, ushort>,
                8 => &Scalar.Binary<ShiftLeft<ulong>, ulong, uint, ulong>,
                _ => &Scalar.Binary<ShiftLeft<uint>, uint, uint, uint>,
            };
        else
            i.Run = t switch
            {
                PtxType.S16 => &Scalar.Binary<ShiftRight<short>, short, uint, short>,
                PtxType.S32 => &Scalar.Binary<ShiftRight<int>, int, uint, int>,
                PtxType.S64 => &Scalar.Binary<ShiftRight<long>, long, uint, long>,
                PtxType.U16 or PtxType.B16 => &Scalar.Binary<ShiftRight<ushort>, ushort, uint, ushort>,
                PtxType.U64 or PtxType.B64 => &Scalar.Binary<ShiftRight<ulong>, ulong, uint, ulong>,
                _ => &Scalar.Binary<ShiftRight<uint>, uint, uint, uint>,
            };
        Emit(i);
    }

    private void Logic()
    {
        Allow();
        PtxType t = Type();
        if (t == PtxType.Pred)
        {
            Instruction p = New(InstructionClass.Integer);
            p.Op = _i.Opcode switch { "and" => 0, "or" => 1, "xor" => 2, _ => 3 };
            p.A = Predicate(Operand(1));
            p.B = p.Op == 3 ? p.A : Predicate(Operand(2));
            p.D = PredicateTarget(Operand(0));
            p.Run = &CompareOps.Logic;
            Emit(p);
            return;
        }
        bool wide = t.Bytes() == 8;
        switch (_i.Opcode)
        {
            case "and": Integer(wide ? &VectorOps.Run64<VecAnd> : &VectorOps.Run32<VecAnd>, 2, t); break;
            case "or": Integer(wide ? &VectorOps.Run64<VecOr> : &VectorOps.Run32<VecOr>, 2, t); break;
            case "xor": Integer(wide ? &VectorOps.Run64<VecXor> : &VectorOps.Run32<VecXor>, 2, t); break;
            case "not": Integer(IntegerOps.Pick<IntNot>(t), 1, t); break;
            default: Integer(IntegerOps.Pick<IntCnot>(t), 1, t); break;
        }
    }

    private void FindBit()
    {
        Allow("shiftamt");
        PtxType t = Type();
        bool shift = Has("shiftamt");
        Instruction i = New(InstructionClass.Integer);
        (i.A, i.D) = (Source(1, t), Target(0, PtxType.U32));
        i.Run = t switch
        {
            PtxType.S32 => shift ? &Scalar.Unary<BfindShift<int>, int, uint> : &Scalar.Unary<Bfind<int>, int, uint>,
            PtxType.U32 => shift ? &Scalar.Unary<BfindShift<uint>, uint, uint> : &Scalar.Unary<Bfind<uint>, uint, uint>,
            PtxType.S64 => shift ? &Scalar.Unary<BfindShift<long>, long, uint> : &Scalar.Unary<Bfind<long>, long, uint>,
            PtxType.U64 => shift ? &Scalar.Unary<BfindShift<ulong>, ulong, uint> : &Scalar.Unary<Bfind<ulong>, ulong, uint>,
            _ => throw Unsupported($"type {t}"),
        };
        Emit(i);
    }

    private void Permute()
    {
        Allow([.. BitHandlers.PermuteModes.Keys]);
        string? mode = Array.Find(_i.Modifiers, BitHandlers.PermuteModes.ContainsKey);
        ThreeWords(mode is null ? &Scalar.Ternary<Prmt, uint, uint, uint, uint> : &BitHandlers.PermuteMode,
            mode is null ? 0 : (long)BitHandlers.PermuteModes[mode]);
    }

    private void CountBits(Handler narrow, Handler wide)
    {
        Allow();
        PtxType t = Type();
        Instruction i = New(InstructionClass.Integer);
        bool reverse = _i.Opcode == "brev";
        (i.A, i.D) = (Source(1, t), Target(0, reverse ? t : PtxType.U32));
        i.Run = t.Bytes() == 8 ? wide : narrow;
        Emit(i);
    }

    private void BitField()
    {
        Allow();
        PtxType t = Type();
        Instruction i = New(InstructionClass.Integer);
        if (_i.Opcode == "bfe")
        {
            (i.A, i.B, i.C, i.D) = (Source(1, t), Source(2, PtxType.U32), Source(3, PtxType.U32), Target(0, t));
            i.Run = t switch
            {
                PtxType.S64 => &Scalar.Ternary<Bfe<long>, ulong, uint, uint, ulong>,
                PtxType.U64 => &Scalar.Ternary<Bfe<ulong>, ulong, uint, uint, ulong>,
                PtxType.S32 => &Scalar.Ternary<Bfe32<int>, uint, uint, uint, uint>,
                _ => &Scalar.Ternary<Bfe32<uint>, uint, uint, uint, uint>,
            };
        }
        else
        {
            (i.A, i.B, i.C, i.Width) = (Source(1, t), Source(2, t), Source(3, PtxType.U32), (byte)t.Bytes());
            i.X[0] = Source(4, PtxType.U32);
            i.D = Target(0, t);
            i.Run = &BitHandlers.Bfi;
        }
        Emit(i);
    }

    private void ThreeWords(Handler run, long immediate = 0)
    {
        Instruction i = New(InstructionClass.Integer);
        (i.A, i.B, i.C, i.D) = (Source(1, PtxType.B32), Source(2, PtxType.B32), Source(3, PtxType.B32), Target(0, PtxType.B32));
        i.Run = run;
        i.Imm = _i.Opcode == "lop3" ? Operand(4).Value : immediate;
        if (_i.Opcode is "dp4a" or "dp2a") (i.Flag, i.Signed) = (Types()[0] == PtxType.S32, Types()[1] == PtxType.S32);
        i.Op = (byte)(Has("hi") ? 1 : 0);
        Emit(i);
    }

    private void Funnel()
    {
        Allow("l", "r", "wrap", "clamp");
        bool wrap = Has("wrap");
        if (Has("l")) ThreeWords(wrap ? &Scalar.Ternary<ShfLeftWrap, uint, uint, uint, uint> : &Scalar.Ternary<ShfLeftClamp, uint, uint,
            uint, uint>);
        else ThreeWords(wrap ? &Scalar.Ternary<ShfRightWrap, uint, uint, uint, uint> : &Scalar.Ternary<ShfRightClamp, uint, uint, uint,
            uint>);
    }

    /// <summary>A float operation: vectors where rounding is to nearest and nothing saturates, else lane by lane.</summary>
    private void Float(FloatOp op, int sources)
    {
        Allow("rn", "rz", "rm", "rp", "ftz", "sat", "approx", "full", "NaN", "relu");
        PtxType t = Type();
        bool narrow = t.IsNarrowFloat(), special = op is >= FloatOp.Rcp and <= FloatOp.Tanh || op == FloatOp.Div;
        InstructionClass kind = special ? InstructionClass.Special : narrow ? InstructionClass.Half
            : t == PtxType.F64 ? InstructionClass.Double : InstructionClass.Float;
        int flops = op is FloatOp.Abs or FloatOp.Neg or FloatOp.CopySign ? 0 : (op == FloatOp.Fma ? 2 : 1) * (t.IsPacked() ? 2 : 1);
        Instruction i = New(kind, flops);
        i.A = Source(1, t);
        i.B = sources > 1 ? Source(2, t) : i.A;
        i.C = sources > 2 ? Source(3, t) : i.A;
        i.D = Target(0, t);
        (i.Op, i.Type, i.Rounding, i.Ftz, i.Sat, i.Relu) = ((byte)op, t, RoundingMode(), Has("ftz"), Has("sat"), Has("relu"));
        if (narrow) i.Run = &FloatOps.Narrow;
        else if (t == PtxType.F64)
        {
            if (i.Rounding != Rounding.Nearest) throw Unsupported("directed rounding of f64");
            i.Run = &FloatOps.F64;
        }
        else if (t != PtxType.F32) throw Unsupported($"type {t}");
        else i.Run = i.Sat || i.Rounding != Rounding.Nearest ? null : Fast(op, i.Ftz);
        if (i.Run == null) i.Run = &FloatOps.F32;
        Emit(i);
    }

    private static Handler Fast(FloatOp op, bool ftz) => op switch
    {
        FloatOp.Add => ftz ? &VectorOps.Run32<Ftz<VecAddF>> : &VectorOps.Run32<VecAddF>,
        FloatOp.Sub => ftz ? &VectorOps.Run32<Ftz<VecSubF>> : &VectorOps.Run32<VecSubF>,
        FloatOp.Mul => ftz ? &VectorOps.Run32<Ftz<VecMulF>> : &VectorOps.Run32<VecMulF>,
        FloatOp.Fma => ftz ? &VectorOps.Run32<Ftz<VecFma>> : &VectorOps.Run32<VecFma>,
        FloatOp.Div => ftz ? &VectorOps.Run32<Ftz<VecDivF>> : &VectorOps.Run32<VecDivF>,
        FloatOp.Min => ftz ? &VectorOps.Run32<Ftz<VecMinF>> : &VectorOps.Run32<VecMinF>,
        FloatOp.Max => ftz ? &VectorOps.Run32<Ftz<VecMaxF>> : &VectorOps.Run32<VecMaxF>,
        _ => null,
    };
}
