using System.Diagnostics;
using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>A loaded library. Never unloaded: drivers keep threads and exit handlers that would run in thin air.</summary>
internal sealed class CudaLibrary : ISymbolSource
{
    private readonly nint _handle;

    private CudaLibrary(string name, nint handle)
    {
        Name = name;
        _handle = handle;
    }

    public string Name { get; }

    public nint Find(string symbol) => NativeLibrary.TryGetExport(_handle, symbol, out nint address) ? address : 0;

    /// <summary>The file that a function of this library lies in; the library's name where the system does not tell.</summary>
    internal string FileOf(string symbol)
    {
        nint address = Find(symbol);
        using Process self = Process.GetCurrentProcess();
        foreach (ProcessModule module in self.Modules)
        {
            using (module)
            {
                if (address >= module.BaseAddress && address < module.BaseAddress + module.ModuleMemorySize) return module.FileName;
            }
        }
        return Name;
    }

    /// <summary>Loads a file with those of its helpers that lie beside it, or null and why not.</summary>
    internal static CudaLibrary? TryLoadFile(string path, LibraryNames names, out string? problem)
    {
        problem = null;
        try
        {
            // NVRTC asks for its built-in headers, and cuBLAS for cublasLt, by bare name: found where they are loaded already.
            string folder = Path.GetDirectoryName(path)!;
            foreach (string helper in names.Helpers.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern)))
                NativeLibrary.TryLoad(helper, out _);
            return new CudaLibrary(path, NativeLibrary.Load(path));
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or IOException or UnauthorizedAccessException)
        {
            problem = $"{path}: {e.Message.ReplaceLineEndings(" ")}";
            return null;
        }
    }

    /// <summary>Loads a library from where the system's loader looks, or null.</summary>
    internal static CudaLibrary? TryLoadName(string name) =>
        NativeLibrary.TryLoad(name, out nint handle) ? new CudaLibrary(name, handle) : null;
}

/// <summary>What a library is called on this system.</summary>
/// <param name="Kind">Name for messages.</param>
/// <param name="Files">File names by CUDA's major version, newest first; version 0 says nothing.</param>
/// <param name="Helpers">Patterns of files that it loads itself.</param>
internal sealed record LibraryNames(string Kind, (int Major, string File)[] Files, string[] Helpers);

/// <summary>How the search for a library ended.</summary>
/// <param name="Library">What was found; null if nothing was.</param>
/// <param name="Problem">Why not, for the person who reads it; null where it was found.</param>
internal sealed record LibrarySearch(CudaLibrary? Library, string? Problem)
{
    /// <summary>The library.</summary>
    /// <exception cref="A2FException">It was not found.</exception>
    internal CudaLibrary Require() => Library ?? throw new A2FException(A2FErrorCode.DeviceUnavailable, Problem!);
}
