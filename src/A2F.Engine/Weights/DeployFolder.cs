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
        string networkPath = Resolve(folder, root["networkPath"]);
        using JsonFile infoFile = JsonFile.Open(Resolve(folder, root["networkInfoPath"]));
        RegressionInfo info = ModelJson.ReadInfo(infoFile.Root);
        using JsonFile configFile = JsonFile.Open(Resolve(folder, root["modelConfigPath"]));
        AnimationSettings settings = ModelJson.ReadSettings(configFile.Root["config"]);
        ImplicitEmotionDatabase database = ReadDatabase(Resolve(folder, root["emotionDatabasePath"]), info.ImplicitEmotionLength);
        CheckSource(configFile.Root["config"], settings, database);
        JsonItem? blendshapes = root.Find("blendshapePaths");
        (BlendshapeSet Set, SolverParameters Solver)? skin = ReadBlendshapes(folder, blendshapes?.Find("skin"), info.SkinVertices);
        (BlendshapeSet Set, SolverParameters Solver)? tongue = ReadBlendshapes(folder, blendshapes?.Find("tongue"), info.TongueVertices);
        (RegressionConfig Config, WeightSet Weights)? network = ReadNetwork(networkPath, info, infoFile.Root.File);
        return new RegressionModelFolder
        {
            Path = folder,
            Info = info,
            Parameters = settings.Animator,
            SourceShot = settings.SourceShot,
            SourceFrame = settings.SourceFrame,
            Geometry = ReadGeometry(Resolve(folder, root["modelDataPath"]), info),
            ImplicitEmotions = database,
            SkinBlendshapes = skin?.Set,
            SkinSolver = skin?.Solver,
            TongueBlendshapes = tongue?.Set,
            TongueSolver = tongue?.Solver,
            Network = network?.Config,
            Weights = network?.Weights,
        };
    }

    /// <summary>The full path of a file that a model.json names; it must lie in the same folder or below.</summary>
    private static string Resolve(string folder, JsonItem node)
    {
        string relative = node.Text();
        if (!relative.Contains('\0') && !Path.IsPathRooted(relative))
        {
            string full = Path.GetFullPath(Path.Combine(folder, relative));
            string root = Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
            if (full.StartsWith(root, StringComparison.Ordinal)) return full;
        }
        throw node.Wrong("a path within the model's folder");
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
        int index = database.ShotNames.ToList().IndexOf(settings.SourceShot);
        if (index < 0)
        {
            throw new A2FException(A2FErrorCode.InvalidModel, $"{shot.File}: key '{shot.Key}': expected one of the shots " +
                $"{string.Join(", ", database.ShotNames.Take(20))}, found '{settings.SourceShot}'");
        }
        config[ParameterTable.SourceFrame].Int(0, database.ShotSizes[index] - 1);
    }

    private static (BlendshapeSet Set, SolverParameters Solver)? ReadBlendshapes(string folder, JsonItem? paths, int vertices)
    {
        if (paths is not { } node) return null;
        BlendshapeSet set = ReadBlendshapeData(Resolve(folder, node["data"]), vertices);
        using JsonFile config = JsonFile.Open(Resolve(folder, node["config"]));
        return (set, ModelJson.ReadSolver(config.Root["blendshape_params"], set.PoseNames.Count));
    }

    private static BlendshapeSet ReadBlendshapeData(string path, int vertices)
    {
        using ArrayReader arrays = new(path);
        string[] names = arrays.Names("poseNames");
        if (names[0] != "neutral")
            throw new A2FException(A2FErrorCode.InvalidModel, $"{path}: array 'poseNames': expected 'neutral' first, found '{names[0]}'");
        string[] poses = names[1..];
        if (poses.Length is 0 or > ModelJson.MaxPoses)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{path}: array 'poseNames': expected 1 to {ModelJson.MaxPoses} poses beside 'neutral', found {poses.Length}");
        }
        if (12L * vertices * poses.Length > NpyHeader.MaxArrayBytes)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{path}: {poses.Length} poses of {vertices} vertices are more than {NpyHeader.MaxArrayBytes} bytes");
        }
        float[] neutral = arrays.Points("neutral", vertices);
        // Every pose is in memory before the block for all of them is taken, so a list of names alone takes none.
        float[][] parts = Array.ConvertAll(poses, pose => arrays.Points(pose, vertices));
        int[]? mask = arrays.Contains("frontalMask") ? arrays.Ints("frontalMask", ArrayReader.Any, 0, vertices - 1) : null;
        float[] deltas = new float[poses.Length * vertices * 3];
        for (int i = 0; i < parts.Length; i++) parts[i].CopyTo(deltas, i * vertices * 3);
        return new BlendshapeSet(poses, neutral, deltas, mask);
    }

    private static (RegressionConfig Config, WeightSet Weights)? ReadNetwork(string networkPath, RegressionInfo info, string infoFile)
    {
        string? onnx = FindOnnx(networkPath);
        if (onnx is null) return null;
        (RegressionConfig Config, WeightSet Weights) network = RegressionImporter.Import(onnx);
        CheckNetwork(network.Config, info, onnx, infoFile);
        return network;
    }

    /// <summary>networkPath names a compiled engine; the weights lie beside it: network.onnx, or the same name with .onnx.</summary>
    private static string? FindOnnx(string networkPath)
    {
        if (networkPath.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)) return File.Exists(networkPath) ? networkPath : null;
        string usual = Path.Combine(Path.GetDirectoryName(networkPath)!, "network.onnx");
        string sameName = Path.ChangeExtension(networkPath, ".onnx");
        return File.Exists(usual) ? usual : File.Exists(sameName) ? sameName : null;
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
        foreach ((string key, int expected, int found) in sizes)
        {
            if (expected != found)
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"{infoFile}: key '{key}': expected {found} as in the network {network}, found {expected}");
            }
        }
    }
}
