namespace A2F.Engine.Animation;

/// <summary>How the scores of an emotion network become emotions of a face: the keys of its post_processing_config. Change one with <c>with</c>.</summary>
public sealed record EmotionParameters
{
    /// <summary>Sharpens (above 1) or flattens the scores before the softmax (emotion_contrast).</summary>
    public float Contrast { get; init; } = 1f;

    /// <summary>Only this many of the strongest classes count (max_emotions). 0 or more.</summary>
    public int MaxEmotions { get; init; } = 6;

    /// <summary>Share of the previous frame in the first smoother (live_blend_coef). [0, 1]</summary>
    public float LiveBlend { get; init; } = 0.7f;

    /// <summary>Whether the preferred emotion is mixed in (enable_preferred_emotion).</summary>
    public bool EnablePreferred { get; init; }

    /// <summary>Share of the preferred emotion (preferred_emotion_strength). [0, 1]</summary>
    public float PreferredStrength { get; init; } = 0.5f;

    /// <summary>Time of the second smoother in seconds (transition_smoothing).</summary>
    public float TransitionSeconds { get; init; } = 0.5f;

    /// <summary>Gain of the result (emotion_strength).</summary>
    public float Strength { get; init; } = 0.6f;

    /// <summary>The preferred emotion, one value per face emotion; null for zeros.</summary>
    public IReadOnlyList<float>? Preferred { get; init; }

    /// <summary>The emotion that a track starts from, one value per face emotion; null for zeros.</summary>
    public IReadOnlyList<float>? Beginning { get; init; }

    /// <summary>Face emotion that each class of the network drives, -1 for none (emotion_correspondence).</summary>
    public required IReadOnlyList<int> Correspondence { get; init; }

    /// <summary>
    /// Compatibility with the reference, off by default. Face emotions that no class drives start each frame from the last result, strength
    /// included; in the reference they grow without bound for strengths above 1. Here results are kept in [0, 1], which changes nothing
    /// while they stay there; true leaves them free.
    /// </summary>
    public bool Unbounded { get; init; }
}
