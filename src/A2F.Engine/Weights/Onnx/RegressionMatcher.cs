using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>All layers of a regression network as found in a graph.</summary>
internal sealed class RegressionLayers
{
    public required LinearLayer Emotion { get; init; }

    public required List<ConvLayer> TimeConvs { get; init; }

    /// <summary>Rows already ordered by time, then channel, then implicit and embedded emotion.</summary>
    public required LinearLayer Fusion { get; init; }

    public required LinearLayer[] Face { get; init; }

    public required LinearLayer[] Tongue { get; init; }

    public required int SkinSize { get; init; }

    public required int ImplicitLength { get; init; }

    public required int InputLength { get; init; }

    public required float ReluGain { get; init; }

    public Wav2VecLayers? Wav2Vec { get; init; }

    public LinearLayer? Mapping { get; init; }

    public float[] LayerMix { get; init; } = [];

    public AutoCorrelationLayers? AutoCorrelation { get; init; }
}

/// <summary>
/// Recognises the regression network from its result back to its two inputs. Every step checks that the graph computes what
/// <see cref="RegressionConfig"/> describes; the first difference is the error.
/// </summary>
internal sealed class RegressionMatcher
{
    private const int MaxTimeConvs = 32;

    private readonly OnnxGraph _graph;
    private readonly Walker _walker;
    private readonly LayerMatcher _layers;
    private float _gain;

    public RegressionMatcher(OnnxGraph graph)
    {
        _graph = graph;
        _walker = new Walker(graph);
        _layers = new LayerMatcher(_walker);
    }

    public RegressionLayers Match()
    {
        if (_graph.Inputs.Count != 2) throw Unknown($"2 inputs (audio, emotion), found {_graph.Inputs.Count}: {Names(_graph.Inputs)}");
        if (_graph.Outputs.Count != 1) throw Unknown($"1 output, found {_graph.Outputs.Count}: {Names(_graph.Outputs)}");
        int[] shape = _graph.Shape(_graph.Outputs[0]);
        int batch = shape.Length > 0 ? shape[0] : 0;
        if (shape.Length != 3 || shape[1] != 1 || shape[2] < 1)
            throw Unknown($"an output of shape [batch, 1, n], found {NdArray.FormatShape(shape)}");
        Signal result = _walker.Whole(_graph.Outputs[0]).As(batch, shape[2]);

        (Signal joint, LinearLayer[] face, LinearLayer[] tongue, int skin) = Heads(result);
        List<(int Start, Signal Part)> parts = _walker.Parts(joint);
        if (parts.Count != 3)
            throw _graph.Mismatch(joint.Tensor, $"features, implicit and embedded emotion before the last layers, not {parts.Count} parts");
        Emotions emotions = FindEmotions(parts[1].Part, parts[2].Part);
        (Signal time, LinearLayer fusion) = Fusion(parts[0].Part, emotions);
        (Signal features, List<ConvLayer> timeConvs) = TimeConvs(time, emotions);
        return Branches(features, (config, mapping, mix, w2v) => new RegressionLayers
        {
            Emotion = emotions.Layer,
            TimeConvs = timeConvs,
            Fusion = fusion,
            Face = face,
            Tongue = tongue,
            SkinSize = skin,
            ImplicitLength = emotions.Implicit.Last,
            InputLength = (int)(Shapes.Count(_graph.Shape(AudioInput(emotions))) / batch),
            ReluGain = _gain,
            Wav2Vec = w2v,
            Mapping = mapping,
            LayerMix = mix,
            AutoCorrelation = config,
        }, AudioInput(emotions));
    }

    private A2FException Unknown(string what) => _graph.Error(A2FErrorCode.InvalidModel, $"not a regression network: expected {what}");

    private string Names(List<int> tensors) => string.Join(", ", tensors.Take(8).Select(t => $"'{_graph.NameOf(t)}'"));

