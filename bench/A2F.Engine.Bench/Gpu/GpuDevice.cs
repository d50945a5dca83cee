using System.Globalization;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;

namespace A2F.Engine.Bench;

/// <summary>A GPU, or the emulator in its place.</summary>
/// <param name="Text">How the command line named it.</param>
/// <param name="Ordinal">Its number, as its driver counts.</param>
/// <param name="Emulated">Whether it is the emulator's.</param>
internal sealed record GpuDevice(string Text, int Ordinal, bool Emulated)
{
    public const string Default = "cuda";
    private const string Emulator = "emulator", DefaultArchitecture = "sm_86";

    /// <summary>Reads cuda, cuda:N, emulator or emulator:ARCH.</summary>
    /// <exception cref="A2FException">It is none of them.</exception>
    public static GpuDevice Parse(string text)
    {
        string[] parts = text.Split(':', 2);
        int ordinal = parts[0] switch
        {
            Default when parts.Length == 1 => 0,
            Default when int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) => number,
            Emulator => EmulatedDriver.DeviceOf(parts.Length == 1 ? DefaultArchitecture : parts[1]),
            _ => -1,
        };
        if (ordinal >= 0) return new GpuDevice(text, ordinal, parts[0] == Emulator);
        throw new A2FException(A2FErrorCode.InvalidArgument,
            $"--device: expected cuda, cuda:N, or emulator:ARCH with one of {string.Join(", ", EmulatedDriver.Architectures)}; " +
            $"found '{text}'");
    }

    /// <summary>The emulated device of the newest architecture that is not newer than a GPU's, else of the oldest.</summary>
    /// <param name="architecture">Compute capability of the GPU, 86 for 8.6.</param>
    public static GpuDevice Nearest(int architecture)
    {
        string name =
            EmulatedDriver.Architectures.LastOrDefault(known => Number(known) <= architecture) ?? EmulatedDriver.Architectures[0];
        return Parse($"{Emulator}:{name}");
    }

    /// <summary>Compute capability, 86 for 8.6.</summary>
    /// <exception cref="A2FException">There is no such GPU, or it cannot be used.</exception>
    public int Architecture
    {
        get
        {
            if (Emulated) return Number(EmulatedDriver.Architectures[Ordinal]);
            MachineReport machine = MachineReport.Inspect();
            return machine.CudaProblem(Ordinal) is { } problem
                ? throw new A2FException(A2FErrorCode.DeviceUnavailable, $"--device {Text}: {problem}")
                : machine.Devices[Ordinal].Architecture;
        }
    }

    /// <summary>What brings a model onto it.</summary>
    public ModelOptions Options(Precision precision, int batch) => new()
    {
        Device = string.Create(CultureInfo.InvariantCulture, $"cuda:{Ordinal}"),
        CudaDriver = Emulated ? EmulatedDriver.Find : null,
        Precision = precision,
        MaxBatch = batch,
    };

    private static int Number(string architecture) => int.Parse(architecture.AsSpan("sm_".Length), CultureInfo.InvariantCulture);

    /// <summary>What reports call a precision.</summary>
    public static string NameOf(Precision precision) => precision == Precision.Float16 ? "fp16" : "fp32";
}
