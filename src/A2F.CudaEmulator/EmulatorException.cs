namespace A2F.CudaEmulator;

/// <summary>What a kernel did wrong.</summary>
public enum EmulatorErrorKind
{
    /// <summary>The PTX text can't be read.</summary>
    Syntax,
    /// <summary>An opcode, modifier or operand form that the emulator doesn't know.</summary>
    Unsupported,
    /// <summary>An access outside every allocation (or variable) it could belong to.</summary>
    OutOfBounds,
    /// <summary>An address that is no multiple of the access width.</summary>
    Misaligned,
    /// <summary>A read of bytes that nobody wrote.</summary>
    UninitialisedRead,
    /// <summary>An access to memory after it was freed.</summary>
    UseAfterFree,
    /// <summary>A write to constant memory.</summary>
    ReadOnlyWrite,
    /// <summary>Two accesses to the same shared byte with no barrier between, one of them a write.</summary>
    SharedRace,
    /// <summary>A read or write of shared bytes that an asynchronous copy still owns.</summary>
    PendingCopy,
    /// <summary>A barrier that only some lanes of a warp reached.</summary>
    DivergentBarrier,
    /// <summary>Warps that wait at barriers which can never complete.</summary>
    BarrierMismatch,
    /// <summary>A warp-wide operation whose member mask isn't the set of executing lanes.</summary>
    WarpSyncMask,
    /// <summary>A parameter block whose size isn't what the kernel declares.</summary>
    ParameterSize,
    /// <summary>A grid, block or shared memory size that the device can't run.</summary>
    LaunchLimits,
    /// <summary>The kernel executed trap or a failed assertion.</summary>
    Trap,
    /// <summary>A warp executed more instructions than the device's limit allows.</summary>
    Hang,
    /// <summary>Two pieces of work that touch the same device memory, one of them as a writer, though nothing orders them.</summary>
    StreamRace,
    /// <summary>The host changed page-locked memory that a queued copy owns.</summary>
    HostRace,
    /// <summary>The caller named something that doesn't exist.</summary>
    NotFound,
}

/// <summary>A fault in a kernel, with the place it happened at.</summary>
public sealed class EmulatorException : Exception
{
    internal EmulatorException(EmulatorErrorKind kind, string message) : base(message) => Kind = kind;

    /// <summary>What went wrong.</summary>
    public EmulatorErrorKind Kind { get; }

    /// <summary>The kernel's name, or null where no kernel is involved.</summary>
    public string? Kernel { get; init; }

    /// <summary>The one-based line of the PTX text, or 0.</summary>
    public int Line { get; init; }

    /// <summary>The text of that line.</summary>
    public string LineText { get; init; } = "";

    /// <summary>The block's coordinates in the grid.</summary>
    public Dim3 Block { get; init; }

    /// <summary>The thread's coordinates in its block.</summary>
    public Dim3 Thread { get; init; }

    /// <summary>The lane in its warp, or -1 where no single lane is at fault.</summary>
    public int Lane { get; init; } = -1;

    /// <summary>The address accessed (in its own state space), or 0.</summary>
    public ulong Address { get; init; }

    internal static EmulatorException Syntax(int line, string text, string problem) =>
        new(EmulatorErrorKind.Syntax, $"PTX line {line}: {problem}: {text.Trim()}") { Line = line, LineText = text.Trim() };

    internal static EmulatorException Unsupported(string kernel, int line, string text, string problem) =>
        new(EmulatorErrorKind.Unsupported, $"kernel {kernel}, PTX line {line}: {problem}: {text.Trim()}")
        {
            Kernel = kernel,
            Line = line,
            LineText = text.Trim(),
        };
}
