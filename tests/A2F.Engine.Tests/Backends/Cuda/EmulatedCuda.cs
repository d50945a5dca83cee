using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The CUDA backend on the emulator: real NVRTC, real host code, emulated driver.</summary>
internal static class EmulatedCuda
{
    private sealed class Symbols : ISymbolSource
    {
        public string Name => "the emulator";

        public nint Find(string symbol) => EmulatedDriver.Find(symbol);
    }

    private static readonly Lazy<CudaDriver> Driver = new(() => CudaDriver.Start(new Symbols()));

    /// <summary>The emulated device of an architecture such as sm_86.</summary>
    public static CudaDevice Device(string architecture) => Driver.Value.Devices[EmulatedDriver.DeviceOf(architecture)];

    /// <summary>Operators on it.</summary>
    public static CudaOperators Operators(string architecture) =>
        new(Device(architecture), RealCuda.Compiler("default"), ptx: true);
}
