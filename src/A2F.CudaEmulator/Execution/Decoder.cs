using A2F.CudaEmulator.Memory;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>
/// Turns one PTX function into <see cref="Instruction"/>s, once. Operands become columns: registers, temporaries, then
/// constants and special registers. An opcode, modifier or operand that isn't known is an error here, before any launch.
/// </summary>
internal sealed unsafe partial class Decoder
{
    private const int Temporaries = 40;
    private readonly PtxText _text;
    private readonly PtxFunction _function;
    private readonly List<Instruction> _code = [];
    private readonly List<Instruction> _after = [];
    private readonly Dictionary<(ulong Value, int Bytes), int> _constants = [];
    private readonly Dictionary<string, int> _specials = new(StringComparer.Ordinal);
    private readonly int _temporariesAt;
    private int _temporary, _places, _predicates = 1, _temporaryPredicate;
    private readonly int _predicateTemporariesAt;
    private bool _globalAtomics;
    private readonly int _staticShared;
    private readonly int _dynamicAt;
    private PtxInstruction _i = new();
    private int _index, _operandsRead;
    private readonly int _target;

    private Decoder(PtxText text, PtxFunction function)
    {
        (_text, _function, _target) = (text, function, text.TargetNumber);
        foreach (PtxInstruction i in function.Instructions)
        {
            if (i.Guard is not null) Place(i.Guard);
            foreach (Operand o in i.Operands) PlaceAll(o);
        }
        _temporariesAt = _places;
        _places += Temporaries * 256;
        _predicateTemporariesAt = _predicates;
        _predicates += 8;
        _staticShared = LayOutShared(out _dynamicAt);
    }

    public static Program Decode(PtxText text, PtxFunction function)
    {
        Decoder d = new(text, function);
        int constantsAt = d._places;
        int[] firstOf = new int[function.Instructions.Count + 1];
        for (d._index = 0; d._index < function.Instructions.Count; d._index++)
        {
            firstOf[d._index] = d._code.Count;
            d.One(function.Instructions[d._index]);
        }
        firstOf[^1] = d._code.Count;
        d._i = new PtxInstruction { Opcode = "ret", Line = function.Instructions.Count > 0 ? function.Instructions[^1].Line : 0 };
        Instruction end = d.New(InstructionClass.Control);
        end.Flow = Flow.Exit;
        end.Counted = false;
        d._code.Add(end);
        Instruction[] code = d._code.ToArray();
        Connect(code, firstOf);
        return new Program
        {
            Function = function,
            Text = text,
            Code = code,
            RegisterBytes = d._places,
            ConstantsAt = constantsAt,
            PredicateCount = d._predicates,
            Constants = [.. d._constants.Select(c => (c.Value, c.Key.Value, c.Key.Bytes))],
            Specials = [.. d._specials.Select(s => (s.Value, s.Key))],
            StaticSharedBytes = d._dynamicAt,
            UsesGlobalAtomics = d._globalAtomics,
        };
    }

    /// <summary>Branch targets from PTX indices to decoded ones, and where the lanes of each branch meet again.</summary>
    private static void Connect(Instruction[] code, int[] firstOf)
    {
        ControlFlow.Edge[] edges = new ControlFlow.Edge[code.Length];
        for (int k = 0; k < code.Length; k++)
        {
            ref Instruction i = ref code[k];
            if (i.Flow == Flow.Branch) i.Target = firstOf[i.Target];
            edges[k] = i.Flow switch
            {
                Flow.Branch => new(i.Target, i.Guard != 0),
                Flow.Exit => new(-1, i.Guard != 0),
                _ => new(-1, true),
            };
        }
        int[] meet = ControlFlow.Reconvergence(edges);
        for (int k = 0; k < code.Length; k++) code[k].Reconverge = meet[k];
    }

    private int LayOutShared(out int dynamicAt)
    {
        int at = 0;
        HashSet<string> used = new(StringComparer.Ordinal);
        foreach (PtxInstruction i in _function.Instructions)
            foreach (Operand o in i.Operands) Names(o, used);
        IEnumerable<PtxVariable> all = _function.Shared.Concat(_text.Variables.Where(v => v.Space == PtxSpace.Shared
            && used.Contains(v.Name))).ToList();
        foreach (PtxVariable v in all.Where(v => !v.Dynamic))
        {
            at = (at + v.Align - 1) / v.Align * v.Align;
            v.Address = (ulong)at;
            at += (int)v.Bytes;
        }
        int align = all.Where(v => v.Dynamic).Select(v => v.Align).DefaultIfEmpty(1).Max();
        dynamicAt = (at + align - 1) / align * align;
        foreach (PtxVariable v in all.Where(v => v.Dynamic)) v.Address = (ulong)dynamicAt;
        return at;

        static void Names(Operand o, HashSet<string> names)
        {
            if (o.Variable is not null) names.Add(o.Variable.Name);
            foreach (Operand p in o.Parts) Names(p, names);
        }
    }

