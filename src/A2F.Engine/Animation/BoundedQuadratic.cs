namespace A2F.Engine.Animation;

/// <summary>
/// argmin x'Gx/2 - c'x over 0 &lt;= x &lt;= upper, for symmetric positive semidefinite G, in double precision. A primal active-set method:
/// first clip until the free part is feasible, then free one variable at a time (largest wrong-signed gradient) and walk to the minimum of
/// the enlarged face, stopping at bounds. Every walk lowers the energy, so no face comes twice; where rounding stops a walk from
/// doing so, its variable is left alone until another makes progress. A free variable whose column depends on those before it (singular G)
/// stays where it is: its gradient vanishes together with theirs. The start never depends on earlier solves.
/// </summary>
internal sealed class BoundedQuadratic
{
    private const double DependentPivot = 1e-13;
    private const double GradientNoise = 1e-13;
    private readonly int _n;
    private readonly double[] _factor;
    private readonly double[] _step;
    private readonly double[] _gradient;
    private readonly int[] _order;
    private readonly bool[] _free;
    private readonly bool[] _blocked;

    /// <param name="n">Number of variables.</param>
    public BoundedQuadratic(int n)
    {
        _n = n;
        _factor = new double[checked(n * n)];
        _step = new double[n];
        _gradient = new double[n];
        _order = new int[n];
        _free = new bool[n];
        _blocked = new bool[n];
    }

    /// <summary>Factorisations that the last solve took.</summary>
    public int Factorisations { get; private set; }

    /// <summary>Solves one problem.</summary>
    /// <param name="g">[n, n], symmetric positive semidefinite.</param>
    /// <param name="c">[n].</param>
    /// <param name="upper">[n], 0 or more.</param>
    /// <param name="x">[n], receives the solution.</param>
    public void Solve(ReadOnlySpan<double> g, ReadOnlySpan<double> c, ReadOnlySpan<double> upper, Span<double> x)
    {
        Factorisations = 0;
        x.Clear();
        ClipUntilFeasible(g, c, upper, x);
        Array.Clear(_blocked);
        for (int round = 0; round < 20 * _n + 50; round++)
        {
            int entering = FindEntering(g, c, upper, x);
            if (entering < 0) return;
            _free[entering] = true;
            if (Walk(g, c, upper, x, entering)) Array.Clear(_blocked);
            else _blocked[entering] = true;
        }
    }

    private void ClipUntilFeasible(ReadOnlySpan<double> g, ReadOnlySpan<double> c, ReadOnlySpan<double> upper, Span<double> x)
    {
        Array.Fill(_free, true);
        bool clipped = true;
        while (clipped)
        {
            clipped = false;
            SolveFree(g, c, x);
            for (int i = 0; i < _n; i++)
            {
                if (!_free[i]) continue;
                x[i] += _step[i];
                if (x[i] >= 0 && x[i] <= upper[i]) continue;
                x[i] = x[i] > upper[i] ? upper[i] : 0; // NaN can't be: inputs are finite and pivots bounded
                _free[i] = false;
                clipped = true;
            }
        }
    }

    // The bound variable whose gradient points into the box most steeply, or -1 at a KKT point. Leaves the gradient of all variables.
    private int FindEntering(ReadOnlySpan<double> g, ReadOnlySpan<double> c, ReadOnlySpan<double> upper, ReadOnlySpan<double> x)
    {
        int best = -1;
        double steepest = 0;
        for (int i = 0; i < _n; i++)
        {
            (double gradient, double size) = Gradient(g, c, x, i);
            _gradient[i] = gradient;
            if (_free[i] || _blocked[i] || upper[i] <= 0) continue;
            double inward = x[i] <= 0 ? -gradient : gradient;
            if (inward <= GradientNoise * size || inward <= steepest) continue;
            steepest = inward;
            best = i;
        }
        return best;
    }

    private (double Gradient, double Size) Gradient(ReadOnlySpan<double> g, ReadOnlySpan<double> c, ReadOnlySpan<double> x, int i)
    {
        double sum = -c[i];
        double size = Math.Abs(c[i]);
        ReadOnlySpan<double> row = g.Slice(i * _n, _n);
        for (int j = 0; j < row.Length; j++)
        {
            double term = row[j] * x[j];
            sum += term;
            size += Math.Abs(term);
        }
        return (sum, size);
    }

    // Goes to the minimum over the free variables, fixing those that meet a bound on the way. False where nothing moved.
    private bool Walk(ReadOnlySpan<double> g, ReadOnlySpan<double> c, ReadOnlySpan<double> upper, Span<double> x, int entering)
    {
        bool first = true;
        bool moved = false;
        while (true)
        {
            SolveFree(g, c, x);
            if (first && (x[entering] <= 0 ? _step[entering] <= 0 : _step[entering] >= 0))
            {
                _free[entering] = false;
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
            _free[limiting] = false;
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

    // _step = -(G over the free variables)^-1 * gradient, by Cholesky; 0 for fixed and for dependent variables.
    private void SolveFree(ReadOnlySpan<double> g, ReadOnlySpan<double> c, ReadOnlySpan<double> x)
    {
        Factorisations++;
        Array.Clear(_step);
        int rank = 0;
        for (int i = 0; i < _n; i++)
        {
            if (_free[i] && AppendToFactor(g, i, rank)) _order[rank++] = i;
        }
        for (int r = 0; r < rank; r++)
        {
            double sum = -Gradient(g, c, x, _order[r]).Gradient;
            ReadOnlySpan<double> row = _factor.AsSpan(r * _n, r + 1);
            for (int k = 0; k < r; k++) sum -= row[k] * _step[_order[k]];
            _step[_order[r]] = sum / row[r];
        }
        for (int r = rank - 1; r >= 0; r--)
        {
            double value = _step[_order[r]] / _factor[r * _n + r];
            _step[_order[r]] = value;
            ReadOnlySpan<double> row = _factor.AsSpan(r * _n, r);
            for (int k = 0; k < row.Length; k++) _step[_order[k]] -= row[k] * value;
        }
    }

    // Row `rank` of the Cholesky factor for variable i. False when its column is (nearly) a combination of the earlier ones.
    private bool AppendToFactor(ReadOnlySpan<double> g, int i, int rank)
    {
        Span<double> row = _factor.AsSpan(rank * _n, rank + 1);
        ReadOnlySpan<double> source = g.Slice(i * _n, _n);
        double pivot = source[i];
        for (int r = 0; r < rank; r++)
        {
            ReadOnlySpan<double> other = _factor.AsSpan(r * _n, r + 1);
            double value = (source[_order[r]] - DoubleMath.Dot(row[..r], other[..r])) / other[r];
            row[r] = value;
            pivot -= value * value;
        }
        if (!(pivot > DependentPivot * source[i])) return false;
        row[rank] = Math.Sqrt(pivot);
        return true;
    }
}
