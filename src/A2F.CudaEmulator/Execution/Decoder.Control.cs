using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>The opcode table; branches, barriers, warp-wide and tensor instructions.</summary>
internal sealed unsafe partial class Decoder
{
    private void Dispatch()
    {
        switch (_i.Opcode)
        {
            case "add": AddSub(true); break;
            case "sub": AddSub(false); break;
            case "addc": Carry(0, true, Has("cc")); break;
            case "subc": Carry(1, true, Has("cc")); break;
            case "mul": MulMad(false); break;
            case "mad" or "madc" or "fma": MulMad(true); break;
            case "mul24": Mul24(false); break;
            case "mad24": Mul24(true); break;
            case "sad": Allow(); Integer(IntegerOps.Pick<IntSad>(Type()), 3, Type()); break;
            case "div" or "rem": DivRem(); break;
            case "min": MinMax(false); break;
            case "max": MinMax(true); break;
            case "abs": AbsNeg(false); break;
            case "neg": AbsNeg(true); break;
            case "shl": Shift(true); break;
            case "shr": Shift(false); break;
            case "and" or "or" or "xor" or "not" or "cnot": Logic(); break;
            case "popc": CountBits(&Scalar.Unary<Popc32, uint, uint>, &Scalar.Unary<Popc64, ulong, uint>); break;
            case "clz": CountBits(&Scalar.Unary<Clz32, uint, uint>, &Scalar.Unary<Clz64, ulong, uint>); break;
            case "brev": CountBits(&Scalar.Unary<Brev32, uint, uint>, &Scalar.Unary<Brev64, ulong, ulong>); break;
            case "bfind": FindBit(); break;
            case "bfe" or "bfi": BitField(); break;
            case "prmt": Permute(); break;
            case "lop3": Allow(); ThreeWords(&BitHandlers.Lop3); break;
            case "dp4a": Allow(); ThreeWords(&BitHandlers.Dp4a); break;
            case "dp2a": Allow("lo", "hi"); ThreeWords(&BitHandlers.Dp2a); break;
            case "shf": Funnel(); break;
            case "rcp": Float(FloatOp.Rcp, 1); break;
            case "sqrt": Float(FloatOp.Sqrt, 1); break;
            case "rsqrt": Float(FloatOp.Rsqrt, 1); break;
            case "ex2": Float(FloatOp.Ex2, 1); break;
            case "lg2": Float(FloatOp.Lg2, 1); break;
            case "sin": Float(FloatOp.Sin, 1); break;
            case "cos": Float(FloatOp.Cos, 1); break;
            case "tanh": Float(FloatOp.Tanh, 1); break;
            case "copysign": Float(FloatOp.CopySign, 2); break;
            case "testp": Testp(); break;
            case "setp": Compare(true); break;
            case "set": Compare(false); break;
            case "selp": Selp(); break;
            case "slct": Slct(); break;
            case "mov": Mov(); break;
            case "cvt": Cvt(); break;
            case "cvta": Cvta(); break;
            case "ld" or "ldu": LoadStore(true); break;
            case "st": LoadStore(false); break;
            case "atom": Atomic(true); break;
            case "red": Atomic(false); break;
            case "bra": Bra(); break;
            case "ret" or "exit": Leave(); break;
            case "trap" or "brkpt": Simple(&WarpOps.Trap); break;
            case "bar" or "barrier": Bar(); break;
            case "membar": Hint("cta", "gl", "sys"); break;
            case "fence": Hint("sc", "acq_rel", "cta", "gpu", "sys"); break;
            case "prefetch" or "prefetchu": Hint("global", "local", "L1", "L2"); break;
            case "nanosleep" or "pmevent": Hint(); break;
            case "shfl": Shuffle(); break;
            case "vote": Vote(); break;
            case "activemask": Across(&WarpOps.ActiveMask, false); break;
            case "match": Across(&WarpOps.Match, true); break;
            case "redux": Redux(); break;
            case "cp": AsyncCopy(); break;
            case "ldmatrix": LoadMatrix(); break;
            case "mma": Mma(); break;
            case "call": throw Unsupported("calls of device functions (mark them __forceinline__)");
            default: throw Unsupported($"unknown opcode {_i.Opcode}");
        }
    }

    /// <summary>What has no effect that a program run in this order could see.</summary>
    private void Hint(params ReadOnlySpan<string> known)
    {
        Allow(known);
        Simple(&WarpOps.Nothing);
    }

