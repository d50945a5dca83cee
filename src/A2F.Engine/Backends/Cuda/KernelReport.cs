namespace A2F.Engine.Backends.Cuda;

/// <summary>What a compiled kernel needs.</summary>
/// <param name="Function">Its name.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="StackBytes">Local memory of a thread: arrays that are not in registers, and spilled registers.</param>
/// <param name="SpillStoreBytes">Bytes stored because registers ran out; null where the compiler did not report them.</param>
/// <param name="SpillLoadBytes">Bytes loaded again; null where the compiler did not report them.</param>
/// <param name="SharedBytes">Static shared memory of a block, without what the system keeps for itself.</param>
/// <param name="ConstantBytes">Parameters and constants.</param>
/// <param name="MaxThreads">Most threads of a block by its launch bounds; 0 where it has none.</param>
internal sealed record KernelReport(
    string Function, int Registers, int StackBytes, int? SpillStoreBytes, int? SpillLoadBytes, int SharedBytes, int ConstantBytes,
    int MaxThreads)
{
    /// <summary>
    /// Whether it keeps registers in memory. Without the compiler's report any local memory counts: a cubin does not tell arrays and
    /// spills apart, and kernels should have neither.
    /// </summary>
    internal bool Spills => SpillStoreBytes is null ? StackBytes > 0 : SpillStoreBytes > 0 || SpillLoadBytes > 0;

    /// <summary>The kernels of a cubin, by name.</summary>
    /// <param name="cubin">The cubin.</param>
    /// <param name="architecture">What it was compiled for.</param>
    /// <param name="log">The log of its compilation, which knows spills; may be empty.</param>
    /// <exception cref="A2FException">It is no cubin.</exception>
    internal static List<KernelReport> Of(byte[] cubin, int architecture, string log = "")
    {
        Dictionary<string, PtxasLog> reports = PtxasLog.Parse(log);
        // From sm_90 on, a kernel that uses shared memory carries the system's share in its own section.
        int reserved = architecture >= 90 ? Occupancy.ReservedSharedBytes : 0;
        return new CubinFile(cubin).Kernels().ConvertAll(kernel =>
        {
            PtxasLog? report = reports.GetValueOrDefault(kernel.Function);
            // A log that contradicts the cubin is of another one, or of a compiler that words it otherwise: better no answer than "0".
            if (report?.FrameBytes != kernel.FrameBytes) report = null;
            return new KernelReport(kernel.Function, kernel.Registers, kernel.FrameBytes, report?.SpillStoreBytes, report?.SpillLoadBytes,
                Math.Max(0, kernel.SharedBytes - reserved), kernel.ConstantBytes, kernel.MaxThreads);
        });
    }
}
