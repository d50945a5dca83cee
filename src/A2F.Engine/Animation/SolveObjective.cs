namespace A2F.Engine.Animation;

/// <summary>What the blendshape solve minimises. A and b are the regularised normal matrix and right-hand side of the fit.</summary>
public enum SolveObjective
{
    /// <summary>||A x - b||^2, least squares on the normal matrix: what the reference minimises, so weights compare with it.</summary>
    Normal,

    /// <summary>
    /// x'Ax/2 - b'x, the energy of the fit itself (squared vertex distance plus regularisation). The same where no weight sits
    /// on a bound; where some do, this is the better fit of the face.
    /// </summary>
    Energy,
}
