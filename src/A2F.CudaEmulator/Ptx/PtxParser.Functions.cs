namespace A2F.CudaEmulator.Ptx;

/// <summary>Function headers, bodies with their nested scopes, and operands.</summary>
internal sealed partial class PtxParser
{
    /// <summary>Names declared between a pair of braces.</summary>
    private sealed class Scope(Scope? parent)
    {
        public readonly Scope? Parent = parent;
        public readonly Dictionary<string, PtxRegister> Registers = new(StringComparer.Ordinal);
        public readonly Dictionary<string, PtxVariable> Variables = new(StringComparer.Ordinal);
        /// <summary>Label name to the name that is unique in the function.</summary>
        public readonly Dictionary<string, string> Labels = new(StringComparer.Ordinal);
        /// <summary>Families declared as <c>%r&lt;100&gt;</c>.</summary>
        public readonly List<(string Prefix, int Count, PtxType Type)> Families = [];
    }

    private PtxFunction _function = new();
    private Scope _scope = new(null);
    private readonly List<(Operand Target, Scope Scope, int Line)> _branchTargets = [];
    private int _scopeCount;

    private void Function()
    {
        _function = new PtxFunction { IsEntry = Next().Text == ".entry" };
        _scope = new Scope(null);
        _branchTargets.Clear();
        if (Accept("("))
        {
            // Results of a device function: names that its body may use, no part of a parameter block.
            Parameters();
            _function.Parameters.Clear();
            _function.ParameterBytes = 0;
        }
        _function.Name = Next().Text;
        if (Accept("(")) Parameters();
        while (Peek.Text is not "{" and not ";") Directive();
        if (Accept(";")) return; // a prototype
        Expect("{");
        Body();
        ResolveTargets();
        _text.Functions.Add(_function);
    }

    private void Parameters()
    {
        while (!Accept(")"))
        {
            if (Accept(",")) continue;
            Next(); // .param or .reg
            (PtxType type, int align, int vector) = TypeOfVariable();
            PtxVariable p = new() { Space = PtxSpace.Param, Type = type, Align = align, Name = Next().Text };
            p.Bytes = Dimensions(out _) * vector * type.Bytes();
            _function.ParameterBytes = (_function.ParameterBytes + align - 1) / align * align;
            p.Address = (ulong)_function.ParameterBytes;
            _function.ParameterBytes += (int)p.Bytes;
            _function.Parameters.Add(p);
            _scope.Variables[p.Name] = p;
        }
    }

    private void Directive()
    {
        string word = Next().Text;
        if (word == ".maxntid")
        {
            int threads = (int)Integer(Next());
            while (Accept(",")) threads *= (int)Integer(Next());
            _function.MaxThreads = threads;
            return;
        }
        if (!word.StartsWith('.')) throw Fail($"unexpected '{word}' before the body of {_function.Name}");
        while (Peek.Kind == TokenKind.Number || Peek.Text == ",") _at++;
    }

    private void Body()
    {
        int depth = 1;
        while (depth > 0)
        {
            Token t = Peek;
            switch (t.Text)
            {
                case "{":
                    _at++;
                    depth++;
                    _scope = new Scope(_scope);
                    _scopeCount++;
                    break;
                case "}":
                    _at++;
                    depth--;
                    _scope = _scope.Parent ?? _scope;
                    break;
                case ";": _at++; break;
                case ".reg": Registers(); break;
                case ".shared" or ".local" or ".param" or ".const" or ".global":
                    foreach (PtxVariable v in Variables()) DeclareInFunction(v);
                    break;
                case ".loc" or ".file": SkipLine(); break;
                case ".pragma":
                    while (!Accept(";")) Next();
                    break;
                default: LabelOrInstruction(); break;
            }
        }
    }

    private void DeclareInFunction(PtxVariable v)
    {
        _scope.Variables[v.Name] = v;
        if (v.Space == PtxSpace.Shared) _function.Shared.Add(v);
        else if (v.Space == PtxSpace.Local)
        {
            _function.LocalBytes = (_function.LocalBytes + v.Align - 1) / v.Align * v.Align;
            v.Address = (ulong)_function.LocalBytes;
            _function.LocalBytes += (int)v.Bytes;
            _function.Local.Add(v);
        }
        else if (v.Space != PtxSpace.Param) _text.Variables.Add(v);
    }

    private void Registers()
    {
        Next();
        (PtxType type, _, _) = TypeOfVariable();
        do
        {
            string name = Next().Text;
            if (Accept("<"))
            {
                _scope.Families.Add((name, (int)Integer(Next()), type));
                Expect(">");
            }
            else _scope.Registers[name] = new PtxRegister(name, type);
        }
        while (Accept(","));
        Expect(";");
    }

