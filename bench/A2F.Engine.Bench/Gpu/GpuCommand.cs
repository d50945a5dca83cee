using System.Diagnostics;
using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;

namespace A2F.Engine.Bench;

/// <summary>
/// `gpu`: whole windows through a GPU, in each precision and batch, and through the CPU backend. On the emulator each case runs once, for
/// its result and its launches: its speed says nothing about a GPU's.
/// </summary>
internal static class GpuCommand
{
    private const double WarmUpSeconds = 1;
    private const int OrderSeed = 1;

    public static int Run(GpuOptions options)
    {
        List<GpuCase> cases = [];
        foreach (int batch in options.Batches)
        {
            CpuSide? cpu = null;
            foreach (Precision precision in Enum.GetValues<Precision>())
            {
                long start = Stopwatch.GetTimestamp();
                using BenchModel model = BenchModel.Load(options.Model, options.Device.Options(precision, batch));
                double load = Stopwatch.GetElapsedTime(start).TotalSeconds;
                // Only now: where there is no GPU, nobody should wait for the CPU's figures to hear it.
                cpu ??= RunCpu(options, batch);
                cases.Add(Measure(options, model, batch, precision, load, cpu));
            }
        }
        GpuReport report = new(MachineInfo.Current, options, cases);
        report.Print(Console.Out);
        if (options.Json is not null) report.WriteJson(options.Json);
        return 0;
    }

    /// <summary>What the CPU backend makes of a batch.</summary>
    private sealed record CpuSide(float[] Result, Timing? Timing);

    private static CpuSide RunCpu(GpuOptions options, int batch)
    {
        using BenchModel model = BenchModel.Load(options.Model, new ModelOptions { Device = "cpu", MaxBatch = batch });
        Timing? timing = Time(options, "CPU", model.Run);
        return new CpuSide(model.Result, timing);
    }

    private static GpuCase Measure(GpuOptions options, BenchModel model, int batch, Precision precision, double load, CpuSide cpu)
    {
        Timeline trace = new();
        if (options.Device.Emulated) EmulatedDriver.Trace = trace;
        Timing? timing;
        try
        {
            timing = Time(options, "GPU", model.Run);
        }
        finally
        {
            if (options.Device.Emulated) EmulatedDriver.Trace = null;
        }
        int launches = trace.Entries.Count(entry => entry.Counters is not null);
        return new GpuCase(model.Device, model.Source, precision, batch, load, timing, cpu.Timing,
            options.Device.Emulated ? launches : null, Statistics.DifferenceOf(model.Result, cpu.Result));
    }

    /// <summary>
    /// Runs something once on behalf of the emulator, else for as long as the options say; alone, so that a GPU's clock stays up.
    /// </summary>
    private static Timing? Time(GpuOptions options, string name, Action run)
    {
        if (!options.Device.Emulated)
            return Timing.Of(Interleaved.Measure([new Contender(name, 0, run)], WarmUpSeconds, options.Seconds, OrderSeed)[0]);
        run();
        return null;
    }
}
