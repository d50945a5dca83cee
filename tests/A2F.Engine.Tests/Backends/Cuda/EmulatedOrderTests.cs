using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>When the emulated driver runs queued work: by CUDA's rules of streams and events, and by nothing else.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed unsafe class EmulatedOrderTests
{
    public static TheoryData<WorkOrder> Orders => EmulatedBench.Orders(12);

    [Fact]
    public void Lazy_work_runs_when_it_is_waited_for_and_no_more_than_that_needs()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        bench.Add(bench.A, 1, bench.First);
        bench.Add(bench.B, 1, bench.Second);
        bench.Mark.Record(bench.First);
        bench.Add(bench.A, 2, bench.First);
        Assert.Empty(bench.Trace.Entries);
        bench.Mark.Synchronize();
        Assert.Equal([WorkKind.Kernel, WorkKind.EventRecord], bench.Trace.Entries.Select(e => e.Kind));
        bench.First.Synchronize();
        Assert.Equal(3, bench.Trace.Entries.Count);
        bench.Context.Synchronize();
        Assert.Equal(4, bench.Trace.Entries.Count);
        Assert.Equal(3, bench.Read(bench.A)[0]);
    }

    [Fact]
    public void Polling_a_lazy_stream_or_event_comes_to_an_end()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        for (int i = 0; i < 3; i++) bench.Add(bench.A, 1, bench.First);
        bench.Mark.Record(bench.First);
        int polls = 0;
        while (!bench.Mark.IsFinished) polls++;
        Assert.Equal(4, polls);
        Assert.True(bench.First.IsFinished);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Events_order_streams(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        bench.Host.Span.Fill(1);
        bench.A.CopyFromAsync(bench.Host, EmulatedBench.Length, bench.First);
        for (int round = 1; round <= 5; round++)
        {
            bench.Add(bench.A, 1, bench.First);
            bench.Mark.Record(bench.First);
            bench.Second.WaitFor(bench.Mark);
            bench.Add(bench.A, 10, bench.Second);
            bench.Done.Record(bench.Second);
            bench.First.WaitFor(bench.Done);
        }
        bench.A.CopyToAsync(bench.Host, EmulatedBench.Length, bench.First);
        bench.First.Synchronize();
        Assert.Equal(56, bench.Host.Span[EmulatedBench.Length - 1]);
    }

    [Fact]
    public void Independent_streams_run_in_any_order_and_the_same_seed_gives_the_same_one()
    {
        HashSet<string> seen = [];
        for (int seed = 0; seed < 30; seed++)
        {
            string once = Run(seed);
            Assert.Equal(once, Run(seed));
            seen.Add(once);
            Assert.True(once.Where(c => c != 'b').SequenceEqual("aAx"), once); // x is the read at the end
        }
        Assert.True(seen.Count >= 4, string.Join(" ", seen));

        static string Run(int seed)
        {
            using EmulatedBench bench = new(WorkOrder.Adversarial(seed));
            bench.Add(bench.A, 1, bench.First);
            bench.A.ClearAsync(bench.First);
            bench.Add(bench.B, 1, bench.Second);
            bench.Add(bench.B, 1, bench.Second);
            bench.Read(bench.A);
            return string.Concat(bench.Trace.Entries.Select(e => e.Kind switch
            {
                WorkKind.DeviceToHost => 'x',
                WorkKind.Fill => 'A',
                _ => e.Stream == "stream 1" ? 'a' : 'b',
            }));
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void The_default_stream_and_the_streams_that_block_wait_for_each_other(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        CUstream blocking;
        Assert.Equal(CUresult.Success, bench.Table.StreamCreate(&blocking, CUstreamFlags.Default));
        ulong a = bench.A.Pointer.Value;
        float one = 1;
        void** arguments = stackalloc void*[] { &a, &one };
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(CUresult.Success, bench.Table.LaunchKernel(bench.Kernel.Handle, 1, 1, 1, 64, 1, 1, 0, blocking, arguments, null));
            Assert.Equal(CUresult.Success, bench.Table.LaunchKernel(bench.Kernel.Handle, 1, 1, 1, 64, 1, 1, 0, default, arguments, null));
        }
        float[] read = new float[EmulatedBench.Length];
        bench.A.CopyTo(read); // on the default stream, which waits for the other
        Assert.Equal(6, read[63]);
        Assert.Equal(CUresult.Success, bench.Table.StreamDestroy(blocking));
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Arguments_and_pageable_memory_are_taken_when_the_call_is_made(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        float[] values = [.. Enumerable.Repeat(5f, EmulatedBench.Length)];
        fixed (float* pageable = values)
        {
            Assert.Equal(CUresult.Success, bench.Table.MemcpyHtoDAsync(bench.A.Pointer, pageable, 256, bench.First.Handle));
            values.AsSpan().Fill(-1);
            bench.Add(bench.A, 1, bench.First); // its arguments lie on a stack frame that is gone by now
            Assert.Equal(CUresult.Success, bench.Table.MemcpyDtoHAsync(pageable, bench.A.Pointer, 256, bench.First.Handle));
            Assert.Equal(6, values[63]); // to pageable memory the call waits
        }
    }

    [Fact]
    public void Time_passes_between_two_events_and_none_is_told_before_both_have_happened()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        CudaEvent start = bench.Keep(new CudaEvent(bench.Context, CUeventFlags.Default));
        CudaEvent end = bench.Keep(new CudaEvent(bench.Context, CUeventFlags.Default));
        float milliseconds;
        Assert.Equal(400, (int)bench.Table.EventElapsedTime(&milliseconds, start.Handle, end.Handle));
        start.Record(bench.First);
        bench.Add(bench.A, 1, bench.First);
        end.Record(bench.First);
        Assert.Equal(CUresult.NotReady, bench.Table.EventElapsedTime(&milliseconds, start.Handle, end.Handle));
        end.Synchronize();
        Assert.InRange(CudaEvent.ElapsedMilliseconds(start, end), 0.000001f, 60_000);
        bench.Mark.Record(bench.First);
        Assert.Equal(400, (int)bench.Table.EventElapsedTime(&milliseconds, start.Handle, bench.Mark.Handle)); // made without timing
    }

    [Fact]
    public void A_fault_is_reported_by_the_call_that_waits_and_what_was_queued_behind_it_never_runs()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        EmulatedKernels.Launch(bench.Kernel, bench.A, 1, EmulatedBench.Length + 1, bench.First);
        bench.Add(bench.B, 1, bench.First);
        A2FException error = Assert.Throws<A2FException>(bench.First.Synchronize);
        Assert.Contains("cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS", error.Message, StringComparison.Ordinal);
        Assert.Contains("kernel add", error.Message, StringComparison.Ordinal);
        Assert.Throws<A2FException>(bench.Context.Synchronize);
        Assert.Empty(bench.Trace.Entries);
    }

    [Fact]
    public void A_launch_that_the_device_cannot_run_is_refused_when_it_is_queued()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        A2FException error = Assert.Throws<A2FException>(
            () => EmulatedKernels.Launch(bench.Kernel, bench.A, 1, 2000, bench.First));
        Assert.Contains("at most 1024 threads", error.Message, StringComparison.Ordinal);
        bench.Context.Synchronize(); // and the context goes on
    }

    [Fact]
    public void Objects_serve_the_context_that_they_were_made_in()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        using CudaContext other = new(EmulatedCuda.Device("sm_90"));
        using CudaStream stream = new(other);
        A2FException error = Assert.Throws<A2FException>(() => bench.Add(bench.A, 1, stream));
        Assert.Contains("another context", error.Message, StringComparison.Ordinal);
        using CudaDeviceVariable<float> far = new(other, 64);
        error = Assert.Throws<A2FException>(() => far.ClearAsync(bench.First));
        Assert.Contains("lie in no allocation", error.Message, StringComparison.Ordinal);
        EmulatorBooks books = EmulatedDriver.Books(EmulatedDriver.DeviceOf("sm_90"));
        Assert.Equal((256, 1, 1), (books.DeviceBytes, books.Streams, books.RetainedContexts));
    }
}
