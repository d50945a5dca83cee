using System.Text.Json;

namespace A2F.Engine.Bench;

/// <summary>One contender's figures.</summary>
/// <param name="Name">Its name.</param>
/// <param name="LoadSeconds">Time from the files to a network that can run.</param>
/// <param name="Timing">Times of its runs.</param>
/// <param name="Error">How far its result is from the recorded one, where there is one.</param>
internal sealed record Side(string Name, double LoadSeconds, Timing Timing, Difference? Error);

/// <summary>The engine's times over those of another contender, and how far its result is from that one's.</summary>
internal sealed record Against(string Name, Ratio OfMedians, Ratio OfMinima, Difference Parity);

/// <summary>Everything that `compare` found out; the engine comes first among the sides.</summary>
internal sealed record CompareReport(
    MachineInfo Machine,
    string EngineVersion,
    string OrtVersion,
    CompareOptions Options,
    string Inputs,
    IReadOnlyList<Side> Sides,
    IReadOnlyList<Against> Others)
{
    /// <summary>Writes the report for people.</summary>
    public void Print(TextWriter writer)
    {
        writer.WriteLine($"processor   {Machine.Processor}, {Machine.Cores} cores, {Machine.InstructionSets}");
        writer.WriteLine($"versions    A2F.Engine {EngineVersion}, ONNX Runtime {OrtVersion}, {Machine.Runtime}, {Machine.System}");
        writer.WriteLine($"build       {Machine.Build}");
        writer.WriteLine(FormattableString.Invariant(
            $"model       {Options.Model}, {Options.Threads} thread(s), batch {Options.Batch}, inputs: {Inputs}"));
        writer.WriteLine();
        writer.WriteLine("milliseconds a run        min     median        p95     runs    load");
        foreach (Side side in Sides)
        {
            Timing t = side.Timing;
            writer.WriteLine(FormattableString.Invariant(
                $"{side.Name,-18} {t.Min,10:F3} {t.Median,10:F3} {t.P95,10:F3} {t.Runs,8} {side.LoadSeconds * 1000,7:F0}"));
        }
        writer.WriteLine();
        foreach (Against other in Others)
        {
            writer.WriteLine($"against {other.Name}");
            PrintRatio(writer, "medians", other.OfMedians);
            PrintRatio(writer, "minima", other.OfMinima);
            PrintDifference(writer, "between the two", other.Parity);
        }
        foreach (Side side in Sides)
        {
            if (side.Error is not null) PrintDifference(writer, $"{side.Name} from float64", side.Error);
        }
    }

    /// <summary>Writes the same as JSON.</summary>
    public void WriteJson(string path)
    {
        using FileStream stream = File.Create(path);
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("processor", Machine.Processor);
        json.WriteNumber("cores", Machine.Cores);
        json.WriteString("instructionSets", Machine.InstructionSets);
        json.WriteString("runtime", Machine.Runtime);
        json.WriteString("system", Machine.System);
        json.WriteString("build", Machine.Build);
        json.WriteString("engineVersion", EngineVersion);
        json.WriteString("onnxRuntimeVersion", OrtVersion);
        json.WriteString("model", Options.Model);
        json.WriteString("inputs", Inputs);
        json.WriteNumber("threads", Options.Threads);
        json.WriteNumber("batch", Options.Batch);
        json.WriteStartArray("sides");
        foreach (Side side in Sides)
        {
            json.WriteStartObject();
            json.WriteString("name", side.Name);
            json.WriteNumber("loadMs", side.LoadSeconds * 1000);
            json.WriteNumber("runs", side.Timing.Runs);
            json.WriteNumber("minMs", side.Timing.Min);
            json.WriteNumber("medianMs", side.Timing.Median);
            json.WriteNumber("p95Ms", side.Timing.P95);
            WriteDifference(json, "error", side.Error);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("against");
        foreach (Against other in Others)
        {
            json.WriteStartObject();
            json.WriteString("name", other.Name);
            WriteRatio(json, "ratioOfMedians", other.OfMedians);
            WriteRatio(json, "ratioOfMinima", other.OfMinima);
            WriteDifference(json, "difference", other.Parity);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void PrintRatio(TextWriter writer, string what, Ratio ratio) => writer.WriteLine(FormattableString.Invariant(
        $"ratio of {what,-8} {ratio.Value:F3} (parts of the measurement: {ratio.Low:F3} to {ratio.High:F3}); below 1 this engine is faster"));

    private static void PrintDifference(TextWriter writer, string what, Difference difference) =>
        writer.WriteLine(FormattableString.Invariant(
            $"difference {what}: max abs/scale {difference.MaxOverScale:E2} (element {difference.Worst}), norm {difference.Relative:E2}"));

    public static void WriteDifference(Utf8JsonWriter json, string name, Difference? difference)
    {
        if (difference is null) return;
        json.WriteStartObject(name);
        WriteFinite(json, "maxOverScale", difference.MaxOverScale);
        WriteFinite(json, "relativeNorm", difference.Relative);
        json.WriteNumber("worstElement", difference.Worst);
        json.WriteEndObject();
    }

    private static void WriteRatio(Utf8JsonWriter json, string name, Ratio ratio)
    {
        json.WriteStartObject(name);
        json.WriteNumber("value", ratio.Value);
        json.WriteNumber("low", ratio.Low);
        json.WriteNumber("high", ratio.High);
        json.WriteEndObject();
    }

    // JSON has no NaN; null says that the outputs can't be compared.
    private static void WriteFinite(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
