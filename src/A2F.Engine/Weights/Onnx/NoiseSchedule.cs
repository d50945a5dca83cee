namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// The sampler's constants: cosine schedule of <c>total</c> time steps (Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic
/// Models, 2021, equation 17), of which equally spaced ones are kept; posterior of the respaced process (equations 10 and 11), with the
/// posterior's own variance. All in float64.
/// </summary>
internal sealed class NoiseSchedule
{
    /// <param name="total">Time steps of the training schedule.</param>
    /// <param name="steps">Steps that are taken.</param>
    public NoiseSchedule(int total, int steps)
    {
        double stride = steps > 1 ? (total - 1.0) / (steps - 1) : 1;
        TimeSteps = [.. Enumerable.Range(0, steps).Select(i => (int)Math.Round(i * stride, MidpointRounding.ToEven))];
        var kept = new double[steps];
        double product = 1;
        for (int t = 0, next = 0; t < total && next < steps; t++)
        {
            product *= 1 - Math.Min(1 - Bar((t + 1.0) / total) / Bar((double)t / total), 0.999);
            while (next < steps && TimeSteps[next] == t) kept[next++] = product;
        }
        Prediction = new double[steps];
        Previous = new double[steps];
        Noise = new double[steps];
        double cumulative = 1;
        for (int i = 0; i < steps; i++)
        {
            double beta = 1 - kept[i] / (i > 0 ? kept[i - 1] : 1);
            double before = cumulative;
            cumulative *= 1 - beta;
            Prediction[i] = beta * Math.Sqrt(before) / (1 - cumulative);
            Previous[i] = (1 - before) * Math.Sqrt(1 - beta) / (1 - cumulative);
            Noise[i] = Math.Sqrt(beta * (1 - before) / (1 - cumulative));
        }
        (Prediction[0], Previous[0], Noise[0]) = (1, 0, 0);
    }

    /// <summary>Kept time steps, ascending.</summary>
    public int[] TimeSteps { get; }

    /// <summary>Factor of the prediction, for each kept step.</summary>
    public double[] Prediction { get; }

    /// <summary>Factor of the step's input.</summary>
    public double[] Previous { get; }

    /// <summary>Factor of the noise; 0 in the last step taken.</summary>
    public double[] Noise { get; }

    private static double Bar(double t)
    {
        double c = Math.Cos((t + 0.008) / 1.008 * Math.PI / 2);
        return c * c;
    }
}
