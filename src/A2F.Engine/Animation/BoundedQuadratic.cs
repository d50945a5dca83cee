namespace A2F.Engine.Animation;

/// <summary>
/// argmin x'Gx/2 - c'x over 0 &lt;= x &lt;= upper, for one symmetric positive semidefinite G and one c after another, in double precision. A primal
/// active-set method. It starts from the free variables of the solve before: they go to the minimum of their face, those that leave the box are
/// fixed at the bound that they passed, until the face's minimum lies in the box. Then one variable at a time is freed (largest wrong-signed
/// gradient) and the enlarged face's minimum is walked to, stopping at bounds. Every walk lowers the energy, so no face comes twice; where
/// rounding stops a walk from doing so, its variable is left alone until another makes progress.
/// </summary>
/// <remarks>
/// The Cholesky factor of G over the free variables has them in the order in which they were freed; a row stays valid until a variable before it is
/// fixed, from solve to solve. Pivots are held above rounding, so a singular G does no harm: where the minimum is not unique, one is found.
/// <see cref="Reset"/> makes the next solve independent of those before.
/// </remarks>
internal sealed class BoundedQuadratic
{
    private const double LeastPivot = 1e-14; // of the diagonal
    private const double GradientNoise = 1e-13; // of a gradient's terms
    private const double BoxNoise = 1e-16; // of a gradient's terms at the far corner of the box
    private readonly int _n;
    private readonly double[] _g;
    private readonly double[] _factor; // row r: variable _order[r]
    private readonly double[] _step;
    private readonly double[] _gradient;
    private readonly double[] _noise;
    private readonly int[] _order; // free variables; the first _rank are in the factor
    private readonly bool[] _free;
    private readonly bool[] _blocked;
    private int _rank;
    private int _count; // free variables

