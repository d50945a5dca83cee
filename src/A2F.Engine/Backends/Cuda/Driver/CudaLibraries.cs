using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>
/// Finds the driver, NVRTC and cuBLAS: in the folders of the environment variable A2F_CUDA_PATH, beside the program, where the system's
/// loader looks, and in the CUDA toolkit (CUDA_PATH, else its usual place), in this order.
/// </summary>
internal static class CudaLibraries
{
    /// <summary>Folders to look in first, separated as in PATH.</summary>
    internal const string PathVariable = "A2F_CUDA_PATH";

    internal static readonly LibraryNames DriverNames = OperatingSystem.IsWindows()
        ? new("the CUDA driver", [(0, "nvcuda.dll")], [])
        : new("the CUDA driver", [(0, "libcuda.so.1")], []);

    internal static readonly LibraryNames NvrtcNames = OperatingSystem.IsWindows()
        ? new("NVRTC", [(13, "nvrtc64_130_0.dll"), (12, "nvrtc64_120_0.dll"), (11, "nvrtc64_112_0.dll")], ["nvrtc-builtins64_*.dll"])
        : new("NVRTC", [(13, "libnvrtc.so.13"), (12, "libnvrtc.so.12"), (11, "libnvrtc.so.11.2"), (0, "libnvrtc.so")],
            ["libnvrtc-builtins.so.*"]);

    internal static readonly LibraryNames CublasNames = OperatingSystem.IsWindows()
        ? new("cuBLAS", [(13, "cublas64_13.dll"), (12, "cublas64_12.dll"), (11, "cublas64_11.dll")], ["cublasLt64_*.dll"])
        : new("cuBLAS", [(13, "libcublas.so.13"), (12, "libcublas.so.12"), (11, "libcublas.so.11")], ["libcublasLt.so.*"]);

    /// <summary>
    /// Looks for a library. Where the driver's version is known, libraries of its major version come first: a driver refuses what a newer
    /// major version compiled.
    /// </summary>
    internal static LibrarySearch Find(LibraryNames names, int driverMajor = 0) =>
        Find(names, driverMajor, FirstFolders(), ToolkitFolders());

    internal static LibrarySearch Find(
        LibraryNames names, int driverMajor, IReadOnlyList<string> firstFolders, IReadOnlyList<string> lastFolders)
    {
        ILookup<bool, string> files = names.Files.ToLookup(f => driverMajor > 0 && f.Major > driverMajor, f => f.File);
        string? problem = null;
        if ((Look(files[false]) ?? Look(files[true])) is { } found) return new LibrarySearch(found, null);
        return new LibrarySearch(null, problem is null
            ? $"{names.Kind} was not found (looked for {string.Join(", ", files[false].Concat(files[true]))}); {HowToGet(names)}"
            : $"{names.Kind} was found, but does not load: {problem}");

        CudaLibrary? Look(IEnumerable<string> files) =>
            InFolders(firstFolders, files)
            ?? files.Select(CudaLibrary.TryLoadName).FirstOrDefault(library => library is not null)
            ?? InFolders(lastFolders, files);

        CudaLibrary? InFolders(IReadOnlyList<string> folders, IEnumerable<string> files)
        {
            foreach (string path in folders.SelectMany(folder => files.Select(file => Path.Combine(folder, file))).Where(File.Exists))
            {
                if (CudaLibrary.TryLoadFile(path, names, out string? why) is { } library) return library;
                problem ??= why;
            }
            return null;
        }
    }

    /// <summary>One line on how a missing library comes here.</summary>
    internal static string HowToGet(LibraryNames names) =>
        names == DriverNames ? "install NVIDIA's display driver, 470 or newer (Debian, Ubuntu: package nvidia-driver)"
        : names == NvrtcNames
            ? $"install the CUDA toolkit (Debian: package libnvrtc11.2 or libnvrtc12), or name the folder of NVRTC in {PathVariable}"
            : $"install the CUDA toolkit (Debian: package libcublas11 or libcublas12), or name the folder of cuBLAS in {PathVariable}; " +
              "the engine works without";

    private static List<string> FirstFolders() =>
        [.. (Environment.GetEnvironmentVariable(PathVariable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            AppContext.BaseDirectory];

    private static List<string> ToolkitFolders()
    {
        string? toolkit = Environment.GetEnvironmentVariable("CUDA_PATH") ?? Environment.GetEnvironmentVariable("CUDA_HOME");
        if (OperatingSystem.IsWindows())
            return string.IsNullOrEmpty(toolkit) ? [] : [Path.Combine(toolkit, "bin"), Path.Combine(toolkit, "bin", "x64")];
        string architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "sbsa-linux" : "x86_64-linux";
        toolkit = string.IsNullOrEmpty(toolkit) ? "/usr/local/cuda" : toolkit;
        return [Path.Combine(toolkit, "lib64"), Path.Combine(toolkit, "targets", architecture, "lib")];
    }
}
