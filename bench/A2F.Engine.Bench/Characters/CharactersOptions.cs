using System.Globalization;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;

namespace A2F.Engine.Bench;

/// <summary>What the command line of `characters` asks for.</summary>
/// <param name="Model">Folder of a regression or diffusion model.</param>
/// <param name="Device">GPU or emulator; null for the CPU.</param>
/// <param name="Counts">Characters, for each measurement.</param>
/// <param name="Rate">Ticks a second, and frames a second of a regression model.</param>
/// <param name="Threads">Threads of the CPU backend.</param>
/// <param name="Batch">Most windows that run together; null for 4 a thread on a CPU, 32 on a GPU.</param>
/// <param name="Seconds">Length of each measurement, after the warm-up.</param>
/// <param name="Minutes">Length of a soak; null for none.</param>
/// <param name="Emotions">Folder of a classifier that all characters hear emotions with, or null.</param>
/// <param name="Audio">WAV file that characters speak, or null.</param>
/// <param name="Json">File for the figures, or null.</param>
/// <param name="Svg">File for a plot, or null.</param>
internal sealed record CharactersOptions(
    string Model, GpuDevice? Device, int[] Counts, int Rate, int Threads, int? Batch, double Seconds, int? Minutes, string? Emotions, string? Audio,
    string? Json, string? Svg)
{
    private const string Cpu = "cpu";

    /// <summary>How the command line named the device.</summary>
    public string DeviceText => Device?.Text ?? Cpu;

    /// <summary>Reads the arguments after the command's name.</summary>
    /// <exception cref="A2FException">An argument is unknown, lacks its value or is out of range.</exception>
    public static CharactersOptions Parse(ReadOnlySpan<string> args)
    {
        CharactersOptions options = new("", null, [1, 8, 64, 256, 1000], 60, 1, null, 5, null, null, null, null, null);
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            if (!name.StartsWith('-'))
            {
                if (options.Model.Length > 0) throw Wrong($"one model folder is expected, found '{options.Model}' and '{name}'");
                options = options with { Model = name };
                continue;
            }
            if (++i == args.Length) throw Wrong($"{name}: unknown, or it needs a value");
            string value = args[i];
            options = name switch
            {
                "--device" => options with { Device = value == Cpu ? null : GpuDevice.Parse(value) },
                "--count" => options with { Counts = [.. value.Split(',').Select(text => Whole(name, text, 65535))] },
                "--fps" => options with { Rate = Whole(name, value, 1000) },
                "--threads" => options with { Threads = Whole(name, value, 256) },
                "--batch" => options with { Batch = Whole(name, value, 1024) },
                "--seconds" => options with { Seconds = Whole(name, value, 86400) },
                "--minutes" => options with { Minutes = Whole(name, value, 100_000) },
                "--emotions" => options with { Emotions = value },
                "--audio" => options with { Audio = value },
                "--json" => options with { Json = value },
                "--svg" => options with { Svg = value },
                _ => throw Wrong($"unknown option '{name}'"),
            };
        }
        return options.Model.Length > 0 ? options : throw Wrong("a folder of a regression or diffusion model is expected");
    }

    /// <summary>What brings a model there.</summary>
    public ModelOptions ModelOptions(int count)
    {
        int batch = Batch ?? Math.Min(count, Device is null ? 4 * Threads : 32);
        ModelOptions there = Device?.Options(Precision.Float32, batch) ?? new ModelOptions { Device = Cpu };
        return there with { Threads = Threads, MaxBatch = batch, Vertices = false };
    }

    /// <summary>A group there.</summary>
    public CharacterGroupOptions GroupOptions(int count) => new() { Capacity = count, FramesNumerator = Rate };

    private static int Whole(string option, string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 && value <= most
            ? value
            : throw Wrong($"{option}: expected whole numbers from 1 to {most}, found '{text}'");

    private static A2FException Wrong(string message) => new(A2FErrorCode.InvalidArgument, message);
}
