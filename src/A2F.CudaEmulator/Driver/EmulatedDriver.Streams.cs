using System.Diagnostics;

namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
    private const int NotReady = 600;

    private static void AddStreams()
    {
        Exports["cuStreamCreate"] = (nint)(delegate* unmanaged<nint*, uint, int>)&StreamCreate;
        Exports["cuStreamCreateWithPriority"] = (nint)(delegate* unmanaged<nint*, uint, int, int>)&StreamCreateWithPriority;
        Exports["cuStreamDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&StreamDestroy;
        Exports["cuStreamSynchronize"] = (nint)(delegate* unmanaged<nint, int>)&StreamSynchronize;
        Exports["cuStreamQuery"] = (nint)(delegate* unmanaged<nint, int>)&StreamQuery;
        Exports["cuStreamWaitEvent"] = (nint)(delegate* unmanaged<nint, nint, uint, int>)&StreamWaitEvent;
        Exports["cuEventCreate"] = (nint)(delegate* unmanaged<nint*, uint, int>)&EventCreate;
        Exports["cuEventRecord"] = (nint)(delegate* unmanaged<nint, nint, int>)&EventRecord;
        Exports["cuEventQuery"] = (nint)(delegate* unmanaged<nint, int>)&EventQuery;
        Exports["cuEventSynchronize"] = (nint)(delegate* unmanaged<nint, int>)&EventSynchronize;
        Exports["cuEventElapsedTime"] = (nint)(delegate* unmanaged<float*, nint, nint, int>)&EventElapsedTime;
        Exports["cuEventDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&EventDestroy;
    }

    [UnmanagedCallersOnly]
    private static int StreamCreate(nint* stream, uint flags) =>
        Machine.Call("cuStreamCreate", CallKind.InContext, () => *stream = Machine.Current.MakeStream(flags).Handle);

    [UnmanagedCallersOnly]
    private static int StreamCreateWithPriority(nint* stream, uint flags, int priority) =>
        Machine.Call("cuStreamCreateWithPriority", CallKind.InContext, () => *stream = Machine.Current.MakeStream(flags).Handle);

    [UnmanagedCallersOnly]
    private static int StreamDestroy(nint stream) =>
        Machine.Call("cuStreamDestroy", CallKind.Release, () => Machine.Get<Stream>(stream).Release());

    [UnmanagedCallersOnly]
    private static int StreamSynchronize(nint stream) => Machine.Call("cuStreamSynchronize", CallKind.InContext, () =>
    {
        Stream waited = Stream.Of(stream);
        if (waited.Capture is null) Capture.Forbid("waiting for a stream");
        waited.Synchronize();
    });

    [UnmanagedCallersOnly]
    private static int StreamQuery(nint stream) => Machine.Call("cuStreamQuery", CallKind.InContext, () =>
    {
        Stream asked = Stream.Of(stream);
        if (asked.Capture is null) Capture.Forbid("asking whether a stream is finished");
        foreach (Work work in asked.Awaited()) Query(work, asked.Name);
    });

    /// <summary>Lets some time pass for a piece of work, and fails with "not ready" while it is not done.</summary>
    private static void Query(Work work, string what)
    {
        if (!work.Done)
        {
            work.Context.Queue.Step(work);
            throw new DriverError(NotReady, $"{what} is not finished");
        }
        work.Context.Wait(work);
    }

    [UnmanagedCallersOnly]
    private static int StreamWaitEvent(nint stream, nint recorded, uint flags) =>
        Machine.Call("cuStreamWaitEvent", CallKind.InContext, () => Stream.Of(stream).WaitFor(Machine.Get<Event>(recorded)));

    [UnmanagedCallersOnly]
    private static int EventCreate(nint* made, uint flags) => Machine.Call("cuEventCreate", CallKind.InContext, () =>
    {
        const uint DisableTiming = 2;
        *made = Machine.Add(new Event(Machine.Current, (flags & DisableTiming) == 0)).Handle;
    });

    [UnmanagedCallersOnly]
    private static int EventRecord(nint recorded, nint stream) =>
        Machine.Call("cuEventRecord", CallKind.InContext, () => Stream.Of(stream).Record(Machine.Get<Event>(recorded)));

    [UnmanagedCallersOnly]
    private static int EventQuery(nint recorded) => Machine.Call("cuEventQuery", CallKind.InContext, () =>
    {
        Work? work = Machine.Get<Event>(recorded).Awaited();
        Capture.Forbid("asking whether an event has happened");
        if (work is not null) Query(work, "what the event was recorded behind");
    });

    [UnmanagedCallersOnly]
    private static int EventSynchronize(nint recorded) => Machine.Call("cuEventSynchronize", CallKind.InContext, () =>
    {
        Work? work = Machine.Get<Event>(recorded).Awaited();
        Capture.Forbid("waiting for an event");
        if (work is not null) work.Context.Wait(work);
    });

    [UnmanagedCallersOnly]
    private static int EventElapsedTime(float* milliseconds, nint start, nint end) =>
        Machine.Call("cuEventElapsedTime", CallKind.InContext, () =>
        {
            Event from = Machine.Get<Event>(start), to = Machine.Get<Event>(end);
            if (!from.Timed || !to.Timed) throw new DriverError(400, "an event was made without timing");
            if (from.Awaited() is not { } first || to.Awaited() is not { } last) throw new DriverError(400, "an event was never recorded");
            if (!first.Done || !last.Done) throw new DriverError(NotReady, "an event has not happened yet");
            *milliseconds = (float)Stopwatch.GetElapsedTime(first.DoneAt, last.DoneAt).TotalMilliseconds;
        });

    [UnmanagedCallersOnly]
    private static int EventDestroy(nint recorded) =>
        Machine.Call("cuEventDestroy", CallKind.Release, () => Machine.Get<Event>(recorded).Release());
}
