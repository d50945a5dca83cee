using System.Text.Json;
using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Output;

/// <summary><c>a2f info --json</c>.</summary>
internal static class SummaryJson
{
    public static void Write(Stream stream, ModelSummary summary)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        RegressionModelFolder folder = summary.Folder;
        RegressionInfo info = folder.Info;
        json.WriteStartObject();
        json.WriteString("kind", "regression");
        json.WriteString("actor", info.Actor);
        json.WriteString("path", folder.Path);
        json.WriteBoolean("packed", folder.IsPacked);
        WriteTexts(json, "branches", summary.Branches);
        json.WriteNumber("sample_rate", info.SampleRate);
        json.WriteNumber("window_samples", info.BufferLength);
        json.WriteNumber("window_offset_samples", info.BufferOffset);
        json.WriteNumber("outputs", info.OutputLength);
        json.WriteNumber("skin_shapes", info.SkinShapes);
        json.WriteNumber("tongue_shapes", info.TongueShapes);
        json.WriteNumber("jaw_size", info.JawSize);
        json.WriteNumber("eyes_size", info.EyesSize);
        json.WriteNumber("skin_vertices", info.SkinVertices);
        json.WriteNumber("tongue_vertices", info.TongueVertices);
        WriteTexts(json, "skin_names", folder.SkinBlendshapes?.PoseNames ?? []);
        WriteTexts(json, "tongue_names", folder.TongueBlendshapes?.PoseNames ?? []);
        json.WriteStartObject("emotions");
        for (int i = 0; i < info.Emotions.Count; i++) json.WriteNumber(info.Emotions[i], info.DefaultEmotion[i]);
        json.WriteEndObject();
        json.WriteNumber("implicit_emotion_length", info.ImplicitEmotionLength);
        json.WriteStartObject("shots");
        for (int i = 0; i < folder.ImplicitEmotions.ShotNames.Count; i++)
            json.WriteNumber(folder.ImplicitEmotions.ShotNames[i], folder.ImplicitEmotions.ShotSizes[i]);
        json.WriteEndObject();
        json.WriteNumber("file_bytes", summary.FileBytes);
        json.WriteNumber("data_bytes", summary.DataBytes);
        json.WriteNumber("backend_bytes", summary.BackendBytes);
        json.WriteString("device", summary.Device);
        json.WriteNumber("weights", summary.WeightCount);
        json.WriteNumber("flops_per_frame", summary.FlopsPerFrame);
        WriteParts(json, summary.Parts);
        WriteParameters(json, folder.Settings.List());
        json.WriteEndObject();
    }

    private static void WriteParts(Utf8JsonWriter json, IReadOnlyList<CostPart> parts)
    {
        json.WriteStartArray("parts");
        foreach (CostPart part in parts)
        {
            json.WriteStartObject();
            json.WriteString("name", part.Part);
            json.WriteNumber("weights", part.Weights);
            json.WriteNumber("flops_per_frame", 2 * part.MultiplyAdds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    internal static void WriteParameters(Utf8JsonWriter json, IReadOnlyList<ParameterInfo> parameters)
    {
        json.WriteStartArray("parameters");
        foreach (ParameterInfo parameter in parameters)
        {
            json.WriteStartObject();
            json.WriteString("key", parameter.Key);
            json.WriteString("value", parameter.Value);
            if (!float.IsNaN(parameter.Minimum))
            {
                json.WriteNumber("minimum", parameter.Minimum);
                json.WriteNumber("maximum", parameter.Maximum);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    internal static void WriteTexts(Utf8JsonWriter json, string key, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(key);
        foreach (string text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
