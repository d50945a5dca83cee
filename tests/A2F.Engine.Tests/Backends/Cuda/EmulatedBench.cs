using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>
/// What tests of queued work need: two streams, two arrays of 64 floats (zeros, and the host has waited for that), a kernel that adds, and
/// the context made current. Leaves eager order and, unless the test broke the context, empty books behind.
/// </summary>
internal sealed unsafe class EmulatedBench : IDisposable
{
    internal const int Length = 64;
    private readonly List<IDisposable> _made = [];

    internal EmulatedBench(WorkOrder order)
    {
        Context = new CudaContext(EmulatedCuda.Device("sm_80"));
        Table = Context.Driver.Table;
        First = Keep(new CudaStream(Context));
        Second = Keep(new CudaStream(Context));
        Mark = Keep(new CudaEvent(Context));
        Done = Keep(new CudaEvent(Context));
        Module = Keep(EmulatedKernels.Module(Context));
        Kernel = Module.Kernel("add");
        A = Keep(new CudaDeviceVariable<float>(Context, Length));
        B = Keep(new CudaDeviceVariable<float>(Context, Length));
        Host = Keep(new CudaPageLockedHostMemory<float>(Context, Length));
        Host.Span.Clear();
        Table.CtxPushCurrent(Context.Handle);
        A.CopyFrom(new float[Length]);
        B.CopyFrom(new float[Length]);
        EmulatedDriver.Order = order;
        EmulatedDriver.Trace = Trace = new Timeline();
    }

    internal CudaContext Context { get; }
    internal DriverTable Table { get; }
    internal CudaStream First { get; }
    internal CudaStream Second { get; }
    internal CudaEvent Mark { get; }
    internal CudaEvent Done { get; }
    internal CudaModule Module { get; }
    internal CudaKernel Kernel { get; }
    internal CudaDeviceVariable<float> A { get; }
    internal CudaDeviceVariable<float> B { get; }
    internal CudaPageLockedHostMemory<float> Host { get; }
    internal Timeline Trace { get; }

    /// <summary>Orders that tests run under: eager, lazy, and some seeds.</summary>
    internal static TheoryData<WorkOrder> Orders(int seeds) =>
        [WorkOrder.Eager, WorkOrder.Lazy, .. Enumerable.Range(0, seeds).Select(WorkOrder.Adversarial)];

    /// <summary>Disposed of with the bench, before what was kept earlier.</summary>
    internal T Keep<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }

    /// <summary>Queues an addition to all values of an array.</summary>
    internal void Add(CudaDeviceVariable<float> values, float amount, CudaStream stream) =>
        EmulatedKernels.Launch(Kernel, values, amount, Length, stream);

    /// <summary>Runs something on a thread of its own, and waits for it.</summary>
    internal static T OnAnotherThread<T>(Func<T> run)
    {
        T result = default!;
        Exception? error = null;
        Thread thread = new(() => error = Record.Exception(() => result = run()));
        thread.Start();
        thread.Join();
        return error is null ? result : throw error;
    }

    /// <summary>The values of an array, after the device has done everything.</summary>
    internal float[] Read(CudaDeviceVariable<float> values)
    {
        Context.Synchronize();
        float[] read = new float[Length];
        values.CopyTo(read);
        return read;
    }

    public void Dispose()
    {
        EmulatedDriver.Order = WorkOrder.Eager;
        EmulatedDriver.Trace = null;
        Table.CtxSynchronize();
        for (int i = _made.Count - 1; i >= 0; i--) _made[i].Dispose();
        CUcontext popped;
        Table.CtxPopCurrent(&popped);
        Context.Dispose();
        Assert.Equal(default, EmulatedDriver.Books(EmulatedDriver.DeviceOf("sm_80")));
    }
}
