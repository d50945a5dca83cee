using System.Globalization;

namespace A2F.CudaEmulator.Ptx;

/// <summary>Reads a PTX module: declarations here, function bodies and operands in the other parts.</summary>
internal sealed partial class PtxParser
{
    private readonly PtxText _text = new();
    private readonly List<Token> _tokens;
    private readonly Dictionary<string, PtxVariable> _moduleNames = new(StringComparer.Ordinal);
    private int _at;

    private PtxParser(string text)
    {
        _text.Lines = text.Split('\n');
        _tokens = PtxLexer.Split(text);
    }

    public static PtxText Parse(string text)
    {
        PtxParser parser = new(text);
        while (parser.Peek.Kind != TokenKind.End) parser.ModuleStatement();
        return parser._text;
    }

    private Token Peek => _tokens[_at];

    private Token Next() => _tokens[_at].Kind == TokenKind.End ? throw Fail("the text ends in the middle of a statement") : _tokens[_at++];

    private bool Accept(string text)
    {
        if (Peek.Text != text || Peek.Kind == TokenKind.Text) return false;
        _at++;
        return true;
    }

    private void Expect(string text)
    {
        if (!Accept(text)) throw Fail($"expected '{text}', found '{Peek.Text}'");
    }

    private EmulatorException Fail(string problem) => EmulatorException.Syntax(Peek.Line, _text.Line(Peek.Line), problem);

    private void ModuleStatement()
    {
        string word = Peek.Text;
        switch (word)
        {
            case ".version":
                _at++;
                _text.Version = Next().Text;
                break;
            case ".target":
                _at++;
                _text.Target = Next().Text;
                while (Accept(",")) Next();
                break;
            case ".address_size":
                _at++;
                if (Next().Text != "64") throw Fail("only 64-bit addresses are supported");
                break;
            case ".file" or ".loc":
                SkipLine();
                break;
            case ".section":
                while (!Accept("}")) Next();
                break;
            case ".visible" or ".extern" or ".weak" or ".common":
                _at++;
                break;
            case ".entry" or ".func":
                Function();
                break;
            case ".global" or ".const" or ".shared":
                foreach (PtxVariable v in Variables()) Declare(v);
                break;
            case ";":
                _at++;
                break;
            default:
                throw Fail($"unexpected '{word}' outside a function");
        }
    }

    private void Declare(PtxVariable variable)
    {
        if (!_moduleNames.TryAdd(variable.Name, variable)) return;
        _text.Variables.Add(variable);
    }

    private void SkipLine()
    {
        int line = Peek.Line;
        while (Peek.Kind != TokenKind.End && Peek.Line == line) _at++;
    }

    /// <summary><c>.space [.align n] [.vN] .type name[dims] [= init] {, name...};</c></summary>
    private List<PtxVariable> Variables()
    {
        bool external = _at > 0 && _tokens[_at - 1].Text == ".extern";
        PtxSpace space = Next().Text switch
        {
            ".global" => PtxSpace.Global,
            ".const" => PtxSpace.Const,
            ".shared" => PtxSpace.Shared,
            ".local" => PtxSpace.Local,
            _ => PtxSpace.Param,
        };
        List<PtxVariable> result = [];
        (PtxType type, int align, int vector) = TypeOfVariable();
        do
        {
            PtxVariable v = new() { Space = space, Type = type, Align = align, Name = Next().Text };
            long count = Dimensions(out bool open) * vector;
            v.Bytes = open ? 0 : count * type.Bytes();
            v.Dynamic = space == PtxSpace.Shared && external && open;
            if (Accept("=")) Initialiser(v, open);
            result.Add(v);
        }
        while (Accept(","));
        Expect(";");
        return result;
    }

    private (PtxType Type, int Align, int Vector) TypeOfVariable()
    {
        int align = 0, vector = 1;
        while (true)
        {
            Token t = Next();
            switch (t.Text)
            {
                case ".align": align = (int)Integer(Next()); break;
                case ".v2": vector = 2; break;
                case ".v4": vector = 4; break;
                case ".ptr" or ".global" or ".const" or ".shared" or ".local" or ".managed": break;
                default:
                    PtxType type = t.Text.StartsWith('.') ? PtxTypes.Parse(t.Text[1..]) : PtxType.None;
                    if (type == PtxType.None) throw Fail($"'{t.Text}' is no type");
                    // A kernel parameter may say what its pointer points to: `.param .u64 .ptr .align 1 name`.
                    int ignored = 0;
                    while (Peek.Text is ".ptr" or ".global" or ".const" or ".shared" or ".local" or ".align")
                        if (Next().Text == ".align") ignored += (int)Integer(Next());
                    return (type, align == 0 ? type.Bytes() * vector : align, vector);
            }
        }
    }

