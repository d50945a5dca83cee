using A2F.CudaEmulator.Execution;
using A2F.CudaEmulator.Memory;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator;

/// <summary>A PTX text loaded on a device: its kernels, and its global and constant variables placed in memory.</summary>
public sealed class PtxModule
{
    private readonly Dictionary<string, PtxKernel> _kernels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PtxVariable> _variables = new(StringComparer.Ordinal);

    private readonly EmulatedDevice _device;

    private PtxModule(EmulatedDevice device, DecodedText decoded)
    {
        _device = device;
        try
        {
            Place(decoded);
        }
        catch
        {
            Unload();
            throw;
        }
    }

    private void Place(DecodedText decoded)
    {
        PtxText text = decoded.Text;
        if (text.TargetNumber > _device.ComputeCapability)
            throw new EmulatorException(EmulatorErrorKind.Unsupported,
                $"the text's target is {text.Target}, the device is sm_{_device.ComputeCapability}");
        foreach (PtxVariable v in text.Variables)
        {
            if (v.Space is not PtxSpace.Global and not PtxSpace.Const) continue;
            v.Address = _device.Heap.Allocate(v.Bytes, v.Name, v.Space == PtxSpace.Const).Base;
            _variables[v.Name] = v;
        }
        foreach (PtxVariable v in _variables.Values)
        {
            byte[] contents = v.Initial ?? new byte[v.Bytes];
            foreach ((int offset, string symbol) in v.Pointers)
                BitConverter.TryWriteBytes(contents.AsSpan(offset), Variable(symbol).Address);
            if (contents.Length > 0) _device.Write(v.Address, contents);
        }
        foreach (Program program in decoded.Programs) _kernels[program.Function.Name] = new PtxKernel(this, program);
    }

    /// <summary>The names of the entry points.</summary>
    public IEnumerable<string> Kernels => _kernels.Keys;

    /// <summary>Reads and decodes <paramref name="ptx"/>; whatever the emulator does not know is an error here.</summary>
    /// <exception cref="EmulatorException">Syntax or Unsupported, with the line.</exception>
    public static PtxModule Load(EmulatedDevice device, string ptx) => new(device, DecodedText.Of(ptx));

    /// <summary>An entry point by name.</summary>
    /// <exception cref="EmulatorException">NotFound.</exception>
    public PtxKernel Kernel(string name) => _kernels.TryGetValue(name, out PtxKernel? k) ? k
        : throw new EmulatorException(EmulatorErrorKind.NotFound, $"no kernel {name}; there are: {string.Join(", ", _kernels.Keys)}");

    /// <summary>Address and size in bytes of a global or constant variable.</summary>
    /// <exception cref="EmulatorException">NotFound.</exception>
    public (ulong Address, long Bytes) Global(string name) => (Variable(name).Address, Variable(name).Bytes);

    /// <summary>Gives the memory of its variables back; its kernels can no longer run.</summary>
    internal void Unload()
    {
        foreach (PtxVariable v in _variables.Values) _device.Free(v.Address);
        _variables.Clear();
    }

    private PtxVariable Variable(string name) => _variables.TryGetValue(name, out PtxVariable? v) ? v
        : throw new EmulatorException(EmulatorErrorKind.NotFound, $"no variable {name} in global or constant memory");
}

/// <summary>An entry point ready to launch.</summary>
public sealed class PtxKernel
{
    internal PtxKernel(PtxModule module, Program program) => (Module, Program) = (module, program);

    /// <summary>The module it came from.</summary>
    public PtxModule Module { get; }

    internal Program Program { get; }

    /// <summary>Its name.</summary>
    public string Name => Program.Function.Name;

    /// <summary>The size of its parameter block.</summary>
    public int ParameterBytes => Program.Function.ParameterBytes;

    /// <summary>Shared memory that it declares, before any dynamic part.</summary>
    public int StaticSharedBytes => Program.StaticSharedBytes;

    /// <summary>Local memory a thread.</summary>
    public int LocalBytes => Program.Function.LocalBytes;

    /// <summary>Offset and size in bytes of each parameter in the block.</summary>
    public IReadOnlyList<(int Offset, int Bytes)> Parameters => [.. Program.Function.Parameters.Select(p => ((int)p.Address,
        (int)p.Bytes))];
}
