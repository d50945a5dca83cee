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
/// <see cref="SolverParameters.Tolerance"/> (where an iterative solve would stop) has no influence. Each frame's solve starts from where the
/// frame before ended.
/// </summary>
internal sealed class BlendshapeSolver
{
    /// <summary>Most that the smaller of a cancel pair may be.</summary>
    public const double CancelledBound = 1e-10;

    private readonly BlendshapeBasis _basis;
    private readonly double[] _difference;
    private SolverSetup _setup;
    private Buffers _buffers;

    /// <summary>Working memory for a number of active poses.</summary>
    private sealed class Buffers(SolverSetup setup)
    {
        public double[] B { get; } = new double[setup.Active.Length];

        public double[] C { get; } = setup.Options.Objective == SolveObjective.Normal ? new double[setup.Active.Length] : [];

        public double[] X { get; } = new double[setup.Active.Length];

        public double[] Y { get; } = new double[setup.Active.Length]; // of the first solve, where there are cancel pairs

        public double[] Upper { get; } = new double[setup.Active.Length];

        public BoundedQuadratic Free { get; } = new(setup.Active.Length, setup.G);

        public BoundedQuadratic? Cancelled { get; } = setup.CancelPairs.Length == 0 ? null : new(setup.Active.Length, setup.G);
    }

    public BlendshapeSolver(BlendshapeBasis basis, SolverSetup setup)
    {
        _basis = basis;
        _difference = new double[basis.RowCount];
        _setup = setup;
        _buffers = new Buffers(setup);
    }

    /// <summary>What follows from the parameters.</summary>
    public SolverSetup Setup => _setup;

    /// <summary>b of the last frame.</summary>
    public ReadOnlySpan<double> B => _buffers.B;

    /// <summary>The last frame's solution for the active poses, before multipliers and offsets.</summary>
    public ReadOnlySpan<double> X => _buffers.X;

    /// <summary>Minima of faces that the last frame's solves went to.</summary>
    public int Faces { get; private set; }

    /// <summary>Forgets the previous frame.</summary>
    public void Reset()
    {
        Array.Clear(_buffers.X);
        _buffers.Free.Reset();
        _buffers.Cancelled?.Reset();
    }

    /// <summary>Takes new parameters from the next frame on; the previous frame's weights of poses that stay active are kept.</summary>
    public void SetParameters(SolverSetup setup)
    {
        SolverSetup old = _setup;
        _setup = setup;
        if (setup.SolvesAs(old)) return;
        double[] previous = _buffers.X;
        _buffers = new Buffers(setup);
        for (int i = 0; i < setup.Active.Length; i++)
        {
            int before = Array.IndexOf(old.Active, setup.Active[i]);
            if (before >= 0) _buffers.X[i] = previous[before];
        }
    }

    /// <summary>One frame.</summary>
    /// <param name="target">Positions at the fitted vertices, [vertices * 3].</param>
    /// <param name="weights">Receives one weight per pose.</param>
    public void Solve(ReadOnlySpan<float> target, Span<float> weights)
    {
        float[] neutral = _basis.Neutral;
        for (int i = 0; i < _difference.Length; i++) _difference[i] = (double)target[i] - neutral[i];
        for (int i = 0; i < _setup.Active.Length; i++) _buffers.B[i] = DoubleMath.Dot(_basis.Delta(_setup.Active[i]), _difference);
        SolveFor(weights);
    }

    /// <summary>One frame, from coefficients that <paramref name="fold"/> takes to the right-hand side.</summary>
    /// <param name="fold">D' times what takes coefficients to displacements.</param>
    /// <param name="coefficients">As <see cref="FoldedBasis"/> orders them.</param>
    /// <param name="weights">Receives one weight per pose.</param>
    public void Solve(FoldedBasis fold, ReadOnlySpan<double> coefficients, Span<float> weights)
    {
        for (int i = 0; i < _setup.Active.Length; i++)
        {
            int pose = _setup.Active[i];
            _buffers.B[i] = fold.Constant[pose] + DoubleMath.Dot(fold.Row(pose), coefficients);
        }
        SolveFor(weights);
    }

    private void SolveFor(Span<float> weights)
    {
        (SolverSetup s, Buffers m) = (_setup, _buffers);
        int n = s.Active.Length;
        DoubleMath.AddScaled(m.X, s.TemporalGain, m.B);
        double[] c = m.B;
        if (s.Options.Objective == SolveObjective.Normal)
        {
            c = m.C;
            for (int i = 0; i < n; i++) c[i] = DoubleMath.Dot(s.A.AsSpan(i * n, n), m.B);
        }
        Array.Fill(m.Upper, 1.0);
        if (m.Cancelled is { } cancelled)
        {
            m.Free.Solve(c, m.Upper, m.Y);
            foreach ((int first, int second) in s.CancelPairs) m.Upper[m.Y[first] < m.Y[second] ? first : second] = CancelledBound;
            cancelled.Solve(c, m.Upper, m.X);
            Faces = m.Free.Faces + cancelled.Faces;
        }
        else
        {
            m.Free.Solve(c, m.Upper, m.X);
            Faces = m.Free.Faces;
        }
        SolverParameters p = s.Parameters;
        for (int pose = 0; pose < weights.Length; pose++) weights[pose] = p.Offsets[pose];
        for (int i = 0; i < n; i++)
        {
            int pose = s.Active[i];
            weights[pose] = (float)m.X[i] * p.Multipliers[pose] + p.Offsets[pose];
        }
    }
}
