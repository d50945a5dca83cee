namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
    private static void AddGraphs()
    {
        Exports["cuStreamBeginCapture_v2"] = (nint)(delegate* unmanaged<nint, int, int>)&StreamBeginCapture;
        Exports["cuStreamEndCapture"] = (nint)(delegate* unmanaged<nint, nint*, int>)&StreamEndCapture;
        Exports["cuGraphInstantiateWithFlags"] = (nint)(delegate* unmanaged<nint*, nint, ulong, int>)&GraphInstantiate;
        Exports["cuGraphLaunch"] = (nint)(delegate* unmanaged<nint, nint, int>)&GraphLaunch;
        Exports["cuGraphExecUpdate"] = (nint)(delegate* unmanaged<nint, nint, nint*, int*, int>)&GraphExecUpdate;
        Exports["cuGraphGetNodes"] = (nint)(delegate* unmanaged<nint, nint*, nuint*, int>)&GraphGetNodes;
        Exports["cuGraphExecDestroy"] = (nint)(delegate* unmanaged<nint, int>)&GraphExecDestroy;
        Exports["cuGraphDestroy"] = (nint)(delegate* unmanaged<nint, int>)&GraphDestroy;
    }

    [UnmanagedCallersOnly]
    private static int StreamBeginCapture(nint stream, int mode) =>
        Machine.Call("cuStreamBeginCapture", CallKind.InContext, () => Capture.Begin(Stream.Of(stream), mode));

    [UnmanagedCallersOnly]
    private static int StreamEndCapture(nint stream, nint* graph) => Machine.Call("cuStreamEndCapture", CallKind.InContext, () =>
    {
        *graph = 0;
        *graph = Machine.Add(new Graph(Machine.Current, Capture.End(Stream.Of(stream)))).Handle;
    });

    [UnmanagedCallersOnly]
    private static int GraphInstantiate(nint* exec, nint graph, ulong flags) =>
        Machine.Call("cuGraphInstantiateWithFlags", CallKind.InContext, () =>
            *exec = Machine.Add(new GraphExec(Machine.Current, Machine.Get<Graph>(graph).Nodes)).Handle);

    [UnmanagedCallersOnly]
    private static int GraphLaunch(nint exec, nint stream) =>
        Machine.Call("cuGraphLaunch", CallKind.InContext, () => Machine.Get<GraphExec>(exec).Launch(Stream.Of(stream)));

    [UnmanagedCallersOnly]
    private static int GraphExecUpdate(nint exec, nint graph, nint* node, int* result) =>
        Machine.Call("cuGraphExecUpdate", CallKind.InContext, () =>
        {
            *node = 0;
            *result = Machine.Get<GraphExec>(exec).Update(Machine.Get<Graph>(graph).Nodes);
            if (*result != 0) throw new DriverError(910, "the graph has other nodes, or another order, than the executable one");
        });

    [UnmanagedCallersOnly]
    private static int GraphGetNodes(nint graph, nint* nodes, nuint* count) => Machine.Call("cuGraphGetNodes", CallKind.InContext, () =>
    {
        int all = Machine.Get<Graph>(graph).Nodes.Length;
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
