using A2F.CudaEmulator;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Captures on the emulated driver: forks and joins, what is not permitted inside, and the graphs that come out.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed unsafe class EmulatedCaptureTests
{
    private const int Unsupported = 900, Invalidated = 901, Unmatched = 903, Unjoined = 904, Isolation = 905, Implicit = 906, OfEvent = 907;

    public static TheoryData<WorkOrder> Orders => EmulatedBench.Orders(12);

    [Theory]
    [MemberData(nameof(Orders))]
    public void A_forked_and_joined_capture_keeps_its_order_however_it_runs(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        using CudaGraph graph = Forked(bench);
        Assert.Equal(7, graph.Nodes);
        bench.Host.Span.Fill(1);
        graph.Launch(bench.First);
        graph.Launch(bench.Second); // launches of one graph follow each other
        bench.Context.Synchronize();
        Assert.Equal(11 + 2 + 4, bench.Read(bench.A)[0]); // the second launch starts from what the first left on the host
        Assert.Equal(11 + 2 + 8, bench.Host.Span[63]);
    }

    [Fact]
    public void Independent_branches_of_a_graph_may_run_in_either_order()
    {
        HashSet<string> seen = [];
        for (int seed = 0; seed < 20; seed++)
        {
            using EmulatedBench bench = new(WorkOrder.Adversarial(seed));
            using CudaGraph graph = Forked(bench);
            bench.Host.Span.Fill(1);
            graph.Launch(bench.First);
            bench.First.Synchronize();
            TimelineEntry[] kernels = [.. bench.Trace.Entries.Where(e => e.Kind == WorkKind.Kernel)];
            Assert.Equal(3, kernels.Length);
            Assert.True(kernels[1].MayOverlap(kernels[2]));
            Assert.False(kernels[0].MayOverlap(kernels[2]));
            seen.Add(kernels[1].Stream);
        }
        Assert.Equal(["stream 1", "stream 1, branch 1 of a graph"], seen.Order());
    }

    [Fact]
    public void A_fork_that_is_not_joined_is_an_error_and_ends_the_capture()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        bench.First.BeginCapture();
        bench.Mark.Record(bench.First);
        bench.Second.WaitFor(bench.Mark);
        bench.Add(bench.A, 1, bench.Second);
        Assert.Equal(Unjoined, End(bench, bench.First));
        bench.Add(bench.A, 1, bench.Second); // runs again
        Assert.Equal(1, bench.Read(bench.A)[0]);
    }

    [Fact]
    public void A_capture_ends_on_the_stream_that_began_it()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        Assert.Equal(401, End(bench, bench.First)); // none began
        bench.First.BeginCapture();
        bench.Mark.Record(bench.First);
        bench.Second.WaitFor(bench.Mark);
        Assert.Equal(Unmatched, End(bench, bench.Second));
        Assert.Equal(908, EmulatedBench.OnAnotherThread(() => End(bench, bench.First, enter: true)));
        Assert.Equal(0, End(bench, bench.First));
    }

    [Fact]
    public void What_waits_or_allocates_is_refused_inside_and_spoils_the_capture()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        (string What, Func<CUresult> Call)[] forbidden =
        [
            ("wait for the stream", () => bench.Table.StreamSynchronize(bench.First.Handle)),
            ("wait for another stream", () => bench.Table.StreamSynchronize(bench.Second.Handle)),
            ("wait for the device", () => bench.Table.CtxSynchronize()),
            ("ask for a stream", () => bench.Table.StreamQuery(bench.First.Handle)),
            ("allocate", () => { CUdeviceptr p; return bench.Table.MemAlloc(&p, 4); }),
            ("allocate on the host", () => { void* p; return bench.Table.MemHostAlloc(&p, 4, CUmemHostAllocFlags.None); }),
            ("copy", () => bench.Table.MemcpyDtoD(bench.A.Pointer, bench.B.Pointer, 4)),
            ("copy pageable memory", () =>
            {
                float value = 1;
                return bench.Table.MemcpyHtoDAsync(bench.A.Pointer, &value, 4, bench.First.Handle);
            }
            ),
        ];
        foreach ((string what, Func<CUresult> call) in forbidden)
        {
            bench.First.BeginCapture();
            Assert.True((int)call() == Unsupported, what);
            A2FException error = Assert.Throws<A2FException>(() => bench.Add(bench.A, 1, bench.First));
            Assert.Contains("CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", error.Message, StringComparison.Ordinal);
            Assert.True(End(bench, bench.First) == Invalidated, what);
        }
    }

    [Fact]
    public void Other_threads_may_allocate_while_a_thread_local_capture_runs_and_none_while_a_global_one_does()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        bench.First.BeginCapture();
        EmulatedBench.OnAnotherThread(() => new CudaDeviceVariable<float>(bench.Context, 4)).Dispose();
        Assert.Equal(0, End(bench, bench.First));

        Assert.Equal(CUresult.Success, bench.Table.StreamBeginCapture(bench.First.Handle, CUstreamCaptureMode.Global));
        Assert.Throws<A2FException>(
            () => EmulatedBench.OnAnotherThread(() => new CudaDeviceVariable<float>(bench.Context, 4)));
        Assert.Equal(Invalidated, End(bench, bench.First));

        Assert.Equal(CUresult.Success, bench.Table.StreamBeginCapture(bench.First.Handle, CUstreamCaptureMode.Relaxed));
        new CudaDeviceVariable<float>(bench.Context, 4).Dispose();
        Assert.Equal(0, End(bench, bench.First));
    }

    [Fact]
    public void Work_outside_and_work_inside_a_capture_do_not_wait_for_each_other()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        bench.Done.Record(bench.Second);
        bench.First.BeginCapture();
        Assert.Equal(Isolation, (int)bench.Table.StreamWaitEvent(bench.First.Handle, bench.Done.Handle, 0));
        Assert.Equal(Invalidated, End(bench, bench.First));

        bench.First.BeginCapture();
        bench.Mark.Record(bench.First);
        Assert.Equal(OfEvent, (int)bench.Table.EventQuery(bench.Mark.Handle));
        Assert.Equal(0, End(bench, bench.First));
        Assert.Equal(OfEvent, (int)bench.Table.StreamWaitEvent(bench.Second.Handle, bench.Mark.Handle, 0));

        CUstream blocking;
        Assert.Equal(CUresult.Success, bench.Table.StreamCreate(&blocking, CUstreamFlags.Default));
        Assert.Equal(CUresult.Success, bench.Table.StreamBeginCapture(blocking, CUstreamCaptureMode.Relaxed));
        Assert.Equal(Implicit, (int)bench.Table.MemsetD8Async(bench.A.Pointer, 0, 4, default));
        Assert.Equal(CUresult.Success, bench.Table.StreamDestroy(blocking));
    }

    [Fact]
    public void An_update_takes_new_parameters_of_the_same_shape_and_launches_that_are_queued_keep_the_old()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        using CudaGraph graph = Line(bench, 1, 1), same = Line(bench, 10, 1), longer = Line(bench, 1, 2);
        using CudaGraph forked = Forked(bench);
        graph.Launch(bench.First);
        Assert.True(graph.TryUpdate(same));
        Assert.False(graph.TryUpdate(longer));
        Assert.False(graph.TryUpdate(forked));
        graph.Launch(bench.First);
        Assert.Equal(11, bench.Read(bench.A)[0]);
    }

    [Fact]
    public void A_graph_whose_kernel_was_unloaded_or_whose_memory_was_freed_is_not_launched()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        CudaModule module = EmulatedKernels.Module(bench.Context);
        CudaDeviceVariable<float> memory = new(bench.Context, EmulatedBench.Length);
        bench.First.BeginCapture();
        EmulatedKernels.Launch(module.Kernel("add"), bench.A, 1, 64, bench.First);
        using CudaGraph kernel = bench.First.EndCapture();
        bench.First.BeginCapture();
        memory.ClearAsync(bench.First);
        using CudaGraph fill = bench.First.EndCapture();
        module.Dispose();
        memory.Dispose();
        Assert.Contains("its module was unloaded", Assert.Throws<A2FException>(() => kernel.Launch(bench.First)).Message,
            StringComparison.Ordinal);
        Assert.Contains("which was freed", Assert.Throws<A2FException>(() => fill.Launch(bench.First)).Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Host to A, A += 2; then A += 4 on one branch, and on the other A's copy B += 8; then B to the host.
    /// </summary>
    private static CudaGraph Forked(EmulatedBench bench)
    {
        bench.First.BeginCapture();
        bench.A.CopyFromAsync(bench.Host, EmulatedBench.Length, bench.First);
        bench.Add(bench.A, 2, bench.First);
        Assert.Equal(CUresult.Success, bench.Table.MemcpyDtoDAsync(bench.B.Pointer, bench.A.Pointer, 256, bench.First.Handle));
        bench.Mark.Record(bench.First);
        bench.Second.WaitFor(bench.Mark);
        bench.Add(bench.B, 8, bench.Second);
        bench.Add(bench.A, 4, bench.First);
        bench.Done.Record(bench.Second);
        bench.First.WaitFor(bench.Done);
        bench.B.CopyToAsync(bench.Host, EmulatedBench.Length, bench.First);
        Assert.Equal(CUresult.Success, bench.Table.MemsetD32Async(bench.B.Pointer, 0, 64, bench.First.Handle));
        return bench.First.EndCapture();
    }

    private static CudaGraph Line(EmulatedBench bench, float amount, int launches)
    {
        bench.First.BeginCapture();
        for (int i = 0; i < launches; i++) bench.Add(bench.A, amount, bench.First);
        return bench.First.EndCapture();
    }

    /// <summary>Ends a capture and destroys what came out; the driver's result.</summary>
    private static int End(EmulatedBench bench, CudaStream stream, bool enter = false)
    {
        if (enter) bench.Table.CtxPushCurrent(bench.Context.Handle);
        CUgraph graph;
        int result = (int)bench.Table.StreamEndCapture(stream.Handle, &graph);
        if (result == 0) bench.Table.GraphDestroy(graph);
        CUcontext popped;
        if (enter) bench.Table.CtxPopCurrent(&popped);
        return result;
    }
}
