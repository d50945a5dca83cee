using System.Runtime.InteropServices;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>
/// A driver with one device whose memory is the host's and whose work is done at once. It keeps books of what lives, and fails the call
/// that a test asks for. One test at a time: its state is static, as exports are.
/// </summary>
internal sealed unsafe class PretendDriver : ISymbolSource
{
    private static readonly HashSet<nint> Live = [];
    private static readonly nint Name8 = Marshal.StringToCoTaskMemUTF8("CUDA_ERROR_PRETENDED");
    private static readonly nint Text8 = Marshal.StringToCoTaskMemUTF8("as asked");
    private static int s_failAt;
    private static CUresult s_failWith;
    private static nint s_next;

    private PretendDriver()
    {
    }

    public string Name => "libpretend.so";

    /// <summary>Names of the calls so far, in order.</summary>
    public static List<string> Calls { get; } = [];

    /// <summary>Contexts pushed and not popped.</summary>
    public static int Pushed { get; private set; }

    /// <summary>Handles and blocks of memory that nobody has released.</summary>
    public static int LiveCount => Live.Count;

    /// <summary>Starts with clean books; call <paramref name="failAt"/> (from 1) and, for fatal errors, all after it will fail.</summary>
    public static PretendDriver Reset(int failAt = 0, CUresult failWith = CUresult.Unknown)
    {
        Calls.Clear();
        Live.Clear();
        Pushed = 0;
        (s_failAt, s_failWith) = (failAt, failWith);
        return new PretendDriver();
    }

    /// <summary>Lets some calls pass and fails the next.</summary>
    public static void FailAfter(int passing, CUresult failWith) => (s_failAt, s_failWith) = (Calls.Count + passing + 1, failWith);

