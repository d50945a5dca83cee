namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>Work that was recorded once and runs with one call.</summary>
internal sealed unsafe class CudaGraph : IDisposable
{
    private readonly CudaContext _context;
    private readonly CudaDriver _driver;
    private readonly CUgraph _graph;
    private CUgraphExec _exec;

    /// <summary>Takes a recorded graph over and makes it ready to run.</summary>
    internal CudaGraph(CudaContext context, CUgraph graph)
    {
        _context = context;
        _driver = context.Driver;
        CUgraphExec exec;
        CUresult result = _driver.Table.GraphInstantiateWithFlags(&exec, graph, 0);
        if (result != CUresult.Success)
        {
            _driver.Table.GraphDestroy(graph);
            throw _driver.Failure(result, "cuGraphInstantiateWithFlags");
        }
        _graph = graph;
        _exec = exec;
        CudaLeaks.Made(this);
    }

    /// <summary>Kernels, copies and fills in the graph.</summary>
    internal int Nodes
    {
        get
        {
            nuint count = 0;
            _driver.Check(_driver.Table.GraphGetNodes(_graph, null, &count), "cuGraphGetNodes");
            return (int)count;
        }
    }

    /// <summary>Queues the whole graph.</summary>
    internal void Launch(CudaStream stream) => _driver.Check(_driver.Table.GraphLaunch(_exec, stream.Handle), "cuGraphLaunch");

    /// <summary>Takes the parameters of another recording of the same work; false where that needs a new graph.</summary>
    internal bool TryUpdate(CudaGraph recorded)
    {
        CUgraphNode node;
        CUgraphExecUpdateResult update;
        CUresult result = _driver.Table.GraphExecUpdate(_exec, recorded._graph, &node, &update);
        if (result == CUresult.GraphExecUpdateFailure) return false;
        _driver.Check(result, "cuGraphExecUpdate");
        return true;
    }

    public void Dispose()
    {
        if (_exec == default) return;
        CudaContext.ReleaseScope scope = _context.EnterToRelease();
        CUgraphExec exec = _exec;
        _exec = default;
        CudaLeaks.Released(this);
        CUresult first = _driver.Table.GraphExecDestroy(exec), second = _driver.Table.GraphDestroy(_graph);
        scope.End(first == CUresult.Success ? second : first, first == CUresult.Success ? "cuGraphDestroy" : "cuGraphExecDestroy");
    }
}
