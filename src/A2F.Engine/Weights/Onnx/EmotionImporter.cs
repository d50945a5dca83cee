using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>Imports an emotion classifier from an ONNX file. See docs/onnx-import.md.</summary>
internal static class EmotionImporter
{
    /// <summary>
    /// Length at which a network for any length of audio is examined: 13 encoder frames, few, and a number that no other size of a
    /// network is likely to equal.
    /// </summary>
    private const int Samples = 4240;

    /// <summary>Reads, checks and converts a network.</summary>
    /// <exception cref="A2FException">The file is unreadable or no emotion classifier; the message names the first difference.</exception>
    public static (EmotionConfig Config, WeightSet Weights) Import(string onnxPath) => Convert(OnnxGraph.Load(onnxPath, Samples));

    /// <summary>Converts a parsed file.</summary>
    public static (EmotionConfig Config, WeightSet Weights) Convert(Proto.ModelProto model, string path) =>
        Convert(OnnxGraph.Build(model, path, Samples));

    private static (EmotionConfig Config, WeightSet Weights) Convert(OnnxGraph graph)
    {
        EmotionLayers layers = new EmotionMatcher(graph).Match();
        var config = new EmotionConfig(EncoderWeights.Configure(layers.Encoder, graph), layers.First.Out, layers.Second.Out, layers.Tanh);
        if (layers.First.In != config.Encoder.Dim)
        {
            throw graph.Error(A2FErrorCode.InvalidModel,
                $"not an emotion network: expected a head for the encoder's {config.Encoder.Dim} channels, found {layers.First.In}");
        }
        var weights = new WeightSet();
        EncoderWeights.Add(weights, layers.Encoder);
        EncoderWeights.Add(weights, "head1", layers.First);
        EncoderWeights.Add(weights, "head2", layers.Second);
        return (config, weights);
    }
}
