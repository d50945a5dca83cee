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
        if (layers.Wav2Vec is { } w2v)
        {
            EncoderWeights.Add(weights, w2v);
            weights.Add("w2v.layer_mix", layers.LayerMix, layers.LayerMix.Length);
            EncoderWeights.Add(weights, "w2v.mapping", layers.Mapping!);
        }
        if (layers.AutoCorrelation is { } correlation)
        {
            weights.Add("autocorrelation.taper", correlation.Taper, correlation.Taper.Length);
            for (int i = 0; i < correlation.Convs.Count; i++) EncoderWeights.Add(weights, $"frequency{i + 1}", correlation.Convs[i]);
        }
        EncoderWeights.Add(weights, "emotion", layers.Emotion);
        for (int i = 0; i < layers.TimeConvs.Count; i++) EncoderWeights.Add(weights, $"time{i + 1}", layers.TimeConvs[i]);
        EncoderWeights.Add(weights, "fusion", layers.Fusion);
        EncoderWeights.Add(weights, "face1", layers.Face[0]);
        EncoderWeights.Add(weights, "face2", layers.Face[1]);
        EncoderWeights.Add(weights, "tongue1", layers.Tongue[0]);
        EncoderWeights.Add(weights, "tongue2", layers.Tongue[1]);
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
            layers.Wav2Vec is { } w2v ? EncoderWeights.Configure(w2v, graph) : null, layers.AutoCorrelation?.Config);
    }

    private static void RequireChannels(OnnxGraph graph, string what, int found, int expected)
    {
        if (found != expected)
        {
            throw graph.Error(A2FErrorCode.InvalidModel,
                $"not a regression network: expected {expected} channels from {what}, as the fusion layer gives, found {found}");
        }
    }
}
