using System.Text.Json;
using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Output;

/// <summary><c>a2f info</c> of an emotion model.</summary>
internal static class EmotionSummary
{
    private const int Label = 18;

    public static void WriteText(TextWriter output, EmotionModelFolder folder)
    {
        EmotionInfo info = folder.Info;
        EmotionParameters p = folder.Parameters;
        string format = folder.IsPacked ? "packed by 'a2f import'" : "deploy format";
        output.WriteLine($"emotion model, {format}, {folder.Path}");
        Line("network", folder.Network is { } c ? $"speech encoder ({c.Encoder.Layers} layers of {c.Encoder.Dim})" : "none");
        Line("audio", $"any length at {info.SampleRate} Hz");
        Line("classes", string.Join(", ", info.Labels.Select((l, i) => $"{l} ({Slot(p.Correspondence[i])})")));
        Line("post-processing", SummaryText.Invariant(
            $"contrast {p.Contrast}, strongest {p.MaxEmotions}, live blend {p.LiveBlend}, transition {p.TransitionSeconds} s, strength {p.Strength}"));
        Line("preferred emotion", p.EnablePreferred ? SummaryText.Invariant($"on, strength {p.PreferredStrength}") : "off");
        Line("keys of --set", string.Join(", ", EmotionSettings.Keys));
        Line("weights", Units.Count(DiffusionSummary.WeightCount(folder.Weights)).Trim());
        Line("files", Units.Bytes(Units.FolderBytes(folder.Path)));

        void Line(string label, string text) => output.WriteLine($"  {(label + ' ').PadRight(Label)}{text}");
    }

    public static void WriteJson(Stream stream, EmotionModelFolder folder)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("kind", "emotion");
        json.WriteString("path", folder.Path);
        json.WriteBoolean("packed", folder.IsPacked);
        json.WriteBoolean("network", folder.Network is not null);
        json.WriteNumber("sample_rate", folder.Info.SampleRate);
        json.WriteStartObject("classes");
        for (int i = 0; i < folder.Info.Labels.Count; i++) json.WriteNumber(folder.Info.Labels[i], folder.Parameters.Correspondence[i]);
        json.WriteEndObject();
        json.WriteNumber("face_emotions", folder.FaceEmotions);
        json.WriteNumber("weights", DiffusionSummary.WeightCount(folder.Weights));
        json.WriteNumber("file_bytes", Units.FolderBytes(folder.Path));
        json.WriteEndObject();
    }

    private static string Slot(int slot) => slot < 0 ? "dropped" : $"face emotion {slot}";
}
