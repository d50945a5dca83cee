using A2F.Engine.Animation;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>What a diffusion model holds for one of its identities.</summary>
public sealed class DiffusionIdentity
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Animator parameters as the folder sets them.</summary>
    public required AnimatorParameters Parameters { get; init; }

    /// <summary>Neutral geometry. Both bases are empty: the network puts out displacements.</summary>
    public required FaceGeometry Geometry { get; init; }

    /// <summary>Skin blendshapes, or null where the folder has none.</summary>
    public BlendshapeSet? SkinBlendshapes { get; init; }

    /// <summary>Parameters of the skin solve.</summary>
    public SolverParameters? SkinSolver { get; init; }

    /// <summary>Tongue blendshapes, or null where the folder has none.</summary>
    public BlendshapeSet? TongueBlendshapes { get; init; }

    /// <summary>Parameters of the tongue solve.</summary>
    public SolverParameters? TongueSolver { get; init; }

    /// <summary>What a user may change about its animation.</summary>
    public AnimationSettings Settings => new(Parameters, SkinSolver, TongueSolver, null, 0);
}

/// <summary>
/// Everything that a diffusion model folder holds, checked and in memory (or mapped): either NVIDIA's deploy format or this engine's
/// packed one.
/// </summary>
public sealed class DiffusionModelFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public required string Path { get; init; }

    /// <summary>Sizes and names.</summary>
    public required DiffusionInfo Info { get; init; }

    /// <summary>Identities, in the order of the network's input.</summary>
    public required IReadOnlyList<DiffusionIdentity> Identities { get; init; }

    /// <summary>Sizes of the network, or null where the folder has none.</summary>
    public DiffusionConfig? Network { get; init; }

    /// <summary>Weights of the network, or null where the folder has none.</summary>
    public WeightSet? Weights { get; init; }

    /// <summary>Whether the folder is of this engine's packed format.</summary>
    public bool IsPacked => Packed is not null;

    /// <summary>The map that the data of a packed model lies in.</summary>
    internal PackedTensors? Packed { get; init; }

    /// <summary>Loads a model folder (or the path of its model.json or manifest.json) of either format.</summary>
    /// <exception cref="A2FException">A file is missing or wrong; the message names file, key, expected and found.</exception>
    public static DiffusionModelFolder Load(string path) => ModelFolders.Load(path, PackedDiffusion.Load, DiffusionDeployFolder.Load);

    /// <summary>
    /// Reads all data of a packed model and checks it: checksums, and that every number is finite. <see cref="Load"/> leaves this out for
    /// tensors above 1 MiB, so that it costs milliseconds; data of a deploy folder has been checked when it was loaded.
    /// </summary>
    /// <exception cref="A2FException">A tensor differs from what was written, or holds NaN or infinity.</exception>
    public void Verify() => Packed?.Verify();

    /// <summary>
    /// Writes the packed form: model.safetensors and manifest.json, which load by memory map. The folder appears whole or not at all;
    /// an existing one must be empty or a packed model, whose files are replaced. docs/file-formats.md describes the format.
    /// </summary>
    /// <exception cref="A2FException">The folder holds other files, or cannot be written.</exception>
    public void WritePacked(string folder) => PackedDiffusion.Write(this, folder);

    /// <summary>Releases the map of a packed model; none of its data may be used afterwards.</summary>
    public void Dispose() => Packed?.Dispose();
}
