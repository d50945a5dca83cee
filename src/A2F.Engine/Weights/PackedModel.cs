using A2F.Engine.Animation;

namespace A2F.Engine.Weights;

/// <summary>What all kinds of models share when a packed folder is opened: the manifest is parsed, tensors are mapped.</summary>
internal static class PackedModel
{
    /// <summary>Whether the folder holds a manifest of this format.</summary>
    public static bool IsPacked(string folder)
    {
        string path = Path.Combine(folder, PackedFormat.ManifestFile);
        if (!File.Exists(path)) return false;
        try
        {
            using JsonFile manifest = JsonFile.Open(path);
            return manifest.Root.Find("format")?.Text() == PackedFormat.Format;
        }
        catch (A2FException)
        {
            return false;
        }
    }

    /// <summary>Opens a folder of this kind; the model that <paramref name="read"/> makes owns the tensors.</summary>
    public static T Open<T>(string folder, ModelKind kind, Func<string, JsonItem, PackedTensors, T> read)
    {
        folder = Path.GetFullPath(folder);
        using JsonFile manifest = JsonFile.Open(Path.Combine(folder, PackedFormat.ManifestFile));
        CheckFormat(manifest.Root);
        Require(manifest.Root["kind"], ModelFolders.NameOf(kind));
        PackedTensors tensors = PackedTensors.Open(Path.Combine(folder, PackedFormat.TensorsFile), manifest.Root);
        try
        {
            return read(folder, manifest.Root, tensors);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>Checks format and version of a manifest.</summary>
    public static void CheckFormat(JsonItem root)
    {
        Require(root["format"], PackedFormat.Format);
        int version = root["version"].Int(1, int.MaxValue);
        if (version != PackedFormat.Version)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{root.File}: key 'version': expected {PackedFormat.Version}, found {version}; " +
                "import the model again with this version of the engine");
        }
    }

    /// <summary>The blendshapes of a part, skin or tongue, that a manifest's object describes; null where it has none.</summary>
    public static (BlendshapeSet Set, SolverParameters Solver)? ReadBlendshapes(
        string part, JsonItem owner, int vertices, PackedTensors tensors, string prefix = "")
    {
        if (owner.Find(part) is not { } node) return null;
        string[] poses = [.. node["poses"].Items().Select(p => p.Text())];
        SolverParameters solver = ModelJson.ReadSolver(node["blendshape_params"], poses.Length);
        string mask = prefix + part + PackedFormat.MaskSuffix;
        BlendshapeSet set = new(
            poses,
            tensors.Floats(prefix + part + PackedFormat.NeutralSuffix, vertices * 3),
            tensors.Floats(prefix + part + PackedFormat.DeltasSuffix, poses.Length, vertices * 3),
            tensors.Contains(mask) ? tensors.Ints(mask, 0, vertices - 1) : null);
        return (set, solver);
    }

    /// <summary>The network's weights; their pages can be released.</summary>
    public static WeightSet ReadWeights(PackedTensors tensors)
    {
        WeightSet weights = new() { PageRelease = tensors.ReleasePages };
        foreach (string name in tensors.Names.Where(n => n.StartsWith(PackedFormat.NetworkPrefix, StringComparison.Ordinal)))
        {
            int[] shape = [.. tensors.ShapeOf(name)];
            weights.Add(name[PackedFormat.NetworkPrefix.Length..], tensors.Floats(name, shape), shape);
        }
        return weights;
    }

    private static void Require(JsonItem node, string expected)
    {
        string found = node.Text();
        if (found != expected)
            throw new A2FException(A2FErrorCode.InvalidFile, $"{node.File}: key '{node.Key}': expected '{expected}', found '{found}'");
    }
}
