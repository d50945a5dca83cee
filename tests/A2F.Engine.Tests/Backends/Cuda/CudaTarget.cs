using System.Collections.Concurrent;
using System.Globalization;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Runtime;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>
/// What a test of the CUDA backend runs on: the emulated device of an architecture, or the device that A2F_TEST_DEVICE names. That is a
/// real GPU ("cuda", "cuda:N"), with the installed driver, machine code and one arena; or, to try the same rows without one,
/// "emulator:ARCH" in its place.
/// </summary>
internal sealed class CudaTarget
{
    private const string Variable = "A2F_TEST_DEVICE", Real = "cuda", StandIn = "emulator", DefaultArchitecture = "sm_86";
    private static readonly ConcurrentDictionary<string, CudaTarget> Opened = new(StringComparer.Ordinal);
    private readonly Func<KernelSpec, byte[]> _images;
    private readonly bool _emulated;

    private CudaTarget(string name, CudaDevice device, Func<KernelSpec, byte[]> images, bool emulated)
    {
        Device = device;
        (_images, _emulated) = (images, emulated);
        IsAsked = Asked.Contains(name);
    }

    /// <summary>The device that the environment names, none where it names none: what rows of tests are made of.</summary>
    public static IReadOnlyList<string> Asked { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name ? [name] : [];

    /// <summary>Whether the emulator was asked to stand in for a GPU, so that none need be there.</summary>
    public static bool StandsIn => Asked.Any(name => name.StartsWith(StandIn, StringComparison.Ordinal));

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>Whether the environment named it: its results are then held against the emulator's too.</summary>
    public bool IsAsked { get; }

    /// <summary>The newest emulated architecture that is not newer than the device, else the oldest.</summary>
    public string Nearest =>
        EmulatedDriver.Architectures.LastOrDefault(known => Number(known) <= Device.Architecture) ?? EmulatedDriver.Architectures[0];

    /// <summary>The target of this name: sm_NN for an emulated device, else as in A2F_TEST_DEVICE.</summary>
    /// <exception cref="A2FException">There is no such device, or it does not work.</exception>
    public static CudaTarget Of(string name) => Opened.GetOrAdd(name, Open);

    /// <summary>How far two devices may be apart: of the largest value, or in norm.</summary>
    public static double Tolerance(Precision precision) => precision == Precision.Float16 ? 2e-3 : 1e-6;

    /// <summary>A worker on the device. On the emulator it is given PTX.</summary>
    public CudaDeviceWorker Worker(
        long arenaBytes = 0, bool separate = false, bool graphs = true, int? multiprocessors = null, ISymbolSource? cublas = null) =>
        new(Device, _images, arenaBytes, separate, graphs, cublas is null ? null : new CublasTable(cublas), multiprocessors);

    /// <summary>Operators on the device, every buffer an allocation of its own; tiles as for this many multiprocessors.</summary>
    public CudaOperators Operators(Precision precision, int? multiprocessors = null, ISymbolSource? cublas = null) =>
        new(Worker(separate: true, multiprocessors: multiprocessors, cublas: cublas), precision)
        {
            Cublas = cublas is null ? CublasUse.Off : CublasUse.On,
        };

    /// <summary>What brings a model onto the device.</summary>
    public ModelOptions Options(Precision precision) => new()
    {
        Device = $"{Real}:{Device.Ordinal}",
        CudaDriver = _emulated ? FindEmulated : null,
        Precision = precision,
    };

    /// <summary>Whether nothing is alive on the device. Only the emulator keeps books.</summary>
    public bool IsClean => !_emulated || EmulatedDriver.Books(Device.Ordinal).AreZero;

    private static nint FindEmulated(string symbol) =>
        EmulatedDriver.Find(symbol) is var found && found != 0 ? found : EmulatedCublas.Find(symbol);

    private static CudaTarget Open(string name)
    {
        string[] parts = name.Split(':', 2);
        if (parts[0] == Real) return OpenReal(name, parts.Length == 1 ? "0" : parts[1]);
        string architecture = parts[0] != StandIn ? name : parts.Length == 1 ? DefaultArchitecture : parts[1];
        if (EmulatedDriver.DeviceOf(architecture) < 0) throw Wrong(name);
        return new CudaTarget(name, EmulatedCuda.Device(architecture), kernel => EmulatedCuda.Image(kernel, architecture), emulated: true);
    }

    private static CudaTarget OpenReal(string name, string number)
    {
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal)) throw Wrong(name);
        CudaDriver driver = CudaDriver.Start(RealCuda.Driver.Require());
        if (ordinal >= driver.Devices.Count)
        {
            throw new A2FException(A2FErrorCode.DeviceUnavailable,
                $"{Variable}={name}: the driver has {driver.Devices.Count} device(s), counted from 0");
        }
        CudaDevice device = driver.Devices[ordinal];
        KernelCompiler compiler = KernelCompiler.Open(driver.Version / 1000, device.Architecture, ptx: false);
        return new CudaTarget(name, device, kernel => compiler.Get(kernel).Bytes, emulated: false);
    }

    private static int Number(string architecture) => int.Parse(architecture.AsSpan(3), CultureInfo.InvariantCulture);

    private static A2FException Wrong(string name) => new(A2FErrorCode.InvalidArgument,
        $"{Variable}: expected cuda, cuda:N, or emulator:ARCH with one of {string.Join(", ", EmulatedDriver.Architectures)}; " +
        $"found '{name}'");
}
