using A2F.Engine.Animation;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>Opens a packed model folder: the manifest is parsed, tensors are mapped.</summary>
internal static class PackedReader
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

    /// <summary>Loads a folder; the model owns the map.</summary>
    public static RegressionModelFolder Load(string folder)
    {
        folder = Path.GetFullPath(folder);
        using JsonFile manifest = JsonFile.Open(Path.Combine(folder, PackedFormat.ManifestFile));
        CheckFormat(manifest.Root);
        PackedTensors tensors = PackedTensors.Open(Path.Combine(folder, PackedFormat.TensorsFile), manifest.Root);
        try
        {
            return Read(folder, manifest.Root, tensors);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    private static void CheckFormat(JsonItem root)
    {
        Require(root["format"], PackedFormat.Format);
        int version = root["version"].Int(1, int.MaxValue);
        if (version != PackedFormat.Version)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{root.File}: key 'version': expected {PackedFormat.Version}, found {version}; " +
                "import the model again with this version of the engine");
        }
        Require(root["kind"], "regression");
    }

    private static RegressionModelFolder Read(string folder, JsonItem root, PackedTensors tensors)
    {
        RegressionInfo info = ModelJson.ReadInfo(root["info"]);
        AnimationSettings settings = ModelJson.ReadSettings(root["config"]);
        ImplicitEmotionDatabase emotions = ReadEmotions(root["shots"], info, tensors);
        DeployFolder.CheckSource(root["config"], settings, emotions);
        (BlendshapeSet Set, SolverParameters Solver)? skin = ReadBlendshapes("skin", root, info.SkinVertices, tensors);
        (BlendshapeSet Set, SolverParameters Solver)? tongue = ReadBlendshapes("tongue", root, info.TongueVertices, tensors);
        RegressionConfig? network = root.Find("network") is { } node ? NetworkJson.Read(node) : null;
        if (network is not null) DeployFolder.CheckNetwork(network, info, $"described by {root.File}", root.File);
        return new RegressionModelFolder
        {
            Path = folder,
            Info = info,
            Parameters = settings.Animator,
            SourceShot = settings.SourceShot,
            SourceFrame = settings.SourceFrame,
            Geometry = ReadGeometry(info, tensors),
            ImplicitEmotions = emotions,
            SkinBlendshapes = skin?.Set,
            SkinSolver = skin?.Solver,
            TongueBlendshapes = tongue?.Set,
            TongueSolver = tongue?.Solver,
            Network = network,
            Weights = network is null ? null : ReadWeights(tensors),
            Packed = tensors,
        };
    }

    private static FaceGeometry ReadGeometry(RegressionInfo info, PackedTensors tensors)
    {
        int skin = info.SkinVertices * 3, tongue = info.TongueVertices * 3;
        return new FaceGeometry(
            tensors.Floats(PackedFormat.SkinBasis, info.SkinShapes, skin),
            tensors.Floats(PackedFormat.SkinNeutral, skin),
            tensors.Floats(PackedFormat.LipOpenDelta, skin),
            tensors.Floats(PackedFormat.EyeCloseDelta, skin),
            tensors.Floats(PackedFormat.TongueBasis, info.TongueShapes, tongue),
            tensors.Floats(PackedFormat.TongueNeutral, tongue),
            tensors.Floats(PackedFormat.NeutralJaw, info.JawSize),
            tensors.Floats(PackedFormat.SaccadeRotations, -1, 2));
    }

    private static ImplicitEmotionDatabase ReadEmotions(JsonItem shots, RegressionInfo info, PackedTensors tensors)
    {
        ReadOnlyMemory<float> rows = tensors.Floats(PackedFormat.EmotionRows, -1, info.ImplicitEmotionLength);
        int count = rows.Length / info.ImplicitEmotionLength;
        List<string> names = [];
        List<int> starts = [], sizes = [];
        foreach (JsonItem shot in shots.Items())
        {
            names.Add(shot["name"].Text());
            starts.Add(shot["start"].Int(0, count - 1));
            sizes.Add(shot["size"].Int(1, count - starts[^1]));
        }
        return new ImplicitEmotionDatabase(info.ImplicitEmotionLength, rows, names, starts, sizes);
    }

    private static (BlendshapeSet Set, SolverParameters Solver)? ReadBlendshapes(
        string part, JsonItem root, int vertices, PackedTensors tensors)
    {
        if (root.Find(part) is not { } node) return null;
        string[] poses = [.. node["poses"].Items().Select(p => p.Text())];
        SolverParameters solver = ModelJson.ReadSolver(node["blendshape_params"], poses.Length);
        string mask = part + PackedFormat.MaskSuffix;
        BlendshapeSet set = new(
            poses,
            tensors.Floats(part + PackedFormat.NeutralSuffix, vertices * 3),
            tensors.Floats(part + PackedFormat.DeltasSuffix, poses.Length, vertices * 3),
            tensors.Contains(mask) ? tensors.Ints(mask, 0, vertices - 1) : null);
        return (set, solver);
    }

    private static WeightSet ReadWeights(PackedTensors tensors)
    {
        WeightSet weights = new();
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
