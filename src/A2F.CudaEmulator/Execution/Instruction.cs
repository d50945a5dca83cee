using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>What the counters tell apart.</summary>
internal enum InstructionClass : byte
{
    Integer, Float, Double, Half, Special, Tensor, Memory, Control, Move,
}

/// <summary>How an instruction moves the program counter.</summary>
internal enum Flow : byte
{
    Next, Branch, Exit, Barrier,
}

internal enum Rounding : byte
{
    Nearest, Zero, Down, Up, NearestAway,
}

/// <summary>
/// One decoded instruction. <see cref="D"/>, <see cref="A"/>.. are byte offsets of 32-lane columns in the warp's
/// registers (4 or 8 bytes a lane), or predicate indices.
/// </summary>
internal unsafe struct Instruction
{
    public Handler Run;
    public int D, A, B, C;
    /// <summary>More columns: vector elements, fragments.</summary>
    public fixed int X[16];
    public long Imm;
    public int Guard;
    public int Target, Reconverge;
    /// <summary>Index of the PTX instruction that it came from.</summary>
    public int Source;
    public int Flops;
    public bool GuardNegated, Ftz, Sat, Signed, Relu, Flag;
    public InstructionClass Class;
    public Flow Flow;
    public Rounding Rounding;
    public byte Op, Op2, Width, Count, Count2;
    public PtxType Type, Type2;
    public PtxSpace Space;
    /// <summary>False for helper steps that the decoder inserted: they count as nothing.</summary>
    public bool Counted;
}

/// <summary>A kernel ready to run.</summary>
internal sealed unsafe class Program
{
    public required PtxFunction Function { get; init; }
    public required Instruction[] Code { get; init; }
    public required int RegisterBytes { get; init; }
    /// <summary>Where constants begin: everything before is cleared for each block.</summary>
    public required int ConstantsAt { get; init; }
    public required int PredicateCount { get; init; }
    public required List<(int Offset, ulong Value, int Bytes)> Constants { get; init; }
    /// <summary>Special registers used: column offset and name.</summary>
    public required List<(int Offset, string Name)> Specials { get; init; }
    public required int StaticSharedBytes { get; init; }
    public required bool UsesGlobalAtomics { get; init; }
    public required PtxText Text { get; init; }

    public int LineOf(in Instruction i) =>
        i.Source < Function.Instructions.Count ? Function.Instructions[i.Source].Line : Function.Instructions.LastOrDefault()?.Line ?? 0;
}
