using System.Globalization;
using System.Text.Json;
using A2F.Engine.Animation;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>Opens and writes a packed diffusion model.</summary>
internal static class PackedDiffusion
{
    private const string Config = "config";

    /// <summary>Loads a folder; the model owns the map.</summary>
    public static DiffusionModelFolder Load(string folder) => PackedModel.Open(folder, ModelKind.Diffusion, Read);

    /// <summary>See <see cref="PackedContent.Write"/>.</summary>
    public static void Write(DiffusionModelFolder model, string folder)
    {
        PackedContent content = new(ModelKind.Diffusion, writer => WriteManifest(writer, model));
        content.Add(model.Weights);
        for (int i = 0; i < model.Identities.Count; i++)
        {
            string prefix = Prefix(i);
            DiffusionIdentity identity = model.Identities[i];
            FaceGeometry face = identity.Geometry;
            content.Add(prefix + PackedFormat.SkinNeutral, face.SkinNeutral, model.Info.SkinSize);
            content.Add(prefix + PackedFormat.LipOpenDelta, face.LipOpenDelta, model.Info.SkinSize);
            content.Add(prefix + PackedFormat.EyeCloseDelta, face.EyeCloseDelta, model.Info.SkinSize);
            content.Add(prefix + PackedFormat.TongueNeutral, face.TongueNeutral, model.Info.TongueSize);
            content.Add(prefix + PackedFormat.NeutralJaw, face.NeutralJaw, model.Info.JawSize);
            content.Add(prefix + PackedFormat.SaccadeRotations, face.SaccadeRotations, face.SaccadeRotations.Length / 2, 2);
            content.Add(prefix + "skin", identity.SkinBlendshapes);
            content.Add(prefix + "tongue", identity.TongueBlendshapes);
        }
        content.Write(folder);
    }

    private static string Prefix(int identity) => string.Create(CultureInfo.InvariantCulture, $"identities/{identity}/");

    private static DiffusionModelFolder Read(string folder, JsonItem root, PackedTensors tensors)
    {
        DiffusionInfo info = DiffusionJson.ReadInfo(root["info"]);
        List<JsonItem> items = root["identities"].Items(info.Identities.Count, "one per identity of 'info'");
        DiffusionConfig? network = root.Find("network") is { } node ? NetworkJson.ReadDiffusion(node) : null;
        if (network is not null) DiffusionDeployFolder.CheckNetwork(network, info, $"described by {root.File}", root.File);
        return new DiffusionModelFolder
        {
            Path = folder,
            Info = info,
            Identities = [.. items.Select((item, i) => ReadIdentity(item, info, i, tensors))],
            Network = network,
            Weights = network is null ? null : PackedModel.ReadWeights(tensors),
            Packed = tensors,
        };
    }

    private static DiffusionIdentity ReadIdentity(JsonItem item, DiffusionInfo info, int index, PackedTensors tensors)
    {
        string prefix = Prefix(index);
        (BlendshapeSet Set, SolverParameters Solver)? skin =
            PackedModel.ReadBlendshapes("skin", item, info.SkinVertices, tensors, prefix);
        (BlendshapeSet Set, SolverParameters Solver)? tongue =
            PackedModel.ReadBlendshapes("tongue", item, info.TongueVertices, tensors, prefix);
        return new DiffusionIdentity
        {
            Name = info.Identities[index],
            Parameters = ModelJson.ReadAnimator(item[Config]),
            Geometry = new FaceGeometry(
                default,
                tensors.Floats(prefix + PackedFormat.SkinNeutral, info.SkinSize),
                tensors.Floats(prefix + PackedFormat.LipOpenDelta, info.SkinSize),
                tensors.Floats(prefix + PackedFormat.EyeCloseDelta, info.SkinSize),
                default,
                tensors.Floats(prefix + PackedFormat.TongueNeutral, info.TongueSize),
                tensors.Floats(prefix + PackedFormat.NeutralJaw, info.JawSize),
                tensors.Floats(prefix + PackedFormat.SaccadeRotations, -1, 2)),
            SkinBlendshapes = skin?.Set,
            SkinSolver = skin?.Solver,
            TongueBlendshapes = tongue?.Set,
            TongueSolver = tongue?.Solver,
        };
    }

    private static void WriteManifest(Utf8JsonWriter writer, DiffusionModelFolder model)
    {
        DiffusionJson.WriteInfo(writer, model.Info);
        if (model.Network is { } network) NetworkJson.Write(writer, network);
        writer.WriteStartArray("identities");
        foreach (DiffusionIdentity identity in model.Identities)
        {
            writer.WriteStartObject();
            writer.WriteStartObject(Config);
            ModelJson.WriteAnimator(writer, identity.Parameters);
            writer.WriteEndObject();
            PackedContent.WriteBlendshapes(writer, "skin", identity.SkinBlendshapes, identity.SkinSolver);
            PackedContent.WriteBlendshapes(writer, "tongue", identity.TongueBlendshapes, identity.TongueSolver);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
