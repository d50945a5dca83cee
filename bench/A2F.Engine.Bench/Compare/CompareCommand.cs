using System.Diagnostics;
using System.Reflection;
using A2F.Engine.Runtime;

namespace A2F.Engine.Bench;

/// <summary>`compare`: the same windows through this engine and through ONNX Runtime, turn by turn in one process.</summary>
internal static class CompareCommand
{
    private const double WarmUpSeconds = 3;
    private const int OrderSeed = 1;

    public static int Run(CompareOptions options)
    {
        List<string> networks = [Path.Combine(options.Model, "network.onnx"), .. options.Others];
        foreach (string network in networks)
        {
            if (!File.Exists(network))
                throw new A2FException(A2FErrorCode.FileNotFound, $"'{network}' does not exist; ONNX Runtime needs the network in this format");
        }
        long start = Stopwatch.GetTimestamp();
        using BenchModel engine = BenchModel.Load(
            options.Engine ?? options.Model, new ModelOptions { Device = "cpu", Threads = options.Threads, MaxBatch = options.Batch });
        List<Contender> contenders = [new Contender("A2F.Engine", Stopwatch.GetElapsedTime(start).TotalSeconds, engine.Run)];

        using OrtRuntime runtime = OrtRuntime.Load(options.Library);
        List<OrtSession> sessions = [];
        try
        {
            foreach (string network in networks)
            {
                start = Stopwatch.GetTimestamp();
                OrtSession session = new(runtime, network, options.Threads, options.Batch, engine.Shapes);
                sessions.Add(session);
                string name = sessions.Count == 1 ? "ONNX Runtime" : Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(network)))!;
                contenders.Add(new Contender(name, Stopwatch.GetElapsedTime(start).TotalSeconds, session.Run));
                Bind(session, engine);
            }
            double[][] times = Interleaved.Measure(contenders, WarmUpSeconds, options.Seconds, OrderSeed);

            List<float[]> results = [engine.Result, .. sessions.Select(engine.ResultOf)];
            CompareReport report = new(
                MachineInfo.Current,
                $"{EngineVersion()} on {engine.Device}",
                runtime.Version,
                options,
                engine.Source,
                [.. contenders.Select((c, i) => SideOf(c, times[i], results[i], engine.Expected))],
                [.. sessions.Select((_, i) => new Against(
                    contenders[i + 1].Name, Statistics.RatioOf(times[0], times[i + 1], 0.5), Statistics.RatioOf(times[0], times[i + 1], 0),
                    Statistics.DifferenceOf(results[0], results[i + 1])))]);
            report.Print(Console.Out);
            if (options.Json is not null) report.WriteJson(options.Json);
            return 0;
        }
        finally
        {
            foreach (OrtSession session in sessions) session.Dispose();
        }
    }

    /// <summary>Puts the inputs where ONNX Runtime reads them.</summary>
    private static void Bind(OrtSession session, BenchModel engine)
    {
        foreach ((string name, float[] values) in engine.Inputs)
        {
            OrtTensor tensor = session.Input(name);
            if (tensor.Length != values.Length)
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"input '{name}': the engine takes {values.Length} values, the ONNX file {tensor.Length}");
            }
            values.CopyTo(tensor.Data);
        }
    }

    private static Side SideOf(Contender contender, double[] times, ReadOnlySpan<float> result, float[]? expected) => new(
        contender.Name,
        contender.LoadSeconds,
        Timing.Of(times),
        expected is null ? null : Statistics.DifferenceOf(result, expected));

    private static string EngineVersion() =>
        typeof(A2FException).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
