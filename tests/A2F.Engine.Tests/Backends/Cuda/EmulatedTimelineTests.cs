using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>What the emulated driver notes down about work that ran.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class EmulatedTimelineTests
{
    [Fact]
    public void Each_piece_of_work_is_there_with_its_call_its_place_and_what_it_did()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        long before = EmulatedDriver.Calls;
        bench.A.CopyFromAsync(bench.Host, 16, bench.First);
        bench.Add(bench.A, 1, bench.First);
        bench.Second.Synchronize();
        bench.A.CopyToAsync(bench.Host, 64, bench.First);
        bench.First.Synchronize();
        TimelineEntry[] entries = [.. bench.Trace.Entries];
        Assert.Equal(
            [
                (WorkKind.HostToDevice, "copy to the device", 64L, before + 1, 0),
                (WorkKind.Kernel, "add", 0, before + 2, 1),
                (WorkKind.DeviceToHost, "copy to the host", 256, before + 4, 2),
            ],
            entries.Select(e => (e.Kind, e.Name, e.Bytes, e.QueuedBy, e.RanAs)));
        Assert.All(entries, e => Assert.Equal(("stream 1", EmulatedDriver.DeviceOf("sm_80")), (e.Stream, e.Device)));
        Assert.Equal((256, 256, 64), (entries[1].Counters!.GlobalBytesRead, entries[1].Counters!.GlobalBytesWritten,
            entries[1].Counters!.LaneFlops));
        Assert.Null(entries[0].Counters);
    }

    [Fact]
    public void Kernels_are_summed_by_name()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        for (int i = 0; i < 3; i++) bench.Add(bench.A, 1, bench.First);
        KernelTotal add = Assert.Single(bench.Trace.Kernels);
        Assert.Equal(("add", 3, 3 * 64), (add.Name, add.Launches, add.Counters.LaneFlops));
    }

    [Fact]
    public void Pieces_may_overlap_unless_a_stream_an_event_or_the_host_orders_them()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        bench.Add(bench.A, 1, bench.First);
        bench.Add(bench.B, 1, bench.Second);
        bench.Mark.Record(bench.First);
        bench.Second.WaitFor(bench.Mark);
        bench.Add(bench.B, 1, bench.Second);
        bench.Second.Synchronize();
        bench.Add(bench.A, 1, bench.First);
        TimelineEntry[] k = [.. bench.Trace.Entries.Where(e => e.Kind == WorkKind.Kernel)];
        Assert.True(k[0].MayOverlap(k[1]));
        Assert.True(k[1].MayOverlap(k[0]));
        Assert.False(k[0].MayOverlap(k[2]));
        Assert.False(k[1].MayOverlap(k[2]));
        Assert.False(k[3].MayOverlap(k[1]));
    }

    [Fact]
    public void Nothing_is_noted_when_nobody_asked_or_the_work_failed()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        EmulatedDriver.Trace = null;
        bench.Add(bench.A, 1, bench.First);
        EmulatedDriver.Trace = bench.Trace;
        Assert.Throws<A2FException>(() => EmulatedKernels.Launch(bench.Kernel, bench.A, 1, EmulatedBench.Length + 1, bench.First));
        Assert.Empty(bench.Trace.Entries);
    }
}