    public nint Find(string symbol) => symbol switch
    {
        "cuInit" => (nint)(delegate* unmanaged<uint, CUresult>)&Init,
        "cuGetErrorName" => (nint)(delegate* unmanaged<CUresult, nint*, CUresult>)&ErrorName,
        "cuGetErrorString" => (nint)(delegate* unmanaged<CUresult, nint*, CUresult>)&ErrorText,
        "cuDriverGetVersion" => (nint)(delegate* unmanaged<int*, CUresult>)&Version,
        "cuDeviceGetCount" => (nint)(delegate* unmanaged<int*, CUresult>)&Count,
        "cuDeviceGet" => (nint)(delegate* unmanaged<int*, int, CUresult>)&Device,
        "cuDeviceGetName" => (nint)(delegate* unmanaged<byte*, int, int, CUresult>)&DeviceName,
        "cuDeviceGetUuid" => (nint)(delegate* unmanaged<byte*, int, CUresult>)&Uuid,
        "cuDeviceTotalMem_v2" => (nint)(delegate* unmanaged<nuint*, int, CUresult>)&TotalMem,
        "cuDeviceGetAttribute" => (nint)(delegate* unmanaged<int*, int, int, CUresult>)&Attribute,
        "cuDevicePrimaryCtxRetain" => (nint)(delegate* unmanaged<nint*, int, CUresult>)&Retain,
        "cuDevicePrimaryCtxRelease_v2" => (nint)(delegate* unmanaged<int, CUresult>)&Release,
        "cuCtxPushCurrent_v2" => (nint)(delegate* unmanaged<nint, CUresult>)&Push,
        "cuCtxPopCurrent_v2" => (nint)(delegate* unmanaged<nint*, CUresult>)&Pop,
        "cuMemAlloc_v2" => (nint)(delegate* unmanaged<nint*, nuint, CUresult>)&MemAlloc,
        "cuMemFree_v2" => (nint)(delegate* unmanaged<nint, CUresult>)&MemFree,
        "cuMemHostAlloc" => (nint)(delegate* unmanaged<nint*, nuint, uint, CUresult>)&HostAlloc,
        "cuMemFreeHost" => (nint)(delegate* unmanaged<nint, CUresult>)&HostFree,
        "cuMemcpyHtoDAsync_v2" => (nint)(delegate* unmanaged<void*, void*, nuint, nint, CUresult>)&CopyIn,
        "cuMemcpyDtoHAsync_v2" => (nint)(delegate* unmanaged<void*, void*, nuint, nint, CUresult>)&CopyOut,
        "cuMemsetD8Async" => (nint)(delegate* unmanaged<void*, byte, nuint, nint, CUresult>)&Fill,
        "cuStreamCreateWithPriority" => (nint)(delegate* unmanaged<nint*, uint, int, CUresult>)&StreamCreate,
        "cuStreamDestroy_v2" => (nint)(delegate* unmanaged<nint, CUresult>)&StreamDestroy,
        "cuStreamQuery" => (nint)(delegate* unmanaged<nint, CUresult>)&StreamQuery,
        "cuStreamSynchronize" => (nint)(delegate* unmanaged<nint, CUresult>)&StreamSynchronize,
        "cuStreamBeginCapture_v2" => (nint)(delegate* unmanaged<nint, int, CUresult>)&BeginCapture,
        "cuStreamEndCapture" => (nint)(delegate* unmanaged<nint, nint*, CUresult>)&EndCapture,
        "cuEventCreate" => (nint)(delegate* unmanaged<nint*, uint, CUresult>)&EventCreate,
        "cuEventRecord" => (nint)(delegate* unmanaged<nint, nint, CUresult>)&EventRecord,
        "cuEventDestroy_v2" => (nint)(delegate* unmanaged<nint, CUresult>)&EventDestroy,
        "cuModuleLoadDataEx" => (nint)(delegate* unmanaged<nint*, void*, uint, int*, void**, CUresult>)&ModuleLoad,
        "cuModuleUnload" => (nint)(delegate* unmanaged<nint, CUresult>)&ModuleUnload,
        "cuModuleGetFunction" => (nint)(delegate* unmanaged<nint*, nint, byte*, CUresult>)&GetFunction,
        "cuLaunchKernel" =>
            (nint)(delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CUresult>)&Launch,
        "cuGraphInstantiateWithFlags" => (nint)(delegate* unmanaged<nint*, nint, ulong, CUresult>)&Instantiate,
        "cuGraphLaunch" => (nint)(delegate* unmanaged<nint, nint, CUresult>)&GraphLaunch,
        "cuGraphExecUpdate" => (nint)(delegate* unmanaged<nint, nint, nint*, int*, CUresult>)&Update,
        "cuGraphExecDestroy" => (nint)(delegate* unmanaged<nint, CUresult>)&ExecDestroy,
        "cuGraphDestroy" => (nint)(delegate* unmanaged<nint, CUresult>)&GraphDestroy,
        _ => (nint)(delegate* unmanaged<CUresult>)&NotCalled,
    };

    private static CUresult Enter(string name)
    {
        Calls.Add(name);
        bool fatal = s_failWith == CUresult.IllegalAddress;
        return Calls.Count == s_failAt || fatal && s_failAt > 0 && Calls.Count > s_failAt ? s_failWith : CUresult.Success;
    }

    private static CUresult Make(string name, nint* handle)
    {
        CUresult result = Enter(name);
        if (result != CUresult.Success) return result;
        *handle = ++s_next;
        Live.Add(s_next);
        return result;
    }

    private static CUresult Make(string name, nint* pointer, nuint bytes)
    {
        CUresult result = Enter(name);
        if (result != CUresult.Success) return result;
        *pointer = (nint)NativeMemory.Alloc(bytes);
        Live.Add(*pointer);
        return result;
    }

    // A release that fails releases all the same: there is no second try.
    private static CUresult Drop(string name, nint handle, bool memory = false)
    {
        if (!Live.Remove(handle)) return CUresult.InvalidValue;
        if (memory) NativeMemory.Free((void*)handle);
        return Enter(name);
    }

