using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>A driver that answers: its table, its devices, and what its errors mean.</summary>
internal sealed unsafe class CudaDriver
{
    private volatile int _lastFatal;
    private int _failures;

    private CudaDriver(DriverTable table) => Table = table;

    /// <summary>The driver's functions.</summary>
    internal DriverTable Table { get; }

    /// <summary>The CUDA version that the driver brings, 12.2 as 12020.</summary>
    internal int Version { get; private init; }

    /// <summary>Devices by number, as the driver counts them.</summary>
    internal IReadOnlyList<CudaDevice> Devices { get; private set; } = [];

    /// <summary>Starts the driver of a library or of what stands in for one.</summary>
    /// <exception cref="A2FException">A function is missing, or there is no device that works.</exception>
    internal static CudaDriver Start(ISymbolSource source)
    {
        DriverTable table = new(source);
        CudaDriver driver = new(table) { Version = VersionOf(table) };
        driver.Check(table.Init(0), "cuInit");
        int count;
        driver.Check(table.DeviceGetCount(&count), "cuDeviceGetCount");
        if (count == 0) driver.Check(CUresult.NoDevice, "cuDeviceGetCount");
        driver.Devices = [.. Enumerable.Range(0, count).Select(ordinal => new CudaDevice(driver, ordinal))];
        return driver;
    }

    /// <summary>The CUDA version of a driver that need not have a device; 0 where it does not tell.</summary>
    internal static int VersionOf(DriverTable table)
    {
        int version;
        return table.DriverGetVersion(&version) == CUresult.Success ? version : 0;
    }

    /// <summary>Throws unless a call succeeded.</summary>
    /// <exception cref="A2FException">Names the call, the driver's name of the error, and what to do.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Check(CUresult result, string call)
    {
        if (result != CUresult.Success) Throw(result, call);
    }

    /// <summary>
    /// Throws unless a release succeeded, with two exceptions: after the driver shut down nothing is left to release, and after an error
    /// that ends the context every later call repeats it, which would hide the first report.
    /// </summary>
    internal void CheckRelease(CUresult result, string call)
    {
        if (result is CUresult.Success or CUresult.Deinitialized || (int)result == _lastFatal) return;
        Throw(result, call);
    }

    /// <summary>Failures told so far; see <see cref="NoteFailure"/>.</summary>
    internal int Failures => Volatile.Read(ref _failures);

    /// <summary>
    /// Counts a failure that somebody is told of. What is let go because of it keeps quiet about what else goes wrong then, or the reason
    /// would be lost behind it.
    /// </summary>
    internal void NoteFailure() => Interlocked.Increment(ref _failures);

    /// <summary>What a failed call throws.</summary>
    internal A2FException Failure(CUresult result, string call, string? detail = null)
    {
        NoteFailure();
        if (EndsContext(result)) _lastFatal = (int)result;
        string text = $"{call}: {ErrorName(result)} ({(int)result}, {ErrorText(result)})";
        if (detail is not null) text += $"; {detail}";
        A2FErrorCode code = result == CUresult.OutOfMemory ? A2FErrorCode.OutOfMemory : A2FErrorCode.DeviceUnavailable;
        return new A2FException(code, Advice(result) is { } advice ? $"{text}; {advice}" : text);
    }

    [DoesNotReturn]
    private void Throw(CUresult result, string call) => throw Failure(result, call);

    private string ErrorName(CUresult result)
    {
        byte* name = null;
        return Table.GetErrorName(result, &name) == CUresult.Success && name != null
            ? Marshal.PtrToStringUTF8((nint)name)! : "unknown error";
    }

    private string ErrorText(CUresult result)
    {
        byte* text = null;
        return Table.GetErrorString(result, &text) == CUresult.Success && text != null
            ? Marshal.PtrToStringUTF8((nint)text)! : "no description";
    }

    // Errors of kernels and of the device, after which every call of the context fails alike.
    private static bool EndsContext(CUresult result) =>
        result is CUresult.IllegalAddress or CUresult.LaunchTimeout or CUresult.ContextIsDestroyed or CUresult.Assert
        or >= CUresult.HardwareStackError and <= CUresult.LaunchFailed;

    private static string? Advice(CUresult result) => result switch
    {
        CUresult.NoDevice =>
            "this machine has no NVIDIA GPU, or CUDA_VISIBLE_DEVICES or a container hides it; the device cpu works everywhere",
        CUresult.StubLibrary => "the library found is the toolkit's stub, not a driver; take its folder out of the search path",
        CUresult.SystemDriverMismatch => "the driver's kernel module and library differ in version; restart after updating the driver",
        CUresult.OutOfMemory => "the device's memory is full; take fewer characters at once, or end other programs that use the GPU",
        CUresult.NoBinaryForGpu or CUresult.InvalidImage => "the kernel was compiled for another GPU; delete the kernel cache",
        CUresult.UnsupportedPtxVersion => "NVRTC is newer than the driver; update the driver or use an older NVRTC",
        CUresult.Unknown => "the driver does not work; 'nvidia-smi' may tell more, and a restart of the machine often helps",
        CUresult.IllegalAddress or CUresult.LaunchFailed => "a kernel failed; the model must be loaded again",
        CUresult.LaunchTimeout => "the display's watchdog ended a kernel; use another GPU or a smaller batch",
        _ => null,
    };
}
