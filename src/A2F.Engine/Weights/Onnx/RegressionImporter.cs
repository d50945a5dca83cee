using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>Imports a regression network from an ONNX file. See docs/onnx-import.md.</summary>
internal static class RegressionImporter
{
    /// <summary>Eye outputs: right x, right y, left x, left y. The graph does not separate them from the jaw's.</summary>
    private const int EyesSize = 4;

    /// <summary>Reads, checks and converts a network.</summary>
    /// <exception cref="A2FException">The file is unreadable or no regression network; the message names the first difference.</exception>
    public static (RegressionConfig Config, WeightSet Weights) Import(string onnxPath) => Convert(OnnxGraph.Load(onnxPath));

    /// <summary>Converts a graph that is already in memory.</summary>
    public static (RegressionConfig Config, WeightSet Weights) Convert(OnnxGraph graph)
    {
        RegressionLayers layers = new RegressionMatcher(graph).Match();
        RegressionConfig config = Configure(layers, graph);
        var weights = new WeightSet();
        if (layers.Wav2Vec is { } w2v) AddWav2Vec(weights, w2v, layers.LayerMix, layers.Mapping!);
        if (layers.AutoCorrelation is { } correlation)
        {
            weights.Add("autocorrelation.taper", correlation.Taper, correlation.Taper.Length);
            for (int i = 0; i < correlation.Convs.Count; i++) Add(weights, $"frequency{i + 1}", correlation.Convs[i]);
        }
        Add(weights, "emotion", layers.Emotion);
        for (int i = 0; i < layers.TimeConvs.Count; i++) Add(weights, $"time{i + 1}", layers.TimeConvs[i]);
        Add(weights, "fusion", layers.Fusion);
        Add(weights, "face1", layers.Face[0]);
        Add(weights, "face2", layers.Face[1]);
        Add(weights, "tongue1", layers.Tongue[0]);
        Add(weights, "tongue2", layers.Tongue[1]);
        return (config, weights);
    }

    private static RegressionConfig Configure(RegressionLayers layers, OnnxGraph graph)
    {
        int channels = layers.Fusion.Out;
        int jaw = layers.Face[1].Out - layers.SkinSize - EyesSize;
        if (jaw < 0)
        {
            throw graph.Error(A2FErrorCode.InvalidModel,
                $"not a regression network: expected at least {EyesSize} eye outputs after the tongue's, found {jaw + EyesSize}");
        }
        RequireChannels(graph, "the last time convolution", layers.TimeConvs[^1].Out, channels);
        if (layers.Mapping is { } mapping) RequireChannels(graph, "w2v_linear_mapping", mapping.Out, channels);
        if (layers.AutoCorrelation is { } correlation) RequireChannels(graph, "the last frequency convolution", correlation.Convs[^1].Out,
            channels);
        return new RegressionConfig(
            layers.InputLength, layers.ImplicitLength, layers.Emotion.In, layers.Emotion.Out, channels, layers.ReluGain,
            [.. layers.TimeConvs.Select(c => c.Shape)], layers.SkinSize, layers.Tongue[1].Out, jaw, EyesSize,
            layers.Wav2Vec is { } w2v ? Configure(w2v, graph) : null, layers.AutoCorrelation?.Config);
    }

    private static void RequireChannels(OnnxGraph graph, string what, int found, int expected)
    {
        if (found != expected)
        {
            throw graph.Error(A2FErrorCode.InvalidModel,
                $"not a regression network: expected {expected} channels from {what}, as the fusion layer gives, found {found}");
        }
    }

