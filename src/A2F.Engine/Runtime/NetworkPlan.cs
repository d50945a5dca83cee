using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>What a network asks of a GPU, found out without one: memory, kernels, and the launches of one run.</summary>
/// <param name="ArenaBytes">Device memory for weights, activations and scratch.</param>
/// <param name="ScratchBytes">The part of it that is scratch.</param>
/// <param name="Kernels">Every kernel that batches of 1 to the largest take.</param>
/// <param name="Launches">The launches of a run of one window, in order: <see cref="INetwork.RehearseOne"/>.</param>
internal sealed record NetworkPlan(
    long ArenaBytes, (long Partials, long Moments) ScratchBytes, IReadOnlyCollection<KernelSpec> Kernels, IReadOnlyList<KernelLaunch> Launches)
{
    /// <summary>Plans a network on a GPU of this architecture with this many multiprocessors.</summary>
    internal static NetworkPlan Of<T>(
        int architecture, int multiprocessors, Precision precision, Func<OperatorSet, T> build, CublasUse cublas = CublasUse.Off)
        where T : INetwork
    {
        CudaPlan plan = new(architecture, multiprocessors);
        CudaOperators operators = new(plan, precision);
        T network = build(operators);
        for (int batch = network.MaxBatch; batch > 0; batch--) network.Rehearse(batch);
        if (cublas != CublasUse.Off)
        {
            operators.Cublas = CublasUse.On;
            for (int batch = network.MaxBatch; batch > 0; batch--) network.Rehearse(batch);
            operators.Cublas = cublas;
        }
        plan.Forget();
        network.RehearseOne(1);
        return new NetworkPlan(plan.ArenaBytes, operators.ScratchBytes, plan.Kernels, plan.Launches);
    }
}
