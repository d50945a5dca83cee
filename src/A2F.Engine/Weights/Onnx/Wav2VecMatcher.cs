using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>One transformer layer: attention and feed-forward, each added to its input and normalised.</summary>
internal sealed record TransformerLayer(AttentionLayer Attention, NormLayer Norm1, LinearLayer FeedForward1, LinearLayer FeedForward2,
    NormLayer Norm2);

/// <summary>
/// All layers of the speech encoder, in the order of the computation. <paramref name="ConvNorms"/> holds the group norm of the first
/// convolution, or where <paramref name="LayerNormConvs"/> the layer norm of each.
/// </summary>
internal sealed record Wav2VecLayers(
    List<ConvLayer> Convs, List<NormLayer> ConvNorms, bool LayerNormConvs, NormLayer ProjectionNorm, LinearLayer Projection,
    ConvLayer Position, NormLayer Norm, bool PreNorm, List<TransformerLayer> Transformer);

/// <summary>
/// Recognises a wav2vec2 or HuBERT encoder from its end to its beginning: transformer layers with their norms behind or before them, the
/// positional convolution, the projection, and the convolutions over samples, of which the first is group-normalised or each
/// layer-normalised.
/// </summary>
internal sealed class Wav2VecMatcher(Walker walker)
{
    private const int MaxLayers = 64;

    private readonly OnnxGraph _graph = walker.Graph;
    private readonly LayerMatcher _layers = new(walker);
    private readonly NormMatcher _norms = new(walker);

    /// <summary>
    /// Layers before <paramref name="outputs"/>, the activations [batch, time, channel] after each post-norm transformer layer; the
    /// signal returned is the encoder's input, [batch, samples, 1].
    /// </summary>
    public (Signal Samples, Wav2VecLayers Layers) Match(IReadOnlyList<Signal> outputs)
    {
        var transformer = new List<TransformerLayer>();
        var attention = new AttentionMatcher(walker, _layers);
        Signal s = outputs[^1];
        for (int i = outputs.Count - 1; i >= 0; i--)
        {
            if (!s.Same(outputs[i])) throw _graph.Mismatch(outputs[i].Tensor, $"the output of transformer layer {i}");
            (s, TransformerLayer layer) = PostNormLayer(s, attention, $"transformer layer {i}");
            transformer.Insert(0, layer);
        }
        (Signal sum, NormLayer norm) = _norms.LayerNorm(s, "encoder layer_norm");
        return Front(sum, norm, preNorm: false, transformer);
    }

    /// <summary>Layers before the encoder's output [batch, time, channel], as many transformer layers as there are, of either kind.</summary>
    public (Signal Samples, Wav2VecLayers Layers) Match(Signal output)
    {
        var transformer = new List<TransformerLayer>();
        var attention = new AttentionMatcher(walker, _layers);
        (Signal sum, NormLayer norm) = _norms.LayerNorm(output, "the encoder's last layer_norm");
        bool preNorm = IsPreNorm(sum);
        Signal s = preNorm ? sum : output;
        while (!IsPosition(sum))
        {
            string what = $"transformer layer {transformer.Count} from the last";
            if (transformer.Count == MaxLayers) throw _graph.Mismatch(sum.Tensor, $"at most {MaxLayers} transformer layers");
            (s, TransformerLayer layer) = preNorm ? PreNormLayer(s, attention, what) : PostNormLayer(s, attention, what);
            transformer.Insert(0, layer);
            if (preNorm) sum = s;
            else (sum, norm) = _norms.LayerNorm(s, $"the layer_norm before {what}");
        }
        if (transformer.Count == 0) throw _graph.Mismatch(sum.Tensor, "a transformer layer after the positional convolution");
        return Front(sum, norm, preNorm, transformer);
    }

    /// <summary>The positional convolution and all before it.</summary>
    private (Signal Samples, Wav2VecLayers Layers) Front(Signal sum, NormLayer norm, bool preNorm, List<TransformerLayer> transformer)
    {
        (Signal projected, ConvLayer position) = Position(sum);
        (Signal normed, LinearLayer projection) = _layers.Linear(projected, "feature projection");
        (Signal features, NormLayer projectionNorm) = _norms.LayerNorm(normed, "feature projection layer_norm");
        bool layerNorm = HasLayerNorm(features);
        (Signal samples, List<ConvLayer> convs, List<NormLayer> norms) = Convs(features, layerNorm);
        return (samples, new Wav2VecLayers(convs, norms, layerNorm, projectionNorm, projection, position, norm, preNorm, transformer));
    }

    /// <summary>x1 = norm1(x + attention(x)); x2 = norm2(x1 + ff2(gelu(ff1(x1)))).</summary>
    private (Signal Input, TransformerLayer Layer) PostNormLayer(Signal signal, AttentionMatcher attention, string what)
    {
        (Signal sum2, NormLayer norm2) = _norms.LayerNorm(signal, $"{what}.final_layer_norm");
        (Signal skip2, Signal middle, LinearLayer ff1, LinearLayer ff2) = FeedForward(sum2, what);
        RequireSame(middle, skip2, $"{what}, feed-forward");
        (Signal sum1, NormLayer norm1) = _norms.LayerNorm(middle, $"{what}.layer_norm");
        (Signal skip1, Signal branch1) = Residual(sum1, $"{what}, attention");
        (Signal input, AttentionLayer attended) = attention.Match(branch1, $"{what}.attention");
        RequireSame(input, skip1, $"{what}, attention");
        return (input, new TransformerLayer(attended, norm1, ff1, ff2, norm2));
    }

