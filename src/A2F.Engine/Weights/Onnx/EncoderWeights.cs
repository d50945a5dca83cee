using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>Layers as named weights, and the speech encoder's sizes; names and layouts are those of <see cref="Wav2VecConfig"/>.</summary>
internal static class EncoderWeights
{
    /// <summary>Sizes of an encoder; its layers must agree about them.</summary>
    public static Wav2VecConfig Configure(Wav2VecLayers w2v, OnnxGraph graph)
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
        if (w2v.LayerNormConvs)
        {
            foreach (NormLayer norm in w2v.ConvNorms) RequireSame(graph, "epsilon of the layer norms", epsilon, norm.Epsilon);
        }
        return new Wav2VecConfig([.. w2v.Convs.Select(c => c.Shape)], channels, dim, first.FeedForward1.Out, first.Attention.Heads,
            w2v.Transformer.Count, w2v.Position.Shape.Kernel, w2v.Position.Groups, w2v.ConvNorms[0].Epsilon, epsilon,
            w2v.LayerNormConvs, w2v.PreNorm);
    }

    private static void RequireSame(OnnxGraph graph, string what, float expected, float found)
    {
        if (expected != found)
        {
            throw graph.Error(A2FErrorCode.InvalidModel,
                $"not a known network: expected the same {what} everywhere, found {expected} and {found}");
        }
    }

    /// <summary>All weights of an encoder.</summary>
    public static void Add(WeightSet weights, Wav2VecLayers w2v)
    {
        for (int i = 0; i < w2v.Convs.Count; i++) Add(weights, $"w2v.conv{i}", w2v.Convs[i]);
        for (int i = 0; i < w2v.ConvNorms.Count; i++) Add(weights, $"w2v.conv{i}.norm", w2v.ConvNorms[i]);
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
    }

    public static void Add(WeightSet weights, string name, LinearLayer layer)
    {
        weights.Add($"{name}.weight", layer.Weight, layer.In, layer.Out);
        weights.Add($"{name}.bias", layer.Bias, layer.Out);
    }

    public static void Add(WeightSet weights, string name, ConvLayer layer)
    {
        weights.Add($"{name}.weight", layer.Weight, layer.Shape.Kernel, layer.In / layer.Groups, layer.Out);
        if (layer.Bias is not null) weights.Add($"{name}.bias", layer.Bias, layer.Out);
    }

    private static void Add(WeightSet weights, string name, NormLayer layer)
    {
        weights.Add($"{name}.weight", layer.Weight, layer.Weight.Length);
        weights.Add($"{name}.bias", layer.Bias, layer.Bias.Length);
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
}
