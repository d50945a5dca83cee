namespace A2F.Engine.Animation;

/// <summary>
/// Turns the scores of an emotion network into the emotions of one track's face, frame by frame:
/// <code>
/// e = softmax(scores*contrast); classes without a face emotion and the weakest beyond maxEmotions become 0 (no renormalisation)
/// a[correspondence[i]] = e[i]; other face emotions start from the last result (first frame: the beginning emotion)
/// a = (1 - liveBlend)*a + liveBlend*previous a          mixed with the preferred emotion where enabled
/// a = w*a + (1 - w)*previous mix, w = min(dt/max(transition, 0.001), 1), except on the first frame
/// result = a*strength
/// </code>
/// </summary>
public sealed class EmotionPostProcessor
{
    // Where even unbounded emotions stop, so that they never become infinite or NaN.
    private const float Overflow = 1e30f;

    private readonly float _frameSeconds;
    private readonly float[] _classes;
    private readonly float[] _result;
    private readonly float[] _previousBlend;
    private readonly float[] _previousMix;
    private EmotionParameters _parameters;
    private bool _started;

    /// <summary>Creates the post-processor of one track.</summary>
    /// <param name="emotionCount">Number of face emotions. 1 or more.</param>
    /// <param name="frameSeconds">Time from frame to frame, above 0.</param>
    /// <param name="parameters">How scores become emotions.</param>
    /// <exception cref="A2FException">A length, an index or a value is wrong.</exception>
    public EmotionPostProcessor(int emotionCount, float frameSeconds, EmotionParameters parameters)
    {
        if (emotionCount < 1 || !(frameSeconds > 0f) || !float.IsFinite(frameSeconds))
            throw new A2FException(A2FErrorCode.OutOfRange, $"{emotionCount} emotions every {frameSeconds} seconds are not possible");
        _frameSeconds = frameSeconds;
        _result = new float[emotionCount];
        _previousBlend = new float[emotionCount];
        _previousMix = new float[emotionCount];
        Check(parameters);
        _parameters = parameters;
        _classes = new float[parameters.Correspondence.Count];
    }

    /// <summary>How scores become emotions. A new value counts from the next frame on and keeps the track's state.</summary>
    /// <exception cref="A2FException">A length, an index or a value is wrong, or the number of classes differs.</exception>
    public EmotionParameters Parameters
    {
        get => _parameters;
        set
        {
            Check(value);
            if (value.Correspondence.Count != _classes.Length)
            {
                throw new A2FException(A2FErrorCode.InvalidArgument,
                    $"emotion_correspondence: expected {_classes.Length} classes, found {value.Correspondence.Count}");
            }
            _parameters = value;
        }
    }

    /// <summary>Starts a new track.</summary>
    public void Reset() => _started = false;

