using A2F.Engine.Animation;
using A2F.Engine.Networks;

namespace A2F.Engine.Weights;

/// <summary>Everything that a regression model folder holds, checked and in memory (or mapped): either NVIDIA's deploy format or this engine's packed one.</summary>
public sealed class RegressionModelFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public required string Path { get; init; }

    /// <summary>Sizes and names.</summary>
    public required RegressionInfo Info { get; init; }

    /// <summary>Animator parameters as the folder sets them.</summary>
    public required AnimatorParameters Parameters { get; init; }

    /// <summary>Implicit emotion shot chosen by the folder.</summary>
    public required string SourceShot { get; init; }

    /// <summary>Frame within <see cref="SourceShot"/>.</summary>
    public required int SourceFrame { get; init; }

    /// <summary>Neutral geometry and bases.</summary>
    public required FaceGeometry Geometry { get; init; }

    /// <summary>Implicit emotions.</summary>
    public required ImplicitEmotionDatabase ImplicitEmotions { get; init; }

    /// <summary>Skin blendshapes, or null where the folder has none.</summary>
    public BlendshapeSet? SkinBlendshapes { get; init; }

    /// <summary>Parameters of the skin solve.</summary>
    public SolverParameters? SkinSolver { get; init; }

    /// <summary>Tongue blendshapes, or null where the folder has none.</summary>
    public BlendshapeSet? TongueBlendshapes { get; init; }

    /// <summary>Parameters of the tongue solve.</summary>
    public SolverParameters? TongueSolver { get; init; }

    /// <summary>Sizes of the network, or null where the folder has none.</summary>
    public RegressionConfig? Network { get; init; }

    /// <summary>Weights of the network, or null where the folder has none.</summary>
    public WeightSet? Weights { get; init; }

    /// <summary>Loads a model folder (or the path of its model.json) of either format.</summary>
    /// <exception cref="A2FException">A file is missing or wrong; the message names file, key, expected and found.</exception>
    public static RegressionModelFolder Load(string path) => throw new NotImplementedException(path);

    /// <summary>Writes the packed form: safetensors and one manifest, which load by memory map.</summary>
    public void WritePacked(string folder) => throw new NotImplementedException(folder);

    /// <inheritdoc/>
    public void Dispose() { }
}
