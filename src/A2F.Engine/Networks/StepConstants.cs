using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// What leads from the hidden layer of one denoising step to the first layer of the next. With e = x W + b and x' = p (h w2 + b2 + i m) + f x +
/// n z (identity i, mean faces m, noise z): e' = h M + i N + K + f e, where M = p w2 W, N = p m W, K = p b2 W + n z W + (1 - f) b.
/// </summary>
internal sealed class StepConstants
{
    private StepConstants(int steps)
    {
        Matrices = new float[steps][];
        Biases = new float[steps][];
    }

    /// <summary>[hidden columns + identities, feature columns] of each step but the last: M, then N.</summary>
    internal float[][] Matrices { get; }

    /// <summary>
    /// [feature columns] of each step but the last: K without noise. Where the noise is not constant, it is embedded as if it were x, with a
    /// b of its own, which is taken off here.
    /// </summary>
    internal float[][] Biases { get; }

    /// <summary>[centre frames, feature columns] of each step but the last: the noise, and f e in the first; empty where noise is not constant.</summary>
    internal double[][] Constants { get; private set; } = [];

    /// <summary>[centre frames, geometry features]: the geometry token of x_T; null where noise is not constant.</summary>
    internal double[]? StartGeometry { get; private set; }

    /// <summary>Computes them.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="fold">W.</param>
    /// <param name="bias">b.</param>
    /// <param name="geometry">The rest of the embedding.</param>
    /// <param name="seed">Seed of constant noise, or null where the noise is not constant.</param>
    /// <param name="shortcuts">What is folded.</param>
    internal static StepConstants Of(
        DiffusionConfig config, WeightSet weights, GeometryFold fold, double[] bias, GeometryWeights geometry, ulong? seed,
        DiffusionShortcuts shortcuts)
    {
        FaceColumns hidden = new(config.Hidden), features = fold.Columns;
        int steps = shortcuts.FoldedSteps ? config.Steps.Count - 1 : 0, centre = config.CentreFrames, width = features.Total;
        int hiddenRows = hidden.Total + config.ActorCount;
        // Rows of all that is multiplied by W: w2 by hidden column, m, b2, then the noise of each slice from 1 on.
        int biasRow = hiddenRows, noiseRow = biasRow + 1, noiseRows = seed is null ? 0 : config.Steps.Count * centre;
        double[] products = new double[(noiseRow + noiseRows) * width];
        float[] noise = seed is null ? [] : Noise(config, seed.Value);
        for (int part = 0; part < 4; part++)
        {
            (int first, int size) = features.Part(part);
            (int hiddenFirst, int hiddenSize) = hidden.Part(part);
            DiffusionHeads.Part head = DiffusionHeads.PartOf(config, weights, part);
            int own = shortcuts.FoldedSteps ? hiddenSize + config.ActorCount + 1 : 0; // rows before the noise's
            ReadOnlyMemory<float> mean = weights.Get("mean", config.ActorCount, config.Outputs.Total);
            double[] product = fold.Product(part, own + noiseRows, (row, output, values) =>
            {
                int within = output - head.First;
                ReadOnlySpan<float> source = row >= own ? noise.AsSpan((row - own) * config.Outputs.Total + output)
                    : row < hiddenSize ? head.Weights.Span[(row * head.Size + within)..]
                    : row == own - 1 ? head.Bias.Span[within..]
                    : mean.Span[((row - hiddenSize) * config.Outputs.Total + output)..];
                source[..values.Length].CopyTo(values);
            });
            for (int row = 0; row < own + noiseRows; row++)
            {
                int target = row >= own ? noiseRow + row - own
                    : row < hiddenSize ? hiddenFirst + row
                    : row == own - 1 ? biasRow
                    : hidden.Total + row - hiddenSize;
                product.AsSpan(row * size, size).CopyTo(products.AsSpan(target * width + first, size));
            }
            weights.ReleasePages();
        }

        StepConstants found = new(steps);
        for (int i = 0; i < steps; i++)
        {
            DiffusionStep step = config.Steps[i];
            double left = 1 - step.Previous - (seed is null ? step.Noise : 0);
            found.Matrices[i] = new float[hiddenRows * width];
            found.Biases[i] = new float[width];
            for (int j = 0; j < found.Matrices[i].Length; j++) found.Matrices[i][j] = (float)(step.Prediction * products[j]);
            for (int j = 0; j < width; j++) found.Biases[i][j] = (float)(step.Prediction * products[biasRow * width + j] + left * bias[j]);
        }
        if (seed is null) return found;

        // e of x_T, which is the last slice.
        double[] start = products[((noiseRow + noiseRows - centre) * width)..];
        for (int i = 0; i < start.Length; i++) start[i] += bias[i % width];
        found.StartGeometry = Tokens(config, weights, fold, geometry, start, shortcuts);
        found.Constants = new double[steps][];
        for (int i = 0; i < steps; i++)
        {
            DiffusionStep step = config.Steps[i];
            found.Constants[i] = products.AsSpan((noiseRow + (step.Slice - 1) * centre) * width, centre * width).ToArray();
            for (int j = 0; j < found.Constants[i].Length; j++)
                found.Constants[i][j] = step.Noise * found.Constants[i][j] + (i == 0 ? step.Previous * start[j] : 0);
        }
        return found;
    }

    private static float[] Noise(DiffusionConfig config, ulong seed)
    {
        int length = config.CentreFrames * config.Outputs.Total;
        float[] noise = new float[config.Steps.Count * length];
        for (int slice = 1; slice <= config.Steps.Count; slice++)
        {
            NormalNoise.Fill(
                seed, 0, new NoiseRange(slice, config.FrameCount, config.FirstFrame, config.Outputs.Total).First(0),
                noise.AsSpan((slice - 1) * length, length));
        }
        return noise;
    }

    /// <summary>Geometry tokens of e, row by row.</summary>
    private static double[] Tokens(
        DiffusionConfig config, WeightSet weights, GeometryFold fold, GeometryWeights geometry, double[] embedded, DiffusionShortcuts shortcuts)
    {
        int width = fold.Columns.Total, split = fold.Columns.Jaw;
        (float[] second, float[] secondBias) = fold.SecondLayer();
        (float[] Matrix, float[] Bias)? convolutions = shortcuts.FoldedFeatureConvolution ? null : fold.Convolutions();
        double[] tokens = new double[config.CentreFrames * config.GeometryFeatures];
        for (int t = 0; t < config.CentreFrames; t++)
        {
            double[] row = embedded[(t * width)..((t + 1) * width)];
            if (convolutions is { } c) row = GeometryWeights.Multiply(row, c.Matrix, c.Bias);
            Rectify(row);
            double[] rest = GeometryWeights.Multiply(row.AsSpan(split), second, secondBias);
            Rectify(rest);
            rest.CopyTo(row, split);
            geometry.Run(row).CopyTo(tokens, t * config.GeometryFeatures);
        }
        return tokens;

        static void Rectify(double[] values)
        {
            for (int i = 0; i < values.Length; i++) values[i] = Math.Max(values[i], 0);
        }
    }
}
