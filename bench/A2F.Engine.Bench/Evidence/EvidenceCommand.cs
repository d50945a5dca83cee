using System.Globalization;
using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>
/// <c>evidence</c>: runs one window of each model on the emulator, in each precision with every check on, and writes what the kernels did as
/// Markdown: instructions, flops, bytes, bank conflicts.
/// </summary>
internal static class EvidenceCommand
{
    private const string DefaultArchitecture = "sm_86";

    /// <summary>Arguments: MODEL_DIR... [--arch sm_NN] [-o FILE].</summary>
    /// <exception cref="A2FException">An argument is wrong, or the model or NVRTC does not work.</exception>
    public static int Run(ReadOnlySpan<string> args)
    {
        List<string> models = [];
        string? output = null;
        string architecture = DefaultArchitecture;
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] is "--arch" or "-o")
            {
                string value = i + 1 < args.Length ? args[i + 1] : throw Wrong($"{args[i]} needs a value");
                if (args[i++] == "-o") output = value;
                else architecture = value;
            }
            else if (args[i].StartsWith('-')) throw Wrong($"'{args[i]}' is not understood");
            else models.Add(args[i]);
        }
        if (models.Count == 0) throw Wrong("model folders are expected");
        if (EmulatedDriver.DeviceOf(architecture) < 0)
            throw Wrong($"--arch: expected one of {string.Join(", ", EmulatedDriver.Architectures)}, found '{architecture}'");

        StringWriter text = new(CultureInfo.InvariantCulture) { NewLine = "\n" };
        foreach (string model in models)
        {
            foreach (Precision precision in Enum.GetValues<Precision>()) Describe(text, Measure(model, architecture, precision));
        }
        if (output is null) Console.Out.Write(text);
        else File.WriteAllText(output, Head + text);
        return 0;
    }

    private const string Head = """
        # What the CUDA kernels do, counted

        One window of the full-size networks on the emulator, every check on. No GPU was there: these are counts, not times. Made by

        ```bash
        for kind in regression diffusion emotion; do python3 weights/export/export.py export $kind full/$kind; done
        python3 weights/export/export.py record full/regression
        dotnet run -c Release --project bench/A2F.Engine.Bench -- evidence full/regression full/diffusion full/emotion -o docs/cuda-evidence.md
        ```

        `flops` and `bytes` of the definition: every product of the layer once, every input and output once. Counted: what the instructions did;
        `sectors` are the 32-byte sectors that a warp's access touches, 4 where 32 lanes read 4 neighbouring bytes each, 16 where they read 16.


        """;

    private sealed record Measured(
        ModelKind Kind, Precision Precision, string Device, double Error, string Truth, NetworkPlan Plan, IReadOnlyList<TimelineEntry> Launches, TimeSpan Time);

    private static Measured Measure(string path, string architecture, Precision precision)
    {
        int device = EmulatedDriver.DeviceOf(architecture);
        ModelOptions options = new()
        {
            Device = $"cuda:{device}",
            CudaDriver = EmulatedDriver.Find,
            Precision = precision,
            MaxBatch = 1,
        };
        using BenchModel model = BenchModel.Load(path, options);
        Timeline timeline = new();
        EmulatedDriver.Trace = timeline;
        long start = Environment.TickCount64;
        try
        {
            model.Run();
        }
        finally
        {
            EmulatedDriver.Trace = null;
        }
        TimeSpan time = TimeSpan.FromMilliseconds(Environment.TickCount64 - start);
        using ModelNetworks networks = ModelNetworks.Open(path, options);
        NetworkPlan plan = NetworkPlan.Of(
            int.Parse(architecture.AsSpan(3), CultureInfo.InvariantCulture), new EmulatedDevice(architecture).MultiprocessorCount, precision,
            networks.Builds[0]);
        TimelineEntry[] launches = [.. timeline.Entries.Where(entry => entry.Counters is not null)];
        if (!launches.Select(l => l.Name).SequenceEqual(plan.Launches.Select(l => l.Kernel.Function)))
            throw new A2FException(A2FErrorCode.Internal, "the launches that ran are not those that were planned");
        float[]? expected = model.Expected;
        if (expected is null)
        {
            using BenchModel cpu = BenchModel.Load(path, new ModelOptions { Device = "cpu", MaxBatch = 1 });
            cpu.Run();
            expected = cpu.Result;
        }
        return new Measured(
            ModelFolders.KindOf(path), precision, model.Device, Error(expected, model.Result),
            model.Expected is null ? "the CPU backend" : "the float64 record", plan, launches, time);
    }

    private static double Error(float[] expected, float[] actual)
    {
        double squares = 0, differences = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            squares += (double)expected[i] * expected[i];
            differences += (double)(expected[i] - actual[i]) * (expected[i] - actual[i]);
        }
        return Math.Sqrt(differences / squares);
    }

    private static void Describe(StringWriter text, Measured m)
    {
        LaunchCounters total = new();
        foreach (TimelineEntry launch in m.Launches) total.Add(launch.Counters!);
        text.WriteLine($"## {m.Kind}, {(m.Precision == Precision.Float16 ? "fp16" : "fp32")}");
        text.WriteLine();
        text.WriteLine($"{m.Device}; {m.Launches.Count} launches, {Mega(m.Plan.ArenaBytes)} MB of device memory, {m.Time.TotalSeconds:F0} s emulated.");
        text.WriteLine($"Relative error (norm) to {m.Truth}: {m.Error:E1}.");
        text.WriteLine();
        text.WriteLine($"- definition: {Mega(m.Plan.Launches.Sum(l => l.Flops))} Mflop, {Mega(m.Plan.Launches.Sum(l => l.Bytes))} MB");
        text.WriteLine($"- counted: {Mega(total.TensorFlops)} Mflop in tensor cores, {Mega(total.LaneFlops)} Mflop elsewhere; " +
            $"{Mega(total.GlobalBytesRead)} MB read, {Mega(total.GlobalBytesWritten)} MB written by lanes");
        text.WriteLine($"- warp instructions: {Mega(total.WarpInstructions)} M ({Mega(total.Tensor)} M mma, {Mega(total.Float)} M float, " +
            $"{Mega(total.Double)} M double, {Mega(total.Integer)} M integer, {Mega(total.Memory)} M memory, {Mega(total.Control)} M control)");
        text.WriteLine();
        text.WriteLine("| launch | grid x threads | Mflop | MB | warp instructions, k | mma, k | sectors / request | bank conflicts, k |");
        text.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach ((KernelLaunch planned, TimelineEntry ran) in m.Plan.Launches.Zip(m.Launches))
        {
            LaunchCounters c = ran.Counters!;
            string tile = planned.Kernel.Function.StartsWith("gemm", StringComparison.Ordinal) ? " " + Tile(planned.Kernel.Macros) : "";
            text.WriteLine($"| {planned.Kernel.Function}{tile} | {planned.Grid} x {planned.Threads} | {Mega(planned.Flops)} | {Mega(planned.Bytes)} | " +
                $"{c.WarpInstructions / 1e3:F1} | {c.Tensor / 1e3:F1} | {(double)c.GlobalSectors / Math.Max(c.GlobalRequests, 1):F1} | " +
                $"{c.SharedBankConflicts / 1e3:F1} |");
        }
        text.WriteLine();
    }

    private static string Mega(double value) => (value / 1e6).ToString(value < 1e6 ? "F2" : "F1", CultureInfo.InvariantCulture);

    private static string Tile(string macros) =>
        string.Join("x", macros.Split(' ').Where(m => m.StartsWith("BM=", StringComparison.Ordinal) || m.StartsWith("BN=", StringComparison.Ordinal))
            .Select(m => m[3..])) + (macros.Contains("ALIGNED=0", StringComparison.Ordinal) ? " unaligned" : "");

    private static A2FException Wrong(string message) => new(A2FErrorCode.InvalidArgument, message);
}
