namespace A2F.Engine.Weights;

/// <summary>A set of blendshapes as npz: bs_skin.npz and bs_tongue.npz of a model folder, and files of users.</summary>
internal static class BlendshapeNpz
{
    /// <summary>Array of the vertices that the solver looks at.</summary>
    public const string Mask = "frontalMask";

    private const string Names = "poseNames", Neutral = "neutral";

    /// <summary>Reads a set over <paramref name="vertices"/> vertices.</summary>
    public static BlendshapeSet Read(string path, int vertices)
    {
        using ArrayReader arrays = new(path);
        string[] names = arrays.Names(Names);
        if (names[0] != Neutral)
            throw new A2FException(A2FErrorCode.InvalidModel, $"{path}: array '{Names}': expected '{Neutral}' first, found '{names[0]}'");
        string[] poses = names[1..];
        if (poses.Length is 0 or > ModelJson.MaxPoses)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{path}: array '{Names}': expected 1 to {ModelJson.MaxPoses} poses beside '{Neutral}', found {poses.Length}");
        }
        if (12L * vertices * poses.Length > NpyHeader.MaxArrayBytes)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{path}: {poses.Length} poses of {vertices} vertices are more than {NpyHeader.MaxArrayBytes} bytes");
        }
        float[] neutral = arrays.Points(Neutral, vertices);
        // Every pose is in memory before the block for all of them is taken, so a list of names alone takes none.
        float[][] parts = Array.ConvertAll(poses, pose => arrays.Points(pose, vertices));
        int[]? mask = arrays.Contains(Mask) ? arrays.Ints(Mask, ArrayReader.Any, 0, vertices - 1) : null;
        float[] deltas = new float[poses.Length * vertices * 3];
        for (int i = 0; i < parts.Length; i++) parts[i].CopyTo(deltas, i * vertices * 3);
        return new BlendshapeSet(poses, neutral, deltas, mask);
    }
}
