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
        if (options.Device != Auto)
        {
            int ordinal = Ordinal(options.Device);
            CudaDriver driver = Start(options);
            if (ordinal < driver.Devices.Count) return OnGpu(options, driver.Devices[ordinal], build, null);
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"device {options.Device}: the driver has {driver.Devices.Count} device(s), counted from 0");
        }
        string problem = "";
        try
        {
            foreach (CudaDevice device in Start(options).Devices)
            {
                try
                {
                    return OnGpu(options, device, build, $"cuda:{device.Ordinal} is the first GPU that works{problem}");
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
        return OnCpu(options, build, $"no GPU can be used{problem}");
    }

    private static bool IsOfTheDevice(A2FException e) => e.Code is A2FErrorCode.DeviceUnavailable or A2FErrorCode.OutOfMemory;

    private static CudaDriver Start(ModelOptions options) => CudaDriver.Start(
        options.CudaDriver is { } find ? new Symbols(find) : CudaLibraries.Find(CudaLibraries.DriverNames).Require());

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
        if (device.Architecture < MachineReport.OldestArchitecture)
        {
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"{device.Name}: {MachineReport.TooOld(device.Architecture)}");
        }
        KernelCompiler compiler = KernelCompiler.Open(device.Driver.Version / 1000, device.Architecture, ptx: emulated, options.BakedKernels);
        NetworkPlan plan = NetworkPlan.Of(
            device.Architecture, device.Attribute(CUdeviceAttribute.MultiprocessorCount), options.Precision, build, options.Cublas);
        ISymbolSource? blas = options.Cublas == CublasUse.Off ? null
            : options.CudaDriver is { } find ? new Symbols(find)
            : CudaLibraries.Find(CudaLibraries.CublasNames, device.Driver.Version / 1000).Require();
        compiler.CompileAll(plan.Kernels);
        CudaDeviceWorker worker = new(
            device, kernel => compiler.Get(kernel).Bytes, plan.ArenaBytes, separate: emulated, cublas: blas is null ? null : new CublasTable(blas));
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
