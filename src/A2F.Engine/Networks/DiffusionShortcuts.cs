namespace A2F.Engine.Networks;

/// <summary>
/// What a diffusion network may leave out because the result is the same without it, in real arithmetic. All are on by default; switching one
/// off is for tests and comparisons.
/// </summary>
public sealed record DiffusionShortcuts
{
    /// <summary>Whether the audio encoder runs once a window; else once a denoising step, always on the same audio.</summary>
    public bool SharedEncoder { get; init; } = true;

    /// <summary>Whether only the frames that are a result are computed; else the geometry and the audio of all of them.</summary>
    public bool CentreOnly { get; init; } = true;

    /// <summary>Whether, with constant noise, all that depends on nothing else is computed once, when the network is loaded.</summary>
    public bool ConstantStart { get; init; } = true;

    /// <summary>
    /// Whether the heads' last layer and the next step's first layer, which have nothing but sums between them, are one; else all vertices are
    /// computed between two steps.
    /// </summary>
    public bool FoldedSteps { get; init; } = true;

    /// <summary>Whether the convolution over the geometry's features is part of the layer before it.</summary>
    public bool FoldedFeatureConvolution { get; init; } = true;

    /// <summary>All of them off: every operation of the network as it was trained.</summary>
    public static DiffusionShortcuts None { get; } = new()
    {
        SharedEncoder = false,
        CentreOnly = false,
        ConstantStart = false,
        FoldedSteps = false,
        FoldedFeatureConvolution = false,
    };
}

/// <summary>Where the noise of a diffusion network comes from.</summary>
public enum NoiseSource
{
    /// <summary>The same numbers in every window and for every character, from one seed: what the reference does by default.</summary>
    Constant,

    /// <summary>New numbers in each window, from the seed of the character and the number of the window.</summary>
    Seeded,

    /// <summary>Numbers that the caller gives with each window.</summary>
    Given,
}
