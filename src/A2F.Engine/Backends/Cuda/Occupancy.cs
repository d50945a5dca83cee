namespace A2F.Engine.Backends.Cuda;

/// <summary>How many blocks of a kernel a multiprocessor holds at once (CUDA C++ Programming Guide, "Compute Capabilities").</summary>
/// <param name="Blocks">Blocks; 0 where a block does not fit.</param>
/// <param name="Warps">Their warps.</param>
/// <param name="MaxWarps">Warps that the multiprocessor has room for.</param>
internal readonly record struct Occupancy(int Blocks, int Warps, int MaxWarps)
{
    /// <summary>Shared memory of each block that the system keeps for itself, from sm_80 on.</summary>
    internal const int ReservedSharedBytes = 1024;

    private const int Registers = 65536, RegisterUnit = 256, MaxRegisters = 255, Partitions = 4, WarpSize = 32, MaxThreads = 1024;

    private readonly record struct Multiprocessor(int Warps, int Blocks, int SharedKilobytes);

    /// <summary>Part of the warps that are taken, 0 to 1.</summary>
    internal double Part => (double)Warps / MaxWarps;

    /// <summary>The occupancy of a kernel; null for an architecture whose limits are not known here.</summary>
    /// <param name="architecture">Compute capability, 86 for 8.6.</param>
    /// <param name="threads">Threads of a block, at least 1.</param>
    /// <param name="registers">Registers of a thread.</param>
    /// <param name="sharedBytes">Shared memory of a block, static and dynamic.</param>
    internal static Occupancy? Of(int architecture, int threads, int registers, int sharedBytes)
    {
        if (Limits(architecture) is not { } limits) return null;
        int warps = Divide(threads, WarpSize);
        int blocks = threads > MaxThreads || registers > MaxRegisters ? 0 : Math.Min(
            Math.Min(limits.Blocks, limits.Warps / warps),
            Math.Min(ByRegisters(warps, registers), ByShared(architecture, limits, sharedBytes)));
        return new Occupancy(blocks, blocks * warps, limits.Warps);
    }

    // A warp's registers come in units, from the quarter of the file that belongs to the warp's scheduler.
    private static int ByRegisters(int warps, int registers)
    {
        if (registers == 0) return int.MaxValue;
        int each = RoundUp(registers * WarpSize, RegisterUnit);
        // Launches are checked as if each quarter held the same number of warps.
        if (each * RoundUp(warps, Partitions) > Registers) return 0;
        return Registers / Partitions / each * Partitions / warps;
    }

    private static int ByShared(int architecture, Multiprocessor limits, int sharedBytes)
    {
        bool reserves = architecture >= 80;
        int all = limits.SharedKilobytes * 1024, reserved = reserves ? ReservedSharedBytes : 0;
        int each = RoundUp(sharedBytes + reserved, reserves ? 128 : 256);
        return each == 0 ? int.MaxValue : all / each;
    }

    private static Multiprocessor? Limits(int architecture) => architecture switch
    {
        75 => new Multiprocessor(32, 16, 64),
        80 => new Multiprocessor(64, 32, 164),
        86 => new Multiprocessor(48, 16, 100),
        87 => new Multiprocessor(48, 16, 164),
        89 => new Multiprocessor(48, 24, 100),
        90 or 100 => new Multiprocessor(64, 32, 228),
        120 => new Multiprocessor(48, 24, 100),
        _ => null,
    };

    /// <summary>The most shared memory that a block may ask for; 48 KiB, which every GPU has, where the architecture is not known here.</summary>
    internal static int MostSharedBytes(int architecture) => Limits(architecture) is { } limits
        ? limits.SharedKilobytes * 1024 - (architecture >= 80 ? ReservedSharedBytes : 0)
        : 48 << 10;

    private static int Divide(int count, int each) => (count + each - 1) / each;

    private static int RoundUp(int value, int unit) => Divide(value, unit) * unit;
}
