namespace A2F.CudaEmulator;

/// <summary>
/// When the emulated driver runs work that was queued. Each order keeps CUDA's rules: work of a stream in turn, events, the default stream
/// and the streams that wait for it, and the dependencies inside a graph.
/// </summary>
public sealed record WorkOrder
{
    private WorkOrder(string name, int? seed) => (Name, Seed) = (name, seed);

    /// <summary>Work runs when it is queued; the call that queued it reports what goes wrong.</summary>
    public static WorkOrder Eager { get; } = new("eager", null);

    /// <summary>
    /// Work runs as late as it may: when something waits for it, and then only what that needs. A query runs one piece, so that polling
    /// ends.
    /// </summary>
    public static WorkOrder Lazy { get; } = new("lazy", null);

    /// <summary>Work of different streams and branches runs in a random order, at random calls.</summary>
    /// <param name="seed">The same calls of one thread with the same seed run work in the same order.</param>
    public static WorkOrder Adversarial(int seed) => new("adversarial", seed);

    internal string Name { get; }

    internal int? Seed { get; }

    /// <inheritdoc/>
    public override string ToString() => Seed is { } seed ? $"{Name}({seed})" : Name;
}
