using System.Numerics;
using System.Runtime.InteropServices;

namespace A2F.Engine.Animation;

/// <summary>
/// Moves the skin of one track:
/// <code>
/// d   = skinStrength*(delta + offset) + eyeClose*(blinkOffset*blinkStrength - eyelidOpenOffset) + lipOpen*lipOpenOffset
/// two one-pole smoothers in a row for each half of the face:  s1 += (d - s1)*a;  s2 += (s1 - s2)*a;  a = 1 - 0.5^(dt/halfLife)
/// out = neutral + upper*upperStrength*(1 - mask) + lower*lowerStrength*mask
/// </code>
/// The first frame after a reset, and a half-life of 0, set both smoothers to d. Other parameter changes keep their state.
/// </summary>
internal sealed class SkinAnimator
{
    private readonly SkinRegion _region;
    private readonly float _frameSeconds;
    private readonly float[] _lower1;
    private readonly float[] _lower2;
    private readonly float[] _upper1;
    private readonly float[] _upper2;
    private readonly float[] _mask;
    private AnimatorParameters? _parameters;
    private bool _started;

    /// <param name="region">Vertices to move.</param>
    /// <param name="frameSeconds">Time from frame to frame.</param>
    public SkinAnimator(SkinRegion region, float frameSeconds)
    {
        _region = region;
        _frameSeconds = frameSeconds;
        _lower1 = new float[region.PaddedLength];
        _lower2 = new float[region.PaddedLength];
        _upper1 = new float[region.PaddedLength];
        _upper2 = new float[region.PaddedLength];
        _mask = new float[region.PaddedLength];
    }

    /// <summary>Weight of the lower face per coordinate: 1 at the chin, 0 at the forehead.</summary>
    public ReadOnlySpan<float> Mask => _mask;

    /// <summary>Forgets the smoothers' state.</summary>
    public void Reset() => _started = false;

    /// <summary>Takes new parameters from the next frame on.</summary>
    public void SetParameters(AnimatorParameters parameters)
    {
        AnimatorParameters? old = _parameters;
        _parameters = parameters;
        if (old is not null && old.FaceMaskLevel == parameters.FaceMaskLevel && old.FaceMaskSoftness == parameters.FaceMaskSoftness) return;
        _region.FillMask(parameters.FaceMaskLevel, parameters.FaceMaskSoftness, _mask);
    }

    /// <summary>One frame: displacements in, positions out, both of the region's padded length.</summary>
    public void Animate(ReadOnlySpan<float> delta, Span<float> posed)
    {
        AnimatorParameters p = _parameters ?? throw new A2FException(A2FErrorCode.Internal, "the skin animator has no parameters");
        Vector<float> lowerAlpha = new(Alpha(p.LowerFaceSmoothing, _frameSeconds));
        Vector<float> upperAlpha = new(Alpha(p.UpperFaceSmoothing, _frameSeconds));
        bool smoothLower = _started && p.LowerFaceSmoothing > 0f;
        bool smoothUpper = _started && p.UpperFaceSmoothing > 0f;
        Vector<float> skin = new(p.SkinStrength);
        Vector<float> eye = new(p.BlinkOffset * p.BlinkStrength - p.EyelidOpenOffset);
        Vector<float> lip = new(p.LipOpenOffset);
        Vector<float> upperStrength = new(p.UpperFaceStrength);
        Vector<float> lowerStrength = new(p.LowerFaceStrength);

        ReadOnlySpan<Vector<float>> x = MemoryMarshal.Cast<float, Vector<float>>(delta);
        ReadOnlySpan<Vector<float>> neutral = Vectors(_region.Neutral);
        ReadOnlySpan<Vector<float>> offset = Vectors(_region.Offset);
        ReadOnlySpan<Vector<float>> eyeClose = Vectors(_region.EyeClose);
        ReadOnlySpan<Vector<float>> lipOpen = Vectors(_region.LipOpen);
        ReadOnlySpan<Vector<float>> mask = Vectors(_mask);
        Span<Vector<float>> l1 = Vectors(_lower1), l2 = Vectors(_lower2), u1 = Vectors(_upper1), u2 = Vectors(_upper2);
        Span<Vector<float>> result = MemoryMarshal.Cast<float, Vector<float>>(posed);
        for (int i = 0; i < result.Length; i++)
        {
            Vector<float> d = skin * (x[i] + offset[i]) + eyeClose[i] * eye + lipOpen[i] * lip;
            Vector<float> lower = Smooth(d, ref l1[i], ref l2[i], lowerAlpha, smoothLower);
            Vector<float> upper = Smooth(d, ref u1[i], ref u2[i], upperAlpha, smoothUpper);
            result[i] = neutral[i] + upper * upperStrength * (Vector<float>.One - mask[i]) + lower * lowerStrength * mask[i];
        }
        _started = true;
    }

    private static Vector<float> Smooth(Vector<float> d, ref Vector<float> s1, ref Vector<float> s2, Vector<float> alpha, bool smooth)
    {
        s1 = smooth ? s1 + (d - s1) * alpha : d;
        s2 = smooth ? s2 + (s1 - s2) * alpha : d;
        return s2;
    }

    /// <summary>How far a smoother goes towards its input in a frame; 1 for no smoothing.</summary>
    public static float Alpha(float halfLife, float frameSeconds) => halfLife > 0f ? 1f - MathF.Pow(0.5f, frameSeconds / halfLife) : 1f;

    private static Span<Vector<float>> Vectors(float[] values) => MemoryMarshal.Cast<float, Vector<float>>(values.AsSpan());
}
