namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>The functions of NVRTC, the compiler of CUDA C++, by address.</summary>
internal sealed unsafe class NvrtcTable
{
    internal const string Needed = "NVRTC 11.2 or newer";

    internal readonly delegate* unmanaged<NvrtcResult, byte*> GetErrorString;
    internal readonly delegate* unmanaged<int*, int*, NvrtcResult> Version;
    internal readonly delegate* unmanaged<int*, NvrtcResult> GetNumSupportedArchs;
    internal readonly delegate* unmanaged<int*, NvrtcResult> GetSupportedArchs;
    internal readonly delegate* unmanaged<NvrtcProgram*, byte*, byte*, int, byte**, byte**, NvrtcResult> CreateProgram;
    internal readonly delegate* unmanaged<NvrtcProgram, int, byte**, NvrtcResult> CompileProgram;
    internal readonly delegate* unmanaged<NvrtcProgram*, NvrtcResult> DestroyProgram;
    internal readonly delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult> GetProgramLogSize;
    internal readonly delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult> GetProgramLog;
    internal readonly delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult> GetPtxSize;
    internal readonly delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult> GetPtx;
    internal readonly delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult> GetCubinSize;
    internal readonly delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult> GetCubin;

    /// <summary>Reads all functions.</summary>
    /// <exception cref="A2FException">A function is missing.</exception>
    internal NvrtcTable(ISymbolSource source)
    {
        Name = source.Name;
        SymbolReader read = new(source, Needed);
        GetErrorString = (delegate* unmanaged<NvrtcResult, byte*>)read.Required("nvrtcGetErrorString");
        Version = (delegate* unmanaged<int*, int*, NvrtcResult>)read.Required("nvrtcVersion");
        GetNumSupportedArchs = (delegate* unmanaged<int*, NvrtcResult>)read.Required("nvrtcGetNumSupportedArchs");
        GetSupportedArchs = (delegate* unmanaged<int*, NvrtcResult>)read.Required("nvrtcGetSupportedArchs");
        CreateProgram =
            (delegate* unmanaged<NvrtcProgram*, byte*, byte*, int, byte**, byte**, NvrtcResult>)read.Required("nvrtcCreateProgram");
        CompileProgram = (delegate* unmanaged<NvrtcProgram, int, byte**, NvrtcResult>)read.Required("nvrtcCompileProgram");
        DestroyProgram = (delegate* unmanaged<NvrtcProgram*, NvrtcResult>)read.Required("nvrtcDestroyProgram");
        GetProgramLogSize = (delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult>)read.Required("nvrtcGetProgramLogSize");
        GetProgramLog = (delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult>)read.Required("nvrtcGetProgramLog");
        GetPtxSize = (delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult>)read.Required("nvrtcGetPTXSize");
        GetPtx = (delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult>)read.Required("nvrtcGetPTX");
        GetCubinSize = (delegate* unmanaged<NvrtcProgram, nuint*, NvrtcResult>)read.Required("nvrtcGetCUBINSize");
        GetCubin = (delegate* unmanaged<NvrtcProgram, byte*, NvrtcResult>)read.Required("nvrtcGetCUBIN");
    }

    /// <summary>The library that the functions come from.</summary>
    internal string Name { get; }
}
