using System.Runtime.InteropServices;

namespace A2F.Engine.Bench;

/// <summary>The loaded ONNX Runtime library: its function table, one environment, one description of CPU memory.</summary>
internal sealed unsafe class OrtRuntime : IDisposable
{
    // The first table version that holds every function used here; later libraries still hand it out.
    private const uint ApiVersion = 4;
    private const int LogErrors = 3;
    private const int ArenaAllocator = 1;
    private const int DefaultMemory = 0;

    private readonly void** _table;
    private void* _env;
    private void* _cpuMemory;

    private OrtRuntime(string path, nint library)
    {
        Path = path;
        if (!NativeLibrary.TryGetExport(library, "OrtGetApiBase", out nint export))
            throw new A2FException(A2FErrorCode.DeviceUnavailable, $"{path}: not an ONNX Runtime library (OrtGetApiBase is not exported)");
        void** apiBase = ((delegate* unmanaged<void**>)export)();
        Version = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)apiBase[1])()) ?? "unknown";
        _table = (void**)((delegate* unmanaged<uint, void*>)apiBase[0])(ApiVersion);
        if (_table == null)
            throw new A2FException(A2FErrorCode.DeviceUnavailable, $"{path}: ONNX Runtime {Version} has no C API version {ApiVersion}");

        fixed (byte* name = "bench\0"u8)
        fixed (void** env = &_env, memory = &_cpuMemory)
        {
            Check(((delegate* unmanaged<int, byte*, void**, void*>)this[OrtFunction.CreateEnv])(LogErrors, name, env));
            Check(((delegate* unmanaged<int, int, void**, void*>)this[OrtFunction.CreateCpuMemoryInfo])(ArenaAllocator, DefaultMemory, memory));
        }
    }

    /// <summary>The library file.</summary>
    public string Path { get; }

    /// <summary>What the library says it is, as "1.30.0".</summary>
    public string Version { get; }

    public void* Environment => _env;

    public void* CpuMemory => _cpuMemory;

    /// <summary>The function at a position of the table.</summary>
    public void* this[OrtFunction function] => _table[(int)function];

    /// <summary>Loads the library.</summary>
    /// <exception cref="A2FException">There is none, or it can't be used.</exception>
    public static OrtRuntime Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"ONNX Runtime's library is not at '{path}'; run bench/get-onnxruntime.sh, or name the file with --ort");
        }
        nint library;
        try
        {
            library = NativeLibrary.Load(System.IO.Path.GetFullPath(path));
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"{path}: the library can't be loaded ({e.Message.Trim()}); run bench/get-onnxruntime.sh to get the one of this platform", e);
        }
        return new OrtRuntime(path, library);
    }

    /// <summary>Where bench/get-onnxruntime.sh puts the library of this platform.</summary>
    public static string DefaultPath()
    {
        string file = OperatingSystem.IsWindows() ? "onnxruntime.dll"
            : OperatingSystem.IsMacOS() ? "libonnxruntime.1.dylib"
            : "libonnxruntime.so.1";
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "A2F.Engine.sln"))) folder = folder.Parent;
        return System.IO.Path.Combine(folder?.FullName ?? ".", "artifacts", "onnxruntime", file);
    }

    /// <summary>Turns a status into an exception; null means success. Once the library is loaded, what it refuses is the network.</summary>
    public void Check(void* status)
    {
        if (status == null) return;
        string? message = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<void*, byte*>)this[OrtFunction.GetErrorMessage])(status));
        Release(OrtFunction.ReleaseStatus, status);
        throw new A2FException(A2FErrorCode.InvalidModel, $"ONNX Runtime: {message}");
    }

    /// <summary>Calls one of the release functions, unless there is nothing to release.</summary>
    public void Release(OrtFunction function, void* handle)
    {
        if (handle != null) ((delegate* unmanaged<void*, void>)this[function])(handle);
    }

    // The library stays loaded: its thread-locals do not survive being unloaded.
    public void Dispose()
    {
        Release(OrtFunction.ReleaseMemoryInfo, _cpuMemory);
        Release(OrtFunction.ReleaseEnv, _env);
        _cpuMemory = _env = null;
    }
}