    [UnmanagedCallersOnly] private static CUresult NotCalled() => CUresult.NotFound;
    [UnmanagedCallersOnly] private static CUresult Init(uint flags) => Enter("cuInit");

    [UnmanagedCallersOnly]
    private static CUresult ErrorName(CUresult error, nint* text)
    {
        *text = Name8;
        return CUresult.Success;
    }

    [UnmanagedCallersOnly]
    private static CUresult ErrorText(CUresult error, nint* text)
    {
        *text = Text8;
        return CUresult.Success;
    }

    [UnmanagedCallersOnly]
    private static CUresult Version(int* version)
    {
        *version = 12020;
        return CUresult.Success;
    }

    [UnmanagedCallersOnly]
    private static CUresult Count(int* count)
    {
        *count = 1;
        return Enter("cuDeviceGetCount");
    }

    [UnmanagedCallersOnly]
    private static CUresult Device(int* device, int ordinal)
    {
        *device = 40 + ordinal;
        return Enter("cuDeviceGet");
    }

    [UnmanagedCallersOnly]
    private static CUresult DeviceName(byte* name, int length, int device)
    {
        "Pretended GPU\0"u8.CopyTo(new Span<byte>(name, length));
        return Enter("cuDeviceGetName");
    }

    [UnmanagedCallersOnly]
    private static CUresult Uuid(byte* uuid, int device)
    {
        for (int i = 0; i < 16; i++) uuid[i] = (byte)i;
        return Enter("cuDeviceGetUuid");
    }

    [UnmanagedCallersOnly]
    private static CUresult TotalMem(nuint* bytes, int device)
    {
        *bytes = 1 << 30;
        return Enter("cuDeviceTotalMem");
    }

    [UnmanagedCallersOnly]
    private static CUresult Attribute(int* value, int attribute, int device)
    {
        *value = attribute == 75 ? 8 : 6;
        return Enter("cuDeviceGetAttribute");
    }

    [UnmanagedCallersOnly]
    private static CUresult Retain(nint* context, int device)
    {
        CUresult result = Enter("cuDevicePrimaryCtxRetain");
        if (result == CUresult.Success) Live.Add(-device);
        *context = -device;
        return result;
    }

    [UnmanagedCallersOnly] private static CUresult Release(int device) => Drop("cuDevicePrimaryCtxRelease", -device);

    [UnmanagedCallersOnly]
    private static CUresult Push(nint context)
    {
        CUresult result = Enter("cuCtxPushCurrent");
        if (result == CUresult.Success) Pushed++;
        return result;
    }

    [UnmanagedCallersOnly]
    private static CUresult Pop(nint* context)
    {
        Pushed--;
        return CUresult.Success;
    }

    [UnmanagedCallersOnly] private static CUresult MemAlloc(nint* pointer, nuint bytes) => Make("cuMemAlloc", pointer, bytes);
    [UnmanagedCallersOnly] private static CUresult MemFree(nint pointer) => Drop("cuMemFree", pointer, memory: true);
    [UnmanagedCallersOnly]
    private static CUresult HostAlloc(nint* pointer, nuint bytes, uint flags) =>
        Make("cuMemHostAlloc", pointer, bytes);
    [UnmanagedCallersOnly] private static CUresult HostFree(nint pointer) => Drop("cuMemFreeHost", pointer, memory: true);

    private static CUresult Copy(string name, void* target, void* source, nuint bytes)
    {
        CUresult result = Enter(name);
        if (result == CUresult.Success) NativeMemory.Copy(source, target, bytes);
        return result;
    }

    [UnmanagedCallersOnly]
    private static CUresult CopyIn(void* target, void* source, nuint bytes, nint stream) =>
        Copy("cuMemcpyHtoDAsync", target, source, bytes);

    [UnmanagedCallersOnly]
    private static CUresult CopyOut(void* target, void* source, nuint bytes, nint stream) =>
        Copy("cuMemcpyDtoHAsync", target, source, bytes);

