using System.Text.Json;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Output;

/// <summary><c>a2f info</c> of a diffusion model.</summary>
internal static class DiffusionSummary
{
    private const int Label = 18;

    public static void WriteText(TextWriter output, DiffusionModelFolder folder)
    {
        DiffusionInfo info = folder.Info;
        string format = folder.IsPacked ? "packed by 'a2f import'" : "deploy format";
        output.WriteLine($"{info.Actor}: diffusion model, {format}, {folder.Path}");
        Line("network", Network(folder.Network));
        Line("identities", string.Join(", ", info.Identities));
        Line("audio", SummaryText.Invariant(
            $"{info.BufferLength} samples at {info.SampleRate} Hz give {info.CentreFrames} of {info.FrameCount} frames, {info.FrameRate:G5} a second"));
        Line("outputs",
            $"{info.OutputLength}: skin {info.SkinSize}, tongue {info.TongueSize}, jaw {info.JawSize}, eyes {info.EyesSize}");
        Line("vertices", $"skin {info.SkinVertices}, tongue {info.TongueVertices}");
        Line("blendshapes", string.Join("; ", folder.Identities.Select(i =>
            $"{i.Name}: skin {SummaryText.Poses(i.SkinBlendshapes)}, tongue {SummaryText.Poses(i.TongueBlendshapes)}")));
        Line("emotions", string.Join(", ", info.Emotions.Select((name, i) =>
            info.DefaultEmotion[i] == 0 ? name : SummaryText.Invariant($"{name} (default {info.DefaultEmotion[i]})"))));
        Line("weights", Units.Count(WeightCount(folder.Weights)).Trim());
        Line("files", Units.Bytes(Units.FolderBytes(folder.Path)));
        SummaryText.WriteParameters(output, folder.Identities[0].Settings.List());
        if (folder.Identities.Count > 1) output.WriteLine($"  (values of {folder.Identities[0].Name}; each identity has its own)");

        void Line(string label, string text) => output.WriteLine($"  {(label + ' ').PadRight(Label)}{text}");
    }

    public static void WriteJson(Stream stream, DiffusionModelFolder folder)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        DiffusionInfo info = folder.Info;
        json.WriteStartObject();
        json.WriteString("kind", "diffusion");
        json.WriteString("actor", info.Actor);
        json.WriteString("path", folder.Path);
        json.WriteBoolean("packed", folder.IsPacked);
        json.WriteBoolean("network", folder.Network is not null);
        SummaryJson.WriteTexts(json, "identities", info.Identities);
        json.WriteNumber("sample_rate", info.SampleRate);
        json.WriteNumber("window_samples", info.BufferLength);
        json.WriteNumber("frames", info.FrameCount);
        json.WriteNumber("first_frame", info.LeftFrames);
        json.WriteNumber("centre_frames", info.CentreFrames);
        json.WriteNumber("steps", info.Steps);
        json.WriteNumber("outputs", info.OutputLength);
        json.WriteNumber("skin_size", info.SkinSize);
        json.WriteNumber("tongue_size", info.TongueSize);
        json.WriteNumber("jaw_size", info.JawSize);
        json.WriteNumber("eyes_size", info.EyesSize);
        json.WriteStartObject("emotions");
        for (int i = 0; i < info.Emotions.Count; i++) json.WriteNumber(info.Emotions[i], info.DefaultEmotion[i]);
        json.WriteEndObject();
        json.WriteNumber("weights", WeightCount(folder.Weights));
        json.WriteNumber("file_bytes", Units.FolderBytes(folder.Path));
        SummaryJson.WriteParameters(json, folder.Identities[0].Settings.List());
        json.WriteEndObject();
    }

    /// <summary>Numbers in a network.</summary>
    public static long WeightCount(WeightSet? weights) => weights?.Names.Sum(n => (long)weights[n].Data.Length) ?? 0;

    private static string Network(DiffusionConfig? c) => c is null
        ? "none"
        : $"audio encoder ({c.Encoder.Layers} layers of {c.Encoder.Dim}), GRU ({c.GruLayers} layers of {c.GruSize}), {c.Steps.Count} denoising steps";
}
