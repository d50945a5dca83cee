namespace A2F.Engine.Weights;

/// <summary>The morph targets of one mesh of a glTF binary file as a set of blendshapes; transforms of nodes play no part.</summary>
internal static class GlbBlendshapes
{
    // What a file of some bytes may expand to: sparse and missing positions stand for zeros, and zeros need no bytes.
    private const long FreeBytes = 64 << 20, BytesPerByte = 256;

    /// <summary>Reads a set over <paramref name="vertices"/> vertices.</summary>
    public static BlendshapeSet Read(string path, int vertices, GlbOptions options)
    {
        using GlbFile file = GlbFile.Open(path);
        string version = file.Root["asset"]["version"].Text();
        if (!version.StartsWith("2.", StringComparison.Ordinal)) throw file.Root["asset"]["version"].Wrong("glTF version 2");
        JsonItem mesh = Choose(file, options.Mesh);
        GlbAccessors accessors = new(file);
        List<Part> parts = Parts(mesh, accessors, vertices);
        string[] names = TargetNames(mesh, parts[0].Targets.Length);
        long bytes = 12L * vertices * (names.Length + 1);
        if (bytes > Math.Min(NpyHeader.MaxArrayBytes, FreeBytes + BytesPerByte * file.FileLength))
        {
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{path}: {names.Length} morph targets of {vertices} vertices are {bytes} bytes, too many for a file of {file.FileLength}");
        }
        float[] neutral = new float[3 * vertices], deltas = new float[names.Length * 3 * vertices];
        foreach (Part part in parts)
        {
            accessors.Read(part.Positions, options.Scale, neutral.AsSpan(3 * part.First, 3 * part.Count), $"positions of {part.Key}");
            for (int target = 0; target < names.Length; target++)
            {
                if (part.Targets[target] is not { } displacements) continue;
                accessors.Read(displacements, options.Scale, deltas.AsSpan(3 * (target * vertices + part.First), 3 * part.Count),
                    $"morph target '{names[target]}' of {part.Key}");
            }
        }
        return new BlendshapeSet(names, neutral, deltas, null);
    }

    /// <summary>A primitive's vertices.</summary>
    /// <param name="Key">Where it stands, for messages.</param>
    /// <param name="First">Its first vertex in the set.</param>
    /// <param name="Count">Its vertices.</param>
    /// <param name="Positions">Accessor of the positions.</param>
    /// <param name="Targets">Accessors of the displacements; null for none: no displacement.</param>
    private sealed record Part(string Key, int First, int Count, int Positions, int?[] Targets);

    private static JsonItem Choose(GlbFile file, string? wanted)
    {
        List<JsonItem> meshes = file.Root.Find("meshes")?.Items() ?? [];
        List<JsonItem> found = [.. meshes.Where(m => wanted is null ? HasTargets(m) : NameOf(m) == wanted)];
        if (found.Count == 1) return found[0];
        string names = meshes.Count == 0 ? "none" : string.Join(", ", meshes.Take(20).Select(m => $"'{NameOf(m)}'{(HasTargets(m) ? " (has)" : "")}"));
        string problem = $"expected one mesh {(wanted is null ? "with morph targets" : $"called '{wanted}'")}, found {found.Count}";
        string hint = wanted is null && found.Count > 1 ? "; choose one by its name" : "";
        throw new A2FException(A2FErrorCode.InvalidFile, $"{file.Path}: key 'meshes': {problem}; the meshes are {names}{hint}");
    }

    private static string NameOf(JsonItem mesh) => mesh.Find("name")?.TextOrEmpty() ?? "";

    private static bool HasTargets(JsonItem mesh) =>
        mesh.Find("primitives")?.Items() is [JsonItem first, ..] && first.Find("targets")?.Items() is { Count: > 0 };

    private static string[] TargetNames(JsonItem mesh, int count)
    {
        if (count > ModelJson.MaxPoses)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{mesh.File}: key '{mesh.Key}': expected at most {ModelJson.MaxPoses} morph targets, found {count}");
        }
        if (mesh.Find("extras")?.Find("targetNames") is not { } node)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{mesh.File}: key '{mesh.Key}.extras.targetNames' is missing: it names the {count} morph targets; " +
                "exporters write it with shape keys");
        }
        string[] names = ModelJson.ReadNames(node, ModelJson.MaxPoses);
        return names.Length == count ? names : throw node.Wrong($"{count} names, one per morph target");
    }

    // Primitives follow each other; those that share their vertices (one mesh in several materials) count once.
    private static List<Part> Parts(JsonItem mesh, GlbAccessors accessors, int vertices)
    {
        List<Part> parts = [];
        Dictionary<int, Part> byPositions = [];
        long total = 0;
        int targets = -1;
        foreach (JsonItem primitive in mesh["primitives"].Items())
        {
            if (primitive.Find("extensions")?.Find("KHR_draco_mesh_compression") is not null)
            {
                throw new A2FException(A2FErrorCode.InvalidFile,
                    $"{mesh.File}: key '{primitive.Key}' is compressed (KHR_draco_mesh_compression), which is not read; export without compression");
            }
            int positions = primitive["attributes"]["POSITION"].Int(0, accessors.Count - 1);
            int?[] displacements = [.. primitive["targets"].Items().Select(t => t.Find("POSITION")?.Int(0, accessors.Count - 1))];
            if (targets >= 0 && displacements.Length != targets) throw primitive["targets"].Wrong($"{targets} morph targets as in the first primitive");
            targets = displacements.Length;
            if (byPositions.TryGetValue(positions, out Part? same))
            {
                if (!same.Targets.AsSpan().SequenceEqual(displacements)) throw primitive["targets"].Wrong($"those of {same.Key}, which has the same positions");
                continue;
            }
            int count = accessors.Elements(positions);
            foreach (int displacement in displacements.OfType<int>())
            {
                int found = accessors.Elements(displacement);
                if (found != count)
                {
                    throw new A2FException(A2FErrorCode.InvalidFile,
                        $"{mesh.File}: key 'accessors[{displacement}].count': expected {count}, the vertices of {primitive.Key}, found {found}");
                }
            }
            Part part = new(primitive.Key, (int)Math.Min(total, int.MaxValue), count, positions, displacements);
            parts.Add(part);
            byPositions.Add(positions, part);
            total += count;
        }
        if (targets < 1) throw mesh["primitives"].Wrong("primitives with morph targets");
        return total == vertices ? parts : throw new A2FException(A2FErrorCode.InvalidModel,
            $"{mesh.File}: key '{mesh.Key}': expected {vertices} vertices, those of the model in its order, found {total}; " +
            "exporters split vertices at seams of normals and texture coordinates: export without them");
    }
}
