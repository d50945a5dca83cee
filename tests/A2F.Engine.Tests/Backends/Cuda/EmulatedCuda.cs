using System.Collections.Concurrent;
using System.Globalization;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The CUDA backend on the emulator: real NVRTC, real host code, emulated driver.</summary>
internal static class EmulatedCuda
{
    /// <summary>
    /// Tests of this collection run one after another: the emulated devices, and what is allocated on them, belong to the process.
    /// </summary>
    public const string Collection = "emulated devices";

    private sealed class Symbols(Func<string, nint> find) : ISymbolSource
    {
        public string Name => "the emulator";

        public nint Find(string symbol) => find(symbol);
    }

    /// <summary>The emulator's driver.</summary>
    public static ISymbolSource Source { get; } = new Symbols(EmulatedDriver.Find);

    /// <summary>The emulator's cuBLAS.</summary>
    public static ISymbolSource Cublas { get; } = new Symbols(EmulatedCublas.Find);

    private static readonly Lazy<CudaDriver> Driver = new(() => CudaDriver.Start(Source));

    /// <summary>The emulated device of an architecture such as sm_86.</summary>
    public static CudaDevice Device(string architecture) => Driver.Value.Devices[EmulatedDriver.DeviceOf(architecture)];

    /// <summary>Operators on it, every buffer an allocation of its own; tiles as for this many multiprocessors.</summary>
    public static CudaOperators Operators(string architecture, Precision precision = Precision.Float32, int? multiprocessors = null) => new(
        new CudaDeviceWorker(Device(architecture), spec => Image(spec, architecture), separate: true, multiprocessors: multiprocessors), precision);

    /// <summary>The PTX of a kernel's module.</summary>
    public static byte[] Image(KernelSpec spec, string architecture) => Compilers.GetOrAdd(architecture, name => new KernelCompiler(
        RealCuda.Compiler("default"), int.Parse(name[3..], CultureInfo.InvariantCulture), ptx: true, KernelCache.Default())).Get(spec).Bytes;

    private static readonly ConcurrentDictionary<string, KernelCompiler> Compilers = new();
}
