namespace A2F.Engine.Animation;

/// <summary>Choices about the blendshape solve that model files do not hold.</summary>
public sealed record SolveOptions
{
    /// <summary>What to minimise.</summary>
    public SolveObjective Objective { get; init; }

    /// <summary>
    /// Compatibility with the reference, off by default. The reference collects cancel and symmetry ids without leaving out -1 ("no pair"), so
    /// when exactly two active poses carry -1 it treats them as a pair; true does the same.
    /// </summary>
    public bool PairUnmarkedPoses { get; init; }
}
