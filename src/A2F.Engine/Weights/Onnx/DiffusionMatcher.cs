using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Recognises the diffusion network from its prediction back to its five inputs: the displacement from the mean, if it is one, then the
/// denoising steps from the last taken to the first, each with the network in it. Every step checks that the graph computes what
/// <see cref="DiffusionConfig"/> describes; the first difference is the error. Only the centre frames are followed: the others are no
/// result.
/// </summary>
internal sealed class DiffusionMatcher
{
    /// <summary>Parts of a face in the order of the output.</summary>
    public static readonly string[] Parts = ["skin", "tongue", "jaw", "eyes"];

    private const int MaxSteps = 1000;

    private readonly OnnxGraph _graph;
    private readonly Walker _walker;
    private readonly LayerMatcher _layers;
    private readonly DiffusionInputs _inputs = new();
    private readonly DiffusionStepMatcher _steps;

    public DiffusionMatcher(OnnxGraph graph)
    {
        _graph = graph;
        _walker = new Walker(graph, sharesWeights: true);
        _layers = new LayerMatcher(_walker);
        _steps = new DiffusionStepMatcher(_walker, _inputs);
    }

    public DiffusionLayers Match()
    {
        if (_graph.Inputs.Count != 5)
            throw Unknown($"5 inputs (window, identity, emotion, latents, noise), found {_graph.Inputs.Count}");
        if (_graph.Outputs.Count != 2) throw Unknown($"2 outputs (prediction, latents), found {_graph.Outputs.Count}");
        int prediction = _graph.Outputs.FirstOrDefault(o => _graph.Shape(o).Length == 3, -1);
        int state = _graph.Outputs.FirstOrDefault(o => _graph.Shape(o).Length == 4, -1);
        if (prediction < 0 || state < 0) throw Unknown("outputs [batch, frames, n] and [steps, layers, batch, channels]");
        int[] shape = _graph.Shape(prediction);
        (int first, int count) = Centre(shape);
        Signal output = Frames(prediction, shape, first, count);
        (Signal x, Signal[]? deltaMean, float[]? scale) = Delta(output);

        var steps = new List<SampledStep>();
        while (steps.Count == 0 || !_graph.Inputs.Contains(x.Tensor))
        {
            if (steps.Count == MaxSteps) throw _graph.Mismatch(x.Tensor, $"at most {MaxSteps} denoising steps");
            (x, SampledStep step) = Step(x, steps.Count, first, shape[1]);
            if (steps.Count > 0) RequireSameWeights(steps[0].Layers, step.Layers, steps.Count);
            steps.Insert(steps.Count, step);
        }
        RequireNoise(x, steps.Count, steps.Count, first, shape);
        CheckState(state, steps);
        if (deltaMean is not null) CheckDeltaMean(deltaMean, steps[0].Layers);
        (Signal samples, Wav2VecLayers encoder) = Encoder(steps);
        int window = Window(samples);
        CheckRoles();
        steps.Reverse();
        CheckSchedule(steps);
        return new DiffusionLayers(steps, encoder, scale, window, shape[1], first, count);
    }

    private A2FException Unknown(string what) => _graph.Error(A2FErrorCode.InvalidModel, $"not a diffusion network: expected {what}");

    /// <summary>
    /// The frames that the GRU works on, and where zeros around them put them among all: read off the operators here, and proven when the
    /// prediction is followed.
    /// </summary>
    private (int First, int Count) Centre(int[] prediction)
    {
        OnnxNode gru = _graph.Nodes.FirstOrDefault(n => n.Op == "GRU" && _graph.TryShape(n.Output) is { Length: 4 })
            ?? throw Unknown("a GRU");
        int count = _graph.Shape(gru.Output)[0];
        if (count == prediction[1]) return (0, count);
        foreach (OnnxNode node in _graph.Nodes)
        {
            if (node.Op != "Concat" || !Shapes.Same(_graph.TryShape(node.Output) ?? [], prediction)) continue;
            int first = 0;
            foreach (int input in node.Inputs)
            {
                if (_graph.Shape(input)[1] == count && !_graph.IsConstant(input)) return (first, count);
                first += _graph.Shape(input)[1];
            }
        }
        throw Unknown($"the GRU's {count} frames between others, {prediction[1]} together");
    }

