using System.Text;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>
/// The engine's driver wrappers on the emulated driver: copies, kernels, graphs, and errors that say what the emulator found.
/// </summary>
[Collection(EmulatedCuda.Collection)]
public sealed class EmulatedDriverTests
{
    [Fact]
    public void Copies_kernels_and_graphs_run_in_the_order_of_their_stream()
    {
        using CudaContext context = new(EmulatedCuda.Device("sm_89"));
        using CudaStream stream = new(context);
        using CudaModule module = EmulatedKernels.Module(context);
        using CudaPageLockedHostMemory<float> host = new(context, 64);
        using CudaDeviceVariable<float> device = new(context, 64);
        using CudaContext.Scope scope = context.Enter();
        CudaKernel add = module.Kernel("add");
        for (int i = 0; i < 64; i++) host.Span[i] = i;

        stream.BeginCapture();
        device.CopyFromAsync(host, 64, stream);
        EmulatedKernels.Launch(add, device, 0.5f, 64, stream);
        EmulatedKernels.Launch(add, device, 0.25f, 64, stream);
        device.CopyToAsync(host, 64, stream);
        using CudaGraph graph = stream.EndCapture();
        Assert.Equal(4, graph.Nodes);
        Assert.Equal(5, host.Span[5]); // recorded, not run

        graph.Launch(stream);
        graph.Launch(stream);
        stream.Synchronize();
        for (int i = 0; i < 64; i++) Assert.Equal(i + 1.5f, host.Span[i]);
    }

    [Fact]
    public void A_faulty_launch_names_kernel_line_and_address()
    {
        using CudaContext context = new(EmulatedCuda.Device("sm_89"));
        using CudaStream stream = new(context);
        using CudaModule module = EmulatedKernels.Module(context);
        using CudaDeviceVariable<float> device = new(context, 40);
        using CudaContext.Scope scope = context.Enter();
        device.ClearAsync(stream);
        A2FException error = Assert.Throws<A2FException>(() => EmulatedKernels.Launch(module.Kernel("add"), device, 1, 64, stream));
        Assert.Equal(A2FErrorCode.DeviceUnavailable, error.Code);
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS", error.Message, StringComparison.Ordinal);
        Assert.Contains("kernel add", error.Message, StringComparison.Ordinal);
        Assert.Contains("ld.global.f32", error.Message, StringComparison.Ordinal);
        Assert.Contains("lane 8", error.Message, StringComparison.Ordinal); // thread 40, the first beyond the array
    }

    [Fact]
    public void What_the_emulator_does_not_know_is_refused_at_load_with_the_line()
    {
        using CudaContext context = new(EmulatedCuda.Device("sm_75"));
        byte[] strange = [.. Encoding.UTF8.GetBytes(EmulatedKernels.Add.Replace("add.f32", "wobble.f32", StringComparison.Ordinal)), 0];
        A2FException error = Assert.Throws<A2FException>(() => new CudaModule(context, "strange", strange));
        Assert.Contains("CUDA_ERROR_INVALID_PTX", error.Message, StringComparison.Ordinal);
        Assert.Contains("wobble", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_memory_that_nobody_wrote_is_an_error_and_freed_memory_leaves_the_books()
    {
        using CudaContext context = new(EmulatedCuda.Device("sm_80"));
        int ordinal = EmulatedDriver.DeviceOf("sm_80");
        CudaDeviceVariable<float> memory = new(context, 10);
        using (context.Enter())
        {
            A2FException error = Assert.Throws<A2FException>(() => memory.CopyTo(new float[10]));
            Assert.Contains("never written", error.Message, StringComparison.Ordinal);
        }
        Assert.Equal((40, 1), (EmulatedDriver.Books(ordinal).DeviceBytes, EmulatedDriver.Books(ordinal).DeviceAllocations));
        memory.Dispose();
        Assert.Equal((0, 0), (EmulatedDriver.Books(ordinal).DeviceBytes, EmulatedDriver.Books(ordinal).DeviceAllocations));
    }

    [Fact]
    public void Every_function_of_the_driver_table_is_there_but_for_the_optional_pools()
    {
        RecordingSource source = new(EmulatedCuda.Source);
        DriverTable table = new(source);
        Assert.False(table.HasMemoryPools);
        Assert.All(source.Missing, symbol => Assert.Matches("Pool|AllocAsync|FreeAsync", symbol));
    }
}
