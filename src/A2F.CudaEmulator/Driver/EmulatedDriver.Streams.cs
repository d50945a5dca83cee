using System.Diagnostics;

namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
    private static void AddStreams()
    {
        Exports["cuStreamCreate"] = (nint)(delegate* unmanaged<nint*, uint, int>)&StreamCreate;
        Exports["cuStreamCreateWithPriority"] = (nint)(delegate* unmanaged<nint*, uint, int, int>)&StreamCreateWithPriority;
        Exports["cuStreamDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&StreamDestroy;
        Exports["cuStreamSynchronize"] = (nint)(delegate* unmanaged<nint, int>)&StreamSynchronize;
        Exports["cuStreamQuery"] = (nint)(delegate* unmanaged<nint, int>)&StreamSynchronize;
        Exports["cuStreamWaitEvent"] = (nint)(delegate* unmanaged<nint, nint, uint, int>)&StreamWaitEvent;
        Exports["cuStreamBeginCapture_v2"] = (nint)(delegate* unmanaged<nint, int, int>)&StreamBeginCapture;
        Exports["cuStreamEndCapture"] = (nint)(delegate* unmanaged<nint, nint*, int>)&StreamEndCapture;
        Exports["cuEventCreate"] = (nint)(delegate* unmanaged<nint*, uint, int>)&EventCreate;
        Exports["cuEventRecord"] = (nint)(delegate* unmanaged<nint, nint, int>)&EventRecord;
        Exports["cuEventQuery"] = (nint)(delegate* unmanaged<nint, int>)&EventQuery;
        Exports["cuEventSynchronize"] = (nint)(delegate* unmanaged<nint, int>)&EventQuery;
        Exports["cuEventElapsedTime"] = (nint)(delegate* unmanaged<float*, nint, nint, int>)&EventElapsedTime;
        Exports["cuEventDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&EventDestroy;
        Exports["cuGraphInstantiateWithFlags"] = (nint)(delegate* unmanaged<nint*, nint, ulong, int>)&GraphInstantiate;
        Exports["cuGraphLaunch"] = (nint)(delegate* unmanaged<nint, nint, int>)&GraphLaunch;
        Exports["cuGraphExecUpdate"] = (nint)(delegate* unmanaged<nint, nint, nint*, int*, int>)&GraphExecUpdate;
        Exports["cuGraphGetNodes"] = (nint)(delegate* unmanaged<nint, nint*, nuint*, int>)&GraphGetNodes;
        Exports["cuGraphExecDestroy"] = (nint)(delegate* unmanaged<nint, int>)&GraphExecDestroy;
        Exports["cuGraphDestroy"] = (nint)(delegate* unmanaged<nint, int>)&GraphDestroy;
    }

    [UnmanagedCallersOnly]
    private static int StreamCreate(nint* stream, uint flags)
    {
        *stream = Machine.Add(new Machine.Stream());
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int StreamCreateWithPriority(nint* stream, uint flags, int priority)
    {
        *stream = Machine.Add(new Machine.Stream());
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int StreamDestroy(nint stream) => Machine.Call(() => Machine.Remove<Machine.Stream>(stream));

    [UnmanagedCallersOnly]
    private static int StreamSynchronize(nint stream) => Machine.Call(() =>
    {
        if (stream != 0 && Machine.Get<Machine.Stream>(stream).Capture is not null) throw new DriverError(900, "the stream is capturing");
    });

    [UnmanagedCallersOnly]
    private static int StreamWaitEvent(nint stream, nint recorded, uint flags) => Machine.Call(() => Machine.Get<Machine.Event>(recorded));

    [UnmanagedCallersOnly]
    private static int StreamBeginCapture(nint stream, int mode) => Machine.Call(() => Machine.Get<Machine.Stream>(stream).Capture = []);

    [UnmanagedCallersOnly]
    private static int StreamEndCapture(nint stream, nint* graph) => Machine.Call(() =>
    {
        Machine.Stream captured = Machine.Get<Machine.Stream>(stream);
        *graph = Machine.Add(new Machine.Graph(captured.Capture ?? throw new DriverError(901, "the stream does not capture")));
        captured.Capture = null;
    });

    [UnmanagedCallersOnly]
    private static int EventCreate(nint* made, uint flags)
    {
        *made = Machine.Add(new Machine.Event());
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int EventRecord(nint recorded, nint stream) => Machine.Call(() =>
    {
        Machine.Event e = Machine.Get<Machine.Event>(recorded);
        Machine.Submit(stream, () => e.Recorded = Stopwatch.GetTimestamp());
    });

    [UnmanagedCallersOnly]
    private static int EventQuery(nint recorded) => Machine.Call(() => Machine.Get<Machine.Event>(recorded));

    [UnmanagedCallersOnly]
    private static int EventElapsedTime(float* milliseconds, nint start, nint end) => Machine.Call(() =>
    {
        long from = Machine.Get<Machine.Event>(start).Recorded, to = Machine.Get<Machine.Event>(end).Recorded;
        if (from == 0 || to == 0) throw new DriverError(400, "an event was never recorded");
        *milliseconds = (float)Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;
    });

    [UnmanagedCallersOnly]
    private static int EventDestroy(nint recorded) => Machine.Call(() => Machine.Remove<Machine.Event>(recorded));

    [UnmanagedCallersOnly]
    private static int GraphInstantiate(nint* exec, nint graph, ulong flags) =>
        Machine.Call(() => *exec = Machine.Add(new Machine.GraphExec(Machine.Get<Machine.Graph>(graph).Work)));

    [UnmanagedCallersOnly]
    private static int GraphLaunch(nint exec, nint stream) => Machine.Call(() =>
    {
        foreach (Action work in Machine.Get<Machine.GraphExec>(exec).Work) Machine.Submit(stream, work);
    });

    [UnmanagedCallersOnly]
    private static int GraphExecUpdate(nint exec, nint graph, nint* node, int* result) => Machine.Call(() =>
    {
        Machine.GraphExec target = Machine.Get<Machine.GraphExec>(exec);
        List<Action> work = Machine.Get<Machine.Graph>(graph).Work;
        *result = work.Count == target.Work.Count ? 0 : 2;
        if (*result != 0) throw new DriverError(910, $"the graph has {work.Count} nodes, the executable one {target.Work.Count}");
        target.Work = work;
    });

    [UnmanagedCallersOnly]
    private static int GraphGetNodes(nint graph, nint* nodes, nuint* count) => Machine.Call(() =>
    {
        int all = Machine.Get<Machine.Graph>(graph).Work.Count;
        if (nodes != null)
        {
            for (nuint i = 0; i < *count; i++) nodes[i] = graph + (nint)i + 1;
        }
        *count = (nuint)all;
    });

    [UnmanagedCallersOnly]
    private static int GraphExecDestroy(nint exec) => Machine.Call(() => Machine.Remove<Machine.GraphExec>(exec));

    [UnmanagedCallersOnly]
    private static int GraphDestroy(nint graph) => Machine.Call(() => Machine.Remove<Machine.Graph>(graph));
}
