using System.Diagnostics;
using System.Reflection;

namespace A2F.Engine.Bench;

/// <summary>`compare`: the same windows through this engine and through ONNX Runtime, turn by turn in one process.</summary>
internal static class CompareCommand
{
    private const double WarmUpSeconds = 3;
    private const int OrderSeed = 1;

    public static int Run(CompareOptions options)
    {
        string network = Path.Combine(options.Model, "network.onnx");
        if (!File.Exists(network))
            throw new A2FException(A2FErrorCode.FileNotFound, $"'{network}' does not exist; ONNX Runtime needs the network in this format");

        using OrtRuntime runtime = OrtRuntime.Load(options.Library);
        long start = Stopwatch.GetTimestamp();
        using OrtSession session = new(runtime, network, options.Threads, options.Batch);
        double ortLoad = Stopwatch.GetElapsedTime(start).TotalSeconds;
        OrtTensor audio = session.Input("input");
        OrtTensor emotion = session.Input("emotion");
        OrtTensor result = session.Output("result");

        int batch = options.Batch;
        CompareInputs inputs = CompareInputs.For(
            options.Model, batch, audio.Length / batch, emotion.Length / batch, result.Length / batch);
        inputs.Audio.CopyTo(audio.Data);
        inputs.Emotion.CopyTo(emotion.Data);
        Contender ort = new("ONNX Runtime", ortLoad, session.Run);

        double[][] times = Interleaved.Measure([ort], WarmUpSeconds, options.Seconds, OrderSeed);
        CompareReport report = new(
            MachineInfo.Current,
            typeof(A2FException).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            runtime.Version,
            options,
            inputs.Source,
            [new Side(ort.Name, ort.LoadSeconds, Timing.Of(times[0]), ErrorOf(result.Data))],
            OfMedians: null,
            OfMinima: null,
            Parity: null);
        report.Print(Console.Out);
        if (options.Json is not null) report.WriteJson(options.Json);
        return 0;

        Difference? ErrorOf(ReadOnlySpan<float> values) =>
            inputs.Expected is null ? null : Statistics.DifferenceOf(values, inputs.Expected);
    }
}
