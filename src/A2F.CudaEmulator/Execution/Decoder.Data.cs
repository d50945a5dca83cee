using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>Moves, conversions, comparisons, memory and atomics.</summary>
internal sealed unsafe partial class Decoder
{
    private void Mov()
    {
        Allow();
        PtxType t = Type();
        if (t == PtxType.Pred)
        {
            Instruction p = New(InstructionClass.Move);
            (p.A, p.D, p.Op) = (Predicate(Operand(1)), PredicateTarget(Operand(0)), 4);
            p.Run = &CompareOps.Logic;
            p.B = p.A;
            Emit(p);
            return;
        }
        if (Operand(0).Kind == OperandKind.Vector || Operand(1).Kind == OperandKind.Vector)
        {
            MovVector(t);
            return;
        }
        Copy(Source(1, t), Target(0, t), t);
    }

    private void Copy(int from, int to, PtxType t)
    {
        Instruction i = New(InstructionClass.Move);
        (i.A, i.B, i.C, i.D) = (from, from, from, to);
        i.Run = t.Bytes() == 8 ? &VectorOps.Run64<VecMove> : &VectorOps.Run32<VecMove>;
        Emit(i);
    }

    private void MovVector(PtxType t)
    {
        bool join = Operand(1).Kind == OperandKind.Vector;
        List<Operand> parts = Operand(join ? 1 : 0).Parts;
        int width = t.Bytes() / parts.Count;
        PtxType element = width switch { 4 => PtxType.B32, 2 => PtxType.B16, 1 => PtxType.B8, _ => throw Unsupported("these widths") };
        Instruction i = New(InstructionClass.Move);
        (i.Width, i.Count) = ((byte)width, (byte)parts.Count);
        for (int k = 0; k < parts.Count; k++)
            i.X[k] = join ? Source(parts[k], element) : parts[k].Kind == OperandKind.Sink ? -1 : Target(parts[k], element);
        if (join)
        {
            i.D = Target(0, t);
            i.Run = &ConvertOps.Join;
        }
        else
        {
            i.A = Source(1, t);
            i.Run = &ConvertOps.Split;
        }
        Emit(i);
    }

    private void Cvt()
    {
        Allow("rn", "rz", "rm", "rp", "rna", "rni", "rzi", "rmi", "rpi", "ftz", "sat", "relu", "satfinite");
        if (Has("satfinite")) throw Unsupported(".satfinite");
        List<PtxType> types = Types();
        if (types.Count != 2) throw Unsupported("cvt needs two types");
        (PtxType to, PtxType from) = (types[0], types[1]);
        Instruction i = New(InstructionClass.Move);
        (i.Type, i.Type2, i.Rounding, i.Ftz, i.Sat, i.Relu) = (to, from, RoundingMode(), Has("ftz"), Has("sat"), Has("relu"));
        if (to.IsPacked())
        {
            (i.A, i.B, i.D) = (Source(1, from), Source(2, from), Target(0, to));
            i.Run = &ConvertOps.Pack;
            Emit(i);
            return;
        }
        i.Count = (byte)(Has("rni") ? IntegralRounding.Even : Has("rzi") ? IntegralRounding.Zero
            : Has("rmi") ? IntegralRounding.Floor : Has("rpi") ? IntegralRounding.Ceiling : IntegralRounding.None);
        if (from.IsFloat() && !to.IsFloat() && i.Count == 0) throw Unsupported("float to integer needs .rni, .rzi, .rmi or .rpi");
        // The register, not the type, says how many bytes of a signed value are filled.
        PtxRegister? target = Operand(0).Register;
        i.Width = (byte)(target?.Type.Bytes() ?? to.Bytes());
        if (i.Width < to.Bytes()) throw Unsupported($"a result of {to.Bytes()} bytes does not fit {target?.Name}");
        i.A = Source(1, from);
        i.D = Target(0, i.Width == 8 ? PtxType.B64 : PtxType.B32);
        i.Run = &ConvertOps.Convert;
        Handler quick = i.Width == to.Bytes() && !i.Sat && !i.Ftz && !i.Relu && i.Rounding == Rounding.Nearest ? QuickConversion(to, from)
            : null;
        if (quick != null) i.Run = quick;
        Emit(i);
    }