    /// <param name="n">Number of variables.</param>
    /// <param name="g">[n, n], symmetric positive semidefinite; not copied.</param>
    public BoundedQuadratic(int n, double[] g)
    {
        _n = n;
        _g = g;
        _factor = new double[checked(n * n)];
        _step = new double[n];
        _gradient = new double[n];
        _noise = new double[n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++) _noise[i] += BoxNoise * Math.Abs(g[i * n + j]);
        }
        _order = new int[n];
        _free = new bool[n];
        _blocked = new bool[n];
        Reset();
    }

    /// <summary>Minima of faces that the last solve went to.</summary>
    public int Faces { get; private set; }

    /// <summary>Most minima of faces that a solve goes to.</summary>
    public int MostFaces => MostRounds * (_n + 1) + _n + 1;

    private int MostRounds => 20 * _n + 50;

    /// <summary>Forgets the solves before: all variables are free.</summary>
    public void Reset()
    {
        _rank = 0;
        _count = _n;
        for (int i = 0; i < _n; i++) (_order[i], _free[i]) = (i, true);
    }

    /// <summary>Solves one problem.</summary>
    /// <param name="c">[n].</param>
    /// <param name="upper">[n], 0 or more.</param>
    /// <param name="x">[n]: what the solve before left there, or anything after a reset; receives the solution.</param>
    public void Solve(ReadOnlySpan<double> c, ReadOnlySpan<double> upper, Span<double> x)
    {
        Faces = 0;
        for (int i = 0; i < _n; i++)
        {
            if (_free[i]) x[i] = 0;
            else x[i] = x[i] > upper[i] / 2 ? upper[i] : 0; // the bound that it was at, or what is left of it
        }
        ClipUntilFeasible(c, upper, x);
        Array.Clear(_blocked);
        for (int round = 0; round < MostRounds; round++)
        {
            int entering = FindEntering(c, upper, x);
            if (entering < 0) return;
            Free(entering);
            if (Walk(c, upper, x, entering)) Array.Clear(_blocked);
            else _blocked[entering] = true;
        }
    }

    private void ClipUntilFeasible(ReadOnlySpan<double> c, ReadOnlySpan<double> upper, Span<double> x)
    {
        bool clipped = true;
        while (clipped)
        {
            clipped = false;
            SolveFree(c, x);
            for (int i = 0; i < _n; i++)
            {
                if (!_free[i]) continue;
                x[i] += _step[i];
                if (x[i] >= 0 && x[i] <= upper[i]) continue;
                x[i] = x[i] > upper[i] ? upper[i] : 0; // NaN can't be: inputs are finite and pivots bounded
                _free[i] = false;
                clipped = true;
            }
            if (clipped) DropFixed();
        }
    }

    // The bound variable whose gradient points into the box most steeply, or -1 at a KKT point.
    private int FindEntering(ReadOnlySpan<double> c, ReadOnlySpan<double> upper, ReadOnlySpan<double> x)
    {
        int best = -1;
        double steepest = 0;
        for (int i = 0; i < _n; i++)
        {
            if (_free[i] || _blocked[i] || upper[i] <= 0) continue;
            (double gradient, double size) = Gradient(c, x, i);
            double inward = x[i] <= 0 ? -gradient : gradient;
            if (inward <= GradientNoise * size + _noise[i] || inward <= steepest) continue;
            steepest = inward;
            best = i;
        }
        return best;
    }

    private (double Gradient, double Size) Gradient(ReadOnlySpan<double> c, ReadOnlySpan<double> x, int i)
    {
        ReadOnlySpan<double> row = _g.AsSpan(i * _n, _n);
        (double sum, double size) = DoubleMath.DotAndSize(row, x);
        return (sum - c[i], size + Math.Abs(c[i]));
    }

    // Goes to the minimum over the free variables, fixing those that meet a bound on the way. False where nothing moved.
    private bool Walk(ReadOnlySpan<double> c, ReadOnlySpan<double> upper, Span<double> x, int entering)
    {
        bool first = true;
        bool moved = false;
        while (true)
        {
            SolveFree(c, x);
            if (first && (x[entering] <= 0 ? _step[entering] <= 0 : _step[entering] >= 0))
            {
                Fix(entering);
                return false;
            }
            first = false;
            (double length, int limiting) = StepToBound(upper, x);
            for (int i = 0; i < _n; i++)
            {
                if (!_free[i] || _step[i] == 0) continue;
                double old = x[i];
                x[i] = Math.Clamp(old + length * _step[i], 0, upper[i]);
                moved |= x[i] != old;
            }
            if (limiting < 0) return moved;
            x[limiting] = _step[limiting] < 0 ? 0 : upper[limiting];
            Fix(limiting);
            if (limiting == entering && !moved) return false;
        }
    }

    private (double Length, int Limiting) StepToBound(ReadOnlySpan<double> upper, ReadOnlySpan<double> x)
    {
        double length = 1;
        int limiting = -1;
        for (int i = 0; i < _n; i++)
        {
            if (!_free[i] || _step[i] == 0) continue;
            double room = _step[i] < 0 ? x[i] : upper[i] - x[i];
            double reach = Math.Abs(_step[i]);
            if (reach <= room || room >= length * reach) continue;
            length = room / reach;
            limiting = i;
        }
        return (length, limiting);
    }

    private void Free(int i)
    {
        _free[i] = true;
        _order[_count++] = i;
    }

    private void Fix(int i)
    {
        _free[i] = false;
        DropFixed();
    }

    // The factor keeps its rows up to the first variable that is free no more.
    private void DropFixed()
    {
        int kept = 0, rank = _rank;
        for (int k = 0; k < _count; k++)
        {
            if (_free[_order[k]]) _order[kept++] = _order[k];
            else if (k < rank) rank = Math.Min(rank, kept);
        }
        (_count, _rank) = (kept, rank);
    }

    // _step = -(G over the free variables)^-1 * gradient, by Cholesky; 0 for fixed variables.
    private void SolveFree(ReadOnlySpan<double> c, ReadOnlySpan<double> x)
    {
        Faces++;
        for (; _rank < _count; _rank++) AppendToFactor(_order[_rank], _rank);
        Array.Clear(_step);
        for (int r = 0; r < _rank; r++)
        {
            ReadOnlySpan<double> row = _factor.AsSpan(r * _n, r + 1);
            _gradient[r] = (-Gradient(c, x, _order[r]).Gradient - DoubleMath.Dot(row[..r], _gradient.AsSpan(0, r))) / row[r];
        }
        for (int r = _rank - 1; r >= 0; r--)
        {
            double value = _gradient[r] / _factor[r * _n + r];
            _step[_order[r]] = value;
            DoubleMath.AddScaled(_factor.AsSpan(r * _n, r), -value, _gradient.AsSpan(0, r));
        }
    }

    // Row `rank` of the Cholesky factor for variable i.
    private void AppendToFactor(int i, int rank)
    {
        Span<double> row = _factor.AsSpan(rank * _n, rank + 1);
        ReadOnlySpan<double> source = _g.AsSpan(i * _n, _n);
        double pivot = source[i];
        for (int r = 0; r < rank; r++)
        {
            ReadOnlySpan<double> other = _factor.AsSpan(r * _n, r + 1);
            double value = (source[_order[r]] - DoubleMath.Dot(row[..r], other[..r])) / other[r];
            row[r] = value;
            pivot -= value * value;
        }
        double least = LeastPivot * source[i];
        row[rank] = Math.Sqrt(source[i] > 0 ? Math.Max(pivot, least) : 1); // a column of zeros has no gradient either: its variable stays
    }
}
