using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The feature extractor and transformer layers of wav2vec2 (Baevski et al. 2020) and HuBERT (Hsu et al. 2021): [items, samples, 1] ->
/// [items, frames, dim]. The base models have a group norm after the first convolution and norms after the halves of each layer, the large
/// ones a layer norm after each convolution and norms before the halves.
/// </summary>
internal sealed class Wav2VecEncoder
{
    private readonly OperatorSet _ops;
    private readonly Wav2VecConfig _config;
    private readonly Conv[] _convs;
    private readonly NormWeights _projectionNorm, _norm;
    private readonly GemmWeights _projection, _position;
    private readonly Layer[] _layers;
    private readonly float[] _mix; // empty where the last layer's output is the result
    private readonly Tensor _features; // normalised input of the projection
    private readonly Tensor _padded, _embedded; // projection output with the zero rows that the positional convolution reads
    private readonly Tensor _x, _qkv, _context, _hidden, _attended, _mixed;
    private readonly Tensor _sum, _middle; // where pre-norm layers keep what the norms have not touched

    /// <summary>One convolution of the feature extractor; exactly one of the two forms is there.</summary>
    private sealed record Conv(ConvShape Shape, GemmWeights? Plain, HalvingConv? Halving, NormWeights? Norm, Tensor Output);

    private sealed record Layer(
        GemmWeights Qkv, GemmWeights AttentionOut, NormWeights Norm1, GemmWeights Ff1, GemmWeights Ff2, NormWeights Norm2);

    internal Wav2VecEncoder(Wav2VecConfig config, WeightSet weights, OperatorSet ops, int maxItems, int samples, bool fastConvolutions)
    {
        NetworkChecks.Require(NetworkChecks.Problem(config, samples));
        (_config, _ops) = (config, ops);
        (int channels, int dim) = (config.Channels, config.Dim);
        _convs = new Conv[config.Convs.Count];
        int steps = samples, inputs = 1;
        for (int i = 0; i < _convs.Length; i++)
        {
            ConvShape shape = config.Convs[i];
            steps = (steps - shape.Kernel) / shape.Stride + 1;
            ReadOnlySpan<float> kernel = weights.Get($"w2v.conv{i}.weight", shape.Kernel, inputs, channels).Span;
            ReadOnlySpan<float> bias = config.LayerNormConvs ? weights.Get($"w2v.conv{i}.bias", channels).Span : [];
            bool halving = fastConvolutions && ops.FastConvolutionsPay && i > 0 && shape is { Kernel: 3, Stride: 2 } && bias.IsEmpty;
            _convs[i] = new Conv(
                shape,
                halving ? null : ops.Pack(kernel, bias, shape.Kernel, inputs, channels, float32Input: i == 0),
                halving ? new HalvingConv(ops, kernel, inputs, channels, maxItems, steps) : null,
                config.LayerNormConvs ? LoadNorm($"w2v.conv{i}.norm", channels)
                    : i == 0 ? LoadNorm("w2v.conv0.norm", channels, config.GroupNormEpsilon) : null,
                ops.Allocate(maxItems, steps, channels));
            inputs = channels;
        }
        Frames = steps;
        _projectionNorm = LoadNorm("w2v.projection.norm", channels);
        _projection = LoadLinear("w2v.projection", channels, dim);
        _norm = LoadNorm("w2v.norm", dim);
        _layers = new Layer[config.Layers];
        for (int i = 0; i < _layers.Length; i++)
        {
            string layer = $"w2v.layer{i}";
            _layers[i] = new Layer(
                LoadLinear($"{layer}.qkv", dim, 3 * dim), LoadLinear($"{layer}.attention_out", dim, dim), LoadNorm($"{layer}.norm1", dim),
                LoadLinear($"{layer}.ff1", dim, config.FeedForward), LoadLinear($"{layer}.ff2", config.FeedForward, dim), LoadNorm($"{layer}.norm2", dim));
            weights.ReleasePages();
        }
        _mix = weights.Contains("w2v.layer_mix") ? weights.Get("w2v.layer_mix", config.Layers).ToArray() : [];
        if (config.PreNorm && _mix.Length > 0)
            throw new A2FException(A2FErrorCode.InvalidModel, "w2v.layer_mix: expected none in a pre-norm speech encoder");

        // Output t reads inputs t + j - kernel / 2; taps that meet only padding for every t are dropped (79 of 128 at 25 frames).
        int centre = config.PositionKernel / 2, width = dim / config.PositionGroups;
        int firstTap = Math.Max(0, centre - (Frames - 1)), lastTap = Math.Min(config.PositionKernel - 1, centre + Frames - 1);
        int taps = lastTap - firstTap + 1;
        ReadOnlyMemory<float> position = weights.Get("w2v.position.weight", config.PositionKernel, width, dim);
        _position = ops.Pack(
            position.Span.Slice(firstTap * width * dim, taps * width * dim), weights.Get("w2v.position.bias", dim).Span,
            taps, width, width, config.PositionGroups);

        _features = ops.Allocate(maxItems, Frames, channels);
        _padded = ops.Allocate(maxItems, Frames + taps - 1, dim);
        _embedded = _padded.RowRange(centre - firstTap, Frames);
        _x = ops.Allocate(maxItems, Frames, dim);
        _qkv = ops.Allocate(maxItems, Frames, 3 * dim);
        _context = ops.Allocate(maxItems, Frames, dim);
        _hidden = ops.Allocate(maxItems, Frames, config.FeedForward);
        _attended = ops.Allocate(maxItems, Frames, dim);
        _mixed = _mix.Length < 2 ? _x : ops.Allocate(maxItems, Frames, dim);
        if (config.PreNorm) (_sum, _middle) = (ops.Allocate(maxItems, Frames, dim), ops.Allocate(maxItems, Frames, dim));

        NormWeights LoadNorm(string name, int size, float? epsilon = null) => new(
            ops.Upload(weights.Get(name + ".weight", size).Span), ops.Upload(weights.Get(name + ".bias", size).Span),
            epsilon ?? config.LayerNormEpsilon);

        GemmWeights LoadLinear(string name, int from, int to) =>
            ops.Pack(weights.Get(name + ".weight", from, to).Span, weights.Get(name + ".bias", to).Span, 1, from, to);
    }

