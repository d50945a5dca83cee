namespace A2F.Engine.Animation;

/// <summary>
/// How network output becomes a face: the keys of model_config.json and <c>blink_offset</c>. Defaults and ranges are the reference's.
/// Immutable; change one with <c>with</c>.
/// </summary>
public sealed record AnimatorParameters
{
    /// <summary>Audio is multiplied by this before inference. [0, 10]</summary>
    public float InputStrength { get; init; } = 1.0f;

    /// <summary>Half-life of the lower face smoother, in seconds. [0, 0.1]</summary>
    public float LowerFaceSmoothing { get; init; } = 0.0023f;

    /// <summary>Half-life of the upper face smoother, in seconds. [0, 0.1]</summary>
    public float UpperFaceSmoothing { get; init; } = 0.001f;

    /// <summary>Gain of lower face motion. [0, 2]</summary>
    public float LowerFaceStrength { get; init; } = 1.3f;

    /// <summary>Gain of upper face motion. [0, 2]</summary>
    public float UpperFaceStrength { get; init; } = 1.0f;

    /// <summary>Height of the border between lower and upper face, as a share of the face. [0, 1]</summary>
    public float FaceMaskLevel { get; init; } = 0.6f;

    /// <summary>Width of that border. [0.001, 0.5]</summary>
    public float FaceMaskSoftness { get; init; } = 0.0085f;

    /// <summary>Gain of all skin motion. [0, 2]</summary>
    public float SkinStrength { get; init; } = 1.0f;

    /// <summary>Gain of <see cref="BlinkOffset"/>. [0, 2]</summary>
    public float BlinkStrength { get; init; } = 1.0f;

    /// <summary>Opens (positive) or closes the eyelids by this much of the eye-close pose. [-1, 1]</summary>
    public float EyelidOpenOffset { get; init; } = 0.06f;

    /// <summary>Adds this much of the lip-open pose. [-0.2, 0.2]</summary>
    public float LipOpenOffset { get; init; } = -0.03f;

    /// <summary>Closes the eyelids by this much; drive it to blink. Not stored in model files. [0, 1]</summary>
    public float BlinkOffset { get; init; }

    /// <summary>Gain of tongue motion. [0, 3]</summary>
    public float TongueStrength { get; init; } = 1.5f;

    /// <summary>Raises the tongue, in centimetres. [-3, 3]</summary>
    public float TongueHeightOffset { get; init; } = 0.2f;

    /// <summary>Moves the tongue forward, in centimetres. [-3, 3]</summary>
    public float TongueDepthOffset { get; init; } = 0.13f;

    /// <summary>Gain of jaw motion. [0, 2]</summary>
    public float LowerTeethStrength { get; init; } = 1.0f;

    /// <summary>Raises the lower teeth, in centimetres. [-3, 3]</summary>
    public float LowerTeethHeightOffset { get; init; }

    /// <summary>Moves the lower teeth forward, in centimetres. [-3, 3]</summary>
    public float LowerTeethDepthOffset { get; init; }

    /// <summary>Gain of the network's eye rotation. [0, 2]</summary>
    public float EyeballsStrength { get; init; } = 1.0f;

    /// <summary>Gain of the saccade table. [0, 2]</summary>
    public float SaccadeStrength { get; init; } = 1.0f;

    /// <summary>Added to the right eye's x rotation, in degrees. [-10, 10]</summary>
    public float RightEyeRotXOffset { get; init; }

    /// <summary>Added to the right eye's y rotation, in degrees. [-10, 10]</summary>
    public float RightEyeRotYOffset { get; init; }

    /// <summary>Added to the left eye's x rotation, in degrees. [-10, 10]</summary>
    public float LeftEyeRotXOffset { get; init; }

    /// <summary>Added to the left eye's y rotation, in degrees. [-10, 10]</summary>
    public float LeftEyeRotYOffset { get; init; }

    /// <summary>Row of the saccade table at which a track starts. [0, 4999]</summary>
    public float EyeSaccadeSeed { get; init; }
}

/// <summary>
/// The blendshape solve: the keys of bs_*_config.json. Arrays have one entry per pose (without "neutral").
/// </summary>
public sealed record SolverParameters
{
    /// <summary>Weight of the L1-like term. [0, 100]</summary>
    public float L1Regularization { get; init; } = 1.0f;

    /// <summary>Weight of the ridge term. [0, 100]</summary>
    public float L2Regularization { get; init; } = 3.5f;

    /// <summary>Weight of the term that ties symmetric pairs. [0, 10000]</summary>
    public float SymmetryStrength { get; init; } = 100f;

    /// <summary>Weight of the term that ties a frame to the one before. [0, 100]</summary>
    public float TemporalSmoothing { get; init; }

    /// <summary>Diagonal of the bounding box that the strengths were tuned on. Above 0.</summary>
    public float TemplateBoundingBoxSize { get; init; } = 54.7f;

    /// <summary>KKT violation at which the reference's iterative solve stops. The solve here is exact, so it has no influence.</summary>
    public float Tolerance { get; init; } = 1e-10f;

    /// <summary>Which poses take part.</summary>
    public required IReadOnlyList<bool> ActivePoses { get; init; }

    /// <summary>Poses with the same id of 0 or more exclude each other; -1 for none.</summary>
    public required IReadOnlyList<int> CancelPoses { get; init; }

    /// <summary>Poses with the same id of 0 or more are tied; -1 for none.</summary>
    public required IReadOnlyList<int> SymmetryPoses { get; init; }

    /// <summary>Multiplies each solved weight.</summary>
    public required IReadOnlyList<float> Multipliers { get; init; }

    /// <summary>Added to each weight after the multiplier.</summary>
    public required IReadOnlyList<float> Offsets { get; init; }
}
