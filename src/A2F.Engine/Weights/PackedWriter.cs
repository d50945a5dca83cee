using System.Text.Json;

namespace A2F.Engine.Weights;

/// <summary>Writes a packed regression model.</summary>
internal static class PackedWriter
{
    /// <summary>See <see cref="PackedContent.Write"/>.</summary>
    public static void Write(RegressionModelFolder model, string folder)
    {
        PackedContent content = new(ModelKind.Regression, writer => WriteManifest(writer, model));
        content.Add(model.Weights);
        RegressionInfo info = model.Info;
        FaceGeometry face = model.Geometry;
        int skin = info.SkinVertices * 3, tongue = info.TongueVertices * 3;
        content.Add(PackedFormat.SkinBasis, face.SkinBasis, info.SkinShapes, skin);
        content.Add(PackedFormat.SkinNeutral, face.SkinNeutral, skin);
        content.Add(PackedFormat.LipOpenDelta, face.LipOpenDelta, skin);
        content.Add(PackedFormat.EyeCloseDelta, face.EyeCloseDelta, skin);
        content.Add(PackedFormat.TongueBasis, face.TongueBasis, info.TongueShapes, tongue);
        content.Add(PackedFormat.TongueNeutral, face.TongueNeutral, tongue);
        content.Add(PackedFormat.NeutralJaw, face.NeutralJaw, info.JawSize);
        content.Add(PackedFormat.SaccadeRotations, face.SaccadeRotations, face.SaccadeRotations.Length / 2, 2);
        ImplicitEmotionDatabase emotions = model.ImplicitEmotions;
        content.Add(PackedFormat.EmotionRows, emotions.Rows, emotions.Rows.Length / emotions.RowLength, emotions.RowLength);
        content.Add("skin", model.SkinBlendshapes);
        content.Add("tongue", model.TongueBlendshapes);
        content.Write(folder);
    }

    private static void WriteManifest(Utf8JsonWriter writer, RegressionModelFolder model)
    {
        ModelJson.WriteInfo(writer, model.Info);
        if (model.Network is { } network) NetworkJson.Write(writer, network);
        ModelJson.WriteSettings(writer, model.Settings);
        writer.WriteStartArray("shots");
        for (int i = 0; i < model.ImplicitEmotions.ShotNames.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("name", model.ImplicitEmotions.ShotNames[i]);
            writer.WriteNumber("start", model.ImplicitEmotions.ShotStarts[i]);
            writer.WriteNumber("size", model.ImplicitEmotions.ShotSizes[i]);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        PackedContent.WriteBlendshapes(writer, "skin", model.SkinBlendshapes, model.SkinSolver);
        PackedContent.WriteBlendshapes(writer, "tongue", model.TongueBlendshapes, model.TongueSolver);
    }
}
