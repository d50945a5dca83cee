using System.Text.Json;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>Sizes of a network of each kind in a packed manifest.</summary>
internal static class NetworkJson
{
    // Far above any real network, low enough that products of two sizes stay within 64 bits.
    private const int MaxSize = 1 << 20;
    private const int MaxLayers = 256;
    private const int MaxOutputs = 3 * ModelJson.MaxVertices;
    private const int MaxSteps = 1000;
    private const int MaxTimeSteps = 1 << 20;

    /// <summary>Reads what <see cref="Write(Utf8JsonWriter, RegressionConfig)"/> wrote. Weights are checked against it by the network that uses them.</summary>
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
        if (config.Wav2Vec is { } wav2Vec) WriteWav2Vec(writer, "wav2vec", wav2Vec);
        if (config.AutoCorrelation is { } autoCorrelation) WriteAutoCorrelation(writer, autoCorrelation);
        writer.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write(Utf8JsonWriter, DiffusionConfig)"/> wrote.</summary>
    public static DiffusionConfig ReadDiffusion(JsonItem node)
    {
        int frames = Size(node["frame_count"]);
        int centre = node["centre_frames"].Int(1, frames);
        DiffusionConfig config = new(
            ReadWav2Vec(node["encoder"]),
            Size(node["window_length"]),
            frames,
            node["first_frame"].Int(0, frames - centre),
            centre,
            Size(node["audio_rows"]),
            Size(node["audio_features"]),
            ReadSizes(node["outputs"], MaxOutputs),
            ReadSizes(node["features"], MaxSize),
            ReadSizes(node["hidden"], MaxSize),
            Size(node["geometry_features"]),
            Size(node["actor_count"]),
            Size(node["actor_features"]),
            Size(node["emotion_count"]),
            Size(node["emotion_features"]),
            node["emotion_per_frame"].Bool(),
            Size(node["time_features"]),
            node["gru_layers"].Int(1, MaxLayers),
            Size(node["gru_size"]),
            node["delta"].Bool(),
            ReadSteps(node["steps"]));
        Require(node, NetworkChecks.Problem(config));
        return config;
    }

    /// <summary>Writes a configuration as the value of "network".</summary>
    public static void Write(Utf8JsonWriter writer, DiffusionConfig config)
    {
        writer.WriteStartObject("network");
        WriteWav2Vec(writer, "encoder", config.Encoder);
        writer.WriteNumber("window_length", config.WindowLength);
        writer.WriteNumber("frame_count", config.FrameCount);
        writer.WriteNumber("first_frame", config.FirstFrame);
        writer.WriteNumber("centre_frames", config.CentreFrames);
        writer.WriteNumber("audio_rows", config.AudioRows);
        writer.WriteNumber("audio_features", config.AudioFeatures);
        WriteSizes(writer, "outputs", config.Outputs);
        WriteSizes(writer, "features", config.Features);
        WriteSizes(writer, "hidden", config.Hidden);
        writer.WriteNumber("geometry_features", config.GeometryFeatures);
        writer.WriteNumber("actor_count", config.ActorCount);
        writer.WriteNumber("actor_features", config.ActorFeatures);
        writer.WriteNumber("emotion_count", config.EmotionCount);
        writer.WriteNumber("emotion_features", config.EmotionFeatures);
        writer.WriteBoolean("emotion_per_frame", config.EmotionPerFrame);
        writer.WriteNumber("time_features", config.TimeFeatures);
        writer.WriteNumber("gru_layers", config.GruLayers);
        writer.WriteNumber("gru_size", config.GruSize);
        writer.WriteBoolean("delta", config.Delta);
        WriteSteps(writer, config.Steps);
        writer.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write(Utf8JsonWriter, EmotionConfig)"/> wrote.</summary>
    public static EmotionConfig ReadEmotion(JsonItem node)
    {
        EmotionConfig config = new(
            ReadWav2Vec(node["encoder"]), Size(node["head_width"]), node["labels"].Int(1, ModelJson.MaxEmotions), node["tanh"].Bool());
        Require(node, NetworkChecks.Problem(config.Encoder));
        return config;
    }

    /// <summary>Writes a configuration as the value of "network".</summary>
    public static void Write(Utf8JsonWriter writer, EmotionConfig config)
    {
        writer.WriteStartObject("network");
        WriteWav2Vec(writer, "encoder", config.Encoder);
        writer.WriteNumber("head_width", config.HeadWidth);
        writer.WriteNumber("labels", config.Labels);
        writer.WriteBoolean("tanh", config.Tanh);
        writer.WriteEndObject();
    }

    private static FaceSizes ReadSizes(JsonItem node, int maximum) => new(
        node["skin"].Int(1, maximum), node["tongue"].Int(1, maximum), node["jaw"].Int(1, maximum), node["eyes"].Int(1, maximum));

    private static void WriteSizes(Utf8JsonWriter writer, string key, FaceSizes sizes)
    {
        writer.WriteStartObject(key);
        writer.WriteNumber("skin", sizes.Skin);
        writer.WriteNumber("tongue", sizes.Tongue);
        writer.WriteNumber("jaw", sizes.Jaw);
        writer.WriteNumber("eyes", sizes.Eyes);
        writer.WriteEndObject();
    }

    /// <summary>Steps in the order they are taken; their slices count down to 0.</summary>
    private static DiffusionStep[] ReadSteps(JsonItem node)
    {
        List<JsonItem> items = node.Items();
        if (items.Count is 0 or > MaxSteps) throw node.Wrong($"1 to {MaxSteps} steps");
        return [.. items.Select((item, i) => new DiffusionStep(
            item["time_step"].Int(0, MaxTimeSteps),
            item["slice"].Int(items.Count - 1 - i, items.Count - 1 - i),
            Factor(item["prediction"]),
            Factor(item["previous"]),
            Factor(item["noise"])))];
    }

    private static void WriteSteps(Utf8JsonWriter writer, IEnumerable<DiffusionStep> steps)
    {
        writer.WriteStartArray("steps");
        foreach (DiffusionStep step in steps)
        {
            writer.WriteStartObject();
            writer.WriteNumber("time_step", step.TimeStep);
            writer.WriteNumber("slice", step.Slice);
            writer.WriteNumber("prediction", step.Prediction);
            writer.WriteNumber("previous", step.Previous);
            writer.WriteNumber("noise", step.Noise);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
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
        Positive(node["layer_norm_epsilon"]),
        node.Find("layer_norm_convs")?.Bool() ?? false,
        node.Find("pre_norm")?.Bool() ?? false);

    private static void WriteWav2Vec(Utf8JsonWriter writer, string key, Wav2VecConfig config)
    {
        writer.WriteStartObject(key);
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
        if (config.LayerNormConvs) writer.WriteBoolean("layer_norm_convs", true);
        if (config.PreNorm) writer.WriteBoolean("pre_norm", true);
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

    private static void Require(JsonItem node, string? problem)
    {
        if (problem is null) return;
        throw new A2FException(A2FErrorCode.InvalidModel, $"{node.File}: key '{node.Key}': {problem}; import the model again");
    }

    private static float Factor(JsonItem node) => node.Float(0, 1000);

    private static int Size(JsonItem node) => node.Int(1, MaxSize);

    private static float Positive(JsonItem node) => node.Float(float.Epsilon, float.MaxValue);
}
