using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;

namespace A2F.Engine.Bench;

/// <summary>
/// `parity`: a table of how far results are from the truth on a device and, beside it, on the emulated device of its family: the
/// float64 results recorded in a model's io.npz, else those of the CPU backend.
/// </summary>
internal static class ParityCommand
{
    /// <summary>Arguments: MODEL_DIR... [--device cuda[:N]|emulator[:ARCH]].</summary>
    /// <returns>0, or 1 where a result is further from the truth or the emulator than rounding explains.</returns>
    /// <exception cref="A2FException">An argument is wrong, or the device or a model does not work.</exception>
    public static int Run(ReadOnlySpan<string> args)
    {
        List<string> models = [];
        GpuDevice device = GpuDevice.Parse(GpuDevice.Default);
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--device")
                device = GpuDevice.Parse(++i < args.Length ? args[i] : throw Wrong("--device needs a value"));
            else if (args[i].StartsWith('-')) throw Wrong($"unknown option '{args[i]}'");
            else models.Add(args[i]);
        }
        if (models.Count == 0) throw Wrong("model folders are expected");

        int architecture = device.Architecture; // before anything runs: it says what is wrong with a device
        GpuDevice emulator = GpuDevice.Nearest(architecture);
        Console.WriteLine($"Relative errors (norm) on {device.Text} (sm_{architecture}), and beside it on {emulator.Text}");
        Console.WriteLine($"{"model",-16} {"precision",-9} {"against",-8} {"emulator",10} {"device",10} {"device from emulator",21}");
        bool good = true;
        foreach (string model in models)
        {
            foreach (Precision precision in Enum.GetValues<Precision>()) good &= Compare(model, precision, device, emulator);
        }
        return good ? 0 : 1;
    }

    /// <summary>Writes one line of the table; false where the device is too far off.</summary>
    private static bool Compare(string folder, Precision precision, GpuDevice device, GpuDevice emulator)
    {
        (float[]? recorded, float[] actual) = Infer(folder, device.Options(precision, 1));
        (_, float[] emulated) = Infer(folder, emulator.Options(precision, 1));
        float[] expected = recorded ?? Infer(folder, new ModelOptions { Device = "cpu", MaxBatch = 1 }).Result;
        double error = Relative(actual, expected), apart = Relative(actual, emulated);
        bool good = error <= MostError(precision) && apart <= MostApart(precision);
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), against = recorded is null ? "CPU" : "float64";
        Console.WriteLine(
            FormattableString.Invariant($"{name,-16} {GpuDevice.NameOf(precision),-9} {against,-8} {Relative(emulated, expected),10:E2} ") +
            FormattableString.Invariant($"{error,10:E2} {apart,21:E2}{(good ? "" : "  TOO FAR")}"));
        return good;
    }

    // The bounds of the tests: float32 keeps 24 bits and half precision 11, through a few dozen layers.
    private static double MostError(Precision precision) => precision == Precision.Float16 ? 5e-3 : 1e-5;

    private static double MostApart(Precision precision) => precision == Precision.Float16 ? 2e-3 : 1e-6;

    private static (float[]? Expected, float[] Result) Infer(string folder, ModelOptions options)
    {
        using BenchModel model = BenchModel.Load(folder, options);
        model.Run();
        return (model.Expected, model.Result);
    }

    private static double Relative(float[] result, float[] reference) => Statistics.DifferenceOf(result, reference).Relative;

    private static A2FException Wrong(string message) => new(A2FErrorCode.InvalidArgument, message);
}
