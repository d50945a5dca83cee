namespace A2F.Engine.Bench;

/// <summary>Times in milliseconds, kept in memory that does not grow: bins one percent wide, so that quantiles are right within a percent.</summary>
internal sealed class Histogram
{
    private const double Least = 1e-4, Step = 1.01;
    private readonly long[] _bins = new long[2200]; // to 300 s
    private static readonly double PerBin = 1 / Math.Log(Step);

    public long Count { get; private set; }

    public double Sum { get; private set; }

    public double Max { get; private set; }

    public void Add(double milliseconds)
    {
        int bin = milliseconds <= Least ? 0 : (int)(Math.Log(milliseconds / Least) * PerBin) + 1;
        _bins[Math.Min(bin, _bins.Length - 1)]++;
        Count++;
        Sum += milliseconds;
        Max = Math.Max(Max, milliseconds);
    }

    /// <summary>The q-quantile; 0 where there is nothing.</summary>
    public double Quantile(double q)
    {
        long rank = (long)Math.Ceiling(q * Count), seen = 0;
        for (int bin = 0; bin < _bins.Length; bin++)
        {
            seen += _bins[bin];
            if (seen >= rank && seen > 0) return Math.Min(Max, Least * Math.Pow(Step, bin - 0.5));
        }
        return Max;
    }

    public void Clear()
    {
        Array.Clear(_bins);
        (Count, Sum, Max) = (0, 0, 0);
    }
}
