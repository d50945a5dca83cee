using System.Text.Json;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>A <see cref="RegressionConfig"/> in a packed manifest.</summary>
internal static class NetworkJson
{
    // Far above any real network, low enough that products of two sizes stay within 64 bits.
    private const int MaxSize = 1 << 20;
    private const int MaxLayers = 256;

    /// <summary>Reads what <see cref="Write"/> wrote. Weights are checked against it by the network that uses them.</summary>
    public static RegressionConfig Read(JsonItem node) => new(
        Size(node["input_length"]),
        Size(node["implicit_length"]),
        Size(node["emotion_count"]),
        Size(node["emotion_embedding"]),
        Size(node["channels"]),
        Positive(node["relu_gain"]),
        ReadConvs(node["time_convs"]),
        Size(node["skin_size"]),
        Size(node["tongue_size"]),
        Size(node["jaw_size"]),
        Size(node["eyes_size"]),
        node.Find("wav2vec") is { } wav2Vec ? ReadWav2Vec(wav2Vec) : null,
        node.Find("autocorrelation") is { } autoCorrelation ? ReadAutoCorrelation(autoCorrelation) : null);

    /// <summary>Writes a configuration as the value of "network".</summary>
    public static void Write(Utf8JsonWriter writer, RegressionConfig config)
    {
        writer.WriteStartObject("network");
        writer.WriteNumber("input_length", config.InputLength);
        writer.WriteNumber("implicit_length", config.ImplicitLength);
        writer.WriteNumber("emotion_count", config.EmotionCount);
        writer.WriteNumber("emotion_embedding", config.EmotionEmbedding);
        writer.WriteNumber("channels", config.Channels);
        writer.WriteNumber("relu_gain", config.ReluGain);
        WriteConvs(writer, "time_convs", config.TimeConvs);
        writer.WriteNumber("skin_size", config.SkinSize);
        writer.WriteNumber("tongue_size", config.TongueSize);
        writer.WriteNumber("jaw_size", config.JawSize);
        writer.WriteNumber("eyes_size", config.EyesSize);
        if (config.Wav2Vec is { } wav2Vec) WriteWav2Vec(writer, wav2Vec);
        if (config.AutoCorrelation is { } autoCorrelation) WriteAutoCorrelation(writer, autoCorrelation);
        writer.WriteEndObject();
    }

    private static Wav2VecConfig ReadWav2Vec(JsonItem node) => new(
        ReadConvs(node["convs"]),
        Size(node["channels"]),
        Size(node["dim"]),
        Size(node["feed_forward"]),
        Size(node["heads"]),
        node["layers"].Int(0, MaxLayers),
        Size(node["position_kernel"]),
        Size(node["position_groups"]),
        Positive(node["group_norm_epsilon"]),
        Positive(node["layer_norm_epsilon"]));

    private static void WriteWav2Vec(Utf8JsonWriter writer, Wav2VecConfig config)
    {
        writer.WriteStartObject("wav2vec");
        WriteConvs(writer, "convs", config.Convs);
        writer.WriteNumber("channels", config.Channels);
        writer.WriteNumber("dim", config.Dim);
        writer.WriteNumber("feed_forward", config.FeedForward);
        writer.WriteNumber("heads", config.Heads);
        writer.WriteNumber("layers", config.Layers);
        writer.WriteNumber("position_kernel", config.PositionKernel);
        writer.WriteNumber("position_groups", config.PositionGroups);
        writer.WriteNumber("group_norm_epsilon", config.GroupNormEpsilon);
        writer.WriteNumber("layer_norm_epsilon", config.LayerNormEpsilon);
        writer.WriteEndObject();
    }

    private static AutoCorrelationConfig ReadAutoCorrelation(JsonItem node) => new(
        Size(node["windows"]),
        Size(node["window_length"]),
        Size(node["hop"]),
        Size(node["lags"]),
        node["input_gain"].Float(-float.MaxValue, float.MaxValue),
        node["scale"].Float(-float.MaxValue, float.MaxValue),
        ReadConvs(node["convs"]));

    private static void WriteAutoCorrelation(Utf8JsonWriter writer, AutoCorrelationConfig config)
    {
        writer.WriteStartObject("autocorrelation");
        writer.WriteNumber("windows", config.Windows);
        writer.WriteNumber("window_length", config.WindowLength);
        writer.WriteNumber("hop", config.Hop);
        writer.WriteNumber("lags", config.Lags);
        writer.WriteNumber("input_gain", config.InputGain);
        writer.WriteNumber("scale", config.Scale);
        WriteConvs(writer, "convs", config.Convs);
        writer.WriteEndObject();
    }

    private static ConvShape[] ReadConvs(JsonItem node)
    {
        List<JsonItem> items = node.Items();
        if (items.Count > MaxLayers) throw node.Wrong($"at most {MaxLayers} convolutions");
        return [.. items.Select(item => new ConvShape(Size(item["kernel"]), Size(item["stride"]), item["padding"].Int(0, MaxSize)))];
    }

    private static void WriteConvs(Utf8JsonWriter writer, string key, IEnumerable<ConvShape> convs)
    {
        writer.WriteStartArray(key);
        foreach (ConvShape conv in convs)
        {
            writer.WriteStartObject();
            writer.WriteNumber("kernel", conv.Kernel);
            writer.WriteNumber("stride", conv.Stride);
            writer.WriteNumber("padding", conv.Padding);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static int Size(JsonItem node) => node.Int(1, MaxSize);

    private static float Positive(JsonItem node) => node.Float(float.Epsilon, float.MaxValue);
}
