using System.Text.Json;
using A2F.Engine.Animation;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>Opens and writes a packed emotion model.</summary>
internal static class PackedEmotion
{
    /// <summary>Loads a folder; the model owns the map.</summary>
    public static EmotionModelFolder Load(string folder) => PackedModel.Open(folder, ModelKind.Emotion, Read);

    /// <summary>See <see cref="PackedContent.Write"/>.</summary>
    public static void Write(EmotionModelFolder model, string folder)
    {
        PackedContent content = new(ModelKind.Emotion, writer => WriteManifest(writer, model));
        content.Add(model.Weights);
        content.Write(folder);
    }

    private static EmotionModelFolder Read(string folder, JsonItem root, PackedTensors tensors)
    {
        EmotionInfo info = EmotionJson.ReadInfo(root["info"]);
        (EmotionParameters parameters, int faceEmotions) = EmotionJson.ReadParameters(root["post_processing_config"], info);
        EmotionConfig? network = root.Find("network") is { } node ? NetworkJson.ReadEmotion(node) : null;
        if (network is not null) EmotionDeployFolder.CheckNetwork(network, info, $"described by {root.File}", root.File);
        return new EmotionModelFolder
        {
            Path = folder,
            Info = info,
            Parameters = parameters,
            FaceEmotions = faceEmotions,
            Network = network,
            Weights = network is null ? null : PackedModel.ReadWeights(tensors),
            Packed = tensors,
        };
    }

    private static void WriteManifest(Utf8JsonWriter writer, EmotionModelFolder model)
    {
        EmotionJson.WriteInfo(writer, model.Info);
        EmotionJson.WriteParameters(writer, model.Parameters, model.FaceEmotions, model.Info);
        if (model.Network is { } network) NetworkJson.Write(writer, network);
    }
}
