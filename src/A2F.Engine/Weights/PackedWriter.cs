using System.Globalization;
using System.Text.Json;
using A2F.Engine.Animation;

namespace A2F.Engine.Weights;

/// <summary>Writes a packed model folder.</summary>
internal static class PackedWriter
{
    /// <summary>
    /// Writes into a temporary neighbour of the folder, then moves: a new folder appears at once; in an existing packed folder the two
    /// files are replaced one after the other, and a crash between the two leaves a folder that <see cref="PackedReader"/> refuses.
    /// </summary>
    public static void Write(RegressionModelFolder model, string folder)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        CheckReplaceable(target);
        string temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            WriteFiles(model, temporary);
            if (!Directory.Exists(target))
            {
                Directory.Move(temporary, target);
                return;
            }
            foreach (string file in (string[])[PackedFormat.TensorsFile, PackedFormat.ManifestFile])
                File.Move(Path.Combine(temporary, file), Path.Combine(target, file), overwrite: true);
        }
        catch (Exception e) when (SafeFile.IsSystemRefusal(e))
        {
            throw SafeFile.Refused(target, "written", e);
        }
        finally
        {
            SafeFile.TryDeleteFolder(temporary);
        }
    }

    private static void CheckReplaceable(string target)
    {
        if (File.Exists(target)) throw new A2FException(A2FErrorCode.Io, $"'{target}' is a file; a packed model is a folder");
        if (!Directory.Exists(target)) return;
        if (!Directory.EnumerateFileSystemEntries(target).Any() || PackedReader.IsPacked(target)) return;
        throw new A2FException(A2FErrorCode.Io, $"'{target}' holds other files; name a new or empty folder, or a packed model to replace");
    }

    private static void WriteFiles(RegressionModelFolder model, string folder)
    {
        List<SafetensorsWriter.Tensor> tensors = Tensors(model);
        List<(string Name, IReadOnlyList<int> Shape, uint Crc)> checks =
            tensors.ConvertAll(t => (t.Name, (IReadOnlyList<int>)t.Shape, Crc32.Append(0, t.Bytes)));
        string content = PackedFormat.Content(checks);
        SafetensorsWriter.Write(Path.Combine(folder, PackedFormat.TensorsFile), tensors,
            new Dictionary<string, string> { ["format"] = PackedFormat.Format, [PackedFormat.ContentKey] = content });
        SafeFile.WriteWhole(Path.Combine(folder, PackedFormat.ManifestFile), stream =>
        {
            using Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Indented = true });
            WriteManifest(writer, model, content, checks);
        });
    }

    private static List<SafetensorsWriter.Tensor> Tensors(RegressionModelFolder model)
    {
        List<SafetensorsWriter.Tensor> tensors = [];
        if (model.Weights is { } weights)
        {
            foreach (string name in weights.Names) Add(PackedFormat.NetworkPrefix + name, weights[name].Data, weights[name].Shape);
        }
        RegressionInfo info = model.Info;
        FaceGeometry face = model.Geometry;
        int skin = info.SkinVertices * 3, tongue = info.TongueVertices * 3;
        Add(PackedFormat.SkinBasis, face.SkinBasis, info.SkinShapes, skin);
        Add(PackedFormat.SkinNeutral, face.SkinNeutral, skin);
        Add(PackedFormat.LipOpenDelta, face.LipOpenDelta, skin);
        Add(PackedFormat.EyeCloseDelta, face.EyeCloseDelta, skin);
        Add(PackedFormat.TongueBasis, face.TongueBasis, info.TongueShapes, tongue);
        Add(PackedFormat.TongueNeutral, face.TongueNeutral, tongue);
        Add(PackedFormat.NeutralJaw, face.NeutralJaw, info.JawSize);
        Add(PackedFormat.SaccadeRotations, face.SaccadeRotations, face.SaccadeRotations.Length / 2, 2);
        ImplicitEmotionDatabase emotions = model.ImplicitEmotions;
        Add(PackedFormat.EmotionRows, emotions.Rows, emotions.Rows.Length / emotions.RowLength, emotions.RowLength);
        AddBlendshapes("skin", model.SkinBlendshapes);
        AddBlendshapes("tongue", model.TongueBlendshapes);
        return tensors;

        void Add(string name, ReadOnlyMemory<float> data, params int[] shape) =>
            tensors.Add(SafetensorsWriter.Tensor.Of(name, data, shape));

        void AddBlendshapes(string part, BlendshapeSet? set)
        {
            if (set is null) return;
            Add(part + PackedFormat.NeutralSuffix, set.Neutral, set.Neutral.Length);
            Add(part + PackedFormat.DeltasSuffix, set.Deltas, set.PoseNames.Count, set.Neutral.Length);
            if (set.FrontalMask is not { } mask) return;
            tensors.Add(SafetensorsWriter.Tensor.Of(part + PackedFormat.MaskSuffix, NdArray.Of(mask.ToArray(), mask.Count)));
        }
    }

    private static void WriteManifest(
        Utf8JsonWriter writer, RegressionModelFolder model, string content, List<(string Name, IReadOnlyList<int> Shape, uint Crc)> tensors)
    {
        writer.WriteStartObject();
        writer.WriteString("format", PackedFormat.Format);
        writer.WriteNumber("version", PackedFormat.Version);
        writer.WriteString("kind", "regression");
        writer.WriteString(PackedFormat.ContentKey, content);
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
        WriteBlendshapes(writer, "skin", model.SkinBlendshapes, model.SkinSolver);
        WriteBlendshapes(writer, "tongue", model.TongueBlendshapes, model.TongueSolver);
        writer.WriteStartArray("tensors");
        foreach ((string name, IReadOnlyList<int> shape, uint crc) in tensors)
        {
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteStartArray("shape");
            foreach (int extent in shape) writer.WriteNumberValue(extent);
            writer.WriteEndArray();
            writer.WriteString("crc32", crc.ToString("x8", CultureInfo.InvariantCulture));
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteBlendshapes(
        Utf8JsonWriter writer, string part, BlendshapeSet? set, SolverParameters? solver)
    {
        if (set is null || solver is null) return;
        writer.WriteStartObject(part);
        ModelJson.WriteTexts(writer, "poses", set.PoseNames);
        ModelJson.WriteSolver(writer, solver);
        writer.WriteEndObject();
    }
}
