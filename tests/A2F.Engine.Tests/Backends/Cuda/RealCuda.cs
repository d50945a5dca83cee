using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The real libraries: installed ones, or what tests/get-cuda-libraries.sh fetched.</summary>
internal static class RealCuda
{
    static RealCuda()
    {
        string fetched = Path.Combine(TestData.Root, "artifacts", "cuda");
        if (Environment.GetEnvironmentVariable(CudaLibraries.PathVariable) is null && Directory.Exists(fetched))
            Environment.SetEnvironmentVariable(CudaLibraries.PathVariable, fetched);
        Driver = CudaLibraries.Find(CudaLibraries.DriverNames);
        Nvrtc = CudaLibraries.Find(CudaLibraries.NvrtcNames);
        Cublas = CudaLibraries.Find(CudaLibraries.CublasNames);
    }

    public static LibrarySearch Driver { get; }

    public static LibrarySearch Nvrtc { get; }

    public static LibrarySearch Cublas { get; }

    public static bool Required => Environment.GetEnvironmentVariable("A2F_REQUIRE_NVRTC") == "1";
}

/// <summary>A test that needs the driver's library (no GPU).</summary>
internal sealed class DriverFactAttribute : FactAttribute
{
    public DriverFactAttribute()
    {
        if (!RealCuda.Required) Skip = RealCuda.Driver.Problem;
    }
}

/// <summary>A test that needs NVRTC.</summary>
internal sealed class NvrtcFactAttribute : FactAttribute
{
    public NvrtcFactAttribute()
    {
        if (!RealCuda.Required) Skip = RealCuda.Nvrtc.Problem;
    }
}

/// <summary>Cases that need NVRTC.</summary>
internal sealed class NvrtcTheoryAttribute : TheoryAttribute
{
    public NvrtcTheoryAttribute()
    {
        if (!RealCuda.Required) Skip = RealCuda.Nvrtc.Problem;
    }
}

/// <summary>A test that needs cuBLAS: 250 MB, so A2F_CUBLAS=1 asks for it.</summary>
internal sealed class CublasFactAttribute : FactAttribute
{
    public CublasFactAttribute() =>
        Skip = RealCuda.Cublas.Problem is { } problem ? $"{problem}; A2F_CUBLAS=1 tests/get-cuda-libraries.sh fetches it" : null;
}

/// <summary>Passes symbols on, and keeps what was asked for.</summary>
internal sealed class RecordingSource(ISymbolSource? inner = null) : ISymbolSource
{
    public string Name => inner?.Name ?? "libpretend.so";

    public List<string> Asked { get; } = [];

    public List<string> Missing { get; } = [];

    /// <summary>A symbol that is answered as missing.</summary>
    public string? Withheld { get; init; }

    public nint Find(string symbol)
    {
        Asked.Add(symbol);
        nint address = symbol == Withheld ? 0 : inner?.Find(symbol) ?? 1;
        if (address == 0) Missing.Add(symbol);
        return address;
    }
}
