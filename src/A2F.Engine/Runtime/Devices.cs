using System.Globalization;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Runtime;

/// <summary>Opens the backend that <see cref="ModelOptions"/> ask for.</summary>
internal static class Devices
{
    private const string Cuda = "cuda";

    private sealed class Symbols(Func<string, nint> find) : ISymbolSource
    {
        public string Name => "the given CUDA driver";

        public nint Find(string symbol) => find(symbol);
    }

    /// <summary>The operators of the device.</summary>
    /// <exception cref="A2FException">There is no such device, or it does not work.</exception>
    internal static OperatorSet Open(ModelOptions options)
    {
        if (options.Device is "auto" or "cpu")
            return new CpuOperators(options.Threads == 0 ? ModelOptions.DefaultThreads : options.Threads, options.InstructionSet);
        string[] parts = options.Device.Split(':', 2);
        int ordinal = 0;
        if (parts[0] != Cuda || parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ordinal))
            throw new A2FException(A2FErrorCode.InvalidArgument, $"device: expected auto, cpu, cuda or cuda:N, found '{options.Device}'");

        CudaDriver driver = CudaDriver.Start(
            options.CudaDriver is null ? CudaLibraries.Find(CudaLibraries.DriverNames).Require() : new Symbols(options.CudaDriver));
        if (ordinal >= driver.Devices.Count)
        {
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"device {options.Device}: the driver has {driver.Devices.Count} device(s), counted from 0");
        }
        CudaRuntimeCompiler compiler = new(CudaLibraries.Find(CudaLibraries.NvrtcNames, driver.Version / 1000).Require());
        return new CudaOperators(driver.Devices[ordinal], compiler, ptx: options.CudaDriver is not null);
    }
}
