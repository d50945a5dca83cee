namespace A2F.Engine.Animation;

/// <summary>All that a user may change about how scores become emotions, reachable by the keys of post_processing_config.</summary>
/// <param name="Parameters">The parameters.</param>
/// <param name="FaceEmotions">Number of face emotions.</param>
public sealed record EmotionSettings(EmotionParameters Parameters, int FaceEmotions)
{
    private const string Preferred = "preferred_emotion";
    private const float Limit = 1000;

    private static readonly NumberParameter<EmotionParameters>[] Numbers =
    [
        new("emotion_contrast", -Limit, Limit, p => p.Contrast, (p, v) => p with { Contrast = v }),
        new("max_emotions", 0, 64, p => p.MaxEmotions, (p, v) => p with { MaxEmotions = (int)v }),
        new("live_blend_coef", 0, 1, p => p.LiveBlend, (p, v) => p with { LiveBlend = v }),
        new("enable_preferred_emotion", 0, 1, p => p.EnablePreferred ? 1 : 0, (p, v) => p with { EnablePreferred = v != 0 }),
        new("preferred_emotion_strength", 0, 1, p => p.PreferredStrength, (p, v) => p with { PreferredStrength = v }),
        new("transition_smoothing", 0, Limit, p => p.TransitionSeconds, (p, v) => p with { TransitionSeconds = v }),
        new("emotion_strength", -Limit, Limit, p => p.Strength, (p, v) => p with { Strength = v }),
    ];

    /// <summary>Every key that <see cref="With"/> takes.</summary>
    public static IReadOnlyList<string> Keys { get; } = [.. Numbers.Select(n => n.Key), Preferred];

    /// <summary>The settings with one key changed. preferred_emotion is written <c>[0, 0.5, ...]</c>; a single value fills it.</summary>
    /// <exception cref="A2FException">No such key, no number, out of range, or a list of the wrong length.</exception>
    public EmotionSettings With(string key, string value)
    {
        if (key == Preferred) return this with { Parameters = Parameters with { Preferred = List(value) } };
        NumberParameter<EmotionParameters> number = Numbers.FirstOrDefault(n => n.Key == key)
            ?? throw new A2FException(A2FErrorCode.InvalidArgument,
                $"there is no emotion parameter '{key}', there are {string.Join(", ", Keys)}");
        float parsed = ParameterTable.Number(key, value, number.Minimum, number.Maximum);
        if (key is "max_emotions" or "enable_preferred_emotion" && parsed != MathF.Floor(parsed))
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{key}: expected a whole number, found '{value}'");
        return this with { Parameters = number.With(Parameters, parsed) };
    }

    private float[] List(string text)
    {
        string[] parts = text.Trim('[', ']').Split([',', ' ', ';'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 1 && !text.StartsWith('[')) parts = [.. Enumerable.Repeat(parts[0], FaceEmotions)];
        return parts.Length == FaceEmotions
            ? Array.ConvertAll(parts, p => ParameterTable.Number(Preferred, p, -Limit, Limit))
            : throw new A2FException(A2FErrorCode.InvalidArgument,
                $"{Preferred}: expected {FaceEmotions} values, one per face emotion, found {parts.Length}");
    }
}