    /// <summary>Skin, tongue, jaw and eyes from two pairs of linear layers: the face's columns lie around the tongue's.</summary>
    private (Signal Joint, LinearLayer[] Face, LinearLayer[] Tongue, int Skin) Heads(Signal result)
    {
        List<(int Start, Signal Part)> runs = _walker.Parts(result);
        if (runs.Count != 3 || runs[0].Part.Tensor != runs[2].Part.Tensor)
        {
            throw _graph.Mismatch(result.Tensor,
                $"skin, tongue, then jaw and eyes: 3 runs of outputs from 2 layers, not {runs.Count} runs");
        }
        (Signal first, Signal last) = (runs[0].Part, runs[2].Part);
        var index = new int[first.Index.Length + last.Index.Length];
        int width = first.Last + last.Last;
        for (int i = 0; i < index.Length; i++)
        {
            (int row, int c) = (i / width, i % width);
            index[i] = c < first.Last ? first.Index[row * first.Last + c] : last.Index[row * last.Last + c - first.Last];
        }
        var faceOutput = new Signal(first.Tensor, [result.Dims[0], width], index);
        (Signal joint, LinearLayer[] face) = Pair(faceOutput, "linear_skin_jaw_eyes");
        (Signal other, LinearLayer[] tongue) = Pair(runs[1].Part, "linear_tongue");
        if (!SameSources(joint, other)) throw _graph.Mismatch(other.Tensor, "the same features before the face's and the tongue's layers");
        return (joint, face, tongue, first.Last);
    }

    private (Signal Input, LinearLayer[] Layers) Pair(Signal output, string what)
    {
        (Signal middle, LinearLayer second) = _layers.Linear(output, $"{what}2");
        (Signal input, LinearLayer first) = _layers.Linear(middle, $"{what}1");
        if (second.In != second.Out || first.Out != second.In)
            throw _graph.Mismatch(middle.Tensor, $"{second.Out} channels between {what}1 and {what}2, not {second.In}");
        return (input, [first, second]);
    }

    private bool SameSources(Signal a, Signal b)
    {
        (int[] sourceA, int[] indexA) = _walker.Sources(a);
        (int[] sourceB, int[] indexB) = _walker.Sources(b);
        return sourceA.AsSpan().SequenceEqual(sourceB) && indexA.AsSpan().SequenceEqual(indexB);
    }

    private sealed record Emotions(Signal Implicit, Signal Embedded, LinearLayer Layer)
    {
        public int Joint => Implicit.Last + Embedded.Last;
    }

    /// <summary>Implicit emotion is the first part of the emotion input, the embedded one a linear layer of the rest.</summary>
    private Emotions FindEmotions(Signal implicitPart, Signal embedded)
    {
        (Signal explicitPart, LinearLayer layer) = _layers.Linear(embedded, "linear_explicit_emo");
        (int batch, int length) = (implicitPart.Dims[0], implicitPart.Last + explicitPart.Last);
        if (!_graph.Inputs.Contains(implicitPart.Tensor) || explicitPart.Tensor != implicitPart.Tensor
            || !Shapes.Same(_graph.Shape(implicitPart.Tensor), [batch, 1, length]))
        {
            throw _graph.Mismatch(explicitPart.Tensor, $"the emotion input as [batch, 1, {length}], implicit values first");
        }
        for (int b = 0; b < batch; b++)
        {
            for (int i = 0; i < length; i++)
            {
                int found = i < implicitPart.Last
                    ? implicitPart.Index[b * implicitPart.Last + i]
                    : explicitPart.Index[b * explicitPart.Last + i - implicitPart.Last];
                if (found != b * length + i) throw _graph.Mismatch(implicitPart.Tensor, "implicit values, then explicit ones, in order");
            }
        }
        return new Emotions(implicitPart, embedded, layer);
    }

    private int AudioInput(Emotions emotions)
    {
        int audio = _graph.Inputs.First(i => i != emotions.Implicit.Tensor);
        int[] shape = _graph.Shape(audio);
        return shape.Length == 3 && shape[0] == emotions.Implicit.Dims[0] && shape[1] == 1
            ? audio
            : throw Unknown($"an audio input '{_graph.NameOf(audio)}' of shape [batch, 1, samples], found {NdArray.FormatShape(shape)}");
    }

    private Signal Rectified(Signal signal, string what)
    {
        (Signal inner, float gain) = _layers.Relu(signal, what);
        if (_gain != 0 && gain != _gain) throw _graph.Mismatch(inner.Tensor, $"a rectifier gain of {_gain} after {what}, not {gain}");
        _gain = gain;
        return inner;
    }

