using A2F.Engine.Animation;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>Opens a packed regression model.</summary>
internal static class PackedReader
{
    /// <summary>Loads a folder; the model owns the map.</summary>
    public static RegressionModelFolder Load(string folder) => PackedModel.Open(folder, ModelKind.Regression, Read);

    private static RegressionModelFolder Read(string folder, JsonItem root, PackedTensors tensors)
    {
        RegressionInfo info = ModelJson.ReadInfo(root["info"]);
        AnimationSettings settings = ModelJson.ReadSettings(root["config"]);
        ImplicitEmotionDatabase emotions = ReadEmotions(root["shots"], info, tensors);
        DeployFolder.CheckSource(root["config"], settings, emotions);
        (BlendshapeSet Set, SolverParameters Solver)? skin = PackedModel.ReadBlendshapes("skin", root, info.SkinVertices, tensors);
        (BlendshapeSet Set, SolverParameters Solver)? tongue = PackedModel.ReadBlendshapes("tongue", root, info.TongueVertices, tensors);
        RegressionConfig? network = root.Find("network") is { } node ? NetworkJson.Read(node) : null;
        if (network is not null) DeployFolder.CheckNetwork(network, info, $"described by {root.File}", root.File);
        return new RegressionModelFolder
        {
            Path = folder,
            Info = info,
            Parameters = settings.Animator,
            SourceShot = settings.SourceShot!,
            SourceFrame = settings.SourceFrame,
            Geometry = ReadGeometry(info, tensors),
            ImplicitEmotions = emotions,
            SkinBlendshapes = skin?.Set,
            SkinSolver = skin?.Solver,
            TongueBlendshapes = tongue?.Set,
            TongueSolver = tongue?.Solver,
            Network = network,
            Weights = network is null ? null : PackedModel.ReadWeights(tensors),
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
}