    private static Handler QuickConversion(PtxType to, PtxType from) => (to, from) switch
    {
        (PtxType.F32, PtxType.F16) => &Scalar.Unary<ConvertOps.HalfToSingle, ushort, float>,
        (PtxType.F16, PtxType.F32) => &Scalar.Unary<ConvertOps.SingleToHalf, float, ushort>,
        (PtxType.F32, PtxType.BF16) => &Scalar.Unary<ConvertOps.BrainToSingle, ushort, float>,
        (PtxType.S64 or PtxType.U64, PtxType.S32) => &Scalar.Unary<ConvertOps.Sign32To64, int, long>,
        (PtxType.U64 or PtxType.S64, PtxType.U32) => &Scalar.Unary<ConvertOps.Zero32To64, uint, ulong>,
        (PtxType.U32 or PtxType.S32, PtxType.U64 or PtxType.S64) => &Scalar.Unary<ConvertOps.Low64, ulong, uint>,
        (PtxType.U16, PtxType.U64) => &Scalar.Unary<ConvertOps.Low64To16, ulong, ushort>,
        (PtxType.F32, PtxType.S32) => &Scalar.Unary<ConvertOps.IntToSingle, int, float>,
        (PtxType.F32, PtxType.U32) => &Scalar.Unary<ConvertOps.UIntToSingle, uint, float>,
        _ => null,
    };

    private static readonly Dictionary<string, (CompareOp Op, bool Unordered)> Comparisons = new(StringComparer.Ordinal)
    {
        ["eq"] = (CompareOp.Eq, false),
        ["ne"] = (CompareOp.Ne, false),
        ["lt"] = (CompareOp.Lt, false),
        ["le"] = (CompareOp.Le, false),
        ["gt"] = (CompareOp.Gt, false),
        ["ge"] = (CompareOp.Ge, false),
        ["lo"] = (CompareOp.Lt, false),
        ["ls"] = (CompareOp.Le, false),
        ["hi"] = (CompareOp.Gt, false),
        ["hs"] = (CompareOp.Ge, false),
        ["equ"] = (CompareOp.Eq, true),
        ["neu"] = (CompareOp.Ne, true),
        ["ltu"] = (CompareOp.Lt, true),
        ["leu"] = (CompareOp.Le, true),
        ["gtu"] = (CompareOp.Gt, true),
        ["geu"] = (CompareOp.Ge, true),
        ["num"] = (CompareOp.Num, false),
        ["nan"] = (CompareOp.Nan, false),
    };

    private void Compare(bool toPredicate)
    {
        PtxType t = Type();
        Instruction i = New(t.IsFloat() ? t.IsNarrowFloat() ? InstructionClass.Half : InstructionClass.Float : InstructionClass.Integer);
        if (!Comparisons.TryGetValue(_i.Modifiers[0], out (CompareOp Op, bool Unordered) op))
            throw Unsupported($"comparison .{_i.Modifiers[0]}");
        Allow(_i.Modifiers[0], "and", "or", "xor", "ftz");
        (i.Op, i.Flag, i.Ftz, i.Type) = ((byte)op.Op, op.Unordered, Has("ftz"), t);
        i.Op2 = (byte)(Has("and") ? 1 : Has("or") ? 2 : Has("xor") ? 3 : 0);
        if (i.Op2 != 0) i.C = Predicate(Operand(3));
        i.X[0] = -1;
        (i.A, i.B) = (Source(1, t), Source(2, t));
        if (t == PtxType.BF16) (i.A, i.B) = (Widened(i.A), Widened(i.B));
        if (toPredicate)
        {
            i.D = PredicateTarget(Operand(0));
            i.X[0] = PredicateTarget(Operand(0).Second);
            i.Count = 2;
        }
        else
        {
            PtxType to = Types()[0];
            i.Imm = to switch
            {
                PtxType.F32 => 0x3F800000,
                PtxType.F16 or PtxType.F16X2 => 0x3C00,
                PtxType.BF16 or PtxType.BF16X2 =>
                0x3F80,
                _ => 0xFFFFFFFF
            };
            if (t.IsPacked() && !to.IsPacked()) i.Imm = 0xFFFF;
            if (to is PtxType.U16 or PtxType.S16) i.Imm = 0xFFFF;
            i.D = Target(0, to);
        }
        i.Run = t.IsPacked() ? &CompareOps.Packed : toPredicate ? SetpFor(t) : SetFor(t);
        if (i.Run == null) throw Unsupported($"type {t}");
        Emit(i);
    }

