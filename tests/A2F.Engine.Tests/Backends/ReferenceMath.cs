namespace A2F.Engine.Tests.Backends;

/// <summary>Elementary functions in double precision, by series and continued fractions, as the oracle of the vectorised ones.</summary>
internal static class ReferenceMath
{
    /// <summary>1 - erf(x), relative error near 1e-15: Taylor series below 2, Lentz's continued fraction above.</summary>
    public static double Erfc(double x)
    {
        if (x < 0) return 2 - Erfc(-x);
        if (x < 2)
        {
            double term = x, sum = x;
            for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
            {
                term *= -x * x / n;
                sum += term / (2 * n + 1);
            }
            return 1 - 2 / Math.Sqrt(Math.PI) * sum;
        }
        double fraction = 0;
        for (int n = 120; n > 0; n--) fraction = n / 2.0 / (x + fraction);
        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / (x + fraction);
    }

    /// <summary>x * (1 + erf(x / sqrt 2)) / 2.</summary>
    public static double Gelu(double x) => 0.5 * x * Erfc(-x / Math.Sqrt(2));
}
