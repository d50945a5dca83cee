namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Recognises the weighted mean of the transformer layers' outputs: sum(c[l] * x[l]) / sum(c), or a single layer's output alone.
/// </summary>
internal sealed class LayerMixMatcher(Walker walker)
{
    private readonly OnnxGraph _graph = walker.Graph;

    /// <summary>Each layer's output [batch, time, channel] and its share; shares sum to 1.</summary>
    public (List<Signal> Outputs, float[] Mix) Match(Signal mixed)
    {
        (double scale, Signal s) = walker.Scaled(mixed);
        var outputs = new List<Signal>();
        var mix = new List<double>();
        if (walker.TryNode(s) is { Op: "ReduceSum" } sum)
        {
            Signal product = walker.Unreduce(s, sum);
            double[] shares = [];
            Signal? layers = null;
            (double inner, List<Signal> leaves) = walker.Factors(product);
            foreach (Signal leaf in leaves)
            {
                if (_graph.IsConstant(leaf.Tensor)) shares = Array.ConvertAll(walker.PerChannel(leaf, "mix of the layers"), v => (double)v);
                else layers = layers is null ? leaf : throw _graph.Mismatch(sum, "a constant share times each layer's output",
                    "a product of activations");
            }
            if (layers is null) throw _graph.Mismatch(sum, "the transformer layers' outputs", "a constant");
            for (int l = 0; l < layers.Last; l++)
            {
                Signal one = layers.Slice(l, 1);
                outputs.Add(walker.Resolve(one.As(one.Dims[..^1])));
                mix.Add(scale * inner * (shares.Length > 0 ? shares[l] : 1));
            }
        }
        else
        {
            outputs.Add(s);
            mix.Add(scale);
        }
        if (!(Math.Abs(mix.Sum() - 1) < 1e-5)) throw _graph.Mismatch(s.Tensor, $"shares of the layers that sum to 1, not {mix.Sum()}");
        return (outputs, [.. mix.Select(m => (float)m)]);
    }
}
