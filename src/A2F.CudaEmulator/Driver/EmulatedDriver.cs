namespace A2F.CudaEmulator.Driver;

/// <summary>
/// The CUDA driver's exports, run by the emulator: what a driver table is filled with where there is no GPU. Five devices, one of each
/// architecture from sm_75 to sm_90. Modules are PTX only. After an error, cuGetErrorString says what the emulator found: kernel, PTX
/// line, lane.
/// </summary>
public static unsafe partial class EmulatedDriver
{
    private const int Version = 12020;
    private static readonly Dictionary<string, nint> Exports = new(StringComparer.Ordinal);

    /// <summary>The address of a driver function, or 0 where the emulator does not have it.</summary>
    public static nint Find(string symbol) => Exports.GetValueOrDefault(symbol);

    /// <summary>The architectures of the devices, by number.</summary>
    public static IReadOnlyList<string> Architectures => Machine.Architectures;

    /// <summary>The number of the device of an architecture such as sm_86, or -1.</summary>
    public static int DeviceOf(string architecture) => Array.IndexOf(Machine.Architectures, architecture);

    /// <summary>Bytes, and allocations, of device memory that are not freed on a device.</summary>
    public static (long Bytes, int Allocations) Live(int device) => (Machine.Device(device).LiveBytes, Machine.Device(device).LiveAllocations);

    static EmulatedDriver()
    {
        AddDevices();
        AddMemory();
        AddStreams();
        AddModules();
    }

