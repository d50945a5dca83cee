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
        Exports["cuStreamQuery"] = (nint)(delegate* unmanaged<nint, int>)&StreamQuery;
        Exports["cuStreamWaitEvent"] = (nint)(delegate* unmanaged<nint, nint, uint, int>)&StreamWaitEvent;
        Exports["cuStreamBeginCapture_v2"] = (nint)(delegate* unmanaged<nint, int, int>)&StreamBeginCapture;
        Exports["cuStreamEndCapture"] = (nint)(delegate* unmanaged<nint, nint*, int>)&StreamEndCapture;
        Exports["cuEventCreate"] = (nint)(delegate* unmanaged<nint*, uint, int>)&EventCreate;
        Exports["cuEventRecord"] = (nint)(delegate* unmanaged<nint, nint, int>)&EventRecord;
        Exports["cuEventQuery"] = (nint)(delegate* unmanaged<nint, int>)&EventQuery;
        Exports["cuEventSynchronize"] = (nint)(delegate* unmanaged<nint, int>)&EventSynchronize;
        Exports["cuEventElapsedTime"] = (nint)(delegate* unmanaged<float*, nint, nint, int>)&EventElapsedTime;
        Exports["cuEventDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&EventDestroy;
    }

    [UnmanagedCallersOnly]
    private static int StreamCreate(nint* stream, uint flags) =>
        Machine.Call("cuStreamCreate", CallKind.InContext, () => *stream = Machine.Add(new Stream(Machine.Current)).Handle);

    [UnmanagedCallersOnly]
    private static int StreamCreateWithPriority(nint* stream, uint flags, int priority) =>
        Machine.Call("cuStreamCreateWithPriority", CallKind.InContext, () => *stream = Machine.Add(new Stream(Machine.Current)).Handle);

    [UnmanagedCallersOnly]
    private static int StreamDestroy(nint stream) =>
        Machine.Call("cuStreamDestroy", CallKind.Release, () => Machine.Get<Stream>(stream).Release());

    [UnmanagedCallersOnly]
    private static int StreamSynchronize(nint stream) => Machine.Call("cuStreamSynchronize", CallKind.InContext, () => Finished(stream));

    [UnmanagedCallersOnly]
    private static int StreamQuery(nint stream) => Machine.Call("cuStreamQuery", CallKind.InContext, () => Finished(stream));

    private static void Finished(nint stream)
    {
        if (stream != 0 && Machine.Get<Stream>(stream).Capture is not null) throw new DriverError(900, "the stream is capturing");
    }

    [UnmanagedCallersOnly]
    private static int StreamWaitEvent(nint stream, nint recorded, uint flags) =>
        Machine.Call("cuStreamWaitEvent", CallKind.InContext, () => Machine.Get<Event>(recorded));

    [UnmanagedCallersOnly]
    private static int StreamBeginCapture(nint stream, int mode) =>
        Machine.Call("cuStreamBeginCapture", CallKind.InContext, () => Machine.Get<Stream>(stream).Capture = []);

    [UnmanagedCallersOnly]
    private static int StreamEndCapture(nint stream, nint* graph) => Machine.Call("cuStreamEndCapture", CallKind.InContext, () =>
    {
        Stream captured = Machine.Get<Stream>(stream);
        List<Action> work = captured.Capture ?? throw new DriverError(401, "the stream does not capture");
        *graph = Machine.Add(new Graph(captured.Owner, work)).Handle;
        captured.Capture = null;
    });

    [UnmanagedCallersOnly]
    private static int EventCreate(nint* made, uint flags) =>
        Machine.Call("cuEventCreate", CallKind.InContext, () => *made = Machine.Add(new Event(Machine.Current)).Handle);

    [UnmanagedCallersOnly]
    private static int EventRecord(nint recorded, nint stream) => Machine.Call("cuEventRecord", CallKind.InContext, () =>
    {
        Event e = Machine.Get<Event>(recorded);
        Submit(stream, () => e.Recorded = Stopwatch.GetTimestamp());
    });

    [UnmanagedCallersOnly]
    private static int EventQuery(nint recorded) => Machine.Call("cuEventQuery", CallKind.InContext, () => Machine.Get<Event>(recorded));

    [UnmanagedCallersOnly]
    private static int EventSynchronize(nint recorded) =>
        Machine.Call("cuEventSynchronize", CallKind.InContext, () => Machine.Get<Event>(recorded));

    [UnmanagedCallersOnly]
    private static int EventElapsedTime(float* milliseconds, nint start, nint end) =>
        Machine.Call("cuEventElapsedTime", CallKind.InContext, () =>
        {
            long from = Machine.Get<Event>(start).Recorded, to = Machine.Get<Event>(end).Recorded;
            if (from == 0 || to == 0) throw new DriverError(400, "an event was never recorded");
            *milliseconds = (float)Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;
        });

    [UnmanagedCallersOnly]
    private static int EventDestroy(nint recorded) =>
        Machine.Call("cuEventDestroy", CallKind.Release, () => Machine.Get<Event>(recorded).Release());

    /// <summary>Runs work that was queued on a stream (0 is the default one), or records it while the stream captures.</summary>
    private static void Submit(nint stream, Action work)
    {
        if (stream != 0 && Machine.Get<Stream>(stream).Capture is { } capture) capture.Add(work);
        else Machine.Current.Run(work);
    }
}
