using System.Globalization;

namespace A2F.Engine.Bench;

/// <summary>What the command line of `compare` asks for.</summary>
/// <param name="Model">Model folder.</param>
/// <param name="Library">ONNX Runtime's shared library.</param>
/// <param name="Threads">Threads of either side.</param>
/// <param name="Batch">Windows of one run.</param>
/// <param name="Seconds">Length of the measurement, without loading and warm-up.</param>
/// <param name="Json">File for the figures, or null.</param>
/// <param name="Engine">Folder that the engine loads in place of the model's: the same model, packed.</param>
/// <param name="Others">More ONNX files of the same network, for ONNX Runtime to run beside the folder's.</param>
internal sealed record CompareOptions(
    string Model, string Library, int Threads, int Batch, double Seconds, string? Json, string? Engine, IReadOnlyList<string> Others)
{
    /// <summary>Reads the arguments after the command's name.</summary>
    /// <exception cref="A2FException">An argument is unknown, lacks its value or is out of range.</exception>
    public static CompareOptions Parse(ReadOnlySpan<string> args)
    {
        string? model = null;
        CompareOptions options = new(Model: "", OrtRuntime.DefaultPath(), Threads: 1, Batch: 1, Seconds: 20, Json: null, Engine: null, Others: []);
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            if (!name.StartsWith('-'))
            {
                if (model is not null) throw Wrong($"one model folder is expected, found '{model}' and '{name}'");
                model = name;
                continue;
            }
            if (name is not ("--ort" or "--threads" or "--batch" or "--seconds" or "--json" or "--onnx" or "--packed")) throw Wrong($"unknown option '{name}'");
            if (++i == args.Length) throw Wrong($"{name} needs a value");
            string value = args[i];
            options = name switch
            {
                "--ort" => options with { Library = value },
                "--threads" => options with { Threads = (int)Number(name, value, 1, 256, NumberStyles.None) },
                "--batch" => options with { Batch = (int)Number(name, value, 1, 1024, NumberStyles.None) },
                "--seconds" => options with { Seconds = Number(name, value, 0.1, 3600, NumberStyles.AllowDecimalPoint) },
                "--packed" => options with { Engine = value },
                "--onnx" => options with { Others = [.. options.Others, value] },
                _ => options with { Json = value },
            };
        }
        return options with { Model = model ?? throw Wrong("a model folder is expected") };
    }

    private static double Number(string name, string value, double low, double high, NumberStyles styles) =>
        double.TryParse(value, styles, CultureInfo.InvariantCulture, out double number) && number >= low && number <= high
            ? number
            : throw Wrong(FormattableString.Invariant($"{name}: expected a number from {low} to {high}, found '{value}'"));

    private static A2FException Wrong(string message) => new(A2FErrorCode.InvalidArgument, message);
}
