using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Runtime;

/// <summary>What one kernel of a model needs of a GPU.</summary>
/// <param name="Function">Its name.</param>
/// <param name="File">The file of kernels/ that it is in.</param>
/// <param name="Macros">The macros that it is compiled under, space separated.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="StackBytes">Local memory of a thread: arrays that are not in registers, and spilled registers.</param>
/// <param name="SpillStoreBytes">Bytes stored because registers ran out; null where NVRTC is older than 11.8 and does not tell.</param>
/// <param name="SpillLoadBytes">Bytes loaded again; null where NVRTC does not tell.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
/// <param name="DynamicSharedBytes">Dynamic shared memory of a block, the most of all launches.</param>
/// <param name="ConstantBytes">Parameters and constants.</param>
/// <param name="Blocks">Blocks that a multiprocessor holds at once; null for architectures whose limits are not known here.</param>
/// <param name="Occupancy">The part of a multiprocessor's warps that these blocks fill, 0 to 1; null where unknown.</param>
/// <param name="Spills">Whether registers spill; where NVRTC does not tell, whether there is any local memory.</param>
public sealed record ModelKernel(
    string Function, string File, string Macros, int Threads, int Registers, int StackBytes, int? SpillStoreBytes, int? SpillLoadBytes,
    int SharedBytes, int DynamicSharedBytes, int ConstantBytes, int? Blocks, double? Occupancy, bool Spills);

/// <summary>The kernels of a model, compiled for an architecture. Needs NVRTC, but no GPU.</summary>
public sealed class ModelKernelReport
{
    private ModelKernelReport(int architecture, Version nvrtc, IReadOnlyList<ModelKernel> kernels) =>
        (Architecture, Nvrtc, Kernels) = (architecture, nvrtc, kernels);

    /// <summary>Compute capability, 86 for 8.6.</summary>
    public int Architecture { get; }

    /// <summary>The version of NVRTC.</summary>
    public Version Nvrtc { get; }

    /// <summary>The kernels, by file and name.</summary>
    public IReadOnlyList<ModelKernel> Kernels { get; }

    /// <summary>Compiles all kernels of a model and reads what they need.</summary>
    /// <param name="model">Model folder.</param>
    /// <param name="architecture">Compute capability, 86 for 8.6.</param>
    /// <param name="precision">How activations and weights are stored.</param>
    /// <param name="maxBatch">Most windows that run together, 1 to 1024.</param>
    /// <param name="progress">Told the part that is done, 0 to 1, from any thread.</param>
    /// <param name="cancel">Ends the work between two kernels.</param>
    /// <exception cref="A2FException">The model or an argument is wrong, NVRTC is missing or does not know the architecture.</exception>
    public static ModelKernelReport Compile(
        string model, int architecture, Precision precision = Precision.Float32, int maxBatch = 8, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        IReadOnlyList<KernelUse> uses = ModelKernels.Of(model, architecture, precision, maxBatch);
        CudaRuntimeCompiler nvrtc = FindCompiler([architecture]);
        KernelCompiler compiler = new(nvrtc, architecture, ptx: false, KernelCache.Default());
        compiler.CompileAll(uses.Select(use => use.Kernel), progress, cancel);
        return new ModelKernelReport(architecture, nvrtc.Version, [.. uses.Select(use => Describe(use, compiler.Get(use.Kernel)))]);
    }

    /// <summary>NVRTC, which must know these architectures.</summary>
    /// <exception cref="A2FException">It is missing, or does not.</exception>
    internal static CudaRuntimeCompiler FindCompiler(IEnumerable<int> architectures)
    {
        CudaRuntimeCompiler nvrtc = new(CudaLibraries.Find(CudaLibraries.NvrtcNames).Require());
        string[] unknown = [.. architectures.Where(wanted => !nvrtc.Architectures.Contains(wanted)).Select(wanted => $"sm_{wanted}")];
        if (unknown.Length == 0) return nvrtc;
        throw new A2FException(A2FErrorCode.DeviceUnavailable,
            $"NVRTC {nvrtc.Version} compiles for {string.Join(", ", nvrtc.Architectures.Select(known => $"sm_{known}"))}; " +
            $"{string.Join(", ", unknown)} needs another version");
    }

    private static ModelKernel Describe(KernelUse use, KernelImage image)
    {
        KernelReport report =
            KernelReport.Of(image.Bytes, image.Architecture, image.Log).Find(found => found.Function == use.Kernel.Function)
            ?? throw new A2FException(A2FErrorCode.Internal, $"the compiled module has no kernel {use.Kernel}");
        Occupancy? occupancy =
            Occupancy.Of(image.Architecture, use.Threads, report.Registers, report.SharedBytes + use.DynamicSharedBytes);
        return new ModelKernel(use.Kernel.Function, use.Kernel.File, use.Kernel.Macros, use.Threads, report.Registers, report.StackBytes,
            report.SpillStoreBytes, report.SpillLoadBytes, report.SharedBytes, use.DynamicSharedBytes, report.ConstantBytes,
            occupancy?.Blocks, occupancy?.Part, report.Spills);
    }
}