    private void LabelOrInstruction()
    {
        if (Peek.Kind == TokenKind.Word && _tokens[_at + 1].Text == ":")
        {
            string name = Next().Text;
            Next();
            string unique = _scope.Parent is null ? name : $"{name}@{_scopeCount}";
            _scope.Labels[name] = unique;
            _function.Labels[unique] = _function.Instructions.Count;
            return;
        }
        PtxInstruction i = new() { Line = Peek.Line };
        if (Accept("@"))
        {
            i.GuardNegated = Accept("!");
            string name = Next().Text;
            i.Guard = FindRegister(name) ?? throw Fail($"no register {name}");
        }
        Token op = Next();
        if (op.Kind != TokenKind.Word) throw Fail($"expected an instruction, found '{op.Text}'");
        i.Line = op.Line;
        string[] parts = op.Text.Split('.');
        i.Opcode = parts[0];
        i.Modifiers = parts[1..];
        while (!Accept(";"))
        {
            if (!Accept(",")) i.Operands.Add(ParseOperand());
        }
        if (i.Opcode is "bra" && i.Operands.Count > 0) _branchTargets.Add((i.Operands[0], _scope, i.Line));
        _function.Instructions.Add(i);
    }

    private void ResolveTargets()
    {
        foreach ((Operand target, Scope scope, int line) in _branchTargets)
        {
            Scope? s = scope;
            while (s is not null && !s.Labels.ContainsKey(target.Name)) s = s.Parent;
            if (s is null) throw EmulatorException.Syntax(line, _text.Line(line), $"no label {target.Name}");
            target.Value = _function.Labels[s.Labels[target.Name]];
        }
    }

    private PtxRegister? FindRegister(string name)
    {
        for (Scope? s = _scope; s is not null; s = s.Parent)
        {
            if (s.Registers.TryGetValue(name, out PtxRegister? r)) return r;
            foreach ((string prefix, int count, PtxType type) in s.Families)
            {
                if (!name.StartsWith(prefix, StringComparison.Ordinal) || !int.TryParse(name.AsSpan(prefix.Length), out int n)) continue;
                if (n < 0 || n >= count) continue;
                return s.Registers[name] = new PtxRegister(name, type);
            }
        }
        return null;
    }

    private PtxVariable? FindVariable(string name)
    {
        for (Scope? s = _scope; s is not null; s = s.Parent)
            if (s.Variables.TryGetValue(name, out PtxVariable? v)) return v;
        return _moduleNames.GetValueOrDefault(name);
    }

    private Operand ParseOperand()
    {
        if (Accept("[")) return AddressOperand();
        if (Accept("{"))
        {
            Operand vector = new() { Kind = OperandKind.Vector };
            while (!Accept("}"))
                if (!Accept(",")) vector.Parts.Add(ParseOperand());
            return vector;
        }
        if (Accept("("))
        {
            Operand list = new() { Kind = OperandKind.Vector, Name = "()" };
            while (!Accept(")"))
                if (!Accept(",")) list.Parts.Add(ParseOperand());
            return list;
        }
        bool negated = Accept("!");
        if (Peek.Kind == TokenKind.Number || Peek.Text == "-") return Literal();
        Operand o = NamedOperand();
        o.Negated = negated;
        if (Accept("|")) o.Second = NamedOperand();
        if (o.Kind == OperandKind.Symbol && Accept("+")) o.Value = Integer(Next());
        return o;
    }

    private Operand AddressOperand()
    {
        Operand o = new() { Kind = OperandKind.Address };
        if (Peek.Kind == TokenKind.Number || Peek.Text == "-") o.Value = Integer(Step());
        else
        {
            Operand name = NamedOperand();
            if (name.Register is null && name.Variable is null) throw Fail($"no register or variable {name.Name}");
            (o.Name, o.Register, o.Variable) = (name.Name, name.Register, name.Variable);
            if (Accept("+")) o.Value = Integer(Step());
            else if (Peek.Text == "-") o.Value = Integer(Step());
        }
        Expect("]");
        return o;
    }

    /// <summary>Moves past the first token of a literal, as <see cref="Integer"/> wants.</summary>
    private Token Step() => Next();

    private Operand NamedOperand()
    {
        Token t = Next();
        if (t.Kind != TokenKind.Word) throw Fail($"unexpected '{t.Text}'");
        if (t.Text == "_") return new Operand { Kind = OperandKind.Sink, Name = "_" };
        Operand o = new() { Kind = OperandKind.Symbol, Name = t.Text, Register = FindRegister(t.Text) };
        if (o.Register is not null) o.Kind = OperandKind.Register;
        else o.Variable = FindVariable(t.Text);
        return o;
    }
}
