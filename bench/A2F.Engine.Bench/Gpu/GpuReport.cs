using System.Text.Json;
using A2F.Engine.Backends.Cuda;

namespace A2F.Engine.Bench;

/// <summary>Figures of one precision and batch.</summary>
/// <param name="Device">What it ran on.</param>
/// <param name="Inputs">Where its inputs come from.</param>
/// <param name="Precision">How the GPU stores values.</param>
/// <param name="Batch">Windows of one run.</param>
/// <param name="LoadSeconds">Time from the files to a network that can run, kernels compiled or found in the cache.</param>
/// <param name="Gpu">Times of one Infer; null on the emulator.</param>
/// <param name="Cpu">The same on the CPU backend.</param>
/// <param name="Launches">Kernel launches of one Infer, as the emulator counted; null on a GPU.</param>
/// <param name="Difference">From the result of the CPU backend.</param>
internal sealed record GpuCase(
    string Device, string Inputs, Precision Precision, int Batch, double LoadSeconds, Timing? Gpu, Timing? Cpu, int? Launches,
    Difference Difference)
{
    /// <summary>Windows a second at the median time.</summary>
    public double? WindowsPerSecond => Gpu is null ? null : Batch / Gpu.Median * 1000;

    /// <summary>How many times as fast as the CPU backend, by medians.</summary>
    public double? TimesCpu => Gpu is null || Cpu is null ? null : Cpu.Median / Gpu.Median;
}

/// <summary>Everything that `gpu` found out.</summary>
internal sealed record GpuReport(MachineInfo Machine, GpuOptions Options, IReadOnlyList<GpuCase> Cases)
{
    /// <summary>Writes the report for people.</summary>
    public void Print(TextWriter writer)
    {
        writer.WriteLine($"processor   {Machine.Processor}, {Machine.Cores} cores, {Machine.InstructionSets}");
        writer.WriteLine($"device      {Options.Device.Text}: {string.Join("; ", Cases.Select(c => c.Device).Distinct())}");
        writer.WriteLine($"versions    {Machine.Runtime}, {Machine.System}, {Machine.Build}");
        writer.WriteLine($"model       {Options.Model}, inputs: {string.Join("; ", Cases.Select(c => c.Inputs).Distinct())}");
        writer.WriteLine();
        if (Options.Device.Emulated) PrintCounts(writer);
        else PrintTimes(writer);
        writer.WriteLine();
        writer.WriteLine("difference: from the CPU backend on the same inputs, largest over the largest value, and norm over norm");
    }

    private void PrintCounts(TextWriter writer)
    {
        writer.WriteLine("The emulator's speed says nothing about a GPU's: each case ran once, and no times are given.");
        writer.WriteLine("precision  batch   launches   largest difference       norm");
        foreach (GpuCase c in Cases)
        {
            writer.WriteLine(
                FormattableString.Invariant($"{GpuDevice.NameOf(c.Precision),-9} {c.Batch,6} {c.Launches,10}") + Apart(c.Difference));
        }
    }

    private void PrintTimes(TextWriter writer)
    {
        writer.WriteLine(
            "precision  batch     p50 ms     p95 ms  windows/s  load ms  cpu p50 ms  times cpu   largest difference       norm");
        foreach (GpuCase c in Cases)
        {
            writer.WriteLine(
                FormattableString.Invariant($"{GpuDevice.NameOf(c.Precision),-9} {c.Batch,6} {c.Gpu!.Median,10:F3} {c.Gpu.P95,10:F3}") +
                FormattableString.Invariant($" {c.WindowsPerSecond,10:F0} {c.LoadSeconds * 1000,8:F0}") +
                FormattableString.Invariant($" {c.Cpu!.Median,11:F3} {c.TimesCpu,10:F1}") + Apart(c.Difference));
        }
    }

    private static string Apart(Difference difference) =>
        FormattableString.Invariant($" {difference.MaxOverScale,20:E2} {difference.Relative,10:E2}");

    /// <summary>Writes the same as JSON.</summary>
    public void WriteJson(string path)
    {
        using FileStream stream = File.Create(path);
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("processor", Machine.Processor);
        json.WriteString("runtime", Machine.Runtime);
        json.WriteString("system", Machine.System);
        json.WriteString("build", Machine.Build);
        json.WriteString("model", Options.Model);
        json.WriteBoolean("emulated", Options.Device.Emulated);
        json.WriteStartArray("cases");
        foreach (GpuCase c in Cases)
        {
            json.WriteStartObject();
            json.WriteString("device", c.Device);
            json.WriteString("inputs", c.Inputs);
            json.WriteString("precision", GpuDevice.NameOf(c.Precision));
            json.WriteNumber("batch", c.Batch);
            if (c.Launches is { } launches) json.WriteNumber("launches", launches);
            if (!Options.Device.Emulated) json.WriteNumber("loadMs", c.LoadSeconds * 1000);
            WriteTiming(json, "gpu", c.Gpu);
            WriteTiming(json, "cpu", c.Cpu);
            CompareReport.WriteDifference(json, "difference", c.Difference);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTiming(Utf8JsonWriter json, string name, Timing? timing)
    {
        if (timing is null) return;
        json.WriteStartObject(name);
        json.WriteNumber("runs", timing.Runs);
        json.WriteNumber("minMs", timing.Min);
        json.WriteNumber("medianMs", timing.Median);
        json.WriteNumber("p95Ms", timing.P95);
        json.WriteEndObject();
    }
}
