namespace A2F.CudaEmulator;

/// <summary>What is alive on a device of the emulated driver, all contexts of it together.</summary>
/// <param name="DeviceBytes">Bytes of device memory, the variables of modules included.</param>
/// <param name="DeviceAllocations">Pieces of device memory.</param>
/// <param name="PinnedBytes">Bytes of page-locked host memory.</param>
/// <param name="PinnedAllocations">Pieces of it.</param>
/// <param name="Streams">Streams that were made, the default one left out.</param>
/// <param name="Events">Events.</param>
/// <param name="Modules">Modules.</param>
/// <param name="Graphs">Captured graphs.</param>
/// <param name="ExecutableGraphs">Graphs made ready to run.</param>
/// <param name="RetainedContexts">Retains of the primary context, and contexts that cuCtxCreate made.</param>
/// <param name="ThreadContexts">Contexts on the stack of the thread that asks, of any device.</param>
public readonly record struct EmulatorBooks(
    long DeviceBytes,
    int DeviceAllocations,
    long PinnedBytes,
    int PinnedAllocations,
    int Streams,
    int Events,
    int Modules,
    int Graphs,
    int ExecutableGraphs,
    int RetainedContexts,
    int ThreadContexts)
{
    /// <summary>Whether nothing is left.</summary>
    public bool AreZero => this == default;
}
