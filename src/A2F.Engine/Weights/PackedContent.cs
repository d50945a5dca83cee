using System.Globalization;
using System.Text.Json;
using A2F.Engine.Animation;

namespace A2F.Engine.Weights;

/// <summary>What goes into a packed model, of any kind: tensors, and the manifest's own keys.</summary>
/// <param name="kind">The model's kind.</param>
/// <param name="manifest">Writes the keys between <c>content</c> and <c>tensors</c>.</param>
internal sealed class PackedContent(ModelKind kind, Action<Utf8JsonWriter> manifest)
{
    private readonly List<SafetensorsWriter.Tensor> _tensors = [];

    public void Add(string name, ReadOnlyMemory<float> data, params int[] shape) =>
        _tensors.Add(SafetensorsWriter.Tensor.Of(name, data, shape));

    /// <summary>A network's weights.</summary>
    public void Add(WeightSet? weights)
    {
        if (weights is null) return;
        foreach (string name in weights.Names) Add(PackedFormat.NetworkPrefix + name, weights[name].Data, weights[name].Shape);
    }

    /// <summary>The blendshapes of a part, skin or tongue, if there are any.</summary>
    public void Add(string part, BlendshapeSet? set)
    {
        if (set is null) return;
        Add(part + PackedFormat.NeutralSuffix, set.Neutral, set.Neutral.Length);
        Add(part + PackedFormat.DeltasSuffix, set.Deltas, set.PoseNames.Count, set.Neutral.Length);
        if (set.FrontalMask is not { } mask) return;
        _tensors.Add(SafetensorsWriter.Tensor.Of(part + PackedFormat.MaskSuffix, NdArray.Of(mask.ToArray(), mask.Count)));
    }

    /// <summary>Poses and solve of a part in the manifest.</summary>
    public static void WriteBlendshapes(Utf8JsonWriter writer, string part, BlendshapeSet? set, SolverParameters? solver)
    {
        if (set is null || solver is null) return;
        writer.WriteStartObject(part);
        ModelJson.WriteTexts(writer, "poses", set.PoseNames);
        ModelJson.WriteSolver(writer, solver);
        writer.WriteEndObject();
    }

    /// <summary>
    /// Writes into a temporary neighbour of the folder, then moves: a new folder appears at once; in an existing packed folder the two
    /// files are replaced one after the other, and a crash between the two leaves a folder that <see cref="PackedModel"/> refuses.
    /// </summary>
    public void Write(string folder)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        CheckReplaceable(target);
        string temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            WriteFiles(temporary);
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
        if (!Directory.EnumerateFileSystemEntries(target).Any() || PackedModel.IsPacked(target)) return;
        throw new A2FException(A2FErrorCode.Io, $"'{target}' holds other files; name a new or empty folder, or a packed model to replace");
    }

    private void WriteFiles(string folder)
    {
        List<(string Name, IReadOnlyList<int> Shape, uint Crc)> checks =
            _tensors.ConvertAll(t => (t.Name, (IReadOnlyList<int>)t.Shape, Crc32.Append(0, t.Bytes)));
        string content = PackedFormat.Content(checks);
        SafetensorsWriter.Write(Path.Combine(folder, PackedFormat.TensorsFile), _tensors,
            new Dictionary<string, string> { ["format"] = PackedFormat.Format, [PackedFormat.ContentKey] = content });
        SafeFile.WriteWhole(Path.Combine(folder, PackedFormat.ManifestFile), stream =>
        {
            using Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Indented = true });
            writer.WriteStartObject();
            writer.WriteString("format", PackedFormat.Format);
            writer.WriteNumber("version", PackedFormat.Version);
            writer.WriteString("kind", ModelFolders.NameOf(kind));
            writer.WriteString(PackedFormat.ContentKey, content);
            manifest(writer);
            WriteTensors(writer, checks);
            writer.WriteEndObject();
        });
    }

    private static void WriteTensors(Utf8JsonWriter writer, List<(string Name, IReadOnlyList<int> Shape, uint Crc)> tensors)
    {
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
    }
}