    [UnmanagedCallersOnly]
    private static CUresult Fill(void* target, byte value, nuint bytes, nint stream)
    {
        CUresult result = Enter("cuMemsetD8Async");
        if (result == CUresult.Success) NativeMemory.Fill(target, bytes, value);
        return result;
    }

    [UnmanagedCallersOnly]
    private static CUresult StreamCreate(nint* stream, uint flags, int priority) => Make("cuStreamCreateWithPriority", stream);

    [UnmanagedCallersOnly] private static CUresult StreamDestroy(nint stream) => Drop("cuStreamDestroy", stream);

    [UnmanagedCallersOnly]
    private static CUresult StreamQuery(nint stream)
    {
        CUresult result = Enter("cuStreamQuery");
        return result == CUresult.Success ? CUresult.NotReady : result;
    }

    [UnmanagedCallersOnly] private static CUresult StreamSynchronize(nint stream) => Enter("cuStreamSynchronize");
    [UnmanagedCallersOnly] private static CUresult BeginCapture(nint stream, int mode) => Enter("cuStreamBeginCapture");
    [UnmanagedCallersOnly] private static CUresult EndCapture(nint stream, nint* graph) => Make("cuStreamEndCapture", graph);
    [UnmanagedCallersOnly] private static CUresult EventCreate(nint* created, uint flags) => Make("cuEventCreate", created);
    [UnmanagedCallersOnly] private static CUresult EventRecord(nint recorded, nint stream) => Enter("cuEventRecord");
    [UnmanagedCallersOnly] private static CUresult EventDestroy(nint destroyed) => Drop("cuEventDestroy", destroyed);

    [UnmanagedCallersOnly]
    private static CUresult ModuleLoad(nint* module, void* image, uint count, int* options, void** values)
    {
        CUresult result = Make("cuModuleLoadDataEx", module);
        // The log's buffer and length come as the options say.
        if (result != CUresult.Success && count == 2 && options[0] == 5 && options[1] == 6)
            "ptxas error on line 7\0"u8.CopyTo(new Span<byte>(values[0], (int)(nint)values[1]));
        return result;
    }

    [UnmanagedCallersOnly] private static CUresult ModuleUnload(nint module) => Drop("cuModuleUnload", module);

    [UnmanagedCallersOnly]
    private static CUresult GetFunction(nint* function, nint module, byte* name)
    {
        *function = 7;
        return Enter("cuModuleGetFunction");
    }

    [UnmanagedCallersOnly]
    private static CUresult Launch(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint shared, nint stream,
        void** arguments, void** extra)
    {
        CUresult result = Enter("cuLaunchKernel");
        if (result != CUresult.Success) return result;
        bool asSent = function == 7 && (gridX, gridY, gridZ, blockX, blockY, blockZ, shared) == (2, 3, 4, 5, 6, 7, 8) && extra == null
            && *(int*)arguments[0] == 1234;
        return asSent ? CUresult.Success : CUresult.InvalidValue;
    }

    [UnmanagedCallersOnly]
    private static CUresult Instantiate(nint* exec, nint graph, ulong flags) => Make("cuGraphInstantiateWithFlags", exec);

    [UnmanagedCallersOnly] private static CUresult GraphLaunch(nint exec, nint stream) => Enter("cuGraphLaunch");

    [UnmanagedCallersOnly]
    private static CUresult Update(nint exec, nint graph, nint* node, int* result)
    {
        *result = (int)CUgraphExecUpdateResult.TopologyChanged;
        CUresult entered = Enter("cuGraphExecUpdate");
        return entered == CUresult.Success ? CUresult.GraphExecUpdateFailure : entered;
    }

    [UnmanagedCallersOnly] private static CUresult ExecDestroy(nint exec) => Drop("cuGraphExecDestroy", exec);
    [UnmanagedCallersOnly] private static CUresult GraphDestroy(nint graph) => Drop("cuGraphDestroy", graph);
}
