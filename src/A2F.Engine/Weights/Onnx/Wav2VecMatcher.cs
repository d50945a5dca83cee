using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>One transformer layer: attention and feed-forward, each added to its input and normalised.</summary>
internal sealed record TransformerLayer(AttentionLayer Attention, NormLayer Norm1, LinearLayer FeedForward1, LinearLayer FeedForward2,
    NormLayer Norm2);

/// <summary>All layers of the speech encoder, in the order of the computation.</summary>
internal sealed record Wav2VecLayers(
    List<ConvLayer> Convs, NormLayer GroupNorm, NormLayer ProjectionNorm, LinearLayer Projection, ConvLayer Position, NormLayer Norm,
    List<TransformerLayer> Transformer);

/// <summary>
/// Recognises the wav2vec2 encoder from its end to its beginning: post-norm transformer layers, the positional convolution, the
/// projection, and the convolutions over samples of which the first is group-normalised.
/// </summary>
internal sealed class Wav2VecMatcher(Walker walker)
{
    private const int MaxLayers = 64;

    private readonly OnnxGraph _graph = walker.Graph;
    private readonly LayerMatcher _layers = new(walker);
    private readonly NormMatcher _norms = new(walker);

    /// <summary>
    /// Layers before <paramref name="outputs"/>, the activations [batch, time, channel] after each transformer layer; the signal
    /// returned is the encoder's input, [batch, samples, 1].
    /// </summary>
    public (Signal Samples, Wav2VecLayers Layers) Match(IReadOnlyList<Signal> outputs)
    {
        var attention = new AttentionMatcher(walker, _layers);
        var transformer = new List<TransformerLayer>();
        Signal s = outputs[^1];
        for (int i = outputs.Count - 1; i >= 0; i--)
        {
            if (!s.Same(outputs[i])) throw _graph.Mismatch(outputs[i].Tensor, $"the output of transformer layer {i}");
            (s, TransformerLayer layer) = Layer(s, attention, i);
            transformer.Insert(0, layer);
        }
        (Signal sum, NormLayer norm) = _norms.LayerNorm(s, "encoder layer_norm");
        (Signal projected, ConvLayer position) = Position(sum);
        (Signal normed, LinearLayer projection) = _layers.Linear(projected, "feature projection");
        (Signal features, NormLayer projectionNorm) = _norms.LayerNorm(normed, "feature projection layer_norm");
        (Signal samples, List<ConvLayer> convs, NormLayer groupNorm) = Convs(features);
        return (samples, new Wav2VecLayers(convs, groupNorm, projectionNorm, projection, position, norm, transformer));
    }

    /// <summary>x1 = norm1(x + attention(x)); x2 = norm2(x1 + ff2(gelu(ff1(x1)))).</summary>
    private (Signal Input, TransformerLayer Layer) Layer(Signal signal, AttentionMatcher attention, int i)
    {
        string what = $"transformer layer {i}";
        (Signal sum2, NormLayer norm2) = _norms.LayerNorm(signal, $"{what}.final_layer_norm");
        (Signal skip2, Signal branch2) = Residual(sum2, $"{what}, feed-forward");
        (Signal activated, LinearLayer ff2) = _layers.Linear(branch2, $"{what}.output_dense");
        (Signal middle, LinearLayer ff1) = _layers.Linear(_layers.Gelu(activated, $"{what}.intermediate_dense"),
            $"{what}.intermediate_dense");
        RequireSame(middle, skip2, $"{what}, feed-forward");
        (Signal sum1, NormLayer norm1) = _norms.LayerNorm(middle, $"{what}.layer_norm");
        (Signal skip1, Signal branch1) = Residual(sum1, $"{what}, attention");
        (Signal input, AttentionLayer attended) = attention.Match(branch1, $"{what}.attention");
        RequireSame(input, skip1, $"{what}, attention");
        return (input, new TransformerLayer(attended, norm1, ff1, ff2, norm2));
    }

    private (Signal Skip, Signal Branch) Residual(Signal sum, string what)
    {
        OnnxNode add = walker.Node(sum, $"the residual sum of {what}", "Add");
        Signal a = walker.Operand(sum, add, 0);
        Signal b = walker.Operand(sum, add, 1);
        if (_layers.IsLinear(b)) return (a, b);
        return _layers.IsLinear(a) ? (b, a) : throw _graph.Mismatch(add, $"a linear layer's output and its input in {what}",
            "other operands");
    }

    private void RequireSame(Signal branch, Signal skip, string what)
    {
        if (!branch.Same(skip)) throw _graph.Mismatch(branch.Tensor, $"the same activation on both branches of {what}");
    }

    /// <summary>x + gelu(convolution(x)), the convolution's surplus last step cut off.</summary>
    private (Signal Input, ConvLayer Layer) Position(Signal sum)
    {
        const string What = "the positional convolution";
        OnnxNode add = walker.Node(sum, $"the sum of {What} and its input", "Add");
        Signal a = walker.Operand(sum, add, 0);
        Signal b = walker.Operand(sum, add, 1);
        (Signal skip, Signal branch) = _layers.IsLinear(a) ? (a, b) : (b, a);
        (Signal input, ConvLayer conv) = _layers.Conv(_layers.Gelu(branch, What), What, trimmed: true);
        RequireSame(input, skip, What);
        if (conv.Shape.Padding != conv.Shape.Kernel / 2 || conv.Shape.Stride != 1 || conv.Bias is null)
        {
            throw _graph.Mismatch(add, $"{What} with a bias, stride 1 and half its kernel as padding", $"{conv.Shape}");
        }
        return (input, conv);
    }

    private (Signal Samples, List<ConvLayer> Convs, NormLayer GroupNorm) Convs(Signal features)
    {
        var convs = new List<ConvLayer>();
        Signal s = features;
        while (convs.Count < MaxLayers)
        {
            string what = $"feature convolution {convs.Count} from the last";
            Signal inner = walker.Resolve(_layers.Gelu(s, what));
            NormLayer? norm = null;
            if (walker.TryNode(inner)?.Op != "Conv") (inner, norm) = _norms.GroupNorm(inner, "group norm after the first convolution");
            (s, ConvLayer conv) = _layers.Conv(inner, what);
            if (conv.Bias is not null || conv.Groups != 1 || conv.Shape.Padding != 0)
            {
                throw _graph.Mismatch(inner.Tensor, $"{what} without bias, groups and padding");
            }
            convs.Insert(0, conv);
            if (norm is not null) return (s, convs, norm);
        }
        throw _graph.Mismatch(s.Tensor, $"at most {MaxLayers} feature convolutions");
    }
}
