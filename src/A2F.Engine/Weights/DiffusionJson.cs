using System.Text.Json;

namespace A2F.Engine.Weights;

/// <summary>network_info.json of diffusion models; the packed manifest holds the same object.</summary>
internal static class DiffusionJson
{
    private const int MaxIdentities = 64;
    private const int MaxFrames = 4096;
    private const int MaxSamples = 1_000_000;

    /// <summary>The content of network_info.json.</summary>
    public static DiffusionInfo ReadInfo(JsonItem root)
    {
        JsonItem id = root["id"], parameters = root["params"], audio = root["audio_params"];
        ModelJson.RequireText(id["type"], "diffusion");
        ModelJson.RequireText(id["output"], "geometry");
        string[] emotions = ModelJson.ReadNames(parameters["emotions"], ModelJson.MaxEmotions);
        return new DiffusionInfo(
            id["actor"].Text(),
            ModelJson.ReadNames(parameters["identities"], MaxIdentities),
            emotions,
            ModelJson.ReadDefaults(parameters["default_emotion"], emotions.Length),
            Points(parameters["skin_size"]),
            Points(parameters["tongue_size"]),
            ModelJson.ReadJawSize(parameters["jaw_size"]),
            parameters["eyes_size"].Int(4, 4),
            parameters["num_diffusion_steps"].Int(1, 1000),
            parameters["num_gru_layers"].Int(1, 256),
            parameters["gru_latent_dim"].Int(1, 1 << 20),
            parameters["num_frames_left_truncate"].Int(0, MaxFrames),
            parameters["num_frames_center"].Int(1, MaxFrames),
            parameters["num_frames_right_truncate"].Int(0, MaxFrames),
            audio["buffer_len"].Int(1, MaxSamples),
            audio["padding_left"].Int(0, MaxSamples),
            audio["padding_right"].Int(0, MaxSamples),
            audio["samplerate"].Int(1000, 384_000));
    }

    /// <summary>Writes what <see cref="ReadInfo"/> reads, as the value of "info".</summary>
    public static void WriteInfo(Utf8JsonWriter writer, DiffusionInfo info)
    {
        writer.WriteStartObject("info");
        writer.WriteStartObject("id");
        writer.WriteString("type", "diffusion");
        writer.WriteString("output", "geometry");
        writer.WriteString("actor", info.Actor);
        writer.WriteEndObject();
        writer.WriteStartObject("params");
        ModelJson.WriteTexts(writer, "identities", info.Identities);
        ModelJson.WriteTexts(writer, "emotions", info.Emotions);
        ModelJson.WriteNumbers(writer, "default_emotion", info.DefaultEmotion);
        writer.WriteNumber("skin_size", info.SkinSize);
        writer.WriteNumber("tongue_size", info.TongueSize);
        writer.WriteNumber("jaw_size", info.JawSize);
        writer.WriteNumber("eyes_size", info.EyesSize);
        writer.WriteNumber("num_diffusion_steps", info.Steps);
        writer.WriteNumber("num_gru_layers", info.GruLayers);
        writer.WriteNumber("gru_latent_dim", info.GruSize);
        writer.WriteNumber("num_frames_left_truncate", info.LeftFrames);
        writer.WriteNumber("num_frames_center", info.CentreFrames);
        writer.WriteNumber("num_frames_right_truncate", info.RightFrames);
        writer.WriteEndObject();
        writer.WriteStartObject("audio_params");
        writer.WriteNumber("buffer_len", info.BufferLength);
        writer.WriteNumber("padding_left", info.PaddingLeft);
        writer.WriteNumber("padding_right", info.PaddingRight);
        writer.WriteNumber("samplerate", info.SampleRate);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static int Points(JsonItem node)
    {
        int size = node.Int(3, 3 * ModelJson.MaxVertices);
        return size % 3 == 0 ? size : throw node.Wrong("3 for each vertex");
    }
}
