using A2F.Engine.Backends.Cpu;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Runtime;

/// <summary>A library that the CUDA path uses.</summary>
/// <param name="Name">What it is.</param>
/// <param name="File">The file that was loaded; null where none was.</param>
/// <param name="Version">Its version: of the driver, the CUDA version that it brings; null where unknown.</param>
/// <param name="Problem">What keeps it from working, and what to do; null if nothing does.</param>
public sealed record LibraryReport(string Name, string? File, string? Version, string? Problem);

/// <summary>A GPU that the driver reports.</summary>
/// <param name="Ordinal">Its number, from 0.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uuid">What stays the same when numbers change: GPU- and 32 hexadecimal digits.</param>
/// <param name="MemoryBytes">Its memory in bytes.</param>
/// <param name="Architecture">Compute capability, 86 for 8.6.</param>
/// <param name="Multiprocessors">Streaming multiprocessors.</param>
/// <param name="Problem">Why it cannot be used, and what to do; null if it can.</param>
public sealed record DeviceReport(
    int Ordinal, string Name, string Uuid, long MemoryBytes, int Architecture, int Multiprocessors, string? Problem);

/// <summary>What this machine has to run networks on. Looking changes nothing and takes no device memory.</summary>
public sealed class MachineReport
{
    internal const int OldestArchitecture = 75;

    private MachineReport(LibraryReport driver, LibraryReport nvrtc, LibraryReport cublas) =>
        (Driver, Nvrtc, Cublas) = (driver, nvrtc, cublas);

    /// <summary>The widest instruction set that the CPU backend has kernels for and this CPU has.</summary>
    public CpuInstructionSet InstructionSet => GemmKernels.Best;

    /// <summary>Processors that the system gives this process.</summary>
    public int Processors => Environment.ProcessorCount;

    /// <summary>Threads that the CPU backend takes by default.</summary>
    public int Threads => ModelOptions.DefaultThreads;

    /// <summary>The CUDA driver.</summary>
    public LibraryReport Driver { get; }

    /// <summary>NVRTC, which compiles kernels.</summary>
    public LibraryReport Nvrtc { get; }

    /// <summary>cuBLAS, which is optional.</summary>
    public LibraryReport Cublas { get; }

    /// <summary>Architectures that NVRTC compiles for, 86 for sm_86; empty without NVRTC.</summary>
    public IReadOnlyList<int> NvrtcArchitectures { get; private init; } = [];

    /// <summary>The driver's devices; empty where it has none or does not work.</summary>
    public IReadOnlyList<DeviceReport> Devices { get; private init; } = [];

    /// <summary>Looks at everything. Whatever is missing or broken is reported, not thrown.</summary>
    public static MachineReport Inspect()
    {
        IReadOnlyList<CudaDevice> devices = [];
        int driverVersion = 0;
        LibraryReport driver = Look(CudaLibraries.DriverNames, "cuInit", 0, library =>
        {
            driverVersion = CudaDriver.VersionOf(new DriverTable(library));
            string? version = driverVersion > 0 ? $"CUDA {driverVersion / 1000}.{driverVersion % 1000 / 10}" : null;
            return (version, () => devices = CudaDriver.Start(library).Devices);
        });
        IReadOnlyList<int> architectures = [];
        LibraryReport nvrtc = Look(CudaLibraries.NvrtcNames, "nvrtcVersion", driverVersion / 1000, library =>
        {
            CudaRuntimeCompiler compiler = new(library);
            architectures = compiler.Architectures;
            return (compiler.Version.ToString(), null);
        });
        LibraryReport cublas = Look(CudaLibraries.CublasNames, "cublasCreate_v2", driverVersion / 1000,
            library => (new CublasTable(library).Version?.ToString(), null));
        return new MachineReport(driver, nvrtc, cublas)
        {
            NvrtcArchitectures = architectures,
            Devices = [.. devices.Select(device => Describe(device, architectures))],
        };
    }

    /// <summary>Why a device cannot be used, and what to do; null if it can.</summary>
    public string? CudaProblem(int ordinal)
    {
        if (Driver.Problem is not null) return Driver.Problem;
        if (Nvrtc.Problem is not null) return Nvrtc.Problem;
        return ordinal >= 0 && ordinal < Devices.Count
            ? Devices[ordinal].Problem
            : $"there is no device cuda:{ordinal}; the driver has {Devices.Count}, numbered from 0";
    }

    // A version may be known though the library does not work: the driver tells its own without a device. So the check comes second.
    private static LibraryReport Look(
        LibraryNames names, string symbol, int driverMajor, Func<CudaLibrary, (string? Version, Action? Check)> open)
    {
        string? file = null, version = null;
        try
        {
            CudaLibrary library = CudaLibraries.Find(names, driverMajor).Require();
            file = library.FileOf(symbol);
            (version, Action? check) = open(library);
            check?.Invoke();
            return new LibraryReport(names.Kind, file, version, null);
        }
        catch (A2FException e)
        {
            return new LibraryReport(names.Kind, file, version, e.Message);
        }
    }

    internal static string TooOld(int architecture) =>
        $"its compute capability is {architecture / 10}.{architecture % 10}; kernels need 7.5 (Turing) or newer";

    private static DeviceReport Describe(CudaDevice device, IReadOnlyList<int> architectures)
    {
        int architecture = device.Architecture;
        string? problem = null;
        if (architecture < OldestArchitecture)
            problem = TooOld(architecture);
        else if (architectures.Count > 0 && architectures[0] > architecture)
            problem = $"this NVRTC compiles for sm_{architectures[0]} and newer; an older NVRTC knows sm_{architecture}";
        return new DeviceReport(device.Ordinal, device.Name, device.Uuid.Text, device.TotalBytes, architecture,
            device.Attribute(CUdeviceAttribute.MultiprocessorCount), problem);
    }
}
