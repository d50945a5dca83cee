using System.Runtime.InteropServices;
using System.Text;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>NVRTC: compiles CUDA C++ at run time. Calls may come from several threads at once.</summary>
internal sealed unsafe class CudaRuntimeCompiler
{
    private readonly NvrtcTable _table;

    /// <exception cref="A2FException">The library is too old or broken.</exception>
    internal CudaRuntimeCompiler(ISymbolSource source)
    {
        _table = new NvrtcTable(source);
        int major, minor, count;
        Check(_table.Version(&major, &minor), "nvrtcVersion");
        Version = new Version(major, minor);
        Check(_table.GetNumSupportedArchs(&count), "nvrtcGetNumSupportedArchs");
        int[] architectures = new int[Math.Max(count, 0)];
        fixed (int* first = architectures) Check(_table.GetSupportedArchs(first), "nvrtcGetSupportedArchs");
        Architectures = architectures;
    }

    /// <summary>The toolkit's version, such as 11.8.</summary>
    internal Version Version { get; }

    /// <summary>Architectures that it compiles for, ascending; 86 is sm_86.</summary>
    internal IReadOnlyList<int> Architectures { get; }

    /// <summary>Compiles to PTX for an architecture and all later ones; ends with a zero byte, as the driver wants it.</summary>
    /// <exception cref="A2FException">The source has errors; the message holds the compiler's log.</exception>
    internal CompiledKernels CompileToPtx(string name, string source, int architecture, params ReadOnlySpan<string> options) =>
        Compile(name, source, $"--gpu-architecture=compute_{architecture}", options, _table.GetPtxSize, _table.GetPtx, "nvrtcGetPTX");

    /// <summary>Compiles to machine code for one architecture.</summary>
    /// <exception cref="A2FException">The source has errors; the message holds the compiler's log.</exception>
    internal CompiledKernels CompileToCubin(string name, string source, int architecture, params ReadOnlySpan<string> options) =>
        Compile(name, source, $"--gpu-architecture=sm_{architecture}", options, _table.GetCubinSize, _table.GetCubin, "nvrtcGetCUBIN");

    private CompiledKernels Compile(
        string name, string source, string target, ReadOnlySpan<string> options,
        delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult> getSize, delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult> get,
        string getName)
    {
        using Utf8Text nameText = new(name), sourceText = new(source);
        NvrtcProgram program;
        Check(_table.CreateProgram(&program, sourceText.Pointer, nameText.Pointer, 0, null, null), "nvrtcCreateProgram");
        try
        {
            NvrtcResult result = Run(program, [target, .. options]);
            string log = Encoding.UTF8.GetString(Read(program, _table.GetProgramLogSize, _table.GetProgramLog, "nvrtcGetProgramLog"))
                .TrimEnd('\0', '\n');
            if (result != NvrtcResult.Success) throw CompileFailure(result, name, target, log);
            return new CompiledKernels(Read(program, getSize, get, getName), log);
        }
        finally
        {
            _table.DestroyProgram(&program);
        }
    }

    private NvrtcResult Run(NvrtcProgram program, string[] options)
    {
        byte** pointers = stackalloc byte*[options.Length];
        int made = 0;
        try
        {
            for (; made < options.Length; made++) pointers[made] = (byte*)Marshal.StringToCoTaskMemUTF8(options[made]);
            return _table.CompileProgram(program, options.Length, pointers);
        }
        finally
        {
            for (int i = 0; i < made; i++) Marshal.FreeCoTaskMem((nint)pointers[i]);
        }
    }

    private byte[] Read(
        NvrtcProgram program, delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult> getSize,
        delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult> get, string call)
    {
        nuint size;
        Check(getSize(program, &size), call + "Size");
        byte[] bytes = new byte[checked((int)size)];
        fixed (byte* first = bytes) Check(get(program, first), call);
        return bytes;
    }

    private A2FException CompileFailure(NvrtcResult result, string name, string target, string log)
    {
        A2FErrorCode code = result switch
        {
            NvrtcResult.Compilation => A2FErrorCode.Internal,
            NvrtcResult.OutOfMemory => A2FErrorCode.OutOfMemory,
            _ => A2FErrorCode.DeviceUnavailable,
        };
        string advice = result switch
        {
            NvrtcResult.InvalidOption =>
                $"; this NVRTC compiles for {string.Join(", ", Architectures.Select(a => $"sm_{a}"))}: another GPU needs another version",
            NvrtcResult.BuiltinOperationFailure => "; the file nvrtc-builtins of the same version must lie beside NVRTC",
            _ => "",
        };
        return new A2FException(code,
            $"{name}: NVRTC {Version} cannot compile it with {target}: {ErrorText(result)}{advice}{(log.Length > 0 ? "\n" + log : "")}");
    }

    private void Check(NvrtcResult result, string call)
    {
        if (result == NvrtcResult.Success) return;
        throw new A2FException(A2FErrorCode.DeviceUnavailable,
            $"{call}: {ErrorText(result)} ({(int)result}) from {_table.Name}; install another version of NVRTC");
    }

    private string ErrorText(NvrtcResult result) => Marshal.PtrToStringUTF8((nint)_table.GetErrorString(result)) ?? "unknown error";
}

/// <summary>What a compilation gave.</summary>
/// <param name="Image">PTX or a cubin.</param>
/// <param name="Log">The compiler's warnings and reports; empty where it had none.</param>
internal sealed record CompiledKernels(byte[] Image, string Log);