    private void PlaceAll(Operand o)
    {
        if (o.Register is not null) Place(o.Register);
        if (o.Second is not null) PlaceAll(o.Second);
        foreach (Operand p in o.Parts) PlaceAll(p);
    }

    private void Place(PtxRegister r)
    {
        if (r.Place >= 0) return;
        if (r.Type == PtxType.Pred)
        {
            r.Place = _predicates++;
            return;
        }
        r.Place = _places;
        _places += r.Type.Bytes() == 8 ? 256 : 128;
    }

    private void One(PtxInstruction i)
    {
        _i = i;
        _temporary = 0;
        _temporaryPredicate = 0;
        _operandsRead = 0;
        _after.Clear();
        int needed = NeededArchitecture();
        if (_target > 0 && _target < needed) throw Unsupported($"this needs sm_{needed}, the text's target is {_text.Target}");
        Dispatch();
        if (_operandsRead < i.Operands.Count) throw Unsupported($"operand {_operandsRead + 1} is one too many");
        _code.AddRange(_after);
    }

    private EmulatorException Unsupported(string problem) =>
        EmulatorException.Unsupported(_function.Name, _i.Line, _text.Line(_i.Line), problem);

    private Instruction New(InstructionClass kind, int flops = 0)
    {
        Instruction i = default;
        i.Class = kind;
        i.Flops = flops;
        i.Run = &WarpOps.Nothing;
        i.Guard = _i.Guard?.Place ?? 0;
        i.GuardNegated = _i.GuardNegated;
        i.Source = _index;
        i.Counted = true;
        i.Space = PtxSpace.Generic;
        return i;
    }

    private Instruction Helper(Handler run, int d, int a)
    {
        Instruction i = New(InstructionClass.Move);
        i.Run = run;
        (i.D, i.A, i.B, i.C, i.Counted) = (d, a, a, a, false);
        return i;
    }

    private int Temporary()
    {
        if (_temporary == Temporaries) throw Unsupported("too many operands");
        return _temporariesAt + 256 * _temporary++;
    }

    private int TemporaryPredicate() => _predicateTemporariesAt + _temporaryPredicate++;

    private int Constant(ulong value, int bytes)
    {
        bytes = bytes == 8 ? 8 : 4;
        if (_constants.TryGetValue((value, bytes), out int at)) return at;
        at = Grow(bytes);
        _constants[(value, bytes)] = at;
        return at;
    }

    private int Grow(int bytes)
    {
        int at = _places;
        _places += bytes == 8 ? 256 : 128;
        return at;
    }

    private Operand Operand(int n)
    {
        _operandsRead = Math.Max(_operandsRead, n + 1);
        return n < _i.Operands.Count ? _i.Operands[n] : throw Unsupported($"operand {n + 1} is missing");
    }

    private int Source(int n, PtxType type) => Source(Operand(n), type);

    /// <summary>The column of a source used as <paramref name="type"/>.</summary>
    private int Source(Operand o, PtxType type)
    {
        int bytes = type.Bytes();
        switch (o.Kind)
        {
            case OperandKind.Register:
                PtxRegister r = o.Register!;
                if (r.Type == PtxType.Pred) throw Unsupported($"{r.Name} is a predicate");
                bool wide = r.Type.Bytes() == 8;
                if (wide == (bytes == 8)) return r.Place;
                int t = Temporary();
                _code.Add(Helper(wide ? &Scalar.Unary<ConvertOps.Low64, ulong, uint> : &Scalar.Unary<ConvertOps.Zero32To64, uint, ulong>,
                    t, r.Place));
                return t;
            case OperandKind.Integer or OperandKind.Float:
                return Constant(PtxParser.ImmediateBits(o, type), bytes);
            case OperandKind.Symbol when o.Variable is not null:
                return Constant(o.Variable.Address + (ulong)o.Value, bytes);
            case OperandKind.Symbol when o.Name == "WARP_SZ":
                return Constant(32, bytes);
            case OperandKind.Symbol when o.Name.StartsWith('%'):
                return SpecialRegister(o.Name, bytes);
            default:
                throw Unsupported($"operand {o.Name} of this kind");
        }
    }

