using System.Text;
using A2F.CudaEmulator;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;
using Dim3 = A2F.Engine.Backends.Cuda.Driver.Dim3;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Races between streams: found to the byte, whatever the order that work happens to run in, and none invented.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed unsafe class EmulatedRaceTests
{
    /// <summary>at[step * thread] = 1, one element of a type a thread.</summary>
    private const string StoreKernel = """
        .version 7.0
        .target sm_75
        .address_size 64
        .visible .entry store(.param .u64 at, .param .u32 step)
        {
            .reg .b16 %h<2>;
            .reg .b32 %r<5>;
            .reg .b64 %rd<5>;
            ld.param.u64 %rd1, [at];
            ld.param.u32 %r1, [step];
            cvta.to.global.u64 %rd2, %rd1;
            mov.u32 %r2, %tid.x;
            mul.lo.u32 %r3, %r1, %r2;
            cvt.u64.u32 %rd3, %r3;
            add.s64 %rd4, %rd2, %rd3;
            mov.u32 %r4, 1;
            mov.u16 %h1, 1;
            st.global.TYPE [%rd4], VALUE;
            ret;
        }
        """;

    public static TheoryData<WorkOrder> Orders => EmulatedBench.Orders(6);

    [Theory]
    [MemberData(nameof(Orders))]
    public void Two_streams_that_write_the_same_bytes_race(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        Races(bench, b =>
        {
            b.Add(b.A, 1, b.First);
            EmulatedKernels.Launch(b.Kernel, b.A, 1, 5, b.Second);
        }, "kernel add (stream ", "bytes 0 to 19 of allocation 1");
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void A_stream_that_reads_what_another_writes_races(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        Races(bench, b =>
        {
            b.Add(b.A, 1, b.First);
            b.A.CopyToAsync(b.Host, 64, b.Second);
        }, "copy to the host of 256 bytes (stream 2", "kernel add (stream 1");
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_event_recorded_too_early_is_found(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        Races(bench, b =>
        {
            b.Mark.Record(b.First);
            b.Add(b.A, 1, b.First);
            b.Second.WaitFor(b.Mark);
            b.Add(b.A, 1, b.Second);
        }, "kernel add (stream 1");
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Events_waits_of_the_host_and_reads_alone_are_no_race(WorkOrder order)
    {
        using EmulatedBench bench = new(order);
        bench.Add(bench.A, 1, bench.First);
        bench.Mark.Record(bench.First);
        bench.Second.WaitFor(bench.Mark);
        bench.Add(bench.A, 1, bench.Second);
        bench.Second.Synchronize();
        bench.Add(bench.A, 1, bench.First);
        bench.Context.Synchronize();
        bench.A.CopyToAsync(bench.Host, 64, bench.First);
        Assert.Equal(CUresult.Success, bench.Table.MemcpyDtoDAsync(bench.B.Pointer, bench.A.Pointer, 256, bench.Second.Handle));
        bench.Context.Synchronize();
        Assert.Equal(3, bench.Host.Span[63]);
    }

    [Theory]
    [InlineData("u8", "%r4", 1)]
    [InlineData("u16", "%h1", 2)]
    [InlineData("u32", "%r4", 4)]
    [InlineData("u64", "%rd1", 8)]
    public void Neighbours_of_every_width_do_not_race_and_the_same_elements_do(string type, string value, uint bytes)
    {
        string text = StoreKernel.Replace("TYPE", type, StringComparison.Ordinal).Replace("VALUE", value, StringComparison.Ordinal);
        using EmulatedBench bench = new(WorkOrder.Lazy);
        CudaModule module = bench.Keep(new CudaModule(bench.Context, "store", [.. Encoding.UTF8.GetBytes(text), 0]));
        CudaKernel store = module.Kernel("store");
        ulong at = bench.A.Pointer.Value;
        Store(bench, store, at, 2 * bytes, 16, bench.First); // every second element
        Store(bench, store, at + bytes, 2 * bytes, 15, bench.Second); // those between
        bench.Context.Synchronize();
        Store(bench, store, at, bytes, 16, bench.First); // the first half
        Store(bench, store, at + 16 * bytes, bytes, 16, bench.Second); // the second
        bench.Context.Synchronize();
        Races(bench, b =>
        {
            Store(b, store, at + bytes, 2 * bytes, 8, b.First);
            Store(b, store, at + 15 * bytes, bytes, 2, b.Second);
        }, $"writes bytes {15 * bytes} to {16 * bytes - 1} of allocation 1");
    }

    [Fact]
    public void Branches_of_a_graph_race_like_streams()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        bench.First.BeginCapture();
        bench.Mark.Record(bench.First);
        bench.Second.WaitFor(bench.Mark);
        bench.Add(bench.A, 1, bench.First);
        bench.Add(bench.A, 1, bench.Second);
        bench.Done.Record(bench.Second);
        bench.First.WaitFor(bench.Done);
        using CudaGraph graph = bench.First.EndCapture();
        Races(bench, b => graph.Launch(b.First), "stream 1, branch 1 of a graph");
    }

    [Fact]
    public void A_copy_that_does_not_wait_for_a_stream_that_does_not_block_is_a_race()
    {
        using EmulatedBench bench = new(WorkOrder.Lazy);
        Races(bench, b =>
        {
            b.Add(b.A, 1, b.First);
            b.A.CopyTo(new float[64]);
        }, "kernel add (stream 1", "copy to the host of 256 bytes (the default stream");
    }

    [Fact]
    public void A_race_is_found_though_both_pieces_ran_long_ago_and_much_came_between()
    {
        using EmulatedBench bench = new(WorkOrder.Eager);
        bench.Add(bench.B, 1, bench.Second); // two streams are in use
        bench.Add(bench.A, 1, bench.First);
        for (int i = 0; i < 50; i++) bench.Add(bench.B, 1, bench.Second);
        A2FException error = Assert.Throws<A2FException>(() => bench.Add(bench.A, 1, bench.Second));
        Assert.Contains("a race", error.Message, StringComparison.Ordinal);
    }

    private static void Store(EmulatedBench bench, CudaKernel store, ulong at, uint step, uint threads, CudaStream stream)
    {
        void** arguments = stackalloc void*[] { &at, &step };
        store.Launch(new Dim3(1), new Dim3(threads), 0, stream, arguments);
    }

    /// <summary>Queues work and waits; somewhere on the way a race must be reported.</summary>
    private static void Races(EmulatedBench bench, Action<EmulatedBench> queue, params string[] parts)
    {
        A2FException error = Assert.Throws<A2FException>(() =>
        {
            queue(bench);
            bench.Context.Synchronize();
        });
        Assert.Contains("CUDA_ERROR_LAUNCH_FAILED", error.Message, StringComparison.Ordinal);
        Assert.Contains("a race: ", error.Message, StringComparison.Ordinal);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}
