using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights.Onnx;

namespace A2F.Engine.Weights;

/// <summary>Reads NVIDIA's deploy format of a regression model: model.json and the files that it names.</summary>
internal static class DeployFolder
{
    /// <summary>Loads everything that <paramref name="modelJson"/> leads to.</summary>
    public static RegressionModelFolder Load(string modelJson)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(modelJson))!;
        using JsonFile model = JsonFile.Open(modelJson);
        JsonItem root = model.Root;
        string networkPath = DeployFiles.Resolve(folder, root["networkPath"]);
        using JsonFile infoFile = JsonFile.Open(DeployFiles.Resolve(folder, root["networkInfoPath"]));
        RegressionInfo info = ModelJson.ReadInfo(infoFile.Root);
        using JsonFile configFile = JsonFile.Open(DeployFiles.Resolve(folder, root["modelConfigPath"]));
        AnimationSettings settings = ModelJson.ReadSettings(configFile.Root["config"]);
        ImplicitEmotionDatabase database = ReadDatabase(DeployFiles.Resolve(folder, root["emotionDatabasePath"]), info.ImplicitEmotionLength);
        CheckSource(configFile.Root["config"], settings, database);
        JsonItem? blendshapes = root.Find("blendshapePaths");
        (BlendshapeSet Set, SolverParameters Solver)? skin = DeployFiles.ReadBlendshapes(folder, blendshapes?.Find("skin"), info.SkinVertices);
        (BlendshapeSet Set, SolverParameters Solver)? tongue = DeployFiles.ReadBlendshapes(folder, blendshapes?.Find("tongue"), info.TongueVertices);
        (RegressionConfig Config, WeightSet Weights)? network = ReadNetwork(networkPath, info, infoFile.Root.File);
        return new RegressionModelFolder
        {
            Path = folder,
            Info = info,
            Parameters = settings.Animator,
            SourceShot = settings.SourceShot!,
            SourceFrame = settings.SourceFrame,
            Geometry = ReadGeometry(DeployFiles.Resolve(folder, root["modelDataPath"]), info),
            ImplicitEmotions = database,
            SkinBlendshapes = skin?.Set,
            SkinSolver = skin?.Solver,
            TongueBlendshapes = tongue?.Set,
            TongueSolver = tongue?.Solver,
            Network = network?.Config,
            Weights = network?.Weights,
        };
    }

    private static FaceGeometry ReadGeometry(string path, RegressionInfo info)
    {
        using ArrayReader arrays = new(path);
        return new FaceGeometry(
            arrays.Points("shapes_matrix_skin", info.SkinShapes, info.SkinVertices),
            arrays.Points("shapes_mean_skin", info.SkinVertices),
            arrays.Points("lip_open_pose_delta", info.SkinVertices),
            arrays.Points("eye_close_pose_delta", info.SkinVertices),
            arrays.Points("shapes_matrix_tongue", info.TongueShapes, info.TongueVertices),
            arrays.Points("shapes_mean_tongue", info.TongueVertices),
            arrays.Points("neutral_jaw", info.JawSize / 3),
            arrays.Floats("saccade_rot_matrix", ArrayReader.Any, 2));
    }

    private static ImplicitEmotionDatabase ReadDatabase(string path, int rowLength)
    {
        using ArrayReader arrays = new(path);
        float[] rows = arrays.Floats("emo_db", ArrayReader.Any, rowLength);
        string[] names = arrays.Names("emo_spec_names");
        int rowCount = rows.Length / rowLength;
        int[] starts = arrays.Ints("emo_spec_start", names.Length, 0, rowCount - 1);
        int[] sizes = arrays.Ints("emo_spec_size", names.Length, 1, rowCount);
        for (int i = 0; i < names.Length; i++)
        {
            if (starts[i] > rowCount - sizes[i])
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"{path}: arrays 'emo_spec_start', 'emo_spec_size': shot '{names[i]}' has {sizes[i]} rows from {starts[i]}, " +
                    $"'emo_db' has {rowCount} rows");
            }
        }
        return new ImplicitEmotionDatabase(rowLength, rows, names, starts, sizes);
    }

    /// <summary>The chosen shot and frame must exist.</summary>
    public static void CheckSource(JsonItem config, AnimationSettings settings, ImplicitEmotionDatabase database)
    {
        JsonItem shot = config[ParameterTable.SourceShot];
        int index = database.ShotNames.ToList().IndexOf(settings.SourceShot!);
        if (index < 0)
        {
            throw new A2FException(A2FErrorCode.InvalidModel, $"{shot.File}: key '{shot.Key}': expected one of the shots " +
                $"{string.Join(", ", database.ShotNames.Take(20))}, found '{settings.SourceShot}'");
        }
        config[ParameterTable.SourceFrame].Int(0, database.ShotSizes[index] - 1);
    }

    private static (RegressionConfig Config, WeightSet Weights)? ReadNetwork(string networkPath, RegressionInfo info, string infoFile)
    {
        string? onnx = DeployFiles.FindOnnx(networkPath);
        if (onnx is null) return null;
        (RegressionConfig Config, WeightSet Weights) network = RegressionImporter.Import(onnx);
        CheckNetwork(network.Config, info, onnx, infoFile);
        return network;
    }

    /// <summary>What the weights say must be what the folder says.</summary>
    public static void CheckNetwork(RegressionConfig config, RegressionInfo info, string network, string infoFile)
    {
        (string Key, int Expected, int Found)[] sizes =
        [
            ("audio_params.buffer_len", info.BufferLength, config.InputLength),
            ("params.implicit_emotion_len", info.ImplicitEmotionLength, config.ImplicitLength),
            ("params.explicit_emotions", info.Emotions.Count, config.EmotionCount),
            ("params.num_shapes_skin", info.SkinShapes, config.SkinSize),
            ("params.num_shapes_tongue", info.TongueShapes, config.TongueSize),
            ("params.result_jaw_size", info.JawSize, config.JawSize),
            ("params.result_eyes_size", info.EyesSize, config.EyesSize),
        ];
        DeployFiles.CheckSizes(sizes, network, infoFile);
    }
}
