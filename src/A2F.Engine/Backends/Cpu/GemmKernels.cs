using System.Runtime.Intrinsics.X86;

namespace A2F.Engine.Backends.Cpu;

/// <summary>A row count that the JIT knows when it compiles a generic method.</summary>
internal interface IRowCount
{
    static abstract int Count { get; }
}

internal readonly struct Rows1 : IRowCount { public static int Count => 1; }
internal readonly struct Rows2 : IRowCount { public static int Count => 2; }
internal readonly struct Rows3 : IRowCount { public static int Count => 3; }
internal readonly struct Rows4 : IRowCount { public static int Count => 4; }
internal readonly struct Rows5 : IRowCount { public static int Count => 5; }
internal readonly struct Rows6 : IRowCount { public static int Count => 6; }
internal readonly struct Rows7 : IRowCount { public static int Count => 7; }
internal readonly struct Rows8 : IRowCount { public static int Count => 8; }
internal readonly struct Rows9 : IRowCount { public static int Count => 9; }
internal readonly struct Rows10 : IRowCount { public static int Count => 10; }
internal readonly struct Rows11 : IRowCount { public static int Count => 11; }
internal readonly struct Rows12 : IRowCount { public static int Count => 12; }
internal readonly struct Rows13 : IRowCount { public static int Count => 13; }
internal readonly struct Rows14 : IRowCount { public static int Count => 14; }

/// <summary>
/// The micro-kernel of one instruction set. B comes in panels of 16 columns, [k][16] and 64-byte aligned, so one packed layout serves all.
/// Every kernel adds an element's products in the order of k, one fused multiply-add each (the portable one too where the machine has it), so
/// a result never depends on which rows share a tile.
/// </summary>
internal sealed unsafe class GemmKernels
{
    /// <summary>Columns of a panel.</summary>
    internal const int PanelWidth = 16;

    /// <summary>Most rows of a tile, over all kernels.</summary>
    internal const int MaxRows = 14;

    /// <summary>
    /// (rows, panels, k, a, b, panelStride, c, rowStride, bias): C = A * B + bias, or C += A * B where bias is null. A is [k][rows] packed;
    /// the second panel starts panelStride floats after the first.
    /// </summary>
    internal readonly delegate*<int, int, int, float*, float*, nint, float*, nint, float*, void> Run;

    internal GemmKernels(string name, int rows, delegate*<int, int, int, float*, float*, nint, float*, nint, float*, void> run)
    {
        Name = name;
        Rows = rows;
        Run = run;
    }

    /// <summary>Name for reports: avx512, avx2, portable.</summary>
    internal string Name { get; }

    /// <summary>Most rows of a tile.</summary>
    internal int Rows { get; }

    /// <summary>The widest instruction set of this machine.</summary>
    internal static CpuInstructionSet Best =>
        Avx512F.IsSupported ? CpuInstructionSet.Avx512
        : Avx2.IsSupported && Fma.IsSupported ? CpuInstructionSet.Avx2
        : CpuInstructionSet.Portable;

    /// <summary>The kernels for an instruction set.</summary>
    /// <exception cref="A2FException">This machine does not have it.</exception>
    internal static GemmKernels For(CpuInstructionSet set) => set switch
    {
        CpuInstructionSet.Avx512 when Avx512F.IsSupported => GemmKernelsAvx512.Create(),
        CpuInstructionSet.Avx2 when Avx2.IsSupported && Fma.IsSupported => GemmKernelsAvx2.Create(),
        CpuInstructionSet.Portable => GemmKernelsPortable.Create(),
        _ => throw new A2FException(A2FErrorCode.DeviceUnavailable, $"this CPU does not have {set}; the best it has is {Best}"),
    };
}

/// <summary>Instruction sets that the CPU backend has kernels for.</summary>
public enum CpuInstructionSet
{
    /// <summary>128-bit vectors of whatever the machine has.</summary>
    Portable,

    /// <summary>AVX2 and FMA.</summary>
    Avx2,

    /// <summary>AVX-512F.</summary>
    Avx512,
}