    private long Dimensions(out bool open)
    {
        long count = 1;
        open = false;
        while (Accept("["))
        {
            if (Accept("]"))
            {
                open = true;
                continue;
            }
            count *= Integer(Next());
            Expect("]");
        }
        return count;
    }

    private void Initialiser(PtxVariable v, bool open)
    {
        List<byte> bytes = [];
        int depth = 0;
        do
        {
            if (Accept("{")) depth++;
            else if (Accept("}")) depth--;
            else if (!Accept(",")) InitialValue(v, bytes);
        }
        while (depth > 0);
        if (open) v.Bytes = bytes.Count;
        if (bytes.Count > v.Bytes) throw Fail($"the initialiser of {v.Name} has {bytes.Count} bytes, the variable {v.Bytes}");
        v.Initial = new byte[v.Bytes];
        bytes.CopyTo(v.Initial);
    }

    private void InitialValue(PtxVariable v, List<byte> bytes)
    {
        int width = v.Type.Bytes();
        if (Peek.Kind == TokenKind.Word)
        {
            string name = Next().Text;
            if (name == "generic")
            {
                Expect("(");
                name = Next().Text;
                Expect(")");
            }
            v.Pointers.Add((bytes.Count, name));
            bytes.AddRange(new byte[width]);
            return;
        }
        Operand value = Literal();
        ulong bits = ImmediateBits(value, v.Type);
        for (int i = 0; i < width; i++) bytes.Add((byte)(bits >> (8 * i)));
    }

    /// <summary>The bit pattern of a literal used as <paramref name="type"/>.</summary>
    public static ulong ImmediateBits(Operand o, PtxType type)
    {
        if (type == PtxType.F32) return o.HexBytes == 4 ? o.HexBits : BitConverter.SingleToUInt32Bits((float)Double(o));
        if (type == PtxType.F64) return o.HexBytes == 8 ? o.HexBits : BitConverter.DoubleToUInt64Bits(Double(o));
        if (o.Kind == OperandKind.Float)
            return o.HexBytes > 0 ? o.HexBits : type == PtxType.F16 ? BitConverter.HalfToUInt16Bits((Half)o.Number) : (ulong)(long)o.Number;
        return type.Bytes() switch { 1 => (byte)o.Value, 2 => (ushort)o.Value, 8 => (ulong)o.Value, _ => (uint)o.Value };
    }

    private static double Double(Operand o) => o.Kind == OperandKind.Integer ? o.Value : o.HexBytes switch
    {
        4 => BitConverter.UInt32BitsToSingle((uint)o.HexBits),
        8 => BitConverter.UInt64BitsToDouble(o.HexBits),
        _ => o.Number,
    };

    private Operand Literal()
    {
        bool negative = Accept("-");
        Token t = Next();
        if (t.Kind != TokenKind.Number) throw Fail($"expected a number, found '{t.Text}'");
        Operand o = new() { Kind = OperandKind.Integer };
        string s = t.Text;
        NumberStyles hex = NumberStyles.AllowHexSpecifier;
        CultureInfo plain = CultureInfo.InvariantCulture;
        try
        {
            if (s.Length == 10 && s[1] is 'f' or 'F') (o.Kind, o.HexBytes, o.HexBits) = (OperandKind.Float, 4, uint.Parse(s.AsSpan(2),
                hex, plain));
            else if (s.Length == 18 && s[1] is 'd' or 'D')
                (o.Kind, o.HexBytes, o.HexBits) = (OperandKind.Float, 8, ulong.Parse(s.AsSpan(2), hex, plain));
            else if (s.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) o.Value = (long)ulong.Parse(s.AsSpan(2).TrimEnd('U'), hex,
                plain);
            else if (s.AsSpan().ContainsAny('.', 'e', 'E')) (o.Kind, o.Number) = (OperandKind.Float, double.Parse(s, plain));
            else o.Value = (long)ulong.Parse(s.AsSpan().TrimEnd('U'), NumberStyles.None, plain);
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw Fail($"'{s}' is no number");
        }
        if (!negative) return o;
        o.Value = -o.Value;
        o.Number = -o.Number;
        if (o.HexBytes > 0) o.HexBits ^= 1UL << (8 * o.HexBytes - 1);
        return o;
    }

    private long Integer(Token t)
    {
        _at--;
        Operand o = Literal();
        return o.Kind == OperandKind.Integer ? o.Value : throw Fail($"expected an integer, found '{t.Text}'");
    }
}