    /// <summary>
    /// The linear layer over all time steps. Its rows may be in any order in the graph: each is traced to the time and channel that it
    /// reads. Emotions are the same at all times, so the time that one of their rows is given to does not matter.
    /// </summary>
    private (Signal Time, LinearLayer Layer) Fusion(Signal signal, Emotions emotions)
    {
        (Signal input, LinearLayer layer) = _layers.Linear(Rectified(signal, "fusion"), "fusion");
        List<(int Start, Signal Part)> runs = _walker.Parts(input);
        (int rows, int batch, int joint) = (input.Last, input.Dims[0], emotions.Joint);
        int emotionRows = runs.Where(r => r.Part.Tensor == emotions.Implicit.Tensor).Sum(r => r.Part.Last);
        int times = emotionRows / Math.Max(1, emotions.Implicit.Last);
        if (times < 1 || rows % times != 0 || rows / times <= joint)
            throw _graph.Mismatch(input.Tensor, $"features and {joint} emotion values at each time step before fusion");
        int channels = rows / times - joint;
        var target = new int[rows];
        var columns = new List<(int Row, Signal Part)>();
        var used = new int[joint];
        foreach ((int start, Signal part) in runs)
        {
            for (int k = 0; k < part.Last; k++)
            {
                Signal column = part.Slice(k, 1);
                int emotion = EmotionOf(column, emotions);
                if (emotion < 0) columns.Add((start + k, column));
                else target[start + k] = used[emotion]++ * (channels + joint) + channels + emotion;
            }
        }
        if (columns.Count != times * channels || used.Any(u => u != times))
            throw _graph.Mismatch(input.Tensor, $"{times} time steps of {channels} features and {joint} emotion values before fusion");
        Signal time = TimeSignal(columns, batch, times, channels, target);
        var weight = new float[layer.Weight.Length];
        for (int k = 0; k < rows; k++) Array.Copy(layer.Weight, k * layer.Out, weight, target[k] * layer.Out, layer.Out);
        return (time, layer with { Weight = weight });
    }

    /// <summary>Which of the joint emotion values a column [batch, 1] is, or -1.</summary>
    private static int EmotionOf(Signal column, Emotions emotions)
    {
        int offset = 0;
        foreach (Signal s in (ReadOnlySpan<Signal>)[emotions.Implicit, emotions.Embedded])
        {
            int c = column.Tensor == s.Tensor ? Array.IndexOf(s.Index, column.Index[0], 0, s.Last) : -1;
            bool all = c >= 0;
            for (int b = 0; all && b < column.Index.Length; b++) all = column.Index[b] == s.Index[b * s.Last + c];
            if (all) return offset + c;
            offset += s.Last;
        }
        return -1;
    }

    /// <summary>Orders the columns by the time and channel of the convolution that made them; fills in where each row belongs.</summary>
    private Signal TimeSignal(List<(int Row, Signal Part)> columns, int batch, int times, int channels, int[] target)
    {
        int tensor = columns[0].Part.Tensor;
        if (columns.Any(c => c.Part.Tensor != tensor)) throw _graph.Mismatch(tensor, "all features before fusion from one convolution");
        var flat = new int[columns.Count];
        for (int i = 0; i < flat.Length; i++) flat[i] = columns[i].Part.Index[0];
        (Signal conv, _) = _layers.Relu(new Signal(tensor, [flat.Length], flat), "the last time convolution");
        _walker.Node(conv, "the last time convolution", "Conv");
        int[] shape = _graph.Shape(conv.Tensor);
        int[] strides = Shapes.Strides(shape);
        int axis = Array.FindLastIndex(shape, x => x == times);
        if (axis < 2 || shape[1] != channels) throw _graph.Mismatch(conv.Tensor, $"{channels} channels at {times} time steps");
        if (shape.Length == 4 && shape[2] == times) axis = 2;
        var index = new int[batch * columns.Count];
        int width = target.Length / times;
        var seen = new bool[columns.Count];
        for (int i = 0; i < columns.Count; i++)
        {
            int t = conv.Index[i] / strides[axis] % shape[axis];
            int c = conv.Index[i] / strides[1] % shape[1];
            if (seen[t * channels + c]) throw _graph.Mismatch(conv.Tensor, "each time step and channel once before fusion");
            seen[t * channels + c] = true;
            target[columns[i].Row] = t * width + c;
            for (int b = 0; b < batch; b++) index[(b * times + t) * channels + c] = columns[i].Part.Index[b];
        }
        return new Signal(tensor, [batch, times, channels], index);
    }

