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
        where T : INetwork =>
        Choose(options.Device, options.CudaDriver, (device, reason) => OnGpu(options, device, build, reason), reason => OnCpu(options, build, reason));

    /// <summary>Makes something on the device of a name, as in <see cref="ModelOptions.Device"/>.</summary>
    /// <param name="name">The name.</param>
    /// <param name="find">Stands in for the installed driver; null for none.</param>
    /// <param name="onGpu">Makes it on a GPU; told why there, where the choice was ours.</param>
    /// <param name="onCpu">Makes it on the CPU; told why there, where the choice was ours.</param>
    /// <exception cref="A2FException">There is no such device, it does not work, or its memory is too small.</exception>
    internal static T Choose<T>(string name, Func<string, nint>? find, Func<CudaDevice, string?, T> onGpu, Func<string?, T> onCpu)
    {
        if (name == Cpu) return onCpu(null);
        if (name != Auto)
        {
            int ordinal = Ordinal(name);
            CudaDriver driver = Start(find);
            if (ordinal < driver.Devices.Count) return onGpu(driver.Devices[ordinal], null);
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"device {name}: the driver has {driver.Devices.Count} device(s), counted from 0");
        }
        string problem = "";
        try
        {
            foreach (CudaDevice device in Start(find).Devices)
            {
                try
                {
                    return onGpu(device, $"cuda:{device.Ordinal} is the first GPU that works{problem}");
                }
                catch (A2FException e) when (IsOfTheDevice(e))
                {
                    problem += $"; cuda:{device.Ordinal}: {e.Message}";
                }
            }
        }
        catch (A2FException e) when (IsOfTheDevice(e))
        {
            problem = $"; {e.Message}";
        }
        return onCpu($"no GPU can be used{problem}");
    }

    /// <summary>Throws for a GPU that is too old.</summary>
    internal static void CheckArchitecture(CudaDevice device)
    {
        if (device.Architecture >= MachineReport.OldestArchitecture) return;
        throw new A2FException(A2FErrorCode.DeviceUnavailable, $"{device.Name}: {MachineReport.TooOld(device.Architecture)}");
    }

    private static bool IsOfTheDevice(A2FException e) => e.Code is A2FErrorCode.DeviceUnavailable or A2FErrorCode.OutOfMemory;

    private static CudaDriver Start(Func<string, nint>? find) => CudaDriver.Start(
        find is not null ? new Symbols(find) : CudaLibraries.Find(CudaLibraries.DriverNames).Require());

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
        if (options.CudaContext != 0 || options.CudaStream != 0)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"a CUDA context or stream is given, but the network would be on the CPU{(reason is null ? "" : $": {reason}")}; ask for the device \"cuda\", or give neither");
        }
        CpuOperators operators = new(options.Threads == 0 ? ModelOptions.DefaultThreads : options.Threads, options.InstructionSet);
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

    private static PlacedNetwork<T> OnGpu<T>(ModelOptions options, CudaDevice device, Func<OperatorSet, T> build, string? reason)
        where T : INetwork
    {
        bool emulated = options.CudaDriver is not null;
        CheckArchitecture(device);
        KernelCompiler compiler = KernelCompiler.Open(device.Driver.Version / 1000, device.Architecture, ptx: emulated, options.BakedKernels);
        NetworkPlan plan = NetworkPlan.Of(
            device.Architecture, device.Attribute(CUdeviceAttribute.MultiprocessorCount), options.Precision, build, options.Cublas);
        ISymbolSource? blas = options.Cublas == CublasUse.Off ? null
            : options.CudaDriver is { } find ? new Symbols(find)
            : CudaLibraries.Find(CudaLibraries.CublasNames, device.Driver.Version / 1000).Require();
        compiler.CompileAll(plan.Kernels);
        CudaDeviceWorker worker = new(
            device, kernel => compiler.Get(kernel).Bytes, plan.ArenaBytes, separate: emulated, cublas: blas is null ? null : new CublasTable(blas),
            place: new CudaPlace(options.CudaContext, options.CudaStream, options.StreamPriority));
        try
        {
            using CudaContext.Scope scope = worker.Enter();
            worker.Load(plan.Kernels);
            CudaOperators operators = new(worker, options.Precision, plan.ScratchBytes) { Cublas = options.Cublas };
            T network = build(operators);
            operators.Measure(() => network.Rehearse(network.MaxBatch));
            worker.Finish(); // what goes wrong with loading is told by loading
            return new PlacedNetwork<T>(operators, network, reason);
        }
        catch
        {
            worker.Dispose();
            throw;
        }
    }
}
