using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

public sealed class WrapperTests
{
    [Fact]
    public void A_session_works_and_leaves_nothing_behind()
    {
        Session(PretendDriver.Reset());
        AssertClean("a session without errors");
        Assert.Contains("cuLaunchKernel", PretendDriver.Calls);
    }

    [Theory]
    [InlineData((int)CUresult.Unknown)]
    [InlineData((int)CUresult.OutOfMemory)]
    [InlineData((int)CUresult.IllegalAddress)]
    public void Any_call_may_fail_with_one_clear_error_and_no_leak(int error)
    {
        Session(PretendDriver.Reset());
        string[] calls = [.. PretendDriver.Calls];
        for (int n = 1; n <= calls.Length; n++)
        {
            PretendDriver driver = PretendDriver.Reset(n, (CUresult)error);
            A2FException failure = Assert.Throws<A2FException>(() => Session(driver));
            A2FErrorCode code = error == (int)CUresult.OutOfMemory ? A2FErrorCode.OutOfMemory : A2FErrorCode.DeviceUnavailable;
            Assert.True(failure.Code == code, $"call {n}, {calls[n - 1]}: {failure.Code}");
            Assert.True(failure.Message.StartsWith($"{calls[n - 1]}: CUDA_ERROR_PRETENDED ({error}, as asked)", StringComparison.Ordinal),
                $"call {n} is {calls[n - 1]}, the message is: {failure.Message}");
            AssertClean($"call {n}, {calls[n - 1]}");
        }
        Session(PretendDriver.Reset());
        AssertClean("a session after all that");
    }

    [Fact]
    public void Errors_say_what_was_asked_for()
    {
        CudaDriver driver = CudaDriver.Start(PretendDriver.Reset());
        using CudaContext context = new(driver.Devices[0]);
        FailNext();
        Assert.Contains("4000 bytes on Pretended GPU; the device's memory is full",
            Assert.Throws<A2FException>(() => new CudaDeviceVariable<float>(context, 1000)).Message, StringComparison.Ordinal);
        FailNext();
        Assert.Contains("conv.cubin on Pretended GPU (sm_86): ptxas error on line 7",
            Assert.Throws<A2FException>(() => new CudaModule(context, "conv.cubin", [1])).Message, StringComparison.Ordinal);

        // The next call is the push of the context, the one after it the call itself.
        static void FailNext() => PretendDriver.FailAfter(1, CUresult.OutOfMemory);
    }

    [Fact]
    public void A_device_is_described_as_the_driver_tells()
    {
        CudaDevice device = Assert.Single(CudaDriver.Start(PretendDriver.Reset()).Devices);
        Assert.Equal(("Pretended GPU", 1L << 30, 86), (device.Name, device.TotalBytes, device.Architecture));
        Assert.Equal("GPU-00010203-0405-0607-0809-0a0b0c0d0e0f", device.Uuid.Text);
    }

    [Fact]
    public void Copies_beyond_an_array_are_refused()
    {
        CudaDriver driver = CudaDriver.Start(PretendDriver.Reset());
        using CudaContext context = new(driver.Devices[0]);
        using CudaStream stream = new(context);
        using CudaDeviceVariable<int> device = new(context, 8);
        using CudaPageLockedHostMemory<int> host = new(context, 4);
        Assert.Throws<A2FException>(() => device.CopyFromAsync(host, 5, stream));
        Assert.Throws<A2FException>(() => device.CopyToAsync(host, -1, stream));
        Assert.Throws<A2FException>(() => device.CopyFrom(new int[9]));
        Assert.DoesNotContain("cuMemcpyHtoDAsync", PretendDriver.Calls);
    }

    // Every wrapper once, as a model's life does it.
    private static unsafe void Session(PretendDriver source)
    {
        CudaDriver driver = CudaDriver.Start(source);
        using CudaContext context = new(driver.Devices[0]);
        using CudaStream stream = new(context, priority: -1);
        using CudaEvent done = new(context);
        using CudaDeviceVariable<int> device = new(context, 4);
        using CudaPageLockedHostMemory<int> host = new(context, 4);
        using CudaModule module = new(context, "pretended.cubin", [1, 2, 3]);
        CudaKernel kernel = module.Kernel("pretended");
        using CudaContext.Scope scope = context.Enter();
        int[] numbers = [1, 2, 3, 4];
        numbers.CopyTo(host.Span);
        device.CopyFromAsync(host, 4, stream);
        host.Span.Clear();
        device.CopyToAsync(host, 3, stream);
        Assert.Equal([1, 2, 3, 0], host.Span.ToArray());
        device.ClearAsync(stream);
        device.CopyToAsync(host, 4, stream);
        Assert.Equal([0, 0, 0, 0], host.Span.ToArray());
        int argument = 1234;
        void** arguments = stackalloc void*[] { &argument };
        kernel.Launch(new Dim3(2, 3, 4), new Dim3(5, 6, 7), 8, stream, arguments);
        stream.BeginCapture();
        using CudaGraph graph = stream.EndCapture();
        graph.Launch(stream);
        Assert.False(graph.TryUpdate(graph));
        done.Record(stream);
        Assert.False(stream.IsFinished);
        stream.Synchronize();
    }

    private static void AssertClean(string what) =>
        Assert.True(PretendDriver.LiveCount == 0 && PretendDriver.Pushed == 0,
            $"{what}: {PretendDriver.LiveCount} handles left, {PretendDriver.Pushed} contexts left current");
}
