namespace A2F.Engine.Animation;

/// <summary>
/// Everything about a blendshape solve that follows from its parameters; see <see cref="BlendshapeSolver"/> for the formulas. Immutable:
/// characters with the same parameters may share one.
/// </summary>
internal sealed class SolverSetup
{
    private const double Uniqueness = 1e-13;

    /// <param name="basis">The blendshapes.</param>
    /// <param name="parameters">How to solve.</param>
    /// <param name="options">What model files do not hold.</param>
    /// <param name="what">"skin" or "tongue", for messages.</param>
    /// <exception cref="A2FException">An array is of the wrong length, or a value is not finite or out of range.</exception>
    public SolverSetup(BlendshapeBasis basis, SolverParameters parameters, SolveOptions options, string what)
    {
        Check(basis, parameters, what);
        Parameters = parameters;
        Options = options;
        Active = [.. Enumerable.Range(0, basis.PoseCount).Where(pose => parameters.ActivePoses[pose])];
        double scale = Math.Pow(basis.BoundingBoxDiagonal / parameters.TemplateBoundingBoxSize, 2);
        TemporalGain = parameters.TemporalSmoothing * scale;
        CancelPairs = Pairs(parameters.CancelPoses, Active, options.PairUnmarkedPoses);
        A = NormalMatrix(basis, parameters, scale, options);
        G = options.Objective == SolveObjective.Normal ? Square(A, Active.Length) : (double[])A.Clone();
        for (int i = 0; i < G.Length; i += Active.Length + 1) G[i] *= 1 + Uniqueness;
    }

    public SolverParameters Parameters { get; }

    public SolveOptions Options { get; }

    /// <summary>Poses that take part, ascending.</summary>
    public int[] Active { get; }

    /// <summary>What the weights before are multiplied by in b.</summary>
    public double TemporalGain { get; }

    /// <summary>Cancel pairs, as positions among the active poses.</summary>
    public (int First, int Second)[] CancelPairs { get; }

    /// <summary>[active, active]: the regularised normal matrix.</summary>
    public double[] A { get; }

    /// <summary>
    /// [active, active]: the matrix of the quadratic program: A, or A'A where its right-hand side is A'b. The diagonal is larger by 1e-13 of
    /// itself: too little to be seen in weights that the rig determines; weights that it does not (equal poses) become unique that way, whatever
    /// solves came before.
    /// </summary>
    public double[] G { get; }

    /// <summary>Whether solves with another setup may go on with what was kept of solves with this one.</summary>
    public bool SolvesAs(SolverSetup other) =>
        Active.AsSpan().SequenceEqual(other.Active) && G.AsSpan().SequenceEqual(other.G) && Options.Objective == other.Options.Objective
        && CancelPairs.AsSpan().SequenceEqual(other.CancelPairs);

    private double[] NormalMatrix(BlendshapeBasis basis, SolverParameters p, double scale, SolveOptions options)
    {
        int n = Active.Length;
        double[] a = new double[n * n];
        double everywhere = (double)p.L1Regularization * p.L1Regularization * 0.25 * scale;
        double diagonal = p.L2Regularization * 10.0 * scale + p.TemporalSmoothing * 100.0 * scale;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++) a[i * n + j] = basis.Products[Active[i] * basis.PoseCount + Active[j]] + everywhere;
            a[i * n + i] += diagonal;
        }
        double tie = p.SymmetryStrength * 10.0 * scale;
        foreach ((int i, int j) in Pairs(p.SymmetryPoses, Active, options.PairUnmarkedPoses))
        {
            a[i * n + i] += tie;
            a[j * n + j] += tie;
            a[i * n + j] -= tie;
            a[j * n + i] -= tie;
        }
        return a;
    }

    private static double[] Square(double[] a, int n)
    {
        double[] square = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++) square[i * n + j] = DoubleMath.Dot(a.AsSpan(i * n, n), a.AsSpan(j * n, n));
        }
        return square;
    }

    // An id that exactly two active poses carry makes a pair, at positions among the active poses.
    private static (int First, int Second)[] Pairs(IReadOnlyList<int> ids, int[] active, bool pairUnmarked) =>
        [.. Enumerable.Range(0, active.Length)
            .GroupBy(i => ids[active[i]])
            .Where(group => (group.Key >= 0 || (pairUnmarked && group.Key == -1)) && group.Count() == 2)
            .Select(group => (group.First(), group.Last()))];

    private static void Check(BlendshapeBasis basis, SolverParameters p, string what)
    {
        CheckCount(p.ActivePoses.Count, "bsSolveActivePoses");
        CheckCount(p.CancelPoses.Count, "bsSolveCancelPoses");
        CheckCount(p.SymmetryPoses.Count, "bsSolveSymmetryPoses");
        CheckCount(p.Multipliers.Count, "bsWeightMultipliers");
        CheckCount(p.Offsets.Count, "bsWeightOffsets");
        foreach (float value in p.Multipliers) Finite.Check(value, $"{what} solver, bsWeightMultipliers");
        foreach (float value in p.Offsets) Finite.Check(value, $"{what} solver, bsWeightOffsets");
        CheckPositive(p.L1Regularization, "strengthL1regularization", orZero: true);
        CheckPositive(p.L2Regularization, "strengthL2regularization", orZero: true);
        CheckPositive(p.SymmetryStrength, "strengthSymmetry", orZero: true);
        CheckPositive(p.TemporalSmoothing, "strengthTemporalSmoothing", orZero: true);
        CheckPositive(p.TemplateBoundingBoxSize, "templateBBSize", orZero: false);

        void CheckCount(int count, string key)
        {
            if (count != basis.PoseCount)
            {
                throw new A2FException(A2FErrorCode.InvalidArgument,
                    $"{what} solver, {key}: expected {basis.PoseCount} values (one per pose), found {count}");
            }
        }

        void CheckPositive(float value, string key, bool orZero)
        {
            Finite.Check(value, $"{what} solver, {key}");
            if (value < 0f || (value == 0f && !orZero))
                throw new A2FException(A2FErrorCode.OutOfRange, $"{what} solver, {key}: expected {(orZero ? "0 or more" : "more than 0")}, found {value}");
        }
    }
}
