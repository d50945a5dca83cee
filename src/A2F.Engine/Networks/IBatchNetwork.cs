using A2F.Engine.Backends;

namespace A2F.Engine.Networks;

/// <summary>
/// A network whose batches are queued from outside: who calls puts inputs into its tensors and takes outputs from them, in the order of its
/// backend.
/// </summary>
internal interface IBatchNetwork
{
    /// <summary>Most windows of a batch.</summary>
    int MaxBatch { get; }

    /// <summary>What enters, each with room for <see cref="MaxBatch"/> windows one behind the other, float32.</summary>
    IReadOnlyList<Tensor> Inputs { get; }

    /// <summary>What leaves, in the same form: results, then what a window hands to the next of its character, if anything.</summary>
    IReadOnlyList<Tensor> Outputs { get; }

    /// <summary>
    /// Queues the layers for at least <paramref name="batch"/> windows: more where that saves a graph of its own (<see cref="Bucket"/>). Those
    /// beyond compute something of no use.
    /// </summary>
    void Launch(int batch);

    /// <summary>Windows that run for a batch: up to 8 as many, above at most a quarter more, so that few sizes occur.</summary>
    static int Bucket(int batch, int most)
    {
        int step = 1;
        while (step * 8 < batch) step *= 2;
        return Math.Min((batch + step - 1) / step * step, most);
    }
}
