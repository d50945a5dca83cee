using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The emulated driver's books, and its calls that fail when asked to.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class EmulatedFaultTests : IDisposable
{
    private static readonly int Device = EmulatedDriver.DeviceOf("sm_80");

    public void Dispose() => EmulatedDriver.FailNone();

    [Fact]
    public void A_session_leaves_nothing_in_the_books_and_while_it_lasts_everything()
    {
        EmulatorBooks during = default;
        Session(() => during = EmulatedDriver.Books(Device));
        Assert.Equal(new EmulatorBooks(256, 1, 256, 1, 1, 1, 1, 1, 1, 1, 1), during);
        Assert.False(during.AreZero);
        Assert.True(EmulatedDriver.Books(Device).AreZero);
        Assert.True(EmulatedDriver.Books(EmulatedDriver.DeviceOf("sm_90")).AreZero);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(999)]
    [InlineData(700)]
    public void Any_call_may_fail_with_an_error_that_names_it_and_the_books_come_out_even(int result)
    {
        int n = 1;
        HashSet<string> failed = [];
        for (; ; n++)
        {
            EmulatedDriver.FailCall(n, result);
            A2FException? error = (A2FException?)Record.Exception(() => Session());
            if (EmulatedDriver.FailedCall is not { } call) break;
            failed.Add(call);
            // Leaving a scope cannot throw, and a driver need not tell its version; there the session goes on.
            if (call is not ("cuCtxPopCurrent" or "cuDriverGetVersion"))
                Assert.StartsWith($"{call}: CUDA_ERROR_", error!.Message, StringComparison.Ordinal);
            EmulatorBooks books = EmulatedDriver.Books(Device);
            Assert.True(books.AreZero, $"call {n}, {call}: {books}");
        }
        Assert.InRange(n, 60, 200);
        string[] some = ["cuInit", "cuDevicePrimaryCtxRetain", "cuLaunchKernel", "cuGraphLaunch", "cuMemFree", "cuModuleUnload"];
        Assert.Superset(some.ToHashSet(), failed);
    }

    [Fact]
    public void Calls_of_one_function_can_be_made_to_fail()
    {
        EmulatedDriver.FailCall(2, 2, "cuMemAlloc");
        using CudaContext context = new(EmulatedCuda.Device("sm_80"));
        long before = EmulatedDriver.Calls;
        using CudaDeviceVariable<float> first = new(context, 4);
        Assert.Equal(3, EmulatedDriver.Calls - before); // push, allocate, pop
        A2FException error = Assert.Throws<A2FException>(() => new CudaDeviceVariable<float>(context, 4));
        Assert.Equal(A2FErrorCode.OutOfMemory, error.Code);
        Assert.Contains("cuMemAlloc was made to fail", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, EmulatedDriver.Books(Device).DeviceAllocations);
        using CudaDeviceVariable<float> third = new(context, 4);

        EmulatedDriver.FailEvery(2, 999, "cuMemAlloc");
        for (int i = 1; i <= 6; i++)
        {
            Exception? failure = Record.Exception(() => new CudaDeviceVariable<float>(context, 4).Dispose());
            Assert.Equal(i % 2 == 0, failure is not null);
        }
    }

    [Fact]
    public void A_kernels_fault_breaks_its_context_until_all_have_released_it()
    {
        using (CudaContext context = new(EmulatedCuda.Device("sm_80")))
        using (CudaContext same = new(EmulatedCuda.Device("sm_80")))
        {
            Assert.Equal(context.Handle, same.Handle);
            using CudaStream stream = new(context);
            using CudaModule module = EmulatedKernels.Module(context);
            CudaKernel add = module.Kernel("add");
            using CudaDeviceVariable<float> memory = new(context, 8);
            using (context.Enter())
            {
                memory.ClearAsync(stream);
                Assert.Throws<A2FException>(() => EmulatedKernels.Launch(add, memory, 1, 9, stream));
                A2FException again = Assert.Throws<A2FException>(stream.Synchronize);
                Assert.Contains("cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS", again.Message, StringComparison.Ordinal);
                Assert.Contains("kernel add", again.Message, StringComparison.Ordinal);
                Assert.Throws<A2FException>(() => new CudaStream(context));
            }
        }
        Assert.True(EmulatedDriver.Books(Device).AreZero);
        Session();
    }

    [Fact]
    public void Memory_cannot_be_freed_twice_and_that_breaks_nothing()
    {
        using CudaContext context = new(EmulatedCuda.Device("sm_80"));
        using CudaContext.Scope scope = context.Enter();
        CudaDeviceVariable<float> memory = new(context, 8);
        CUdeviceptr pointer = memory.Pointer;
        memory.Dispose();
        Assert.Equal(CUresult.InvalidValue, Free(context, pointer));
        using CudaDeviceVariable<float> other = new(context, 8);
    }

    [Fact]
    public void The_last_release_of_a_context_takes_with_it_what_was_left_inside()
    {
        CudaContext context = new(EmulatedCuda.Device("sm_80"));
        CudaContext.Scope scope = context.Enter();
        _ = new CudaDeviceVariable<float>(context, 10);
        _ = new CudaPageLockedHostMemory<float>(context, 10);
        CudaStream stream = new(context);
        _ = EmulatedKernels.Module(context).Kernel("add");
        scope.Dispose();
        context.Dispose();
        Assert.True(EmulatedDriver.Books(Device).AreZero);

        using CudaContext fresh = new(EmulatedCuda.Device("sm_80"));
        using CudaContext.Scope inside = fresh.Enter();
        A2FException error = Assert.Throws<A2FException>(stream.Synchronize);
        Assert.Contains("CUDA_ERROR_INVALID_HANDLE", error.Message, StringComparison.Ordinal);
    }

    private static unsafe CUresult Free(CudaContext context, CUdeviceptr pointer) => context.Driver.Table.MemFree(pointer);

    /// <summary>Each kind of object once, as a model's life does it; <paramref name="inside"/> runs when all of them are alive.</summary>
    private static void Session(Action? inside = null)
    {
        CudaDriver driver = CudaDriver.Start(EmulatedCuda.Source);
        using CudaContext context = new(driver.Devices[Device]);
        using CudaStream stream = new(context);
        using CudaEvent done = new(context);
        using CudaDeviceVariable<float> device = new(context, 64);
        using CudaPageLockedHostMemory<float> host = new(context, 64);
        using CudaModule module = EmulatedKernels.Module(context);
        CudaKernel add = module.Kernel("add");
        using CudaContext.Scope scope = context.Enter();
        host.Span.Fill(1);
        stream.BeginCapture();
        device.CopyFromAsync(host, 64, stream);
        EmulatedKernels.Launch(add, device, 2, 64, stream);
        device.CopyToAsync(host, 64, stream);
        using CudaGraph graph = stream.EndCapture();
        graph.Launch(stream);
        done.Record(stream);
        done.Synchronize();
        Assert.Equal(3, host.Span[63]);
        inside?.Invoke();
    }
}
