using A2F.Engine.Animation;

namespace A2F.Engine.Weights;

/// <summary>What all kinds of models share in NVIDIA's deploy format.</summary>
internal static class DeployFiles
{
    /// <summary>The full path of a file that a model.json names; it must lie in the same folder or below.</summary>
    public static string Resolve(string folder, JsonItem node)
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

    /// <summary>A set of blendshapes and its solve; null where model.json names none.</summary>
    public static (BlendshapeSet Set, SolverParameters Solver)? ReadBlendshapes(string folder, JsonItem? paths, int vertices)
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

    /// <summary>networkPath names a compiled engine; the weights lie beside it: network.onnx, or the same name with .onnx.</summary>
    public static string? FindOnnx(string networkPath)
    {
        if (networkPath.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)) return File.Exists(networkPath) ? networkPath : null;
        string usual = Path.Combine(Path.GetDirectoryName(networkPath)!, "network.onnx");
        string sameName = Path.ChangeExtension(networkPath, ".onnx");
        return File.Exists(usual) ? usual : File.Exists(sameName) ? sameName : null;
    }

    /// <summary>What the weights say must be what network_info.json says.</summary>
    public static void CheckSizes(ReadOnlySpan<(string Key, int Expected, int Found)> sizes, string network, string infoFile)
    {
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
