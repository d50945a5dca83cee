using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The real libraries: installed ones, or what tests/get-cuda-libraries.sh fetched.</summary>
internal static class RealCuda
{
    private static readonly ConcurrentDictionary<string, CudaRuntimeCompiler> Made = [];

    /// <summary>Where tests/get-cuda-libraries.sh puts libraries; newer ones than the default in folders below.</summary>
    public static string Fetched => Path.Combine(TestData.Root, "artifacts", "cuda");

    public static LibrarySearch Driver { get; } = CudaLibraries.Find(CudaLibraries.DriverNames);

    public static LibrarySearch Nvrtc { get; } = CudaLibraries.Find(CudaLibraries.NvrtcNames);

    public static LibrarySearch Cublas { get; } = CudaLibraries.Find(CudaLibraries.CublasNames);

    /// <summary>Compilers that tests go through: the default one, and where it was fetched the one of CUDA 12 too.</summary>
    public static IReadOnlyList<string> CompilerNames
    {
        get
        {
            bool fetched = Nvrtc.Library?.Name.StartsWith(Fetched, StringComparison.Ordinal) ?? false;
            return fetched && (Required || Directory.Exists(Path.Combine(Fetched, "12"))) ? ["default", "12"] : ["default"];
        }
    }

    /// <summary><see cref="CompilerNames"/> as test data.</summary>
    public static TheoryData<string> Compilers => [.. CompilerNames];

    public static bool Required => Environment.GetEnvironmentVariable("A2F_REQUIRE_NVRTC") == "1";

    /// <summary>One of <see cref="Compilers"/>.</summary>
    public static CudaRuntimeCompiler Compiler(string name) => Made.GetOrAdd(name, static name =>
    {
        if (name == "default") return new CudaRuntimeCompiler(Nvrtc.Require());
        CudaRuntimeCompiler compiler = new(CudaLibraries.Find(CudaLibraries.NvrtcNames, 0, [Path.Combine(Fetched, name)], []).Require());
        Assert.Equal(name, compiler.Version.Major.ToString(CultureInfo.InvariantCulture));
        return compiler;
    });
}

/// <summary>Puts fetched libraries where every search finds them.</summary>
internal static class FetchedLibraries
{
    /// <summary>
    /// Before the first test, whatever that is: the process that runs tests may not be the one that found them, and may never have asked
    /// for <see cref="RealCuda"/>.
    /// </summary>
    [ModuleInitializer]
    internal static void UseFetched()
    {
        if (Environment.GetEnvironmentVariable(CudaLibraries.PathVariable) is not null || !Directory.Exists(RealCuda.Fetched)) return;
        // A fetched driver must never stand before the one that fits this machine's kernel.
        bool installed = NativeLibrary.TryLoad(CudaLibraries.DriverNames.Files[0].File, out _);
        string driver = installed ? "" : Path.PathSeparator + Path.Combine(RealCuda.Fetched, "driver");
        Environment.SetEnvironmentVariable(CudaLibraries.PathVariable, RealCuda.Fetched + driver);
    }
}

/// <summary>A test that needs the driver's library (no GPU).</summary>
internal sealed class DriverFactAttribute : FactAttribute
{
    public DriverFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        // Where the emulator stands in for a GPU, the tests that load the installed driver are all that may be missing.
        if (!RealCuda.Required || CudaTarget.StandsIn) Skip = RealCuda.Driver.Problem;
    }
}

/// <summary>A test that needs NVRTC.</summary>
internal sealed class NvrtcFactAttribute : FactAttribute
{
    public NvrtcFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        if (!RealCuda.Required) Skip = RealCuda.Nvrtc.Problem;
    }
}

/// <summary>Cases that need NVRTC.</summary>
internal sealed class NvrtcTheoryAttribute : TheoryAttribute
{
    public NvrtcTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        if (!RealCuda.Required) Skip = RealCuda.Nvrtc.Problem;
    }
}

/// <summary>A test that needs cuBLAS: 250 MB, so A2F_CUBLAS=1 asks for it.</summary>
internal sealed class CublasFactAttribute : FactAttribute
{
    public CublasFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line) =>
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