    /// <summary>Frames first .. first + count of a tensor [batch, frames, n].</summary>
    private Signal Frames(int tensor, int[] shape, int first, int count)
    {
        (int batch, int frames, int n) = (shape[0], shape[1], shape[2]);
        var index = new int[_walker.Checked(_graph.Producer(tensor), (long)batch * count * n)];
        for (int i = 0; i < index.Length; i++)
        {
            int row = i / n;
            index[i] = (row / count * frames + first + row % count) * n + i % n;
        }
        return _walker.Resolve(new Signal(tensor, [batch, count, n], index));
    }

    /// <summary>
    /// Skin and tongue as (x - mean) * scale, jaw and eyes as x * scale, or x itself. The means are returned to be compared with the
    /// network's; scales are [identities, 4].
    /// </summary>
    private (Signal X, Signal[]? Mean, float[]? Scale) Delta(Signal output)
    {
        List<(int Start, Signal Part)> parts = _walker.Parts(output);
        if (parts.Count == 1) return (parts[0].Part, null, null);
        if (parts.Count != 4) throw _graph.Mismatch(output.Tensor, $"skin, tongue, jaw and eyes, not {parts.Count} parts");
        var x = new Signal[4];
        var means = new Signal[2];
        var scales = new float[4][];
        for (int i = 0; i < 4; i++)
        {
            Signal part = parts[i].Part;
            (double factor, List<Signal> leaves) = _walker.Factors(part);
            int scale = leaves.FindIndex(l => _walker.TryNode(l) is { Op: "MatMul" });
            if (leaves.Count != 2 || scale < 0 || factor != 1)
                throw _graph.Mismatch(part.Tensor, $"the {Parts[i]}'s displacement times the identity's scale");
            Signal perItem = _walker.Drop(_walker.Drop(leaves[scale], 2), 1);
            scales[i] = _steps.OfIdentity(perItem.As(perItem.Dims[0], 1), $"the {Parts[i]}'s scale");
            x[i] = leaves[1 - scale];
            if (i > 1) continue;
            OnnxNode sub = _walker.Node(x[i], $"the {Parts[i]} minus its mean", "Sub");
            means[i] = _walker.Drop(_walker.Operand(x[i], sub, 1), 1);
            x[i] = _walker.Operand(x[i], sub, 0);
        }
        int actors = scales[0].Length;
        var all = new float[actors * 4];
        for (int a = 0; a < actors; a++)
        {
            for (int i = 0; i < 4; i++) all[a * 4 + i] = scales[i][a];
        }
        return (_steps.Joined(x, "the denoised face"), means, all);
    }

    private void CheckDeltaMean(Signal[] means, DiffusionStepLayers layers)
    {
        int offset = 0;
        int width = layers.Outputs.Total;
        for (int i = 0; i < 2; i++)
        {
            (Signal identity, float[] weight, int actors) = _layers.Product(Widened(means[i], width, offset), $"the {Parts[i]}'s mean");
            _steps.RequireIdentity(identity, actors);
            if (!weight.AsSpan().SequenceEqual(layers.Mean))
                throw _graph.Mismatch(means[i].Tensor, $"the mean geometry that the network adds, subtracted from the {Parts[i]}");
            offset += means[i].Last;
        }
    }

    /// <summary>A run [batch, n] of columns of a product as its whole rows; the run must start at <paramref name="offset"/>.</summary>
    private Signal Widened(Signal run, int width, int offset)
    {
        int batch = run.Dims[0];
        for (int i = 0; i < run.Index.Length; i++)
        {
            if (run.Index[i] != i / run.Last * width + offset + i % run.Last)
                throw _graph.Mismatch(run.Tensor, $"mean geometry from column {offset} on");
        }
        return new Signal(run.Tensor, [batch, width], Shapes.Range(batch * width));
    }

