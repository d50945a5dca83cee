namespace A2F.Engine.Animation;

/// <summary>
/// The skin of one track as coefficients: what <see cref="SkinAnimator"/> does to every coordinate is linear, the same for all of them but for the
/// mask, so it is done to the coefficients of basis, offset, eye close and lip open instead. In double precision; no vertex is computed.
/// </summary>
internal sealed class FoldedSkin
{
    private readonly FaceRig _rig;
    private readonly float _frameSeconds;
    private readonly double[] _lower1, _lower2, _upper1, _upper2;
    private AnimatorParameters _parameters;
    private bool _started;

    public FoldedSkin(FaceRig rig, float frameSeconds, AnimatorParameters parameters)
    {
        (_rig, _frameSeconds, _parameters) = (rig, frameSeconds, parameters);
        int count = FaceFold.SkinCoefficients(rig);
        (_lower1, _lower2, _upper1, _upper2) = (new double[count], new double[count], new double[count], new double[count]);
        Coefficients = new double[2 * count];
        Fold = rig.SkinFold(parameters.FaceMaskLevel, parameters.FaceMaskSoftness);
    }

    /// <summary>What the coefficients are for.</summary>
    public FoldedBasis Fold { get; private set; }

    /// <summary>Coefficients of the last frame, in the order of <see cref="FaceFold"/>.</summary>
    public double[] Coefficients { get; }

    /// <summary>Takes new parameters from the next frame on; smoothing keeps its state.</summary>
    public void SetParameters(AnimatorParameters parameters)
    {
        bool same = parameters.FaceMaskLevel == _parameters.FaceMaskLevel && parameters.FaceMaskSoftness == _parameters.FaceMaskSoftness;
        _parameters = parameters;
        if (!same) Fold = _rig.SkinFold(parameters.FaceMaskLevel, parameters.FaceMaskSoftness);
    }

    /// <summary>Forgets the smoothers' state.</summary>
    public void Reset() => _started = false;

    /// <summary>One frame: the skin's part of a row of network output.</summary>
    public void Animate(ReadOnlySpan<float> output)
    {
        AnimatorParameters p = _parameters;
        int size = _rig.SkinSize, count = size + FaceFold.Extra;
        Span<double> target = Coefficients.AsSpan(0, count);
        for (int k = 0; k < size; k++) target[k] = (double)p.SkinStrength * output[k];
        target[size] = p.SkinStrength;
        target[size + 1] = p.BlinkOffset * p.BlinkStrength - p.EyelidOpenOffset;
        target[size + 2] = p.LipOpenOffset;
        Span<double> upper = Coefficients.AsSpan(count);
        Smooth(target, _upper1, _upper2, p.UpperFaceSmoothing, p.UpperFaceStrength, upper);
        Smooth(target, _lower1, _lower2, p.LowerFaceSmoothing, p.LowerFaceStrength, target);
        _started = true;
    }

    private void Smooth(ReadOnlySpan<double> d, double[] s1, double[] s2, float halfLife, float strength, Span<double> result)
    {
        double alpha = SkinAnimator.Alpha(halfLife, _frameSeconds);
        bool smooth = _started && halfLife > 0f;
        for (int k = 0; k < d.Length; k++)
        {
            s1[k] = smooth ? s1[k] + (d[k] - s1[k]) * alpha : d[k];
            s2[k] = smooth ? s2[k] + (s1[k] - s2[k]) * alpha : d[k];
            result[k] = s2[k] * strength;
        }
    }
}
