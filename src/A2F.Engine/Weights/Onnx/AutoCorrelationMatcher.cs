using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>The autocorrelation branch: its sizes, taper and the convolutions along lags.</summary>
internal sealed record AutoCorrelationLayers(AutoCorrelationConfig Config, float[] Taper, List<ConvLayer> Convs, float ReluGain);

/// <summary>
/// Recognises sum(w[i] w[i + lag]) over tapered, mean-free frames of the audio, and the convolutions that reduce the lags to one value.
/// Frames, hop and lags come from which samples the graph multiplies with which.
/// </summary>
internal sealed class AutoCorrelationMatcher(Walker walker)
{
    private const int MaxConvs = 32;

    private readonly OnnxGraph _graph = walker.Graph;
    private readonly LayerMatcher _layers = new(walker);

    /// <summary>
    /// Layers before <paramref name="features"/>, [batch, frame,
    /// channel]; the signal returned is the audio, in its own order.
    /// </summary>
    public (Signal Samples, AutoCorrelationLayers Layers) Match(Signal features)
    {
        (int batch, int frames) = (features.Dims[0], features.Dims[1]);
        var convs = new List<ConvLayer>();
        float gain = 0;
        Signal s = features.As(batch * frames, 1, features.Last);
        do
        {
            string what = $"frequency convolution {convs.Count} from the last";
            (Signal inner, float g) = _layers.Relu(s, what);
            (s, ConvLayer conv) = _layers.Conv(inner, what);
            if (convs.Count > 0 && g != gain) throw _graph.Mismatch(inner.Tensor, $"a rectifier gain of {gain} after {what}, not {g}");
            if (conv.Bias is null || conv.Groups != 1) throw _graph.Mismatch(inner.Tensor, $"{what} with a bias and without groups");
            gain = g;
            convs.Insert(0, conv);
        }
        while (s.Last > 1 && convs.Count < MaxConvs);

        (double scale, Signal lags) = walker.Scaled(s);
        (Signal tapered, int length) = Lags(lags);
        (Signal centred, float[] taper) = Taper(tapered);
        (double inputGain, Signal audio) = walker.Scaled(Centred(centred));
        int hop = Hop(audio, batch, frames, length);
        var config = new AutoCorrelationConfig(frames, length, hop, lags.Dims[1], (float)inputGain, (float)scale,
            [.. convs.Select(c => c.Shape)]);
        return (audio, new AutoCorrelationLayers(config, taper, convs, gain));
    }

    /// <summary>From [row, lag, 1] to the frames [row, sample] whose products are summed, one reduction for each lag.</summary>
    private (Signal Frames, int Length) Lags(Signal lags)
    {
        (int rows, int count) = (lags.Dims[0], lags.Dims[1]);
        List<(int Start, Signal Part)> parts = walker.Parts(lags.As(rows, count));
        if (parts.Count != count) throw _graph.Mismatch(lags.Tensor, $"{count} sums of products, one for each lag, not {parts.Count}");
        Signal? whole = null;
        for (int lag = 0; lag < count; lag++)
        {
            Signal sum = parts[lag].Part.As(rows);
            OnnxNode node = walker.Node(sum, $"the sum of products at lag {lag}", "ReduceSum");
            Signal product = walker.Unreduce(sum, node);
            OnnxNode mul = walker.Node(product, $"the product at lag {lag}", "Mul");
            Signal a = walker.Operand(product, mul, 0);
            Signal b = walker.Operand(product, mul, 1);
            whole ??= a;
            int length = whole.Last - lag;
            if (length < 1 || a.Last != length || !IsPair(a, b, whole.Slice(0, length), whole.Slice(lag, length)))
                throw _graph.Mismatch(mul, $"samples of the frame times the samples {lag} later", "other products");
        }
        return (whole!, whole!.Last);
    }

    /// <summary>Whether a and b are these two signals, in either order.</summary>
    private static bool IsPair(Signal a, Signal b, Signal first, Signal second) =>
        (a.Same(first) && b.Same(second)) || (a.Same(second) && b.Same(first));

    private (Signal Centred, float[] Taper) Taper(Signal tapered)
    {
        OnnxNode node = walker.Node(tapered, "the frame times its taper", "Mul");
        for (int i = 0; i < 2; i++)
        {
            if (_graph.IsConstant(node.Input(i)))
                return (walker.Operand(tapered, node, 1 - i), walker.PerChannel(walker.Operand(tapered, node, i), "taper"));
        }
        throw _graph.Mismatch(node, "a constant taper", "two activations");
    }

    private Signal Centred(Signal signal)
    {
        OnnxNode sub = walker.Node(signal, "the frame minus its mean", "Sub");
        Signal x = walker.Operand(signal, sub, 0);
        Signal mean = walker.Operand(signal, sub, 1);
        OnnxNode node = walker.Node(mean, "the mean of a frame", "ReduceMean");
        // The mean is taken of what x is a copy of, so both are followed to the audio before they are compared.
        Signal spread = walker.Unreduce(walker.Drop(mean, 1), node);
        return spread.Same(x) ? x : throw _graph.Mismatch(sub, "the mean of the same frame", "another");
    }

    /// <summary>Distance between frames, from the samples that they read.</summary>
    private int Hop(Signal audio, int batch, int frames, int length)
    {
        int samples = (int)(Shapes.Count(_graph.Shape(audio.Tensor)) / batch);
        int hop = frames > 1 ? audio.Index[length] - audio.Index[0] : length;
        for (int i = 0; i < audio.Index.Length; i++)
        {
            int row = i / length;
            int expected = row / frames * samples + row % frames * hop + i % length;
            if (hop < 1 || audio.Index[i] != expected)
                throw _graph.Mismatch(audio.Tensor, $"frames of {length} samples every {hop} from the start of the window");
        }
        return hop;
    }
}