    /// <summary>x = prediction * x0 + previous * x' + noise * z; returns x'.</summary>
    private (Signal Previous, SampledStep Step) Step(Signal x, int slice, int first, int frames)
    {
        double[] factors = new double[3];
        Signal? face = null;
        Signal? noise = null;
        Signal? previous = null;
        var pending = new Stack<Signal>();
        pending.Push(x);
        int terms = 0;
        while (pending.TryPop(out Signal? s))
        {
            if (++terms > 8) throw _graph.Mismatch(x.Tensor, "prediction, previous face and noise, each times a constant");
            if (_walker.TryNode(s) is { Op: "Add" } add && !_steps.IsFace(s))
            {
                pending.Push(_walker.Operand(s, add, 0));
                pending.Push(_walker.Operand(s, add, 1));
                continue;
            }
            (double factor, Signal leaf) = _walker.Scaled(s);
            bool isFace = _steps.IsFace(leaf);
            bool isNoise = _graph.Inputs.Contains(leaf.Tensor) && NoiseSlice(leaf) == slice;
            if (isFace && face is null) (face, factors[0]) = (leaf, factor);
            else if (isNoise && noise is null) (noise, factors[2]) = (leaf, factor);
            else if (!isFace && previous is null) (previous, factors[1]) = (leaf, factor);
            else throw _graph.Mismatch(leaf.Tensor, $"prediction, previous face and noise, each once, in denoising step {slice}");
        }
        if (face is null) throw _graph.Mismatch(x.Tensor, $"the network's prediction in denoising step {slice}");
        (Signal input, DiffusionStepLayers layers) = _steps.Match(face, first, frames);
        if (layers.Slice != slice)
            throw _graph.Mismatch(x.Tensor, $"slice {slice} of the state in the step that is {slice} before the last, not {layers.Slice}");
        if (noise is not null) RequireNoise(noise, slice, -1, first, [x.Dims[0], frames, x.Last]);
        if (previous is not null && !previous.Same(input))
            throw _graph.Mismatch(previous.Tensor, $"the face that the network sees as the previous one in denoising step {slice}");
        return (input, new SampledStep(layers, factors[0], factors[1], factors[2], _graph.Producer(x.Tensor)));
    }

    private int NoiseSlice(Signal signal)
    {
        int[] shape = _graph.Shape(signal.Tensor);
        return shape.Length == 4 ? signal.Index[0] / (shape[2] * shape[3]) % shape[1] : -1;
    }

    /// <summary>Checks that a signal is the centre frames of a slice of the noise input; a count of -1 is not checked.</summary>
    private void RequireNoise(Signal signal, int slice, int steps, int first, int[] face)
    {
        int[] shape = _graph.Shape(signal.Tensor);
        if (_inputs.Noise < 0) _inputs.Noise = signal.Tensor;
        (int count, int n) = (signal.Dims[1], signal.Last);
        bool same = signal.Tensor == _inputs.Noise && shape.Length == 4 && shape[0] == signal.Dims[0] && slice < shape[1]
            && (steps < 0 || shape[1] == steps + 1) && shape[2] == face[1] && shape[3] == n;
        for (int i = 0; same && i < signal.Index.Length; i++)
        {
            int row = i / n;
            same = signal.Index[i] == ((row / count * shape[1] + slice) * shape[2] + first + row % count) * n + i % n;
        }
        if (!same) throw _graph.Mismatch(signal.Tensor, $"slice {slice} of the noise, [batch, {(steps < 0 ? "steps" : steps)} + 1, frames, n]");
    }

    private void RequireSameWeights(DiffusionStepLayers last, DiffusionStepLayers other, int slice)
    {
        WeightSet expected = last.Shared();
        WeightSet found = other.Shared();
        string? differs = expected.Names.FirstOrDefault(n => !found.Contains(n) || !Same(expected[n], found[n]))
            ?? found.Names.FirstOrDefault(n => !expected.Contains(n));
        if (differs is not null || last.TotalSteps != other.TotalSteps || last.EmotionPerFrame != other.EmotionPerFrame
            || last.Geometry.SkinConv.Shape != other.Geometry.SkinConv.Shape)
        {
            throw _graph.Error(A2FErrorCode.InvalidModel,
                $"not a diffusion network: expected the same weights in every denoising step, found others for "
                + $"'{differs ?? "time.weight"}' in the step with slice {slice} than in that with slice 0");
        }
    }

    private static bool Same(WeightTensor a, WeightTensor b) =>
        a.Shape.AsSpan().SequenceEqual(b.Shape) && a.Data.Span.SequenceEqual(b.Data.Span);

    /// <summary>Each row of the new state must be the last state of the GRU layer that started from that row.</summary>
    private void CheckState(int tensor, List<SampledStep> steps)
    {
        int[] shape = _graph.Shape(tensor);
        List<GruLayer> gru = steps[0].Layers.Gru;
        int[] expected = [steps.Count, gru.Count, steps[0].Layers.Audio.Encoded.Dims[0], gru[0].State.In];
        if (!Shapes.Same(shape, expected) || !Shapes.Same(_graph.Shape(_inputs.State), expected))
        {
            throw Unknown($"latents {NdArray.FormatShape(expected)} (steps, layers, batch, channels), "
                + $"found {NdArray.FormatShape(_graph.Shape(_inputs.State))} and {NdArray.FormatShape(shape)}");
        }
        (int[] source, int[] index) = _walker.Sources(_walker.Whole(tensor));
        int size = shape[2] * shape[3];
        for (int i = 0; i < source.Length; i++)
        {
            OnnxNode node = steps[i / size / shape[1]].Layers.Gru[i / size % shape[1]].Node;
            if (node.Outputs.Length < 2 || source[i] != node.Outputs[1] || index[i] != i % size)
                throw _graph.Mismatch(tensor, $"the last state of {node} in row {i / size} of the new latents");
        }
    }

