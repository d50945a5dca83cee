namespace A2F.CudaEmulator.Driver;

internal sealed class Stream(Context owner) : Resource(owner)
{
    /// <summary>What is recorded instead of run, while capturing.</summary>
    internal List<Action>? Capture;
}

internal sealed class Event(Context owner) : Resource(owner)
{
    internal long Recorded;
}

internal sealed class Graph(Context owner, List<Action> work) : Resource(owner)
{
    internal readonly List<Action> Work = work;
}

internal sealed class GraphExec(Context owner, List<Action> work) : Resource(owner)
{
    internal List<Action> Work = work;
}
