using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>All layers of an emotion classifier as found in a graph.</summary>
internal sealed record EmotionLayers(Wav2VecLayers Encoder, LinearLayer First, LinearLayer Second, bool Tanh);

/// <summary>
/// Recognises the emotion classifier from its logits back to the audio: two linear layers, with tanh between them or not, the mean over
/// time before or after the first, and the speech encoder. Every step checks that the graph computes what <see cref="EmotionConfig"/>
/// describes; the first difference is the error.
/// </summary>
internal sealed class EmotionMatcher(OnnxGraph graph)
{
    private readonly Walker _walker = new(graph);

    public EmotionLayers Match()
    {
        if (graph.Inputs.Count != 1) throw Unknown($"1 input (audio), found {graph.Inputs.Count}");
        if (graph.Outputs.Count != 1) throw Unknown($"1 output (logits), found {graph.Outputs.Count}");
        int[] audio = graph.Shape(graph.Inputs[0]);
        if (audio.Length != 2) throw Unknown($"an audio input of shape [batch, samples], found {NdArray.FormatShape(audio)}");
        int[] shape = graph.Shape(graph.Outputs[0]);
        if (shape.Length != 2 || shape[0] != audio[0] || shape[1] < 1)
            throw Unknown($"an output of shape [batch, labels], found {NdArray.FormatShape(shape)}");

        var layers = new LayerMatcher(_walker);
        (Signal s, LinearLayer second) = layers.Linear(_walker.Whole(graph.Outputs[0]), "the classifier's last layer");
        bool tanh = _walker.TryNode(s) is { Op: "Tanh" };
        if (tanh) s = _walker.Operand(s, _walker.TryNode(s)!, 0);
        LinearLayer first;
        if (tanh || layers.IsLinear(s))
        {
            (s, first) = layers.Linear(s, "the classifier's first layer");
            s = OverTime(s);
        }
        else
        {
            (s, first) = layers.Linear(OverTime(s), "the projector");
        }
        (Signal samples, Wav2VecLayers encoder) = new Wav2VecMatcher(_walker).Match(s);
        if (!samples.Same(_walker.Whole(graph.Inputs[0]).As(samples.Dims)))
            throw graph.Mismatch(samples.Tensor, "the audio input, unscaled, before the first feature convolution");
        return new EmotionLayers(encoder, first, second, tanh);
    }

    /// <summary>From the mean over time [batch, channel] to what it is the mean of, [batch, time, channel].</summary>
    private Signal OverTime(Signal mean)
    {
        OnnxNode node = _walker.Node(mean, "the mean over time", "ReduceMean");
        return _walker.Unreduce(mean, node).Permute(0, 2, 1);
    }

    private A2FException Unknown(string what) => graph.Error(A2FErrorCode.InvalidModel, $"not an emotion network: expected {what}");
}
