using System.CommandLine;
using System.Globalization;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Arguments;

/// <summary>Options that several commands take, and what they mean.</summary>
internal static class CommonOptions
{
    private const int MostThreads = 256;
    private const string Emulator = "emulator", DefaultArchitecture = "sm_86";
    private const string Float32 = "fp32", Float16 = "fp16";

    /// <summary>The argument MODEL.</summary>
    public static Argument<string> Model() =>
        new("MODEL") { Description = "Model folder: NVIDIA's deploy format, or one made by 'a2f import'." };

    /// <summary><c>--inputs</c>.</summary>
    public static Option<string> Inputs(string description) =>
        new("--inputs", "-i") { Description = description, HelpName = "IN.npz", Required = true };

    /// <summary><c>--outputs</c>.</summary>
    public static Option<string> Outputs(string description) =>
        new("--outputs", "-o") { Description = description, HelpName = "OUT.npz", Required = true };

    /// <summary><c>--prefix</c>.</summary>
    public static Option<string> Prefix() => new("--prefix")
    {
        Description = "What the names of the input arrays start with, for files that hold several sets.",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "",
    };

    /// <summary><c>--device</c>.</summary>
    public static Option<string> Device(string usual = "auto") => new("--device")
    {
        Description = "What to run on; the emulator runs the CUDA kernels on the CPU, to check them.",
        HelpName = "auto|cpu|cuda[:N]|emulator[:ARCH]",
        DefaultValueFactory = _ => usual,
    };

    /// <summary><c>--precision</c>.</summary>
    public static Option<string> Precision() => new("--precision")
    {
        Description = "How a GPU stores activations and weights: fp32 on CUDA cores, fp16 on tensor cores. The CPU computes in fp32.",
        HelpName = "fp32|fp16",
        DefaultValueFactory = _ => Float32,
    };

    /// <summary><c>--threads</c>.</summary>
    public static Option<string> Threads() => new("--threads")
    {
        Description = "Threads of the CPU; 0 for one per processor, at most 8. Results do not depend on it.",
        HelpName = "N",
        DefaultValueFactory = _ => "0",
    };

    /// <summary><c>--fps</c>.</summary>
    public static Option<string> Fps(string usual = "60") => new("--fps")
    {
        Description = "Frames per second: a whole number or a fraction such as 30000/1001.",
        HelpName = "N[/D]",
        DefaultValueFactory = _ => usual,
    };

    /// <summary><c>--set</c>.</summary>
    public static Option<string[]> Set() => new("--set")
    {
        Description = "Changes parameters of the model; 'a2f info MODEL' lists keys, values and ranges.",
        HelpName = "KEY=VALUE,...",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
    };

    /// <summary>What <c>--precision</c> asks for.</summary>
    /// <exception cref="UsageException">There is no such precision.</exception>
    public static Precision ParsePrecision(string text) => text switch
    {
        Float32 => Backends.Cuda.Precision.Float32,
        Float16 => Backends.Cuda.Precision.Float16,
        _ => throw new UsageException($"--precision: expected {Float32} or {Float16}, found '{text}'"),
    };

    /// <summary>What <c>--device</c>, <c>--precision</c> and <c>--threads</c> ask for.</summary>
    /// <exception cref="UsageException">There is no such device or precision, or the count is out of range.</exception>
    public static ModelOptions ModelOptions(string device, string precision = Float32, string threads = "0")
    {
        int count = Whole("--threads", threads, 0, MostThreads);
        ModelOptions options = new() { Threads = count, Device = device, Precision = ParsePrecision(precision) };
        if (device == "cpu" && options.Precision != Backends.Cuda.Precision.Float32)
            throw new UsageException($"--precision {precision}: the CPU computes in {Float32}; leave it out, or choose a GPU with --device");
        string[] parts = device.Split(':', 2);
        bool known = parts[0] switch
        {
            "auto" or "cpu" => parts.Length == 1,
            "cuda" => parts.Length == 1 || int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out _),
            Emulator => EmulatedDriver.DeviceOf(parts.Length == 1 ? DefaultArchitecture : parts[1]) >= 0,
            _ => false,
        };
        if (!known)
        {
            throw new UsageException(
                $"--device: expected auto, cpu, cuda, cuda:N, or emulator:ARCH with one of " +
                $"{string.Join(", ", EmulatedDriver.Architectures)}; found '{device}'");
        }
        if (parts[0] != Emulator) return options;
        int ordinal = EmulatedDriver.DeviceOf(parts.Length == 1 ? DefaultArchitecture : parts[1]);
        return options with { Device = $"cuda:{ordinal}", CudaDriver = Emulated };
    }

    /// <summary>The emulator's driver, and its cuBLAS.</summary>
    private static nint Emulated(string symbol) => EmulatedDriver.Find(symbol) is var found && found != 0 ? found : EmulatedCublas.Find(symbol);

    /// <summary>A whole number that an option takes.</summary>
    /// <exception cref="UsageException">It is no whole number, or out of range.</exception>
    public static int Whole(string option, string text, int minimum, int maximum) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= minimum && value <= maximum
            ? value
            : throw new UsageException($"{option}: expected a whole number from {minimum} to {maximum}, found '{text}'");

    /// <summary>Where "auto" has taken a model, and why, for whoever watches.</summary>
    public static void Explain(Terminal terminal, string device, string? reason)
    {
        if (terminal.Interactive && reason is not null) terminal.Error.WriteLine($"device: {device}; {reason}");
    }
}
