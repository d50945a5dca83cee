namespace A2F.Engine.Bench;

/// <summary>Summary of one contender's times, in milliseconds.</summary>
internal sealed record Timing(int Runs, double Min, double Median, double P95)
{
    public static Timing Of(ReadOnlySpan<double> times) =>
        new(times.Length, Statistics.Quantile(times, 0), Statistics.Quantile(times, 0.5), Statistics.Quantile(times, 0.95));
}

/// <summary>A ratio of two contenders over the whole measurement, and its extremes over consecutive parts of the measurement.</summary>
internal sealed record Ratio(double Value, double Low, double High);

/// <summary>Difference of a result from the one it is compared with.</summary>
/// <param name="MaxOverScale">Largest |a - b|, over the largest |b|.</param>
/// <param name="Relative">Norm of a - b over norm of b.</param>
/// <param name="Worst">Index of the largest difference.</param>
internal sealed record Difference(double MaxOverScale, double Relative, int Worst);

internal static class Statistics
{
    private const int Blocks = 8;

    /// <summary>The q-quantile with linear interpolation; 0 is the minimum.</summary>
    public static double Quantile(ReadOnlySpan<double> values, double q)
    {
        double[] sorted = values.ToArray();
        Array.Sort(sorted);
        double position = q * (sorted.Length - 1);
        int below = (int)position;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }

    /// <summary>
    /// Quantile of <paramref name="ours"/> over quantile of <paramref name="theirs"/>. The spread says how far another, shorter
    /// measurement could have come out: the same ratio within each of eight consecutive parts.
    /// </summary>
    public static Ratio RatioOf(double[] ours, double[] theirs, double q)
    {
        double[] parts = new double[Blocks];
        for (int block = 0; block < Blocks; block++)
        {
            Range part = (ours.Length * block / Blocks)..(ours.Length * (block + 1) / Blocks);
            parts[block] = Quantile(ours[part], q) / Quantile(theirs[part], q);
        }
        return new Ratio(Quantile(ours, q) / Quantile(theirs, q), parts.Min(), parts.Max());
    }

    /// <summary>How far <paramref name="result"/> is from <paramref name="reference"/>; NaN anywhere gives NaN.</summary>
    public static Difference DifferenceOf(ReadOnlySpan<float> result, ReadOnlySpan<float> reference)
    {
        double max = 0, scale = 0, squares = 0, norm = 0;
        int worst = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double difference = Math.Abs((double)result[i] - reference[i]);
            if (difference > max || double.IsNaN(difference)) worst = i;
            max = Math.Max(max, difference);
            scale = Math.Max(scale, Math.Abs((double)reference[i]));
            squares += difference * difference;
            norm += (double)reference[i] * reference[i];
        }
        return new Difference(max / scale, Math.Sqrt(squares / norm), worst);
    }
}
