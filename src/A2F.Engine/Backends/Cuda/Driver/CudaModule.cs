using System.Runtime.InteropServices;
using System.Text;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>Kernels that are loaded on a device: a cubin, or PTX that the driver compiles now.</summary>
internal sealed unsafe class CudaModule : IDisposable
{
    private const int LogBytes = 16384;
    private readonly CudaContext _context;
    private readonly CudaDriver _driver;
    private CUmodule _handle;

    /// <summary>Loads an image; PTX must end with a zero byte. <paramref name="name"/> is for messages.</summary>
    internal CudaModule(CudaContext context, string name, ReadOnlySpan<byte> image)
    {
        _context = context;
        _driver = context.Driver;
        Name = name;
        using CudaContext.Scope scope = context.Enter();
        byte[] log = new byte[LogBytes];
        CUmodule module;
        CUjitOption* options = stackalloc[] { CUjitOption.ErrorLogBuffer, CUjitOption.ErrorLogBufferSizeBytes };
        CUresult result;
        fixed (byte* bytes = image, text = log)
        {
            void** values = stackalloc void*[] { text, (void*)(nint)LogBytes };
            result = _driver.Table.ModuleLoadDataEx(&module, bytes, 2, options, values);
        }
        if (result != CUresult.Success)
        {
            int end = Array.IndexOf(log, (byte)0);
            string detail = Encoding.UTF8.GetString(log, 0, end < 0 ? LogBytes : end).Trim();
            throw _driver.Failure(result, "cuModuleLoadDataEx",
                $"{name} on {context.Device.Name} (sm_{context.Device.Architecture}){(detail.Length > 0 ? ": " + detail : "")}");
        }
        _handle = module;
        CudaLeaks.Made(this);
    }

    internal string Name { get; }

    /// <summary>The kernel of an <c>extern "C"</c> function.</summary>
    internal CudaKernel Kernel(string name)
    {
        using CudaContext.Scope scope = _context.Enter();
        CUfunction function;
        using Utf8Text text = new(name);
        CUresult result = _driver.Table.ModuleGetFunction(&function, _handle, text.Pointer);
        if (result != CUresult.Success) throw _driver.Failure(result, "cuModuleGetFunction", $"kernel {name} of {Name}");
        return new CudaKernel(_driver, name, function);
    }

    /// <summary>The address and size in bytes of a <c>__device__</c> or <c>__constant__</c> variable.</summary>
    internal (CUdeviceptr Pointer, long Bytes) Global(string name)
    {
        using CudaContext.Scope scope = _context.Enter();
        CUdeviceptr pointer;
        nuint bytes;
        using Utf8Text text = new(name);
        CUresult result = _driver.Table.ModuleGetGlobal(&pointer, &bytes, _handle, text.Pointer);
        if (result != CUresult.Success) throw _driver.Failure(result, "cuModuleGetGlobal", $"variable {name} of {Name}");
        return (pointer, (long)bytes);
    }

    public void Dispose()
    {
        if (_handle == default) return;
        CudaContext.ReleaseScope scope = _context.EnterToRelease();
        CUmodule handle = _handle;
        _handle = default;
        CudaLeaks.Released(this);
        scope.End(_driver.Table.ModuleUnload(handle), "cuModuleUnload");
    }
}

/// <summary>A zero-terminated UTF-8 copy of a string, for the length of a call.</summary>
internal readonly unsafe ref struct Utf8Text(string text)
{
    internal readonly byte* Pointer = (byte*)Marshal.StringToCoTaskMemUTF8(text);

    public void Dispose() => Marshal.FreeCoTaskMem((nint)Pointer);
}
