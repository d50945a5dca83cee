namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
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
    }

    [UnmanagedCallersOnly]
    private static int Init(uint flags) => Machine.Call("cuInit", CallKind.Free, () =>
    {
        if (flags != 0) throw new DriverError(1, $"flags of {flags}");
    });

    [UnmanagedCallersOnly]
    private static int DriverGetVersion(int* version) => Machine.Call("cuDriverGetVersion", CallKind.Free, () => *version = Version);

    [UnmanagedCallersOnly]
    private static int GetErrorName(int result, byte** text)
    {
        *text = Machine.Text(NameOf(result));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GetErrorString(int result, byte** text)
    {
        *text = Machine.Text(result == 0 ? "no error" : Machine.LastFault ?? "no description");
        return 0;
    }

    private static string NameOf(int result) => result switch
    {
        0 => "CUDA_SUCCESS",
        1 => "CUDA_ERROR_INVALID_VALUE",
        2 => "CUDA_ERROR_OUT_OF_MEMORY",
        101 => "CUDA_ERROR_INVALID_DEVICE",
        201 => "CUDA_ERROR_INVALID_CONTEXT",
        218 => "CUDA_ERROR_INVALID_PTX",
        400 => "CUDA_ERROR_INVALID_HANDLE",
        401 => "CUDA_ERROR_ILLEGAL_STATE",
        500 => "CUDA_ERROR_NOT_FOUND",
        600 => "CUDA_ERROR_NOT_READY",
        700 => "CUDA_ERROR_ILLEGAL_ADDRESS",
        701 => "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
        709 => "CUDA_ERROR_CONTEXT_IS_DESTROYED",
        716 => "CUDA_ERROR_MISALIGNED_ADDRESS",
        719 => "CUDA_ERROR_LAUNCH_FAILED",
        900 => "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
        901 => "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
        902 => "CUDA_ERROR_STREAM_CAPTURE_MERGE",
        903 => "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
        904 => "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
        905 => "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
        906 => "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
        907 => "CUDA_ERROR_CAPTURED_EVENT",
        908 => "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
        910 => "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE",
        _ => "CUDA_ERROR_UNKNOWN",
    };

    [UnmanagedCallersOnly]
    private static int DeviceGetCount(int* count) =>
        Machine.Call("cuDeviceGetCount", CallKind.Free, () => *count = Machine.Architectures.Length);

    [UnmanagedCallersOnly]
    private static int DeviceGet(int* device, int ordinal) => Machine.Call("cuDeviceGet", CallKind.Free, () =>
    {
        _ = Machine.Device(ordinal);
        *device = ordinal;
    });

    [UnmanagedCallersOnly]
    private static int DeviceGetName(byte* name, int length, int device) => Machine.Call("cuDeviceGetName", CallKind.Free, () =>
    {
        _ = Machine.Device(device);
        string text = $"Emulated GPU {Machine.Architectures[device]}";
        for (int i = 0; i < length; i++) name[i] = i < text.Length && i < length - 1 ? (byte)text[i] : (byte)0;
    });

    [UnmanagedCallersOnly]
    private static int DeviceGetAttribute(int* value, int attribute, int device) =>
        Machine.Call("cuDeviceGetAttribute", CallKind.Free, () =>
        {
            EmulatedDevice d = Machine.Device(device);
            *value = attribute switch
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
                _ => throw new DriverError(1, $"device attribute {attribute} is not emulated"),
            };
        });

    [UnmanagedCallersOnly]
    private static int DeviceGetUuid(byte* uuid, int device) => Machine.Call("cuDeviceGetUuid", CallKind.Free, () =>
    {
        _ = Machine.Device(device);
        for (int i = 0; i < 16; i++) uuid[i] = (byte)(i == 15 ? device + 1 : 0xE0);
    });

    [UnmanagedCallersOnly]
    private static int DeviceTotalMem(nuint* bytes, int device) => Machine.Call("cuDeviceTotalMem", CallKind.Free, () =>
    {
        _ = Machine.Device(device);
        *bytes = (nuint)Machine.DeviceBytes;
    });
}
