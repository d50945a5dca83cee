using System.Globalization;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>A network on the device that its options ask for.</summary>
/// <param name="Operators">What it runs on; to be disposed.</param>
/// <param name="Network">The network.</param>
/// <param name="Reason">Why it runs there, where the choice was ours; else null.</param>
internal sealed record PlacedNetwork<T>(OperatorSet Operators, T Network, string? Reason);

/// <summary>Brings networks onto the device that <see cref="ModelOptions"/> ask for.</summary>
internal static class Devices
{
    private const string Auto = "auto", Cpu = "cpu", Cuda = "cuda";

    private sealed class Symbols(Func<string, nint> find) : ISymbolSource
    {
        public string Name => "the given CUDA driver";

        public nint Find(string symbol) => find(symbol);
    }

    /// <summary>Builds a network on its device.</summary>
    /// <exception cref="A2FException">There is no such device, it does not work, or its memory is too small.</exception>
    internal static PlacedNetwork<T> Place<T>(ModelOptions options, Func<OperatorSet, T> build)
        where T : INetwork
    {
        if (options.Device == Cpu) return OnCpu(options, build, null);
        if (options.Device != Auto) return OnGpu(options, Ordinal(options.Device), build, null);
        try
        {
            return OnGpu(options, 0, build, "the first GPU that the driver names");
        }
        catch (A2FException e) when (e.Code is A2FErrorCode.DeviceUnavailable or A2FErrorCode.OutOfMemory)
        {
            return OnCpu(options, build, $"no GPU can be used: {e.Message}");
        }
    }

    private static int Ordinal(string device)
    {
        string[] parts = device.Split(':', 2);
        int ordinal = 0;
        if (parts[0] != Cuda || parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ordinal))
            throw new A2FException(A2FErrorCode.InvalidArgument, $"device: expected auto, cpu, cuda or cuda:N, found '{device}'");
        return ordinal;
    }

    private static PlacedNetwork<T> OnCpu<T>(ModelOptions options, Func<OperatorSet, T> build, string? reason)
    {
        CpuOperators operators = new(options.Threads == 0 ? ModelOptions.DefaultThreads : options.Threads, options.InstructionSet);
        return Build(operators, build, reason);
    }

    private static PlacedNetwork<T> OnGpu<T>(ModelOptions options, int ordinal, Func<OperatorSet, T> build, string? reason)
        where T : INetwork
    {
        bool emulated = options.CudaDriver is not null;
        CudaDriver driver = CudaDriver.Start(
            emulated ? new Symbols(options.CudaDriver!) : CudaLibraries.Find(CudaLibraries.DriverNames).Require());
        if (ordinal >= driver.Devices.Count)
        {
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"device {options.Device}: the driver has {driver.Devices.Count} device(s), counted from 0");
        }
        CudaDevice device = driver.Devices[ordinal];
        CudaRuntimeCompiler compiler = new(CudaLibraries.Find(CudaLibraries.NvrtcNames, driver.Version / 1000).Require());
        NetworkPlan plan = NetworkPlan.Of(
            device.Architecture, device.Attribute(CUdeviceAttribute.MultiprocessorCount), options.Precision, build);
        CudaDeviceWorker worker = new(
            device, spec => KernelImages.Compile(compiler, spec, device.Architecture, emulated), plan.ArenaBytes, separate: emulated);
        try
        {
            worker.Load(plan.Kernels);
        }
        catch
        {
            worker.Dispose();
            throw;
        }
        return Build(new CudaOperators(worker, options.Precision, plan.ScratchBytes), build, reason);
    }

    private static PlacedNetwork<T> Build<T>(OperatorSet operators, Func<OperatorSet, T> build, string? reason)
    {
        try
        {
            return new PlacedNetwork<T>(operators, build(operators), reason);
        }
        catch
        {
            operators.Dispose();
            throw;
        }
    }
}
