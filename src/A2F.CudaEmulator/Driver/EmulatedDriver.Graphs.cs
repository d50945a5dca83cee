namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
    private static void AddGraphs()
    {
        Exports["cuGraphInstantiateWithFlags"] = (nint)(delegate* unmanaged<nint*, nint, ulong, int>)&GraphInstantiate;
        Exports["cuGraphLaunch"] = (nint)(delegate* unmanaged<nint, nint, int>)&GraphLaunch;
        Exports["cuGraphExecUpdate"] = (nint)(delegate* unmanaged<nint, nint, nint*, int*, int>)&GraphExecUpdate;
        Exports["cuGraphGetNodes"] = (nint)(delegate* unmanaged<nint, nint*, nuint*, int>)&GraphGetNodes;
        Exports["cuGraphExecDestroy"] = (nint)(delegate* unmanaged<nint, int>)&GraphExecDestroy;
        Exports["cuGraphDestroy"] = (nint)(delegate* unmanaged<nint, int>)&GraphDestroy;
    }

    [UnmanagedCallersOnly]
    private static int GraphInstantiate(nint* exec, nint graph, ulong flags) =>
        Machine.Call("cuGraphInstantiateWithFlags", CallKind.InContext, () =>
            *exec = Machine.Add(new GraphExec(Machine.Current, Machine.Get<Graph>(graph).Work)).Handle);

    [UnmanagedCallersOnly]
    private static int GraphLaunch(nint exec, nint stream) => Machine.Call("cuGraphLaunch", CallKind.InContext, () =>
    {
        foreach (Action work in Machine.Get<GraphExec>(exec).Work) Submit(stream, work);
    });

    [UnmanagedCallersOnly]
    private static int GraphExecUpdate(nint exec, nint graph, nint* node, int* result) =>
        Machine.Call("cuGraphExecUpdate", CallKind.InContext, () =>
        {
            GraphExec target = Machine.Get<GraphExec>(exec);
            List<Action> work = Machine.Get<Graph>(graph).Work;
            *result = work.Count == target.Work.Count ? 0 : 2;
            if (*result != 0) throw new DriverError(910, $"the graph has {work.Count} nodes, the executable one {target.Work.Count}");
            target.Work = work;
        });

    [UnmanagedCallersOnly]
    private static int GraphGetNodes(nint graph, nint* nodes, nuint* count) => Machine.Call("cuGraphGetNodes", CallKind.InContext, () =>
    {
        int all = Machine.Get<Graph>(graph).Work.Count;
        if (nodes != null)
        {
            for (nuint i = 0; i < *count; i++) nodes[i] = graph + (nint)i + 1;
        }
        *count = (nuint)all;
    });

    [UnmanagedCallersOnly]
    private static int GraphExecDestroy(nint exec) =>
        Machine.Call("cuGraphExecDestroy", CallKind.Release, () => Machine.Get<GraphExec>(exec).Release());

    [UnmanagedCallersOnly]
    private static int GraphDestroy(nint graph) =>
        Machine.Call("cuGraphDestroy", CallKind.Release, () => Machine.Get<Graph>(graph).Release());
}