    private int Widened(int column)
    {
        int t = Temporary();
        Emit(Helper(&Scalar.Unary<ConvertOps.BrainToSingle, ushort, float>, t, column));
        return t;
    }

    private static Handler SetpFor(PtxType t) => t switch
    {
        PtxType.S16 => &CompareOps.Setp<short>,
        PtxType.U16 or PtxType.B16 => &CompareOps.Setp<ushort>,
        PtxType.S32 => &CompareOps.Setp<int>,
        PtxType.U32 or PtxType.B32 => &CompareOps.Setp<uint>,
        PtxType.S64 => &CompareOps.Setp<long>,
        PtxType.U64 or PtxType.B64 => &CompareOps.Setp<ulong>,
        PtxType.F16 => &CompareOps.Setp<Half>,
        PtxType.F32 or PtxType.BF16 => &CompareOps.Setp<float>,
        PtxType.F64 => &CompareOps.Setp<double>,
        _ => null,
    };

    private static Handler SetFor(PtxType t) => t switch
    {
        PtxType.S16 => &CompareOps.Set<short>,
        PtxType.U16 or PtxType.B16 => &CompareOps.Set<ushort>,
        PtxType.S32 => &CompareOps.Set<int>,
        PtxType.U32 or PtxType.B32 => &CompareOps.Set<uint>,
        PtxType.S64 => &CompareOps.Set<long>,
        PtxType.U64 or PtxType.B64 => &CompareOps.Set<ulong>,
        PtxType.F16 => &CompareOps.Set<Half>,
        PtxType.F32 or PtxType.BF16 => &CompareOps.Set<float>,
        PtxType.F64 => &CompareOps.Set<double>,
        _ => null,
    };

    private void Selp()
    {
        Allow();
        PtxType t = Type();
        Instruction i = New(InstructionClass.Move);
        (i.A, i.B, i.C, i.D) = (Source(1, t), Source(2, t), Predicate(Operand(3)), Target(0, t));
        i.Run = t.Bytes() == 8 ? &CompareOps.Selp64 : &CompareOps.Selp32;
        Emit(i);
    }

    private void Slct()
    {
        Allow("ftz");
        (PtxType t, PtxType by) = (Types()[0], Types()[1]);
        Instruction i = New(InstructionClass.Move);
        (i.A, i.B, i.C, i.D) = (Source(1, t), Source(2, t), Source(3, by), Target(0, t));
        (i.Flag, i.Ftz, i.Width) = (by == PtxType.F32, Has("ftz"), (byte)t.Bytes());
        i.Run = &CompareOps.Slct;
        Emit(i);
    }

    private void Testp()
    {
        string[] kinds = ["finite", "infinite", "number", "notanumber", "normal", "subnormal"];
        Allow(kinds);
        PtxType t = Type();
        Instruction i = New(InstructionClass.Float);
        (i.Op, i.Width) = ((byte)Array.IndexOf(kinds, _i.Modifiers[0]), (byte)t.Bytes());
        (i.A, i.D) = (Source(1, t), PredicateTarget(Operand(0)));
        i.Run = &CompareOps.Testp;
        Emit(i);
    }

    private PtxSpace SpaceOf()
    {
        foreach (string m in _i.Modifiers)
        {
            string name = m.Split("::")[0];
            switch (name)
            {
                case "global": return PtxSpace.Global;
                case "shared": return PtxSpace.Shared;
                case "local": return PtxSpace.Local;
                case "const": return PtxSpace.Const;
                case "param": return PtxSpace.Param;
            }
        }
        return PtxSpace.Generic;
    }

    /// <summary>A column of addresses, with its width in bytes and the constant offset.</summary>
    private (int Column, byte Width, long Offset) Address(Operand o)
    {
        if (o.Kind != OperandKind.Address) throw Unsupported("an address in brackets is expected");
        if (o.Register is not null) return (o.Register.Place, (byte)(o.Register.Type.Bytes() == 8 ? 8 : 4), o.Value);
        return (-1, 8, o.Value + (long)(o.Variable?.Address ?? 0));
    }