    /// <summary>Convolutions along time; emotions are appended to the channels before each but the first.</summary>
    private (Signal Features, List<ConvLayer> Convs) TimeConvs(Signal signal, Emotions emotions)
    {
        var convs = new List<ConvLayer>();
        Signal s = signal;
        int channels = signal.Last;
        while (convs.Count < MaxTimeConvs)
        {
            string what = $"time convolution {convs.Count} from the last";
            Signal inner = Rectified(s, what);
            (Signal input, ConvLayer conv) = _layers.Conv(inner, what);
            if (conv.Bias is null || conv.Groups != 1 || conv.Out != channels)
                throw _graph.Mismatch(inner.Tensor, $"{what} with {channels} channels, a bias and no groups");
            convs.Insert(0, conv);
            List<(int Start, Signal Part)> parts = _walker.Parts(input);
            if (parts.All(p => p.Part.Tensor != emotions.Implicit.Tensor && p.Part.Tensor != emotions.Embedded.Tensor))
                return (input, convs);
            if (parts.Count != 3 || !IsRepeated(parts[1].Part, emotions.Implicit) || !IsRepeated(parts[2].Part, emotions.Embedded))
            {
                throw _graph.Mismatch(input.Tensor, $"features, implicit and embedded emotion before {what}");
            }
            s = parts[0].Part;
        }
        throw _graph.Mismatch(s.Tensor, $"at most {MaxTimeConvs} time convolutions");
    }

    /// <summary>Whether [batch, time, n] repeats [batch, n] at all times.</summary>
    private static bool IsRepeated(Signal signal, Signal once)
    {
        if (signal.Tensor != once.Tensor || signal.Last != once.Last) return false;
        int times = signal.Dims[1];
        for (int i = 0; i < signal.Index.Length; i++)
        {
            if (signal.Index[i] != once.Index[i / (times * once.Last) * once.Last + i % once.Last]) return false;
        }
        return true;
    }

    private delegate RegressionLayers Build(AutoCorrelationLayers? config, LinearLayer? mapping, float[] mix, Wav2VecLayers? w2v);

    /// <summary>One or both audio branches before the first time convolution, wav2vec2 first.</summary>
    private RegressionLayers Branches(Signal features, Build build, int audio)
    {
        List<(int Start, Signal Part)> parts = _walker.Parts(features);
        Signal? speech = null;
        Signal? spectrum = null;
        foreach ((int start, Signal part) in parts)
        {
            bool linear = _layers.IsLinear(_layers.Relu(part, "an audio branch").Input);
            if (linear && start == 0) speech = part;
            else if (!linear && spectrum is null) spectrum = part;
            else throw _graph.Mismatch(part.Tensor, "wav2vec2 features, then autocorrelation features, each at most once");
        }
        Wav2VecLayers? w2v = null;
        LinearLayer? mapping = null;
        float[] mix = [];
        if (speech is not null)
        {
            (Signal inner, float gain) = _layers.Relu(speech, "w2v_linear_mapping");
            if (gain != 1) throw _graph.Mismatch(speech.Tensor, $"a gain of 1 after w2v_linear_mapping, not {gain}");
            (Signal mixed, mapping) = _layers.Linear(inner, "w2v_linear_mapping");
            (List<Signal> outputs, mix) = new LayerMixMatcher(_walker).Match(mixed);
            (Signal samples, w2v) = new Wav2VecMatcher(_walker).Match(outputs);
            (double scale, Signal input) = _walker.Scaled(samples);
            if (scale != 1 || !input.Same(_walker.Whole(audio).As(input.Dims)))
                throw _graph.Mismatch(input.Tensor, "the audio input, unscaled, before the first feature convolution");
        }
        AutoCorrelationLayers? correlation = null;
        if (spectrum is not null)
        {
            (Signal input, correlation) = new AutoCorrelationMatcher(_walker).Match(spectrum);
            if (input.Tensor != audio) throw _graph.Mismatch(input.Tensor, "the audio input before the autocorrelation");
            if (correlation.ReluGain != _gain)
            {
                throw _graph.Mismatch(spectrum.Tensor,
                    $"a rectifier gain of {_gain} in the frequency convolutions, not {correlation.ReluGain}");
            }
        }
        return build(correlation, mapping, mix, w2v);
    }
}
