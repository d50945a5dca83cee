using A2F.Engine.Animation;

namespace A2F.Engine.Weights;

/// <summary>How a glTF binary file is read as blendshapes.</summary>
public sealed record GlbOptions
{
    /// <summary>Name of the mesh; null for the only one that has morph targets.</summary>
    public string? Mesh { get; init; }

    /// <summary>Centimetres of one unit of the file. glTF counts in metres, hence 100. Above 0, at most 1e6.</summary>
    public float Scale { get; init; } = 100;
}

/// <summary>
/// Reads blendshapes of users, which replace those of a model: npz in the format of bs_skin.npz, or glTF binary (.glb) with morph targets.
/// docs/file-formats.md describes both, and the files of masks and solvers.
/// </summary>
public static class BlendshapeFile
{
    /// <summary>Loads a set of blendshapes; the first bytes of the file tell which format it is of.</summary>
    /// <param name="path">The file.</param>
    /// <param name="vertexCount">Vertices of the skin (or tongue) that the set is for; the set must have the same ones in the same order.</param>
    /// <param name="glb">How to read a .glb file.</param>
    /// <exception cref="A2FException">
    /// The file is missing, of another format, corrupt, has other than <paramref name="vertexCount"/> vertices, or values that are not finite.
    /// </exception>
    public static BlendshapeSet Load(string path, int vertexCount, GlbOptions? glb = null)
    {
        if (vertexCount is < 1 or > ModelJson.MaxVertices)
            throw new A2FException(A2FErrorCode.OutOfRange, $"vertices: expected 1 to {ModelJson.MaxVertices}, found {vertexCount}");
        glb ??= new GlbOptions();
        if (!(glb.Scale is > 0 and <= 1e6f))
            throw new A2FException(A2FErrorCode.OutOfRange, $"scale of a glb file: expected more than 0 and at most 1e6, found {glb.Scale}");
        byte[] start = Start(path);
        if (start.AsSpan().StartsWith("PK"u8)) return BlendshapeNpz.Read(path, vertexCount);
        if (start.AsSpan().StartsWith("glTF"u8)) return GlbBlendshapes.Read(path, vertexCount, glb);
        string hint = start.Length > 0 && start[0] == (byte)'{' ? "; this may be glTF as text: export it as one binary file, .glb" : "";
        throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: expected blendshapes as npz or glTF binary (.glb){hint}");
    }

    /// <summary>Loads the parameters of a solve from a file in the format of bs_skin_config.json.</summary>
    /// <param name="path">The file.</param>
    /// <param name="poseCount">Poses of the blendshapes that it is for.</param>
    /// <exception cref="A2FException">The file is missing or wrong, or for another number of poses.</exception>
    public static SolverParameters LoadSolver(string path, int poseCount)
    {
        using JsonFile config = JsonFile.Open(path);
        return ModelJson.ReadSolver(config.Root["blendshape_params"], poseCount);
    }

    /// <summary>Up to four bytes, which tell formats apart.</summary>
    internal static byte[] Start(string path)
    {
        using FileStream stream = SafeFile.OpenRead(path);
        try
        {
            byte[] start = new byte[4];
            return start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (SafeFile.IsSystemRefusal(e))
        {
            throw SafeFile.Refused(path, "read", e);
        }
    }
}