    private static readonly string[] MemoryModifiers =
    [
        "global", "shared", "local", "const", "param", "shared::cta", "v2", "v4", "volatile", "relaxed", "acquire", "release", "weak",
            "cta", "gpu",
        "sys", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "L1::evict_normal", "L1::evict_first", "L1::evict_last", "L1::no_allocate",
        "L1::evict_unchanged", "L2::64B", "L2::128B", "L2::256B",
    ];

    private void LoadStore(bool load)
    {
        Allow(MemoryModifiers);
        PtxType t = Type();
        Operand data = Operand(load ? 0 : 1);
        Instruction i = New(InstructionClass.Memory);
        (i.A, i.B, i.Imm) = Address(Operand(load ? 1 : 0));
        (i.Space, i.Width, i.Signed) = (SpaceOf(), (byte)t.Bytes(), t.IsSigned());
        List<Operand> parts = data.Kind == OperandKind.Vector ? data.Parts : [data];
        i.Count = (byte)parts.Count;
        int expected = Has("v4") ? 4 : Has("v2") ? 2 : 1;
        if (parts.Count != expected) throw Unsupported($"{parts.Count} elements where the vector has {expected}");
        i.Op2 = (byte)t.Bytes();
        for (int k = 0; k < parts.Count; k++)
        {
            PtxRegister? r = parts[k].Register;
            if (load && parts[k].Kind == OperandKind.Sink) i.X[k] = -1;
            else if (load)
            {
                if (r is null || r.Type == PtxType.Pred) throw Unsupported($"{parts[k].Name} is no register to write to");
                if (r.Type.Bytes() < t.Bytes()) throw Unsupported($"a load of {t.Bytes()} bytes does not fit {r.Name}");
                (i.X[k], i.Op2) = (r.Place, (byte)r.Type.Bytes());
            }
            else i.X[k] = Source(parts[k], t);
        }
        i.Run = load ? &MemoryOps.Load : &MemoryOps.Store;
        Emit(i);
    }

    private void Cvta()
    {
        Allow("to", "global", "shared", "local", "const", "param", "shared::cta");
        PtxType t = Type();
        ulong window = SpaceOf() switch
        {
            PtxSpace.Shared => Memory.SharedMemory.Window,
            PtxSpace.Local => Warp.LocalWindow,
            PtxSpace.Param => throw Unsupported("generic addresses of parameters"),
            _ => 0,
        };
        if (Has("to")) window = 0 - window;
        Instruction i = New(InstructionClass.Move);
        (i.A, i.B, i.D) = (Source(1, t), Constant(window, 8), Target(0, t));
        i.C = i.A;
        i.Run = &VectorOps.Run64<VecAdd64>;
        if (t.Bytes() != 8) throw Unsupported("32-bit generic addresses");
        Emit(i);
    }

    private static readonly string[] AtomicNames = ["add", "min", "max", "exch", "cas", "and", "or", "xor", "inc", "dec"];

    private void Atomic(bool result)
    {
        PtxType t = Type();
        int op = Array.FindIndex(AtomicNames, n => Has(n));
        if (op < 0) throw Unsupported("this atomic operation");
        Allow(["global", "shared", "shared::cta", "relaxed", "acquire", "release", "acq_rel", "cta", "gpu", "sys", "noftz",
            .. AtomicNames]);
        if (t.IsFloat() && (AtomicOp)op is not AtomicOp.Add and not AtomicOp.Exchange) throw Unsupported($"{AtomicNames[op]} of {t}");
        int first = result ? 1 : 0;
        Instruction i = New(InstructionClass.Memory, t.IsFloat() ? 1 : 0);
        (i.A, i.B, i.Imm) = Address(Operand(first));
        (i.Space, i.Width, i.Type, i.Op) = (SpaceOf(), (byte)t.Bytes(), t, (byte)op);
        i.X[0] = Source(first + 1, t);
        i.X[1] = (AtomicOp)op == AtomicOp.CompareSwap ? Source(first + 2, t) : -1;
        i.D = result ? Target(0, t) : -1;
        i.Run = &AtomicOps.Atomic;
        if (i.Space != PtxSpace.Shared) _globalAtomics = true;
        Emit(i);
    }
}
