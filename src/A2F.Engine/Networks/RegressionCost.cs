using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>What a part of a network costs.</summary>
/// <param name="Part">The part.</param>
/// <param name="MultiplyAdds">Multiplications with an addition in its matrix products, for one window. One is two floating-point
/// operations.</param>
/// <param name="Weights">Numbers that it holds.</param>
public sealed record CostPart(string Part, long MultiplyAdds, long Weights);

/// <summary>
/// The arithmetic of a regression network as its definition has it, taps on zero padding included. Norms, activations and softmax are
/// left out: they are below 1 % of it.
/// </summary>
public static class RegressionCost
{
    /// <summary>The parts in the order in which they run; absent branches are left out.</summary>
    /// <exception cref="A2FException">A weight is missing.</exception>
    public static IReadOnlyList<CostPart> Of(RegressionConfig config, WeightSet weights)
    {
        List<CostPart> parts = [];
        int frames = 0, branches = 0;
        if (config.Wav2Vec is { } encoder)
        {
            frames = AddEncoder(parts, encoder, config, weights);
            branches++;
        }
        if (config.AutoCorrelation is { } correlation)
        {
            AddAutoCorrelation(parts, correlation, weights);
            (frames, branches) = (correlation.Windows, branches + 1);
        }

        int joint = config.ImplicitLength + config.EmotionEmbedding, width = config.Channels + joint;
        long time = 0;
        int inputs = branches * config.Channels;
        foreach (ConvShape shape in config.TimeConvs)
        {
            frames = Steps(frames, shape);
            time += (long)frames * shape.Kernel * inputs * config.Channels;
            inputs = width;
        }
        int face = config.SkinSize + config.JawSize + config.EyesSize, tongue = config.TongueSize;
        parts.Add(Part("emotion", (long)config.EmotionCount * config.EmotionEmbedding, weights, "emotion."));
        parts.Add(Part("time convolutions", time, weights, "time"));
        parts.Add(Part("fusion", (long)frames * width * config.Channels, weights, "fusion."));
        parts.Add(Part("face", (long)face * (width + face), weights, "face"));
        parts.Add(Part("tongue", (long)tongue * (width + tongue), weights, "tongue"));
        return parts;
    }

    private static int AddEncoder(List<CostPart> parts, Wav2VecConfig encoder, RegressionConfig config, WeightSet weights)
    {
        int steps = config.InputLength, inputs = 1;
        long convs = 0;
        foreach (ConvShape shape in encoder.Convs)
        {
            steps = Steps(steps, shape);
            convs += (long)steps * shape.Kernel * inputs * encoder.Channels;
            inputs = encoder.Channels;
        }
        long dim = encoder.Dim;
        long layer = steps * (4 * dim * dim + 2 * dim * encoder.FeedForward) + 2L * steps * steps * dim;
        parts.Add(Part("wav2vec2 convolutions", convs, weights, "w2v.conv"));
        parts.Add(Part("wav2vec2 projection", (long)steps * encoder.Channels * dim, weights, "w2v.projection."));
        long position = encoder.PositionKernel * (dim / encoder.PositionGroups) * dim;
        parts.Add(Part("wav2vec2 positions", steps * position, weights, "w2v.position."));
        parts.Add(Part("wav2vec2 layers", encoder.Layers * layer, weights, "w2v.layer", "w2v.norm."));
        parts.Add(Part("wav2vec2 mapping", steps * dim * config.Channels, weights, "w2v.mapping."));
        return steps;
    }

    private static void AddAutoCorrelation(List<CostPart> parts, AutoCorrelationConfig correlation, WeightSet weights)
    {
        long products = 0, convs = 0;
        for (int lag = 0; lag < correlation.Lags; lag++) products += correlation.WindowLength - lag;
        int lags = correlation.Lags;
        for (int i = 0; i < correlation.Convs.Count; i++)
        {
            lags = Steps(lags, correlation.Convs[i]);
            convs += (long)lags * weights[$"frequency{i + 1}.weight"].Data.Length;
        }
        parts.Add(Part("autocorrelation", products * correlation.Windows, weights, "autocorrelation."));
        parts.Add(Part("frequency convolutions", convs * correlation.Windows, weights, "frequency"));
    }

    private static int Steps(int length, ConvShape shape) => (length + 2 * shape.Padding - shape.Kernel) / shape.Stride + 1;

    private static CostPart Part(string name, long multiplyAdds, WeightSet weights, params string[] prefixes) => new(
        name, multiplyAdds,
        weights.Names.Where(n => prefixes.Any(p => n.StartsWith(p, StringComparison.Ordinal))).Sum(n => (long)weights[n].Data.Length));
}
