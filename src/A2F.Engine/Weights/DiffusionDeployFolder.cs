using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights.Onnx;

namespace A2F.Engine.Weights;

/// <summary>Reads NVIDIA's deploy format of a diffusion model: model.json and the files that it names, some of them per identity.</summary>
internal static class DiffusionDeployFolder
{
    /// <summary>Loads everything that <paramref name="modelJson"/> leads to.</summary>
    public static DiffusionModelFolder Load(string modelJson)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(modelJson))!;
        using JsonFile model = JsonFile.Open(modelJson);
        JsonItem root = model.Root;
        string networkPath = DeployFiles.Resolve(folder, root["networkPath"]);
        using JsonFile infoFile = JsonFile.Open(DeployFiles.Resolve(folder, root["networkInfoPath"]));
        DiffusionInfo info = DiffusionJson.ReadInfo(infoFile.Root);
        DiffusionIdentity[] identities = ReadIdentities(folder, root, info);
        (DiffusionConfig Config, WeightSet Weights)? network = null;
        if (DeployFiles.FindOnnx(networkPath) is { } onnx)
        {
            network = DiffusionImporter.Import(onnx);
            CheckNetwork(network.Value.Config, info, onnx, infoFile.Root.File);
        }
        return new DiffusionModelFolder
        {
            Path = folder,
            Info = info,
            Identities = identities,
            Network = network?.Config,
            Weights = network?.Weights,
        };
    }

    private static DiffusionIdentity[] ReadIdentities(string folder, JsonItem root, DiffusionInfo info)
    {
        const string Reason = "one per identity of network_info.json";
        int count = info.Identities.Count;
        List<JsonItem> configs = root["modelConfigPaths"].Items(count, Reason);
        List<JsonItem> data = root["modelDataPaths"].Items(count, Reason);
        List<JsonItem>? blendshapes = root.Find("blendshapePaths")?.Items(count, Reason);
        var identities = new DiffusionIdentity[count];
        for (int i = 0; i < count; i++)
        {
            using JsonFile config = JsonFile.Open(DeployFiles.Resolve(folder, configs[i]));
            JsonItem? paths = blendshapes?[i];
            (BlendshapeSet Set, SolverParameters Solver)? skin =
                DeployFiles.ReadBlendshapes(folder, paths?.Find("skin"), info.SkinVertices);
            (BlendshapeSet Set, SolverParameters Solver)? tongue =
                DeployFiles.ReadBlendshapes(folder, paths?.Find("tongue"), info.TongueVertices);
            identities[i] = new DiffusionIdentity
            {
                Name = info.Identities[i],
                Parameters = ModelJson.ReadAnimator(config.Root["config"]),
                Geometry = ReadGeometry(DeployFiles.Resolve(folder, data[i]), info),
                SkinBlendshapes = skin?.Set,
                SkinSolver = skin?.Solver,
                TongueBlendshapes = tongue?.Set,
                TongueSolver = tongue?.Solver,
            };
        }
        return identities;
    }

    private static FaceGeometry ReadGeometry(string path, DiffusionInfo info)
    {
        using ArrayReader arrays = new(path);
        return new FaceGeometry(
            default,
            arrays.Points("neutral_skin", info.SkinVertices),
            arrays.Points("lip_open_pose_delta", info.SkinVertices),
            arrays.Points("eye_close_pose_delta", info.SkinVertices),
            default,
            arrays.Points("neutral_tongue", info.TongueVertices),
            arrays.Points("neutral_jaw", info.JawSize / 3),
            arrays.Floats("saccade_rot_matrix", ArrayReader.Any, 2));
    }

    /// <summary>What the weights say must be what the folder says.</summary>
    public static void CheckNetwork(DiffusionConfig config, DiffusionInfo info, string network, string infoFile)
    {
        (string Key, int Expected, int Found)[] sizes =
        [
            ("audio_params.buffer_len", info.BufferLength, config.WindowLength),
            ("params.identities", info.Identities.Count, config.ActorCount),
            ("params.emotions", info.Emotions.Count, config.EmotionCount),
            ("params.skin_size", info.SkinSize, config.Outputs.Skin),
            ("params.tongue_size", info.TongueSize, config.Outputs.Tongue),
            ("params.jaw_size", info.JawSize, config.Outputs.Jaw),
            ("params.eyes_size", info.EyesSize, config.Outputs.Eyes),
            ("params.num_diffusion_steps", info.Steps, config.Steps.Count),
            ("params.num_gru_layers", info.GruLayers, config.GruLayers),
            ("params.gru_latent_dim", info.GruSize, config.GruSize),
            ("params.num_frames_left_truncate", info.LeftFrames, config.FirstFrame),
            ("params.num_frames_center", info.CentreFrames, config.CentreFrames),
            ("params.num_frames_right_truncate", info.RightFrames, config.FrameCount - config.FirstFrame - config.CentreFrames),
        ];
        DeployFiles.CheckSizes(sizes, network, infoFile);
    }
}