    /// <summary>The encoder of the first step matched; that of each other step must be the same computation.</summary>
    private (Signal Samples, Wav2VecLayers Layers) Encoder(List<SampledStep> steps)
    {
        Signal encoded = steps[0].Layers.Audio.Encoded;
        (Signal samples, Wav2VecLayers layers) = new Wav2VecMatcher(new Walker(_graph)).Match(encoded);
        WeightSet? expected = null;
        for (int i = 1; i < steps.Count; i++)
        {
            Signal other = steps[i].Layers.Audio.Encoded;
            if (_walker.Equivalence.ClassOf(other.Tensor) == _walker.Equivalence.ClassOf(encoded.Tensor)) continue;
            // Spelled differently, or different: the layers decide.
            (Signal input, Wav2VecLayers otherLayers) = new Wav2VecMatcher(new Walker(_graph)).Match(other);
            expected ??= Weights(layers);
            WeightSet found = Weights(otherLayers);
            string? differs = expected.Names.FirstOrDefault(n => !found.Contains(n) || !Same(expected[n], found[n]));
            if (differs is null && input.Same(samples) && found.Names.Count == expected.Names.Count
                && Sizes(otherLayers) == Sizes(layers)) continue;
            throw _graph.Error(A2FErrorCode.InvalidModel,
                "not a diffusion network: expected the same audio encoder on the same audio in every denoising step, found another "
                + $"{(differs is null ? "input or size" : $"'{differs}'")} in the step with slice {i} than in that with slice 0");
        }
        return (samples, layers);
    }

    private static WeightSet Weights(Wav2VecLayers layers)
    {
        var weights = new WeightSet();
        EncoderWeights.Add(weights, layers);
        return weights;
    }

    private string Sizes(Wav2VecLayers layers)
    {
        Wav2VecConfig c = EncoderWeights.Configure(layers, _graph);
        return $"{c with { Convs = [] }} {string.Join(' ', c.Convs)}";
    }

    private int Window(Signal samples)
    {
        _inputs.Window = samples.Tensor;
        int[] shape = _graph.Shape(samples.Tensor);
        if (!_graph.Inputs.Contains(samples.Tensor) || shape.Length != 2 || !samples.Same(_walker.Whole(samples.Tensor).As(samples.Dims)))
            throw _graph.Mismatch(samples.Tensor, "the audio window [batch, samples], unscaled, before the first feature convolution");
        return shape[1];
    }

    private void CheckRoles()
    {
        int[] roles = [_inputs.Window, _inputs.Identity, _inputs.Emotion, _inputs.State, _inputs.Noise];
        if (roles.Distinct().Count() != 5 || roles.Any(r => !_graph.Inputs.Contains(r)))
            throw Unknown("a window, an identity, an emotion, latents and noise as five different inputs");
    }

    /// <summary>Compares time steps and factors with those of the schedule; steps are in the order they are taken.</summary>
    private void CheckSchedule(List<SampledStep> steps)
    {
        int total = steps[0].Layers.TotalSteps;
        if (steps.Count > total) throw Unknown($"at most {total} denoising steps, found {steps.Count}");
        var schedule = new NoiseSchedule(total, steps.Count);
        foreach (SampledStep step in steps)
        {
            int slice = step.Layers.Slice;
            string where = $"the denoising step with slice {slice} of {steps.Count}, cosine schedule of {total} time steps";
            if (step.Layers.TimeStep != schedule.TimeSteps[slice])
                throw Unknown($"time step {schedule.TimeSteps[slice]} in {where}, found {step.Layers.TimeStep}");
            Require("prediction", schedule.Prediction[slice], step.Prediction);
            Require("previous face", schedule.Previous[slice], step.Previous);
            Require("noise", schedule.Noise[slice], step.Noise);

            void Require(string of, double expected, double found)
            {
                if (!(Math.Abs(found - expected) <= 1e-5 * Math.Abs(expected)))
                    throw Unknown($"a factor of {expected:G9} for the {of} in {where}, found {found:G9} at {step.Node}");
            }
        }
    }
}
