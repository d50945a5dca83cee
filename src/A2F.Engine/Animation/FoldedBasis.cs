namespace A2F.Engine.Animation;

/// <summary>
/// What takes the coefficients that move a part of the face straight to the right-hand side of its blendshape solve, without vertices. The pose of
/// a part is linear in them, so D'(pose - neutral) = constant + matrix * coefficients, with D the displacements of the blendshapes at the
/// fitted coordinates. Made by <see cref="FaceFold"/>; immutable; shared by all characters.
/// </summary>
/// <param name="Columns">Number of coefficients.</param>
/// <param name="Matrix">[poses, <paramref name="Columns"/>], for all poses, active or not.</param>
/// <param name="Constant">[poses]: D'(neutral of the geometry - neutral of the blendshapes).</param>
internal sealed record FoldedBasis(int Columns, double[] Matrix, double[] Constant)
{
    /// <summary>The coefficients' part in one pose's right-hand side.</summary>
    public ReadOnlySpan<double> Row(int pose) => Matrix.AsSpan(pose * Columns, Columns);
}
