using A2F.CudaEmulator;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>
/// Mistakes with queued work that the emulated driver reports: host memory touched too early, and things released too early.
/// </summary>
[Collection(EmulatedCuda.Collection)]
public sealed class EmulatedMisuseTests
{
    [Fact]
    public void The_source_of_a_queued_copy_is_not_to_be_changed()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        bench.Host.Span.Fill(1);
        bench.A.CopyFromAsync(bench.Host, 32, bench.First);
        bench.Host.Span[32] = 2; // beyond the copy
        bench.First.Synchronize();
        bench.Host.Span[3] = 2; // after the copy
        bench.A.CopyFromAsync(bench.Host, 32, bench.First);
        bench.Host.Span[5] = 3;
        Reports(bench.First.Synchronize, "copy to the device of 128 bytes (stream 1", "changed byte 22 of its page-locked source");
    }

    [Fact]
    public void The_target_of_a_queued_copy_holds_NaNs_until_it_has_run_and_is_not_to_be_written()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        bench.Host.Span.Fill(1);
        bench.A.CopyToAsync(bench.Host, 32, bench.First);
        Assert.All(bench.Host.Span[..32].ToArray(), value => Assert.True(float.IsNaN(value)));
        Assert.Equal(1, bench.Host.Span[32]);
        bench.First.Synchronize();
        Assert.Equal(0, bench.Host.Span[31]);
        bench.A.CopyToAsync(bench.Host, 32, bench.First);
        bench.Host.Span[31] = 0;
        Reports(bench.First.Synchronize, "copy to the host of 128 bytes (stream 1", "changed byte 124 of its page-locked target");
    }

    [Fact]
    public void A_copy_takes_what_an_earlier_one_brought_to_the_same_memory()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        bench.Host.Span.Fill(7);
        bench.Add(bench.A, 1, bench.First);
        bench.B.CopyFromAsync(bench.Host, 64, bench.First); // 7, though the next copy is queued before this one runs
        bench.A.CopyToAsync(bench.Host, 64, bench.First);
        bench.A.CopyFromAsync(bench.Host, 32, bench.First);
        bench.Add(bench.A, 1, bench.First);
        Assert.Equal(7, bench.Read(bench.B)[63]);
        float[] a = bench.Read(bench.A);
        Assert.Equal((2, 2), (a[0], a[63]));
    }

    [Fact]
    public void Device_memory_that_a_queued_kernel_points_to_is_not_to_be_freed()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        CudaDeviceVariable<float> memory = bench.Keep(new CudaDeviceVariable<float>(bench.Context, 64));
        memory.ClearAsync(bench.First);
        bench.First.Synchronize();
        bench.Add(memory, 1, bench.First);
        Reports(memory.Dispose, "cuMemFree", "was released while kernel add (stream 1, queued by call", "had not run");
        bench.Add(bench.A, 1, bench.First); // the context goes on
    }

    [Fact]
    public void Page_locked_memory_modules_and_events_that_queued_work_uses_are_not_to_be_released()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        CudaPageLockedHostMemory<float> host = bench.Keep(new CudaPageLockedHostMemory<float>(bench.Context, 64));
        bench.A.CopyToAsync(host, 64, bench.First);
        Reports(host.Dispose, "page-locked memory was released while copy to the host");

        CudaModule module = bench.Keep(EmulatedKernels.Module(bench.Context));
        EmulatedKernels.Launch(module.Kernel("add"), bench.A, 1, 64, bench.First);
        Reports(module.Dispose, "Module was released while kernel add");

        CudaEvent mark = bench.Keep(new CudaEvent(bench.Context));
        mark.Record(bench.First);
        Reports(mark.Dispose, "Event was released while record");
        Assert.Equal(1, bench.Read(bench.A)[0]);
    }

    [Fact]
    public void A_stream_may_be_destroyed_before_its_work_has_run()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        CudaStream stream = new(bench.Context);
        bench.Add(bench.A, 1, stream);
        stream.Dispose();
        Assert.Equal(1, bench.Read(bench.A)[0]);
    }

    [Fact]
    public void Host_and_device_ranges_of_a_copy_are_checked_when_it_is_queued()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        CudaPageLockedHostMemory<float> small = bench.Keep(new CudaPageLockedHostMemory<float>(bench.Context, 4));
        unsafe
        {
            CUresult result = bench.Table.MemcpyHtoDAsync(bench.A.Pointer, small.Pointer, 20, bench.First.Handle);
            Assert.Equal(CUresult.InvalidValue, result);
            Assert.Equal(CUresult.InvalidValue, bench.Table.MemsetD8Async(bench.A.Pointer, 0, 257, bench.First.Handle));
        }
        Assert.Empty(bench.Trace.Entries);
    }

    private static void Reports(Action action, params string[] parts)
    {
        A2FException error = Assert.Throws<A2FException>(action);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}