    /// <summary>x1 = x + attention(norm1(x)); x2 = x1 + ff2(gelu(ff1(norm2(x1)))).</summary>
    private (Signal Input, TransformerLayer Layer) PreNormLayer(Signal signal, AttentionMatcher attention, string what)
    {
        (Signal skip2, Signal normed2, LinearLayer ff1, LinearLayer ff2) = FeedForward(signal, what);
        (Signal middle, NormLayer norm2) = _norms.LayerNorm(normed2, $"{what}.final_layer_norm");
        RequireSame(middle, skip2, $"{what}, feed-forward");
        (Signal skip1, Signal branch1) = Residual(middle, $"{what}, attention");
        (Signal normed1, AttentionLayer attended) = attention.Match(branch1, $"{what}.attention");
        (Signal input, NormLayer norm1) = _norms.LayerNorm(normed1, $"{what}.layer_norm");
        RequireSame(input, skip1, $"{what}, attention");
        return (input, new TransformerLayer(attended, norm1, ff1, ff2, norm2));
    }

    private (Signal Skip, Signal Input, LinearLayer First, LinearLayer Second) FeedForward(Signal sum, string what)
    {
        (Signal skip, Signal branch) = Residual(sum, $"{what}, feed-forward");
        (Signal activated, LinearLayer second) = _layers.Linear(branch, $"{what}.output_dense");
        (Signal input, LinearLayer first) = _layers.Linear(_layers.Gelu(activated, $"{what}.intermediate_dense"),
            $"{what}.intermediate_dense");
        return (skip, input, first, second);
    }

    /// <summary>
    /// Whether the sum before the encoder's last norm ends a pre-norm layer: its feed-forward branch reads a norm of the skipped
    /// activation, a post-norm layer's reads that activation itself.
    /// </summary>
    private bool IsPreNorm(Signal sum)
    {
        if (IsPosition(sum)) return false;
        (Signal skip, Signal input, _, _) = FeedForward(sum, "the last transformer layer");
        return !input.Same(skip);
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

    /// <summary>Whether a sum adds an activation function's value to a linear layer's, as only the positional convolution's does.</summary>
    private bool IsPosition(Signal sum)
    {
        if (walker.TryNode(walker.Resolve(sum)) is not { Op: "Add" } add) return false;
        Signal a = walker.Operand(sum, add, 0);
        Signal b = walker.Operand(sum, add, 1);
        return (IsActivation(a) && _layers.IsLinear(b)) || (IsActivation(b) && _layers.IsLinear(a));
    }

    private bool IsActivation(Signal signal) => walker.TryNode(signal) is { Op: "Mul" or "Gelu" };

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

    /// <summary>Whether the last feature convolution is followed by a layer norm.</summary>
    private bool HasLayerNorm(Signal features)
    {
        Signal s = walker.Resolve(_layers.Gelu(features, "the last feature convolution"));
        for (int i = 0; i < 2; i++)
        {
            if (walker.TryNode(s) is not { Op: "Add" or "Mul" } node) break;
            int constant = _graph.IsConstant(node.Input(0)) ? 0 : 1;
            s = walker.Operand(s, node, 1 - constant);
        }
        return walker.TryNode(s) is { Op: not ("Conv" or "InstanceNormalization" or "GroupNormalization") };
    }

    /// <summary>Convolutions, each followed by its norm, if it has one, then GELU; the first reads one channel, the samples.</summary>
    private (Signal Samples, List<ConvLayer> Convs, List<NormLayer> Norms) Convs(Signal features, bool layerNorm)
    {
        var convs = new List<ConvLayer>();
        var norms = new List<NormLayer>();
        Signal s = features;
        while (convs.Count < MaxLayers)
        {
            string what = $"feature convolution {convs.Count} from the last";
            Signal inner = walker.Resolve(_layers.Gelu(s, what));
            if (layerNorm || walker.TryNode(inner)?.Op != "Conv")
            {
                (inner, NormLayer norm) = layerNorm
                    ? _norms.LayerNorm(inner, $"layer norm after {what}")
                    : _norms.GroupNorm(inner, "group norm after the first convolution");
                norms.Insert(0, norm);
            }
            (s, ConvLayer conv) = _layers.Conv(inner, what);
            if ((!layerNorm && conv.Bias is not null) || conv.Groups != 1 || conv.Shape.Padding != 0)
            {
                throw _graph.Mismatch(inner.Tensor, $"{what} without {(layerNorm ? "" : "bias, ")}groups and padding");
            }
            convs.Insert(0, layerNorm ? conv with { Bias = conv.Bias ?? new float[conv.Out] } : conv);
            if (layerNorm ? conv.In == 1 : norms.Count > 0) return (s, convs, norms);
        }
        throw _graph.Mismatch(s.Tensor, $"at most {MaxLayers} feature convolutions");
    }
}
