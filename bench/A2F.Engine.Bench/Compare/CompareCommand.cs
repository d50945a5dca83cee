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
        start = Stopwatch.GetTimestamp();
        using EngineSide engine = new(network, options.Threads, options.Batch);
        double engineLoad = Stopwatch.GetElapsedTime(start).TotalSeconds;

        CompareInputs inputs = Bind(session, options);
        float[] result = new float[session.Output("result").Length];
        Contender[] contenders =
        [
            new("A2F.Engine", engineLoad, () => engine.Run(inputs.Audio, inputs.Emotion, result)),
            new("ONNX Runtime", ortLoad, session.Run),
        ];
        double[][] times = Interleaved.Measure(contenders, WarmUpSeconds, options.Seconds, OrderSeed);

        ReadOnlySpan<float> ortResult = session.Output("result").Data;
        CompareReport report = new(
            MachineInfo.Current,
            $"{EngineVersion()} on {engine.Backend}",
            runtime.Version,
            options,
            inputs.Source,
            [SideOf(contenders[0], times[0], result, inputs.Expected), SideOf(contenders[1], times[1], ortResult, inputs.Expected)],
            Statistics.RatioOf(times[0], times[1], 0.5),
            Statistics.RatioOf(times[0], times[1], 0),
            Statistics.DifferenceOf(result, ortResult));
        report.Print(Console.Out);
        if (options.Json is not null) report.WriteJson(options.Json);
        return 0;
    }

    /// <summary>Gets the inputs and puts them where ONNX Runtime reads them.</summary>
    private static CompareInputs Bind(OrtSession session, CompareOptions options)
    {
        OrtTensor audio = session.Input("input"), emotion = session.Input("emotion");
        int batch = options.Batch;
        CompareInputs inputs = CompareInputs.For(
            options.Model, batch, audio.Length / batch, emotion.Length / batch, session.Output("result").Length / batch);
        inputs.Audio.CopyTo(audio.Data);
        inputs.Emotion.CopyTo(emotion.Data);
        return inputs;
    }

    private static Side SideOf(Contender contender, double[] times, ReadOnlySpan<float> result, float[]? expected) => new(
        contender.Name,
        contender.LoadSeconds,
        Timing.Of(times),
        expected is null ? null : Statistics.DifferenceOf(result, expected));

    private static string EngineVersion() =>
        typeof(A2FException).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
