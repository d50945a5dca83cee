using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights.Onnx;

namespace A2F.Engine.Weights;

/// <summary>Reads NVIDIA's deploy format of an emotion model: model.json and the files that it names.</summary>
internal static class EmotionDeployFolder
{
    /// <summary>Loads everything that <paramref name="modelJson"/> leads to.</summary>
    public static EmotionModelFolder Load(string modelJson)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(modelJson))!;
        using JsonFile model = JsonFile.Open(modelJson);
        JsonItem root = model.Root;
        string networkPath = DeployFiles.Resolve(folder, root["networkPath"]);
        using JsonFile infoFile = JsonFile.Open(DeployFiles.Resolve(folder, root["networkInfoPath"]));
        EmotionInfo info = EmotionJson.ReadInfo(infoFile.Root);
        using JsonFile configFile = JsonFile.Open(DeployFiles.Resolve(folder, root["modelConfigPath"]));
        (EmotionParameters parameters, int faceEmotions) =
            EmotionJson.ReadParameters(configFile.Root["post_processing_config"], info);
        (EmotionConfig Config, WeightSet Weights)? network = null;
        if (DeployFiles.FindOnnx(networkPath) is { } onnx)
        {
            network = EmotionImporter.Import(onnx);
            CheckNetwork(network.Value.Config, info, onnx, infoFile.Root.File);
        }
        return new EmotionModelFolder
        {
            Path = folder,
            Info = info,
            Parameters = parameters,
            FaceEmotions = faceEmotions,
            Network = network?.Config,
            Weights = network?.Weights,
        };
    }

    /// <summary>What the weights say must be what the folder says.</summary>
    public static void CheckNetwork(EmotionConfig config, EmotionInfo info, string network, string infoFile) =>
        DeployFiles.CheckSizes([("emotions", info.Labels.Count, config.Labels)], network, infoFile);
}