    private void Simple(Handler run)
    {
        Instruction i = New(InstructionClass.Control);
        _operandsRead = _i.Operands.Count;
        i.Run = run;
        Emit(i);
    }

    private void Bra()
    {
        Allow("uni");
        Instruction i = New(InstructionClass.Control);
        (i.Flow, i.Target) = (Flow.Branch, (int)Operand(0).Value);
        Emit(i);
    }

    private void Leave()
    {
        Allow("uni");
        Instruction i = New(InstructionClass.Control);
        i.Flow = Flow.Exit;
        Emit(i);
    }

    private void Bar()
    {
        Instruction i = New(InstructionClass.Control);
        if (Has("warp"))
        {
            Allow("warp", "sync");
            i.A = Source(0, PtxType.B32);
            i.Run = &WarpOps.Sync;
            Emit(i);
            return;
        }
        Allow("cta", "sync", "arrive", "red", "popc", "and", "or", "aligned");
        bool reduces = Has("red");
        i.Op = (byte)(Has("arrive") ? 1 : !reduces ? 0 : Has("popc") ? 2 : Has("and") ? 3 : 4);
        int at = reduces ? 1 : 0, last = _i.Operands.Count - (reduces ? 1 : 0);
        i.A = Source(at, PtxType.U32);
        i.B = last > at + 1 ? Source(at + 1, PtxType.U32) : -1;
        if (reduces)
        {
            i.C = Predicate(Operand(last));
            i.D = i.Op == 2 ? Target(0, PtxType.U32) : PredicateTarget(Operand(0));
        }
        i.Flow = Flow.Barrier;
        i.Run = &BarrierOps.Barrier;
        Emit(i);
    }

    private void Shuffle()
    {
        Allow("sync", "up", "down", "bfly", "idx");
        Instruction i = New(InstructionClass.Move);
        (i.A, i.B, i.C) = (Source(1, PtxType.B32), Source(2, PtxType.B32), Source(3, PtxType.B32));
        i.X[1] = Has("sync") ? Source(4, PtxType.B32) : -1;
        i.X[0] = PredicateTarget(Operand(0).Second);
        i.Op = (byte)(Has("up") ? ShuffleMode.Up : Has("down") ? ShuffleMode.Down : Has("bfly") ? ShuffleMode.Butterfly
            : ShuffleMode.Index);
        i.D = Target(0, PtxType.B32);
        i.Run = &WarpOps.Shuffle;
        Emit(i);
    }

    private void Vote()
    {
        Allow("sync", "all", "any", "uni", "ballot");
        Instruction i = New(InstructionClass.Control);
        i.Op = (byte)(Has("all") ? 0 : Has("any") ? 1 : Has("uni") ? 2 : 3);
        i.A = Predicate(Operand(1));
        i.X[1] = Has("sync") ? Source(2, PtxType.B32) : -1;
        i.D = i.Op == 3 ? Target(0, PtxType.B32) : PredicateTarget(Operand(0));
        i.Run = &WarpOps.Vote;
        Emit(i);
    }

    private void Across(Handler run, bool match)
    {
        Allow("any", "all", "sync");
        Instruction i = New(InstructionClass.Control);
        if (match)
        {
            PtxType t = Type();
            (i.A, i.Width, i.Flag) = (Source(1, t), (byte)t.Bytes(), Has("all"));
            i.X[1] = Source(2, PtxType.B32);
            i.X[0] = PredicateTarget(Operand(0).Second);
        }
        i.D = Target(0, PtxType.B32);
        i.Run = run;
        Emit(i);
    }

    private void Redux()
    {
        string[] names = ["add", "min", "max", "and", "or", "xor"];
        Allow(["sync", .. names]);
        Instruction i = New(InstructionClass.Integer);
        PtxType t = Type();
        if (t.IsFloat()) throw Unsupported($"type {t}");
        (i.Op, i.Signed) = ((byte)Array.FindIndex(names, n => Has(n)), t.IsSigned());
        (i.A, i.D) = (Source(1, t), Target(0, t));
        i.X[1] = Source(2, PtxType.B32);
        i.Run = &WarpOps.Redux;
        Emit(i);
    }

