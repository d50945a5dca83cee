using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

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
        if (maxBatch is < 1 or > 1024) throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected 1 to 1024, found {maxBatch}");
        using RegressionModelFolder folder = RegressionModelFolder.Load(modelPath);
        if (folder.Network is null)
            throw new A2FException(A2FErrorCode.InvalidModel, $"{folder.Path} holds no network, so no kernels belong to it");
        CudaPlan plan = new(architecture, 1);
        using CudaOperators operators = new(plan, precision);
        RegressionNetwork network = new(folder.Network, folder.Weights!, operators, maxBatch);
        Dictionary<KernelSpec, KernelUse> uses = [];
        for (int multiprocessors = 1; multiprocessors <= MostMultiprocessors; multiprocessors++)
        {
            plan.Assume(multiprocessors);
            for (int batch = 1; batch <= maxBatch; batch++)
            {
                network.Rehearse(batch);
                foreach (KernelLaunch launch in plan.Launches)
                {
                    int shared = Math.Max(launch.SharedBytes, uses.GetValueOrDefault(launch.Kernel).DynamicSharedBytes);
                    uses[launch.Kernel] = new KernelUse(launch.Kernel, launch.Threads, shared);
                }
                plan.Forget();
            }
        }
        return
        [
            .. uses.Values.OrderBy(use => use.Kernel.File, StringComparer.Ordinal)
                .ThenBy(use => use.Kernel.Function, StringComparer.Ordinal)
                .ThenBy(use => use.Kernel.Macros, StringComparer.Ordinal),
        ];
    }
}