    private static Wav2VecConfig Configure(Wav2VecLayers w2v, OnnxGraph graph)
    {
        int channels = w2v.Convs[0].Out;
        int dim = w2v.Projection.Out;
        TransformerLayer first = w2v.Transformer[0];
        foreach (ConvLayer conv in w2v.Convs) RequireSame(graph, "channels of the feature convolutions", channels, conv.Out);
        float epsilon = w2v.Norm.Epsilon;
        RequireSame(graph, "epsilon of the layer norms", epsilon, w2v.ProjectionNorm.Epsilon);
        foreach (TransformerLayer layer in w2v.Transformer)
        {
            RequireSame(graph, "feed-forward size of the transformer layers", first.FeedForward1.Out, layer.FeedForward1.Out);
            RequireSame(graph, "attention heads of the transformer layers", first.Attention.Heads, layer.Attention.Heads);
            RequireSame(graph, "epsilon of the layer norms", epsilon, layer.Norm1.Epsilon);
            RequireSame(graph, "epsilon of the layer norms", epsilon, layer.Norm2.Epsilon);
            AttentionLayer a = layer.Attention;
            foreach (LinearLayer linear in (ReadOnlySpan<LinearLayer>)[a.Query, a.Key, a.Value, a.Output])
            {
                RequireSame(graph, "width of the attention layers", dim, linear.In);
                RequireSame(graph, "width of the attention layers", dim, linear.Out);
            }
        }
        return new Wav2VecConfig([.. w2v.Convs.Select(c => c.Shape)], channels, dim, first.FeedForward1.Out, first.Attention.Heads,
            w2v.Transformer.Count, w2v.Position.Shape.Kernel, w2v.Position.Groups, w2v.GroupNorm.Epsilon, epsilon);
    }

    private static void RequireSame(OnnxGraph graph, string what, float expected, float found)
    {
        if (expected != found)
        {
            throw graph.Error(A2FErrorCode.InvalidModel,
                $"not a known network: expected the same {what} everywhere, found {expected} and {found}");
        }
    }

    private static void AddWav2Vec(WeightSet weights, Wav2VecLayers w2v, float[] mix, LinearLayer mapping)
    {
        for (int i = 0; i < w2v.Convs.Count; i++) Add(weights, $"w2v.conv{i}", w2v.Convs[i]);
        Add(weights, "w2v.conv0.norm", w2v.GroupNorm);
        Add(weights, "w2v.projection.norm", w2v.ProjectionNorm);
        Add(weights, "w2v.projection", w2v.Projection);
        Add(weights, "w2v.position", w2v.Position);
        Add(weights, "w2v.norm", w2v.Norm);
        for (int i = 0; i < w2v.Transformer.Count; i++)
        {
            TransformerLayer layer = w2v.Transformer[i];
            string name = $"w2v.layer{i}";
            Add(weights, $"{name}.qkv", SideBySide(layer.Attention.Query, layer.Attention.Key, layer.Attention.Value));
            Add(weights, $"{name}.attention_out", layer.Attention.Output);
            Add(weights, $"{name}.norm1", layer.Norm1);
            Add(weights, $"{name}.ff1", layer.FeedForward1);
            Add(weights, $"{name}.ff2", layer.FeedForward2);
            Add(weights, $"{name}.norm2", layer.Norm2);
        }
        weights.Add("w2v.layer_mix", mix, mix.Length);
        Add(weights, "w2v.mapping", mapping);
    }

    /// <summary>Layers of the same input as one layer with all their outputs.</summary>
    private static LinearLayer SideBySide(params LinearLayer[] layers)
    {
        (int rows, int columns) = (layers[0].In, layers.Sum(l => l.Out));
        var weight = new float[rows * columns];
        for (int r = 0; r < rows; r++)
        {
            int at = r * columns;
            foreach (LinearLayer layer in layers)
            {
                layer.Weight.AsSpan(r * layer.Out, layer.Out).CopyTo(weight.AsSpan(at));
                at += layer.Out;
            }
        }
        return new LinearLayer(weight, [.. layers.SelectMany(l => l.Bias)], rows, columns);
    }

    private static void Add(WeightSet weights, string name, LinearLayer layer)
    {
        weights.Add($"{name}.weight", layer.Weight, layer.In, layer.Out);
        weights.Add($"{name}.bias", layer.Bias, layer.Out);
    }

    private static void Add(WeightSet weights, string name, ConvLayer layer)
    {
        weights.Add($"{name}.weight", layer.Weight, layer.Shape.Kernel, layer.In / layer.Groups, layer.Out);
        if (layer.Bias is not null) weights.Add($"{name}.bias", layer.Bias, layer.Out);
    }

    private static void Add(WeightSet weights, string name, NormLayer layer)
    {
        weights.Add($"{name}.weight", layer.Weight, layer.Weight.Length);
        weights.Add($"{name}.bias", layer.Bias, layer.Bias.Length);
    }
}
