using System.Globalization;
using System.Text;
using System.Text.Json;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Output;

/// <summary>Emotions over time: a table with small plots for people, CSV and JSON for programs.</summary>
internal static class EmotionText
{
    private const int PlotWidth = 48;
    private const string Ramp = " .:-=+*#%@";

    /// <summary>One row a class: how sure the classifier is, what the face gets of it, and that over time.</summary>
    public static void WriteTable(TextWriter output, EmotionCurves curves, int windowLength)
    {
        FrameRate rate = new(curves.FramesNumerator, curves.FramesDenominator);
        output.WriteLine(Invariant(
            $"{curves.Count} frames at {rate} a second from {curves.Inferences} inference{(curves.Inferences == 1 ? "" : "s")} of {windowLength} samples"));
        int name = Math.Max(curves.Classes.Max(c => c.Length), "class".Length) + 2;
        float highest = Math.Max(curves.Emotions.DefaultIfEmpty().Max(), 1e-6f);
        output.WriteLine($"\n  {"class".PadRight(name)}{"heard",7}{"mean",8}{"peak",8}{"at",10}   " +
            Invariant($"face emotion over time, {Ramp[^1]} is {highest:F3}"));
        for (int i = 0; i < curves.Classes.Count; i++)
        {
            float heard = Column(curves.Probabilities, curves.Classes.Count, i, curves.Count).DefaultIfEmpty().Average();
            output.Write(Invariant($"  {curves.Classes[i].PadRight(name)}{heard,7:F3}"));
            int slot = curves.Correspondence[i];
            if (slot < 0)
            {
                output.WriteLine($"{"-",8}{"-",8}{"-",10}   drives no face emotion");
                continue;
            }
            float[] values = [.. Column(curves.Emotions, curves.FaceEmotions, slot, curves.Count)];
            int peak = Array.IndexOf(values, values.Max());
            output.WriteLine(Invariant($"{values.Average(),8:F3}{values[peak],8:F3}{rate.TimeOf(peak),8:F2} s   |{Plot(values, highest)}|"));
        }
        output.WriteLine(Invariant($"  {"".PadRight(name + 36)}0 s{rate.TimeOf(curves.Count),PlotWidth - 3:F2} s"));
    }

    /// <summary>A header, then one row a frame: what is heard, then what the face gets.</summary>
    public static void WriteCsv(Stream stream, EmotionCurves curves, CancellationToken cancel)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        FrameRate rate = new(curves.FramesNumerator, curves.FramesDenominator);
        writer.WriteLine(string.Join(',', (string[])["frame", "time", .. curves.Classes.Select(c => $"heard_{c}"), .. FaceNames(curves)]));
        for (int frame = 0; frame < curves.Count; frame++)
        {
            cancel.ThrowIfCancellationRequested();
            writer.Write(Invariant($"{frame},{rate.TimeOf(frame):F6}"));
            foreach (float value in Row(curves.Probabilities, curves.Classes.Count, frame)) writer.Write(Invariant($",{value}"));
            foreach (float value in Row(curves.Emotions, curves.FaceEmotions, frame)) writer.Write(Invariant($",{value}"));
            writer.WriteLine();
        }
    }

    /// <summary>One object; docs/cli.md describes it.</summary>
    public static void WriteJson(Stream stream, EmotionCurves curves, CancellationToken cancel)
    {
        using Utf8JsonWriter json = new(stream);
        FrameRate rate = new(curves.FramesNumerator, curves.FramesDenominator);
        json.WriteStartObject();
        json.WriteString("format", "a2f-emotion");
        json.WriteNumber("version", 1);
        json.WriteStartArray("fps");
        json.WriteNumberValue(rate.Numerator);
        json.WriteNumberValue(rate.Denominator);
        json.WriteEndArray();
        json.WriteStartArray("classes");
        foreach (string name in curves.Classes) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteStartArray("emotion_names");
        foreach (string name in FaceNames(curves)) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteStartArray("frames");
        for (int frame = 0; frame < curves.Count; frame++)
        {
            cancel.ThrowIfCancellationRequested();
            json.WriteStartObject();
            json.WriteNumber("frame", frame);
            json.WriteNumber("time", decimal.Round(rate.TimeOf(frame), 6));
            WriteArray(json, "heard", Row(curves.Probabilities, curves.Classes.Count, frame));
            WriteArray(json, "emotions", Row(curves.Emotions, curves.FaceEmotions, frame));
            json.WriteEndObject();
            json.Flush();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // A face emotion is called after the class that drives it; the classifier does not know the others' names.
    private static IEnumerable<string> FaceNames(EmotionCurves curves) => Enumerable.Range(0, curves.FaceEmotions).Select(slot =>
        curves.Correspondence.ToList().IndexOf(slot) is >= 0 and int driver ? curves.Classes[driver] : $"emotion_{slot}");

    private static string Plot(float[] values, float highest)
    {
        char[] plot = new char[PlotWidth];
        for (int i = 0; i < plot.Length; i++)
        {
            int first = (int)((long)i * values.Length / plot.Length), past = (int)Math.Max((i + 1L) * values.Length / plot.Length, first + 1);
            float value = values[first..past].Max();
            plot[i] = Ramp[(int)Math.Clamp(MathF.Round(value / highest * (Ramp.Length - 1)), 0, Ramp.Length - 1)];
        }
        return new string(plot);
    }

    private static IEnumerable<float> Column(float[] values, int columns, int column, int rows) =>
        Enumerable.Range(0, rows).Select(row => values[row * columns + column]);

    private static ArraySegment<float> Row(float[] values, int columns, int row) => new(values, row * columns, columns);

    private static void WriteArray(Utf8JsonWriter json, string key, ArraySegment<float> values)
    {
        json.WriteStartArray(key);
        foreach (float value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
