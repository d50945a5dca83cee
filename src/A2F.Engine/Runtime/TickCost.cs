namespace A2F.Engine.Runtime;

/// <summary>
/// What a batch of windows costs, learnt from those that ran: a line through them, seconds = fixed + each * windows, newer ones counting more, and
/// how far they are from it on average. A batch is taken to cost the line's value and twice that distance.
/// </summary>
internal sealed class TickCost
{
    private const double Memory = 0.9; // weight of a batch when the next one came
    private const double Caution = 2; // distances from the line that are set aside

    private double _weight, _windows, _squares, _seconds, _products, _distance;

    /// <summary>Notes a batch that ran.</summary>
    public void Learn(int windows, double seconds)
    {
        if (_weight > 0) _distance += (1 - Memory) * (Math.Abs(seconds - Line(windows)) - _distance);
        _weight = Memory * _weight + 1;
        _windows = Memory * _windows + windows;
        _squares = Memory * _squares + (double)windows * windows;
        _seconds = Memory * _seconds + seconds;
        _products = Memory * _products + windows * seconds;
    }

    /// <summary>What a batch would take, in seconds; 0 where none ran yet.</summary>
    public double Predict(int windows) => _weight == 0 ? 0 : Line(windows) + Caution * _distance;

    /// <summary>Most windows, up to <paramref name="most"/>, that would take no more than <paramref name="seconds"/>; 1 at most where none ran yet.</summary>
    public int MostWithin(double seconds, int most)
    {
        if (seconds <= 0) return 0;
        if (_weight == 0) return Math.Min(most, 1);
        (double each, double once) = Coefficients();
        double room = seconds - once - Caution * _distance;
        return room < each ? 0 : (int)Math.Min(most, each <= 0 ? most : room / each + 1e-9);
    }

    private double Line(int windows)
    {
        (double each, double once) = Coefficients();
        return once + each * windows;
    }

    // Neither is negative; where sizes were all alike, nothing tells a fixed part apart.
    private (double Each, double Once) Coefficients()
    {
        double spread = _weight * _squares - _windows * _windows;
        double proportional = _products / _squares;
        if (spread <= 1e-6 * _squares * _weight) return (proportional, 0);
        double each = (_weight * _products - _windows * _seconds) / spread, once = (_seconds - each * _windows) / _weight;
        if (once < 0) return (proportional, 0);
        return each < 0 ? (0, _seconds / _weight) : (each, once);
    }
}