    /// <summary>One frame.</summary>
    /// <param name="scores">One raw score (logit) per class.</param>
    /// <param name="emotions">Receives one value per face emotion.</param>
    /// <param name="preferred">Preferred emotion of this frame instead of the parameters'; empty for the parameters'.</param>
    /// <exception cref="A2FException">A length is wrong, or a value is not finite (or beyond 1e6). The track's state is untouched then.</exception>
    public void Process(ReadOnlySpan<float> scores, Span<float> emotions, ReadOnlySpan<float> preferred = default)
    {
        if (scores.Length != _classes.Length || emotions.Length != _result.Length || (!preferred.IsEmpty && preferred.Length != _result.Length))
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"expected {_classes.Length} scores, {_result.Length} emotions and as many preferred ones or none, " +
                $"found {scores.Length}, {emotions.Length} and {preferred.Length}");
        }
        Finite.Check(scores, "emotion scores");
        Finite.Check(preferred, "preferred emotion");
        EmotionParameters p = _parameters;
        Classify(scores, p);
        if (!_started)
        {
            for (int i = 0; i < _result.Length; i++) _result[i] = _previousBlend[i] = p.Beginning?[i] ?? 0f;
        }
        for (int i = 0; i < _classes.Length; i++)
        {
            if (p.Correspondence[i] >= 0) _result[p.Correspondence[i]] = _classes[i];
        }
        float w = MathF.Min(_frameSeconds / MathF.Max(p.TransitionSeconds, 1e-3f), 1f);
        for (int i = 0; i < _result.Length; i++)
        {
            float a = (1f - p.LiveBlend) * _result[i] + p.LiveBlend * _previousBlend[i];
            _previousBlend[i] = a;
            float wanted = preferred.IsEmpty ? p.Preferred?[i] ?? 0f : preferred[i];
            if (p.EnablePreferred) a = (1f - p.PreferredStrength) * a + p.PreferredStrength * wanted;
            if (_started) a = w * a + (1f - w) * _previousMix[i];
            _previousMix[i] = a;
            a *= p.Strength;
            _result[i] = p.Unbounded ? Math.Clamp(a, -Overflow, Overflow) : Math.Clamp(a, 0f, 1f);
        }
        _started = true;
        _result.CopyTo(emotions);
    }

    // Softmax into _classes, without unmapped classes and without the weakest.
    private void Classify(ReadOnlySpan<float> scores, EmotionParameters p)
    {
        float highest = float.NegativeInfinity;
        foreach (float score in scores) highest = MathF.Max(highest, score * p.Contrast);
        float sum = 0f;
        for (int i = 0; i < scores.Length; i++) sum += _classes[i] = MathF.Exp(scores[i] * p.Contrast - highest);
        for (int i = 0; i < scores.Length; i++) _classes[i] = p.Correspondence[i] < 0 ? 0f : _classes[i] / sum;
        // Equal ones go lowest index first. Those that are gone are marked by -1 until the end.
        for (int drop = scores.Length - p.MaxEmotions; drop > 0; drop--)
        {
            int weakest = -1;
            for (int i = 0; i < _classes.Length; i++)
            {
                if (_classes[i] >= 0f && (weakest < 0 || _classes[i] < _classes[weakest])) weakest = i;
            }
            _classes[weakest] = -1f;
        }
        for (int i = 0; i < _classes.Length; i++) _classes[i] = MathF.Max(_classes[i], 0f);
    }

    private void Check(EmotionParameters p)
    {
        ReadOnlySpan<float> values = [p.Contrast, p.LiveBlend, p.PreferredStrength, p.TransitionSeconds, p.Strength];
        Finite.Check(values, "emotion parameters");
        if (p.MaxEmotions < 0) throw new A2FException(A2FErrorCode.OutOfRange, $"max_emotions: expected 0 or more, found {p.MaxEmotions}");
        CheckShare(p.LiveBlend, "live_blend_coef");
        CheckShare(p.PreferredStrength, "preferred_emotion_strength");
        CheckList(p.Preferred, "preferred_emotion");
        CheckList(p.Beginning, "beginning emotion");
        for (int i = 0; i < p.Correspondence.Count; i++)
        {
            int slot = p.Correspondence[i];
            if (slot >= -1 && slot < _result.Length && (slot < 0 || p.Correspondence.Count(other => other == slot) == 1)) continue;
            throw new A2FException(A2FErrorCode.OutOfRange,
                $"emotion_correspondence[{i}]: expected -1 or an own number from 0 to {_result.Length - 1}, found {slot}");
        }
    }

    private static void CheckShare(float value, string key)
    {
        if (value is < 0f or > 1f) throw new A2FException(A2FErrorCode.OutOfRange, $"{key}: expected 0 to 1, found {value}");
    }

    private void CheckList(IReadOnlyList<float>? values, string what)
    {
        if (values is null) return;
        if (values.Count != _result.Length)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{what}: expected {_result.Length} values, found {values.Count}");
        foreach (float value in values) Finite.Check(value, what);
    }
}
