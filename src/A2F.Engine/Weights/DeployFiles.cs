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
        BlendshapeSet set = BlendshapeNpz.Read(Resolve(folder, node["data"]), vertices);
        return (set, BlendshapeFile.LoadSolver(Resolve(folder, node["config"]), set.PoseNames.Count));
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
