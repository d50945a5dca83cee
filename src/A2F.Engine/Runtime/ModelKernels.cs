using A2F.Engine.Animation;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>A kernel that a model launches.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="DynamicSharedBytes">Dynamic shared memory of a block, the most of all launches.</param>
internal readonly record struct KernelUse(KernelSpec Kernel, int Threads, int DynamicSharedBytes);

/// <summary>The kernels that a model needs on a GPU of any size, found without a device; see <see cref="CudaPlan"/>.</summary>
internal static class ModelKernels
{
    private const int MostMultiprocessors = 256;

    /// <summary>Kernels by file and name, each once.</summary>
    /// <param name="modelPath">Model folder.</param>
    /// <param name="architecture">Compute capability of the device.</param>
    /// <param name="precision">How activations and weights are stored.</param>
    /// <param name="maxBatch">Most windows that run together, 1 to 1024; kernels of all smaller batches are included.</param>
    /// <exception cref="A2FException">The model has no network, a file is wrong, or an argument is out of range.</exception>
    internal static IReadOnlyList<KernelUse> Of(string modelPath, int architecture, Precision precision, int maxBatch)
    {
        using ModelNetworks networks = ModelNetworks.Open(modelPath, new ModelOptions { MaxBatch = maxBatch });
        Dictionary<KernelSpec, KernelUse> uses = [];
        foreach (Func<OperatorSet, INetwork> build in networks.Builds) Collect(build, architecture, precision, uses);
        foreach (FaceRig face in networks.Faces) Collect(face, architecture, uses);
        return
        [
            .. uses.Values.OrderBy(use => use.Kernel.File, StringComparer.Ordinal)
                .ThenBy(use => use.Kernel.Function, StringComparer.Ordinal)
                .ThenBy(use => use.Kernel.Macros, StringComparer.Ordinal),
        ];
    }

    private static void Collect(
        Func<OperatorSet, INetwork> build, int architecture, Precision precision, Dictionary<KernelSpec, KernelUse> uses)
    {
        CudaPlan plan = new(architecture, 1);
        using CudaOperators operators = new(plan, precision);
        INetwork network = build(operators);
        for (int multiprocessors = 1; multiprocessors <= MostMultiprocessors; multiprocessors++)
        {
            plan.Assume(multiprocessors);
            for (int batch = 1; batch <= network.MaxBatch; batch++)
            {
                network.Rehearse(batch);
                Collect(plan, uses);
            }
        }
    }

    // The animation stage, with and without vertices.
    private static void Collect(FaceRig face, int architecture, Dictionary<KernelSpec, KernelUse> uses)
    {
        CudaPlan plan = new(architecture, 1);
        foreach (bool vertices in (bool[])[true, false]) new CudaFaceOperators(plan, [face], 1, vertices, folded: true).Animate(1, 1);
        Collect(plan, uses);
    }

    private static void Collect(CudaPlan plan, Dictionary<KernelSpec, KernelUse> uses)
    {
        foreach (KernelLaunch launch in plan.Launches)
        {
            int shared = Math.Max(launch.SharedBytes, uses.GetValueOrDefault(launch.Kernel).DynamicSharedBytes);
            uses[launch.Kernel] = new KernelUse(launch.Kernel, launch.Threads, shared);
        }
        plan.Forget();
    }
}
