namespace A2F.CudaEmulator.Ptx;

internal enum OperandKind
{
    Register, Symbol, Integer, Float, Address, Vector, Sink,
}

/// <summary>One operand as written.</summary>
internal sealed class Operand
{
    public OperandKind Kind;
    public string Name = "";
    /// <summary>The register or variable that <see cref="Name"/> resolves to, once known.</summary>
    public PtxRegister? Register;
    public PtxVariable? Variable;
    /// <summary>Integer value, or byte offset of an address or symbol.</summary>
    public long Value;
    public double Number;
    /// <summary>Bits of a 0f or 0d literal; <see cref="HexBytes"/> is 4 or 8 there, else 0.</summary>
    public ulong HexBits;
    public int HexBytes;
    public bool Negated;
    /// <summary>Elements of a vector operand, or the second predicate of a pair.</summary>
    public List<Operand> Parts = [];
    /// <summary>The second of <c>p|q</c>.</summary>
    public Operand? Second;
}

/// <summary>A virtual register.</summary>
/// <param name="Name">As declared.</param>
/// <param name="Type">Declared type; only its width and predicate-ness matter.</param>
internal sealed record PtxRegister(string Name, PtxType Type)
{
    /// <summary>Column offset or predicate index, filled by the decoder; -1 before its first use.</summary>
    public int Place = -1;
}

internal enum PtxSpace
{
    Generic, Global, Shared, Local, Const, Param,
}

/// <summary>A named piece of memory.</summary>
internal sealed class PtxVariable
{
    public string Name = "";
    public PtxSpace Space;
    public PtxType Type;
    public int Align;
    public long Bytes;
    /// <summary>True for <c>extern .shared x[]</c>: starts where the static shared variables end.</summary>
    public bool Dynamic;
    /// <summary>Initial contents, or null for zero (global, const).</summary>
    public byte[]? Initial;
    /// <summary>Places in <see cref="Initial"/> that hold the address of another variable.</summary>
    public List<(int Offset, string Symbol)> Pointers = [];
    /// <summary>Offset in its space; an absolute address for global and const ones once the module is loaded.</summary>
    public ulong Address;
}

/// <summary>One instruction as written.</summary>
internal sealed class PtxInstruction
{
    public int Line;
    public string Opcode = "";
    public string[] Modifiers = [];
    public PtxRegister? Guard;
    public bool GuardNegated;
    public List<Operand> Operands = [];

    public bool Has(string modifier) => Array.IndexOf(Modifiers, modifier) >= 0;
}

/// <summary>An entry point or device function.</summary>
internal sealed class PtxFunction
{
    public string Name = "";
    public bool IsEntry;
    public List<PtxVariable> Parameters = [];
    public int ParameterBytes;
    public List<PtxInstruction> Instructions = [];
    public Dictionary<string, int> Labels = new(StringComparer.Ordinal);
    public List<PtxVariable> Shared = [];
    public List<PtxVariable> Local = [];
    public int LocalBytes;
    public int MaxThreads;
}

/// <summary>A parsed PTX text.</summary>
internal sealed class PtxText
{
    public string[] Lines = [];
    public string Version = "";
    public string Target = "";
    public List<PtxFunction> Functions = [];
    public List<PtxVariable> Variables = [];

    /// <summary>86 of sm_86; 0 where the text names no target of that form.</summary>
    public int TargetNumber => Target.StartsWith("sm_", StringComparison.Ordinal)
        && int.TryParse(Target.AsSpan(3).TrimEnd("af"), out int number) ? number : 0;

    public string Line(int number) => number >= 1 && number <= Lines.Length ? Lines[number - 1] : "";
}
