using System.Text.Json;
using A2F.Engine.Animation;

namespace A2F.Engine.Weights;

/// <summary>network_info.json and model_config.json of emotion models; the packed manifest holds the same objects.</summary>
internal static class EmotionJson
{
    private const float Limit = 1000;

    /// <summary>The content of network_info.json.</summary>
    public static EmotionInfo ReadInfo(JsonItem root)
    {
        ModelJson.RequireText(root["id"]["type"], "classifier");
        ModelJson.RequireText(root["id"]["output"], "emotion");
        return new EmotionInfo(
            root["audio_params"]["samplerate"].Int(1000, 384_000), ModelJson.ReadNames(root["emotions"], ModelJson.MaxEmotions));
    }

    /// <summary>Writes what <see cref="ReadInfo"/> reads, as the value of "info".</summary>
    public static void WriteInfo(Utf8JsonWriter writer, EmotionInfo info)
    {
        writer.WriteStartObject("info");
        writer.WriteStartObject("id");
        writer.WriteString("type", "classifier");
        writer.WriteString("output", "emotion");
        writer.WriteEndObject();
        writer.WriteStartObject("audio_params");
        writer.WriteNumber("samplerate", info.SampleRate);
        writer.WriteEndObject();
        ModelJson.WriteTexts(writer, "emotions", info.Labels);
        writer.WriteEndObject();
    }

    /// <summary>
    /// The object "post_processing_config" of model_config.json, and the number of face emotions. Its fixed_dt is left out: the frame rate
    /// of the caller takes its place.
    /// </summary>
    public static (EmotionParameters Parameters, int FaceEmotions) ReadParameters(JsonItem node, EmotionInfo info)
    {
        int count = node["output_emotion_length"].Int(1, ModelJson.MaxEmotions);
        JsonItem correspondence = node["emotion_correspondence"];
        int[] slots = [.. info.Labels.Select(label => correspondence[label].Int(-1, count - 1))];
        int[] used = [.. slots.Where(s => s >= 0)];
        if (used.Distinct().Count() != used.Length) throw correspondence.Wrong("each face emotion at most once");
        JsonItem? preferred = node.Find("preferred_emotion");
        return (new EmotionParameters
        {
            Contrast = node["emotion_contrast"].Float(-Limit, Limit),
            MaxEmotions = node["max_emotions"].Int(0, ModelJson.MaxEmotions),
            LiveBlend = node["live_blend_coef"].Float(0, 1),
            EnablePreferred = node["enable_preferred_emotion"].Bool(),
            PreferredStrength = node["preferred_emotion_strength"].Float(0, 1),
            TransitionSeconds = node["transition_smoothing"].Float(0, Limit),
            Strength = node["emotion_strength"].Float(-Limit, Limit),
            Preferred = preferred is { } values
                ? [.. values.Items(count, "one per face emotion").Select(v => v.Float(-Limit, Limit))]
                : null,
            Correspondence = slots,
        }, count);
    }

    /// <summary>Writes what <see cref="ReadParameters"/> reads, as the value of "post_processing_config".</summary>
    public static void WriteParameters(Utf8JsonWriter writer, EmotionParameters parameters, int faceEmotions, EmotionInfo info)
    {
        writer.WriteStartObject("post_processing_config");
        writer.WriteNumber("output_emotion_length", faceEmotions);
        writer.WriteNumber("emotion_contrast", parameters.Contrast);
        writer.WriteNumber("max_emotions", parameters.MaxEmotions);
        writer.WriteNumber("live_blend_coef", parameters.LiveBlend);
        writer.WriteBoolean("enable_preferred_emotion", parameters.EnablePreferred);
        writer.WriteNumber("preferred_emotion_strength", parameters.PreferredStrength);
        writer.WriteNumber("transition_smoothing", parameters.TransitionSeconds);
        writer.WriteNumber("emotion_strength", parameters.Strength);
        if (parameters.Preferred is { } preferred) ModelJson.WriteNumbers(writer, "preferred_emotion", preferred);
        writer.WriteStartObject("emotion_correspondence");
        for (int i = 0; i < info.Labels.Count; i++) writer.WriteNumber(info.Labels[i], parameters.Correspondence[i]);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