    /// <summary>Frames of the output.</summary>
    internal int Frames { get; }

    /// <summary>The last layer's output, or the weighted mean of all, [items, frames, dim], valid until the next call.</summary>
    internal Tensor Run(Tensor audio)
    {
        int items = audio.Items;
        Tensor x = audio;
        for (int i = 0; i < _convs.Length; i++)
        {
            Tensor y = _convs[i].Output.Take(items);
            if (_config.LayerNormConvs)
            {
                _ops.Gemm(x, _convs[i].Shape.Stride, _convs[i].Plain!, y);
                _ops.LayerNorm(y, _convs[i].Norm!.Value, y, Activation.Gelu);
            }
            else if (i == 0) _ops.ConvGroupNorm(x, _convs[i].Shape.Stride, _convs[i].Plain!, _convs[i].Norm!.Value, Activation.Gelu, y);
            else if (_convs[i].Halving is HalvingConv halving) halving.Run(x, y, Activation.Gelu);
            else _ops.Gemm(x, _convs[i].Shape.Stride, _convs[i].Plain!, y, new Epilogue(Activation.Gelu));
            x = y;
        }
        Tensor features = _features.Take(items), embedded = _embedded.Take(items);
        _ops.LayerNorm(x, _projectionNorm, features);
        _ops.Gemm(features, 1, _projection, embedded);

        x = _x.Take(items);
        if (_config.PreNorm) return RunPreNorm(x, embedded);
        _ops.GemmLayerNorm(_padded.Take(items), _position, Activation.Gelu, embedded, _norm, x);
        for (int i = 0; i < _layers.Length; i++)
        {
            RunLayer(_layers[i], x);
            if (_mix.Length > 1) _ops.Scale(x, _mix[i], _mixed.Take(items), accumulate: i > 0);
        }
        return _mixed.Take(items);
    }

    private void RunLayer(Layer layer, Tensor x)
    {
        Tensor qkv = _qkv.Take(x.Items), context = _context.Take(x.Items), hidden = _hidden.Take(x.Items), attended = _attended.Take(x.Items);
        _ops.Gemm(x, 1, layer.Qkv, qkv);
        _ops.Attention(qkv, _config.Heads, context);
        _ops.GemmLayerNorm(context, layer.AttentionOut, Activation.None, x, layer.Norm1, attended);
        _ops.Gemm(attended, 1, layer.Ff1, hidden, new Epilogue(Activation.Gelu));
        _ops.GemmLayerNorm(hidden, layer.Ff2, Activation.None, attended, layer.Norm2, x);
    }

    /// <summary>Each product is added to the sum so far, and the norm that comes next is taken on the way.</summary>
    private Tensor RunPreNorm(Tensor x, Tensor embedded)
    {
        int items = x.Items;
        Tensor qkv = _qkv.Take(items), context = _context.Take(items), hidden = _hidden.Take(items), attended = _attended.Take(items);
        Tensor sum = _sum.Take(items), middle = _middle.Take(items);
        _ops.GemmLayerNorm(_padded.Take(items), _position, Activation.Gelu, embedded, _layers[0].Norm1, x, sum);
        for (int i = 0; i < _layers.Length; i++)
        {
            Layer layer = _layers[i];
            _ops.Gemm(x, 1, layer.Qkv, qkv);
            _ops.Attention(qkv, _config.Heads, context);
            _ops.GemmLayerNorm(context, layer.AttentionOut, Activation.None, sum, layer.Norm2, attended, middle);
            _ops.Gemm(attended, 1, layer.Ff1, hidden, new Epilogue(Activation.Gelu));
            NormWeights next = i + 1 < _layers.Length ? _layers[i + 1].Norm1 : _norm;
            _ops.GemmLayerNorm(hidden, layer.Ff2, Activation.None, middle, next, x, sum);
        }
        return x;
    }
}
