namespace A2F.Engine.Animation;

/// <summary>
/// Finds blendshape weights for the poses of one track. With D the displacements of the active poses at the fitted coordinates and
/// scale = (bounding box diagonal / template size)^2:
/// <code>
/// A = D'D + L1^2*0.25*scale*ones + (L2*10*scale + temporal*100*scale)*I + symmetry*10*scale*M'M      M: +1, -1 per symmetric pair
/// b = D'(target - neutral) + temporal*scale*previous
/// x = argmin ||A x - b||^2 over 0 &lt;= x &lt;= 1                                    weight = multiplier*x + offset
/// </code>
/// Cancel pairs are solved twice: then the smaller of each pair may not exceed 1e-10. The minimum is found exactly, so
/// <see cref="SolverParameters.Tolerance"/> (where an iterative solve would stop) has no influence.
/// </summary>
internal sealed class BlendshapeSolver
{
    private const double CancelledBound = 1e-10;
    private readonly BlendshapeBasis _basis;
    private readonly double[] _difference;
    private Prepared _prepared;

    public BlendshapeSolver(BlendshapeBasis basis, SolverParameters parameters, SolveOptions options, string what)
    {
        _basis = basis;
        _difference = new double[basis.RowCount];
        _prepared = new Prepared(basis, parameters, options, what);
    }

    /// <summary>[active, active]: the regularised normal matrix.</summary>
    public ReadOnlySpan<double> A => _prepared.A;

    /// <summary>b of the last frame.</summary>
    public ReadOnlySpan<double> B => _prepared.B;

    /// <summary>Cancel pairs, as positions among the active poses.</summary>
    public IReadOnlyList<(int First, int Second)> CancelPairs => _prepared.CancelPairs;

    /// <summary>Forgets the previous frame.</summary>
    public void Reset() => Array.Clear(_prepared.Previous);

    /// <summary>Takes new parameters from the next frame on; the previous frame's weights of poses that stay active are kept.</summary>
    public void SetParameters(SolverParameters parameters, SolveOptions options, string what)
    {
        Prepared next = new(_basis, parameters, options, what);
        for (int i = 0; i < next.Active.Length; i++)
        {
            int old = Array.IndexOf(_prepared.Active, next.Active[i]);
            if (old >= 0) next.Previous[i] = _prepared.Previous[old];
        }
        _prepared = next;
    }

    /// <summary>One frame.</summary>
    /// <param name="target">Positions at the fitted vertices, [vertices * 3].</param>
    /// <param name="weights">Receives one weight per pose.</param>
    public void Solve(ReadOnlySpan<float> target, Span<float> weights)
    {
        Prepared p = _prepared;
        float[] neutral = _basis.Neutral;
        for (int i = 0; i < _difference.Length; i++) _difference[i] = (double)target[i] - neutral[i];
        for (int i = 0; i < p.Active.Length; i++)
            p.B[i] = DoubleMath.Dot(_basis.Delta(p.Active[i]), _difference) + p.TemporalGain * p.Previous[i];
        SolveBounded(p);
        for (int pose = 0; pose < weights.Length; pose++) weights[pose] = p.Parameters.Offsets[pose];
        for (int i = 0; i < p.Active.Length; i++)
        {
            int pose = p.Active[i];
            weights[pose] = (float)p.X[i] * p.Parameters.Multipliers[pose] + p.Parameters.Offsets[pose];
        }
        p.X.CopyTo(p.Previous, 0);
    }

    private static void SolveBounded(Prepared p)
    {
        int n = p.Active.Length;
        double[] c = p.B;
        if (p.Objective == SolveObjective.Normal)
        {
            c = p.AtB;
            for (int i = 0; i < n; i++) c[i] = DoubleMath.Dot(p.A.AsSpan(i * n, n), p.B);
        }
        Array.Fill(p.Upper, 1.0);
        p.Quadratic.Solve(p.G, c, p.Upper, p.X);
        if (p.CancelPairs.Length == 0) return;
        foreach ((int first, int second) in p.CancelPairs) p.Upper[p.X[first] < p.X[second] ? first : second] = CancelledBound;
        p.Quadratic.Solve(p.G, c, p.Upper, p.X);
    }

    /// <summary>Everything that follows from the parameters, and buffers of matching size.</summary>
    private sealed class Prepared
    {
        public Prepared(BlendshapeBasis basis, SolverParameters p, SolveOptions options, string what)
        {
            Check(basis, p, what);
            Parameters = p;
            Objective = options.Objective;
            Active = [.. Enumerable.Range(0, basis.PoseCount).Where(pose => p.ActivePoses[pose])];
            double scale = Math.Pow(basis.BoundingBoxDiagonal / p.TemplateBoundingBoxSize, 2);
            TemporalGain = p.TemporalSmoothing * scale;
            CancelPairs = Pairs(p.CancelPoses, Active, options.PairUnmarkedPoses);
            A = NormalMatrix(basis, p, scale, options);
            G = Objective == SolveObjective.Normal ? Square(A, Active.Length) : A;
            int n = Active.Length;
            B = new double[n];
            AtB = new double[n];
            X = new double[n];
            Previous = new double[n];
            Upper = new double[n];
            Quadratic = new BoundedQuadratic(n);
        }

        public SolverParameters Parameters { get; }
        public SolveObjective Objective { get; }
        public int[] Active { get; }
        public double TemporalGain { get; }
        public (int First, int Second)[] CancelPairs { get; }
        public double[] A { get; }
        public double[] G { get; }
        public double[] B { get; }
        public double[] AtB { get; }
        public double[] X { get; }
        public double[] Previous { get; }
        public double[] Upper { get; }
        public BoundedQuadratic Quadratic { get; }

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
}