    private static readonly HashSet<string> KnownSpecials = new(StringComparer.Ordinal)
    {
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
        "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%gridid",
        "%lanemask_eq", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge", "%dynamic_smem_size", "%total_smem_size",
    };

    private int SpecialRegister(string name, int bytes)
    {
        if (name is "%clock" or "%clock_hi" or "%clock64" or "%globaltimer")
        {
            int t = Temporary();
            Instruction i = Helper(&WarpOps.Clock, t, t);
            i.Width = (byte)(bytes == 8 ? 8 : 4);
            _code.Add(i);
            return t;
        }
        if (!KnownSpecials.Contains(name)) throw Unsupported($"unknown register {name}");
        string key = bytes == 8 ? name + "64" : name;
        if (key is not "%gridid64" && bytes == 8) throw Unsupported($"{name} is 32 bits wide");
        if (_specials.TryGetValue(key, out int at)) return at;
        return _specials[key] = Grow(bytes);
    }

    /// <summary>The column a result of <paramref name="type"/> goes to; wider registers are filled by a helper step.</summary>
    private int Target(int n, PtxType type, bool signed = false) => Target(Operand(n), type, signed);

    private int Target(Operand o, PtxType type, bool signed = false)
    {
        if (o.Kind == OperandKind.Sink) return Temporary();
        if (o.Kind != OperandKind.Register || o.Register!.Type == PtxType.Pred) throw Unsupported($"{o.Name} is no register to write to");
        bool wide = o.Register.Type.Bytes() == 8;
        if (wide == (type.Bytes() == 8)) return o.Register.Place;
        if (!wide) throw Unsupported($"a 64-bit result does not fit {o.Name}");
        int t = Temporary();
        _after.Add(Helper(signed ? &Scalar.Unary<ConvertOps.Sign32To64, int, long> : &Scalar.Unary<ConvertOps.Zero32To64, uint, ulong>,
            o.Register.Place, t));
        return t;
    }

    /// <summary>A source predicate; a negated one is inverted into a temporary.</summary>
    private int Predicate(Operand o)
    {
        if (o.Kind == OperandKind.Integer)
        {
            int c = TemporaryPredicate();
            _code.Add(Helper(&CompareOps.Logic, c, 0) with { Op = (byte)(o.Value != 0 ? 4 : 3) });
            return c;
        }
        if (o.Register?.Type != PtxType.Pred) throw Unsupported($"{o.Name} is no predicate");
        if (!o.Negated) return o.Register.Place;
        int t = TemporaryPredicate();
        _code.Add(Helper(&CompareOps.Logic, t, o.Register.Place) with { Op = 3 });
        return t;
    }

    private int PredicateTarget(Operand? o)
    {
        if (o is null) return -1;
        if (o.Kind == OperandKind.Sink) return TemporaryPredicate();
        return o.Register?.Type == PtxType.Pred ? o.Register.Place : throw Unsupported($"{o.Name} is no predicate");
    }

    /// <summary>Type suffixes, in order.</summary>
    private List<PtxType> Types() => [.. _i.Modifiers.Select(PtxTypes.Parse).Where(t => t != PtxType.None)];

    private PtxType Type()
    {
        List<PtxType> types = Types();
        return types.Count > 0 ? types[^1] : throw Unsupported("no type");
    }

    /// <summary>Refuses modifiers that are neither types nor named here.</summary>
    private void Allow(params ReadOnlySpan<string> known)
    {
        foreach (string m in _i.Modifiers)
        {
            if (PtxTypes.Parse(m) != PtxType.None || known.Contains(m)) continue;
            throw Unsupported($"unknown modifier .{m}");
        }
    }

    private bool Has(string modifier) => _i.Has(modifier);

    private Rounding RoundingMode() => Has("rz") ? Rounding.Zero : Has("rm") ? Rounding.Down : Has("rp") ? Rounding.Up
        : Has("rna") ? Rounding.NearestAway : Rounding.Nearest;

    private void Emit(in Instruction i) => _code.Add(i);
}