    private static void AddDevices()
    {
        Exports["cuInit"] = (nint)(delegate* unmanaged<uint, int>)&Init;
        Exports["cuDriverGetVersion"] = (nint)(delegate* unmanaged<int*, int>)&DriverGetVersion;
        Exports["cuGetErrorName"] = (nint)(delegate* unmanaged<int, byte**, int>)&GetErrorName;
        Exports["cuGetErrorString"] = (nint)(delegate* unmanaged<int, byte**, int>)&GetErrorString;
        Exports["cuDeviceGetCount"] = (nint)(delegate* unmanaged<int*, int>)&DeviceGetCount;
        Exports["cuDeviceGet"] = (nint)(delegate* unmanaged<int*, int, int>)&DeviceGet;
        Exports["cuDeviceGetName"] = (nint)(delegate* unmanaged<byte*, int, int, int>)&DeviceGetName;
        Exports["cuDeviceGetAttribute"] = (nint)(delegate* unmanaged<int*, int, int, int>)&DeviceGetAttribute;
        Exports["cuDeviceGetUuid"] = (nint)(delegate* unmanaged<byte*, int, int>)&DeviceGetUuid;
        Exports["cuDeviceTotalMem_v2"] = (nint)(delegate* unmanaged<nuint*, int, int>)&DeviceTotalMem;
        Exports["cuDevicePrimaryCtxRetain"] = (nint)(delegate* unmanaged<nint*, int, int>)&DevicePrimaryCtxRetain;
        Exports["cuDevicePrimaryCtxRelease_v2"] = (nint)(delegate* unmanaged<int, int>)&DevicePrimaryCtxRelease;
        Exports["cuCtxCreate_v2"] = (nint)(delegate* unmanaged<nint*, uint, int, int>)&CtxCreate;
        Exports["cuCtxDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&CtxDestroy;
        Exports["cuCtxSetCurrent"] = (nint)(delegate* unmanaged<nint, int>)&CtxSetCurrent;
        Exports["cuCtxGetCurrent"] = (nint)(delegate* unmanaged<nint*, int>)&CtxGetCurrent;
        Exports["cuCtxPushCurrent_v2"] = (nint)(delegate* unmanaged<nint, int>)&CtxPushCurrent;
        Exports["cuCtxPopCurrent_v2"] = (nint)(delegate* unmanaged<nint*, int>)&CtxPopCurrent;
        Exports["cuCtxSynchronize"] = (nint)(delegate* unmanaged<int>)&CtxSynchronize;
        Exports["cuCtxGetStreamPriorityRange"] = (nint)(delegate* unmanaged<int*, int*, int>)&CtxGetStreamPriorityRange;
    }

    [UnmanagedCallersOnly]
    private static int Init(uint flags) => flags == 0 ? 0 : 1;

    [UnmanagedCallersOnly]
    private static int DriverGetVersion(int* version)
    {
        *version = Version;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GetErrorName(int result, byte** text)
    {
        *text = Machine.Text(result switch
        {
            0 => "CUDA_SUCCESS",
            1 => "CUDA_ERROR_INVALID_VALUE",
            2 => "CUDA_ERROR_OUT_OF_MEMORY",
            101 => "CUDA_ERROR_INVALID_DEVICE",
            201 => "CUDA_ERROR_INVALID_CONTEXT",
            218 => "CUDA_ERROR_INVALID_PTX",
            400 => "CUDA_ERROR_INVALID_HANDLE",
            500 => "CUDA_ERROR_NOT_FOUND",
            700 => "CUDA_ERROR_ILLEGAL_ADDRESS",
            701 => "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
            716 => "CUDA_ERROR_MISALIGNED_ADDRESS",
            719 => "CUDA_ERROR_LAUNCH_FAILED",
            _ => "CUDA_ERROR_UNKNOWN",
        });
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GetErrorString(int result, byte** text)
    {
        *text = Machine.Text(result == 0 ? "no error" : Machine.LastFault ?? "no description");
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGetCount(int* count)
    {
        *count = Machine.Architectures.Length;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGet(int* device, int ordinal)
    {
        *device = ordinal;
        return ordinal >= 0 && ordinal < Machine.Architectures.Length ? 0 : 101;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGetName(byte* name, int length, int device)
    {
        string text = $"Emulated GPU {Machine.Architectures[device]}";
        for (int i = 0; i < length; i++) name[i] = i < text.Length && i < length - 1 ? (byte)text[i] : (byte)0;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGetAttribute(int* value, int attribute, int device)
    {
        EmulatedDevice d = Machine.Device(device);
        int found = attribute switch
        {
            1 => d.MaxThreadsPerBlock,
            8 => d.MaxSharedBytesPerBlock,
            10 => 32,
            12 or 82 => 65536,
            13 => 1_500_000,
            16 => d.MultiprocessorCount,
            36 => 7_000_000,
            37 => 256,
            38 => 4 << 20,
            39 => 32 * d.MaxWarpsPerMultiprocessor,
            40 => 2,
            75 => d.ComputeCapability / 10,
            76 => d.ComputeCapability % 10,
            81 => d.SharedBytesPerMultiprocessor,
            97 => d.MaxSharedBytesPerBlockOptIn,
            115 => 0,
            _ => -1,
        };
        *value = found;
        return found >= 0 ? 0 : 1;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGetUuid(byte* uuid, int device)
    {
        for (int i = 0; i < 16; i++) uuid[i] = (byte)(i == 15 ? device + 1 : 0xE0);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceTotalMem(nuint* bytes, int device)
    {
        *bytes = (nuint)8 << 30;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DevicePrimaryCtxRetain(nint* context, int device)
    {
        Machine.Retain(device);
        *context = Machine.PrimaryContext(device);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DevicePrimaryCtxRelease(int device) => Machine.Call(() => Machine.Release(device));

    [UnmanagedCallersOnly]
    private static int CtxCreate(nint* context, uint flags, int device) => Machine.Call(() =>
    {
        Machine.Context made = new(device);
        *context = Machine.Add(made);
        Machine.Push(made);
    });

    [UnmanagedCallersOnly]
    private static int CtxDestroy(nint context) => Machine.Call(() => Machine.Remove<Machine.Context>(context));

    [UnmanagedCallersOnly]
    private static int CtxSetCurrent(nint context) => Machine.Call(() =>
    {
        if (Machine.HasContext) Machine.Pop();
        if (context != 0) Machine.Push(Machine.Get<Machine.Context>(context));
    });

    [UnmanagedCallersOnly]
    private static int CtxGetCurrent(nint* context)
    {
        *context = Machine.HasContext ? Machine.PrimaryContext(Machine.Current.Device) : 0;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int CtxPushCurrent(nint context) => Machine.Call(() => Machine.Push(Machine.Get<Machine.Context>(context)));

    [UnmanagedCallersOnly]
    private static int CtxPopCurrent(nint* context) => Machine.Call(() => *context = Machine.PrimaryContext(Machine.Pop().Device));

    [UnmanagedCallersOnly]
    private static int CtxSynchronize() => Machine.Call(() => _ = Machine.Current);

    [UnmanagedCallersOnly]
    private static int CtxGetStreamPriorityRange(int* least, int* greatest)
    {
        (*least, *greatest) = (0, -5);
        return 0;
    }
}