    private void AsyncCopy()
    {
        if (!Has("async") || Has("bulk") || Has("mbarrier")) throw Unsupported("only cp.async of 4, 8 or 16 bytes and its groups");
        Allow("async", "ca", "cg", "shared", "shared::cta", "global", "commit_group", "wait_group", "wait_all", "L2::64B", "L2::128B",
            "L2::256B");
        Instruction i = New(InstructionClass.Memory);
        if (Has("commit_group")) i.Run = &AsyncCopies.Commit;
        else if (Has("wait_group") || Has("wait_all"))
        {
            i.Imm = Has("wait_all") ? -1 : Operand(0).Value;
            i.Run = &AsyncCopies.Wait;
        }
        else
        {
            (i.A, i.B, i.Imm) = Address(Operand(0));
            (int from, byte width, long offset) = Address(Operand(1));
            if (from < 0) (from, width, offset) = (Constant((ulong)offset, 8), 8, 0);
            i.X[0] = from;
            i.X[1] = width;
            i.X[3] = (int)offset;
            i.Width = (byte)Operand(2).Value;
            if (i.Width is not (4 or 8 or 16) || (Has("cg") && i.Width != 16)) throw Unsupported($"a copy of {i.Width} bytes");
            if (_i.Operands.Count > 3 && Operand(3).Register?.Type == PtxType.Pred) throw Unsupported("the ignore-src predicate");
            i.X[2] = _i.Operands.Count > 3 ? Source(3, PtxType.U32) : -1;
            i.Run = &AsyncCopies.Issue;
        }
        Emit(i);
    }

    private void LoadMatrix()
    {
        Allow("sync", "aligned", "m8n8", "x1", "x2", "x4", "trans", "shared", "shared::cta");
        Instruction i = New(InstructionClass.Memory);
        i.Count = (byte)(Has("x4") ? 4 : Has("x2") ? 2 : 1);
        if (Type() != PtxType.B16) throw Unsupported("only b16");
        Fragment(ref i, 0, Operand(0), i.Count, true);
        (i.A, i.B, i.Imm) = Address(Operand(1));
        (i.Space, i.Flag) = (SpaceOf(), Has("trans"));
        i.Run = &TensorOps.LoadMatrix;
        Emit(i);
    }

    private void Fragment(ref Instruction i, int at, Operand o, int count, bool target)
    {
        List<Operand> parts = o.Kind == OperandKind.Vector ? o.Parts : [o];
        if (parts.Count != count) throw Unsupported($"a fragment of {parts.Count} registers where {count} are expected");
        for (int k = 0; k < count; k++) i.X[at + k] = target ? Target(parts[k], PtxType.B32) : Source(parts[k], PtxType.B32);
    }

    /// <summary>mma.sync.aligned.m16n8kK.row.col.d.a.b.c</summary>
    private void Mma()
    {
        Allow("sync", "aligned", "m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32", "row", "col", "satfinite");
        int k = Has("m16n8k4") ? 4 : Has("m16n8k8") ? 8 : Has("m16n8k16") ? 16 : Has("m16n8k32") ? 32 : throw Unsupported("this shape");
        List<PtxType> types = Types();
        if (types.Count != 4 || Array.IndexOf(_i.Modifiers, "row") < 0 || Array.IndexOf(_i.Modifiers, "col") < 0)
            throw Unsupported("only row.col with four types");
        (PtxType d, PtxType a, PtxType b, PtxType c) = (types[0], types[1], types[2], types[3]);
        bool integer = a is PtxType.S8 or PtxType.U8;
        bool known = integer ? b is PtxType.S8 or PtxType.U8 && k is 16 or 32 && d == PtxType.S32
            : a == b && (a is PtxType.F16 or PtxType.BF16 && k is 8 or 16 || a == PtxType.TF32 && k is 4 or 8)
                && (d == PtxType.F32 || (d == PtxType.F16 && a == PtxType.F16));
        if (!known || c != d) throw Unsupported("this combination of shape and types");
        Instruction i = New(InstructionClass.Tensor, 2 * 16 * 8 * k);
        int perRegister = integer ? 4 : a == PtxType.TF32 ? 1 : 2, accumulators = d == PtxType.F16 ? 2 : 4;
        i.Count = (byte)(16 * k / 32 / perRegister);
        i.Count2 = (byte)(8 * k / 32 / perRegister);
        (i.Type, i.Type2, i.Width) = (a, d, (byte)k);
        (i.Flag, i.Signed, i.Sat) = (a == PtxType.S8, b == PtxType.S8, Has("satfinite"));
        Fragment(ref i, 0, Operand(0), accumulators, true);
        Fragment(ref i, 4, Operand(1), i.Count, false);
        Fragment(ref i, 8, Operand(2), i.Count2, false);
        Fragment(ref i, 10, Operand(3), accumulators, false);
        i.Run = integer ? &TensorOps.MultiplyInteger : &TensorOps.Multiply;
        Emit(i);
    }
}
