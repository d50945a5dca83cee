namespace A2F.Engine.Animation;

/// <summary>The tongue as coefficients of basis, offset, height and depth; see <see cref="FaceFold"/>. No state.</summary>
internal sealed class FoldedTongue(FaceRig rig)
{
    /// <summary>What the coefficients are for.</summary>
    public FoldedBasis Fold => rig.TongueFold;

    /// <summary>Coefficients of the last frame.</summary>
    public double[] Coefficients { get; } = new double[rig.TongueSize + FaceFold.Extra];

    /// <summary>One frame: the tongue's part of a row of network output.</summary>
    public void Animate(ReadOnlySpan<float> output, AnimatorParameters p)
    {
        int size = rig.TongueSize;
        for (int k = 0; k < size; k++) Coefficients[k] = (double)p.TongueStrength * output[k];
        Coefficients[size] = p.TongueStrength;
        Coefficients[size + 1] = p.TongueHeightOffset;
        Coefficients[size + 2] = p.TongueDepthOffset;
    }
}
