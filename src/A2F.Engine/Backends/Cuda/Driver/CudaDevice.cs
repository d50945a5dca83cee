using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>One GPU, as the driver describes it.</summary>
internal sealed unsafe class CudaDevice
{
    private const int LongestName = 256;

    internal CudaDevice(CudaDriver driver, int ordinal)
    {
        Driver = driver;
        Ordinal = ordinal;
        DriverTable table = driver.Table;
        CUdevice device;
        driver.Check(table.DeviceGet(&device, ordinal), "cuDeviceGet");
        Handle = device;
        byte* name = stackalloc byte[LongestName];
        driver.Check(table.DeviceGetName(name, LongestName, device), "cuDeviceGetName");
        name[LongestName - 1] = 0;
        Name = Marshal.PtrToStringUTF8((nint)name)!;
        CUuuid uuid;
        driver.Check(table.DeviceGetUuid(&uuid, device), "cuDeviceGetUuid");
        Uuid = uuid;
        nuint bytes;
        driver.Check(table.DeviceTotalMem(&bytes, device), "cuDeviceTotalMem");
        TotalBytes = (long)bytes;
        Architecture = 10 * Attribute(CUdeviceAttribute.ComputeCapabilityMajor) + Attribute(CUdeviceAttribute.ComputeCapabilityMinor);
    }

    internal CudaDriver Driver { get; }

    internal CUdevice Handle { get; }

    /// <summary>Its number, as in <c>--device cuda:N</c>.</summary>
    internal int Ordinal { get; }

    internal string Name { get; }

    internal CUuuid Uuid { get; }

    /// <summary>Memory in bytes.</summary>
    internal long TotalBytes { get; }

    /// <summary>Compute capability as architectures write it: 8.6 is 86, 12.0 is 120.</summary>
    internal int Architecture { get; }

    /// <summary>One of the driver's attributes.</summary>
    internal int Attribute(CUdeviceAttribute attribute)
    {
        int value;
        Driver.Check(Driver.Table.DeviceGetAttribute(&value, attribute, Handle), "cuDeviceGetAttribute");
        return value;
    }
}
