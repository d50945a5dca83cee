using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Recognises the network of one denoising step, from the predicted face [batch, frame, n] (centre frames) back to the noisy face that it
/// was predicted from: mean geometry, heads, GRU layers, and the five tokens before them.
/// </summary>
internal sealed class DiffusionStepMatcher(Walker walker, DiffusionInputs inputs)
{
    private const int MaxLayers = 64;

    private readonly OnnxGraph _graph = walker.Graph;
    private readonly LayerMatcher _layers = new(walker);
    private readonly GruMatcher _gru = new(walker);
    private readonly AudioTokenMatcher _audio = new(walker);

    /// <summary>Whether a sum is a predicted face: one operand is the mean geometry, an input times a constant.</summary>
    public bool IsFace(Signal sum)
    {
        var probe = new Signal(sum.Tensor, [1], [sum.Index[0]]);
        return walker.TryNode(probe) is { Op: "Add" } add && MeanOperand(probe, add) >= 0;
    }

    private int MeanOperand(Signal probe, OnnxNode add)
    {
        for (int i = 0; i < 2; i++)
        {
            if (walker.TryNode(walker.Operand(probe, add, i)) is { Op: "MatMul" } product && _graph.IsConstant(product.Input(1))
                && _graph.Inputs.Contains(walker.Resolve(new Signal(product.Inputs[0], [1], [0])).Tensor)) return i;
        }
        return -1;
    }

    public (Signal Input, DiffusionStepLayers Layers) Match(Signal face, int first, int frames)
    {
        OnnxNode add = walker.Node(face, "the heads' output plus the mean geometry", "Add");
        int mean = MeanOperand(new Signal(face.Tensor, [1], [face.Index[0]]), add);
        float[] meanGeometry = OfIdentity(walker.Drop(walker.Operand(face, add, mean), 1), "mean geometry");
        (Signal hidden, LinearLayer[] heads) = Heads(walker.Operand(face, add, 1 - mean));
        (Signal tokens, List<GruLayer> gru) = Gru(hidden);
        int slice = Slice(gru);

        var builder = new Tokens();
        int[] order = new int[5];
        List<(int Start, Signal Part)> parts = walker.Parts(tokens);
        if (parts.Count != 5)
            throw _graph.Mismatch(tokens.Tensor, $"audio, geometry, identity, time and emotion before the GRU, not {parts.Count} parts");
        foreach ((int start, Signal part) in parts) Token(builder, part, start, order, first, frames);
        gru[0] = gru[0] with { Input = Reordered(gru[0].Input, parts, order) };
        if (builder.Audio is null || builder.Geometry is null || builder.Actor is null || builder.Emotion is null || builder.TimeBias is null)
            throw _graph.Mismatch(tokens.Tensor, "audio, geometry, identity, time and emotion before the GRU, each once");
        for (int i = 0, at = 0; i < 4; at += heads[2 * i + 1].Out, i++)
        {
            if (builder.Sizes[i] != heads[2 * i + 1].Out)
            {
                throw _graph.Mismatch(face.Tensor,
                    $"{builder.Sizes[i]} outputs of the {DiffusionMatcher.Parts[i]}'s head, as it has inputs, not {heads[2 * i + 1].Out}");
            }
        }
        return (builder.Face!, new DiffusionStepLayers
        {
            Heads = heads,
            Mean = meanGeometry,
            Gru = gru,
            Audio = builder.Audio,
            Geometry = builder.Geometry,
            Actor = builder.Actor,
            ActorCount = meanGeometry.Length / face.Last,
            Emotion = builder.Emotion,
            EmotionCount = builder.EmotionCount,
            EmotionPerFrame = builder.EmotionPerFrame,
            TimeBias = builder.TimeBias,
            TimeStep = builder.TimeStep,
            TimeRow = builder.TimeRow!,
            TotalSteps = builder.TotalSteps,
            Slice = slice,
        });
    }

    /// <summary>A constant [identities, n] that the identity input [batch, identities] picks a row of.</summary>
    public float[] OfIdentity(Signal signal, string what)
    {
        (Signal identity, float[] weight, int actors) = _layers.Product(signal, what);
        RequireIdentity(identity, actors);
        return weight;
    }

    public void RequireIdentity(Signal identity, int actors)
    {
        if (inputs.Identity < 0) inputs.Identity = identity.Tensor;
        if (identity.Tensor != inputs.Identity || !identity.Same(walker.Whole(identity.Tensor)) || !_graph.Inputs.Contains(identity.Tensor)
            || _graph.Shape(identity.Tensor).Length != 2)
        {
            throw _graph.Mismatch(identity.Tensor, $"the identity input, [batch, {actors}]");
        }
    }

    /// <summary>The parts [batch, frame, ..] of a face, which must all come from one tensor, side by side.</summary>
    public Signal Joined(Signal[] parts, string what)
    {
        (int batch, int count) = (parts[0].Dims[0], parts[0].Dims[1]);
        int width = parts.Sum(p => p.Last);
        var index = new int[walker.Checked(_graph.Producer(parts[0].Tensor), (long)batch * count * width)];
        int start = 0;
        foreach (Signal part in parts)
        {
            if (part.Tensor != parts[0].Tensor) throw _graph.Mismatch(part.Tensor, $"all parts of {what} from one activation");
            for (int row = 0; row < batch * count; row++)
                Array.Copy(part.Index, row * part.Last, index, row * width + start, part.Last);
            start += part.Last;
        }
        return new Signal(parts[0].Tensor, [batch, count, width], index);
    }

    /// <summary>Two layers for each part of the face, on the same hidden state.</summary>
    private (Signal Hidden, LinearLayer[] Layers) Heads(Signal signal)
    {
        List<(int Start, Signal Part)> parts = walker.Parts(signal);
        if (parts.Count != 4) throw _graph.Mismatch(signal.Tensor, $"heads for skin, tongue, jaw and eyes, not {parts.Count}");
        var layers = new LinearLayer[8];
        Signal? hidden = null;
        for (int i = 0; i < 4; i++)
        {
            string what = $"the {DiffusionMatcher.Parts[i]}'s head";
            (Signal middle, layers[2 * i + 1]) = _layers.Linear(parts[i].Part, $"{what}, second layer");
            (Signal input, layers[2 * i]) = _layers.Linear(Rectified(middle, what), $"{what}, first layer");
            hidden ??= input;
            if (!input.Same(hidden)) throw _graph.Mismatch(input.Tensor, $"the same GRU output before {what} as before the others");
        }
        return (hidden!, layers);
    }

    private Signal Rectified(Signal signal, string what)
    {
        (Signal inner, float gain) = _layers.Relu(signal, what);
        return gain == 1 ? inner : throw _graph.Mismatch(inner.Tensor, $"a rectifier with gain 1 in {what}, not {gain}");
    }

    private (Signal Input, List<GruLayer> Layers) Gru(Signal hidden)
    {
        var layers = new List<GruLayer>();
        Signal s = hidden;
        do
        {
            if (layers.Count == MaxLayers) throw _graph.Mismatch(s.Tensor, $"at most {MaxLayers} GRU layers");
            (s, GruLayer layer) = _gru.Match(s, $"GRU layer {layers.Count} from the last");
            layers.Insert(0, layer);
        }
        while (_gru.IsGru(s));
        if (layers.Any(l => l.State.In != layers[0].State.In)) throw _graph.Mismatch(hidden.Tensor, "GRU layers of the same size");
        return (s, layers);
    }

    /// <summary>The row of the state input, [steps, layers, batch, channels], from which the layers start.</summary>
    private int Slice(List<GruLayer> gru)
    {
        int tensor = gru[0].First.Tensor;
        if (inputs.State < 0) inputs.State = tensor;
        int[] shape = _graph.Shape(tensor);
        int size = gru[0].First.Index.Length;
        bool known = tensor == inputs.State && shape.Length == 4 && _graph.Inputs.Contains(tensor) && shape[1] == gru.Count
            && shape[2] * (long)shape[3] == size;
        int slice = known ? gru[0].First.Index[0] / (size * gru.Count) : -1;
        for (int l = 0; l < gru.Count; l++)
        {
            int[] index = gru[l].First.Index;
            for (int i = 0; known && i < index.Length; i++) known = index[i] == (slice * gru.Count + l) * size + i;
            if (!known || gru[l].First.Tensor != tensor)
                throw _graph.Mismatch(gru[l].First.Tensor, $"the state input's rows, one for each GRU layer in order, before {gru[l].Node}");
        }
        return slice;
    }

    /// <summary>What the tokens gave, as they are found.</summary>
    private sealed class Tokens
    {
        public AudioToken? Audio { get; set; }

        public GeometryLayers? Geometry { get; set; }

        public Signal? Face { get; set; }

        public int[] Sizes { get; set; } = [];

        public float[]? Actor { get; set; }

        public float[]? Emotion { get; set; }

        public int EmotionCount { get; set; }

        public bool EmotionPerFrame { get; set; }

        public float[]? TimeBias { get; set; }

        public float[]? TimeRow { get; set; }

        public int TimeStep { get; set; }

        public int TotalSteps { get; set; }
    }

    /// <summary>Recognises a token by the operator that made it; notes where its rows of the GRU's weight start.</summary>
    private void Token(Tokens tokens, Signal part, int start, int[] order, int first, int frames)
    {
        OnnxNode node = walker.Node(part, "a token before the GRU", "MatMul", "Mul", "Mish", "Add", "Gemm");
        if (node.Op is "Mul" or "Mish")
        {
            order[3] = start;
            TimeToken(tokens, part, node);
            return;
        }
        if (node.Op == "MatMul")
        {
            (Signal input, float[] weight, int rows) = _layers.Product(part, "an identity or emotion token");
            if (input.Tensor == inputs.Identity)
            {
                order[2] = start;
                RequireIdentity(walker.Drop(input, 1), rows);
                tokens.Actor = weight;
                return;
            }
            order[4] = start;
            (tokens.Emotion, tokens.EmotionCount) = (weight, rows);
            tokens.EmotionPerFrame = IsPerFrame(input);
            return;
        }
        (Signal before, LinearLayer layer) = _layers.Linear(part, "an audio or geometry token");
        if (walker.TryNode(before) is { Op: "Relu" or "LeakyRelu" })
        {
            order[1] = start;
            GeometryToken(tokens, before, layer);
            return;
        }
        order[0] = start;
        tokens.Audio = _audio.Match(before, layer, first, frames);
    }

    /// <summary>Rows in the order audio, geometry, identity, time, emotion.</summary>
    private static LinearLayer Reordered(LinearLayer layer, List<(int Start, Signal Part)> parts, int[] order)
    {
        var weight = new float[layer.Weight.Length];
        int at = 0;
        foreach (int start in order)
        {
            int rows = parts.First(p => p.Start == start).Part.Last;
            Array.Copy(layer.Weight, start * layer.Out, weight, at, rows * layer.Out);
            at += rows * layer.Out;
            if (at > weight.Length) break;
        }
        return layer with { Weight = weight };
    }

    /// <summary>Whether [batch, frame, n] is an emotion for each frame, or else one for the window.</summary>
    private bool IsPerFrame(Signal emotion)
    {
        if (inputs.Emotion < 0) inputs.Emotion = emotion.Tensor;
        if (emotion.Tensor == inputs.Emotion && _graph.Inputs.Contains(emotion.Tensor))
        {
            Signal whole = walker.Whole(emotion.Tensor);
            if (emotion.Same(whole)) return true;
            Signal one = walker.Drop(emotion, 1);
            if (one.Same(whole)) return false;
        }
        throw _graph.Mismatch(emotion.Tensor,
            $"the emotion input, [batch, {emotion.Dims[1]}, {emotion.Last}] or [batch, {emotion.Last}], before the emotion token");
    }

    /// <summary>mish(row + bias), the row picked by a constant one-hot vector.</summary>
    private void TimeToken(Tokens tokens, Signal part, OnnxNode node)
    {
        Signal linear = node.Op == "Mish" ? walker.Operand(part, node, 0) : Mish(part, node);
        (Signal oneHot, LinearLayer layer) = _layers.Linear(linear, "the time step's layer");
        double[] values = walker.Numbers(oneHot, "one-hot time step");
        int step = Array.IndexOf(values, 1);
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] != (i % layer.In == step ? 1 : 0))
                throw _graph.Mismatch(oneHot.Tensor, $"the same one-hot time step of {layer.In} in each row");
        }
        tokens.TimeBias = layer.Bias;
        tokens.TimeRow = layer.Weight.AsSpan(step * layer.Out, layer.Out).ToArray();
        (tokens.TimeStep, tokens.TotalSteps) = (step, layer.In);
    }

    /// <summary>x * tanh(softplus(x)).</summary>
    private Signal Mish(Signal part, OnnxNode mul)
    {
        for (int i = 0; i < 2; i++)
        {
            Signal factor = walker.Operand(part, mul, i);
            if (walker.TryNode(factor) is not { Op: "Tanh" } tanh) continue;
            Signal softplus = walker.Operand(factor, tanh, 0);
            if (walker.TryNode(softplus) is not { Op: "Softplus" } node) break;
            Signal x = walker.Operand(softplus, node, 0);
            if (x.Same(walker.Operand(part, mul, 1 - i))) return x;
        }
        throw _graph.Mismatch(mul, "mish of the time step's layer: x * Tanh(Softplus(x))", "another product");
    }

    /// <summary>relu(f g1 + c1) before g2, with f the features of the four parts.</summary>
    private void GeometryToken(Tokens tokens, Signal rectified, LinearLayer second)
    {
        (Signal features, LinearLayer first) = _layers.Linear(Rectified(rectified, "the geometry token"), "the geometry token's first layer");
        List<(int Start, Signal Part)> parts = walker.Parts(features);
        if (parts.Count != 4) throw _graph.Mismatch(features.Tensor, $"features of skin, tongue, jaw and eyes, not {parts.Count} parts");
        (Signal skin, LinearLayer skinLayer, ConvLayer skinConv) = Smoothed(parts[0].Part, "the skin's features");
        (Signal tongue, LinearLayer tongueLayer, ConvLayer tongueConv) = Smoothed(parts[1].Part, "the tongue's features");
        (Signal jaw, LinearLayer[] jawLayers) = TwoLayers(parts[2].Part, "the jaw's features");
        (Signal eyes, LinearLayer[] eyesLayers) = TwoLayers(parts[3].Part, "the eyes' features");
        tokens.Geometry = new GeometryLayers(skinLayer, skinConv, tongueLayer, tongueConv, jawLayers, eyesLayers, first, second);
        tokens.Sizes = [skin.Last, tongue.Last, jaw.Last, eyes.Last];
        tokens.Face = Joined([skin, tongue, jaw, eyes], "the face that the network sees");
        RequireOrder(tokens.Face, tokens.Sizes);
    }

    /// <summary>relu(conv(x w + b)), the convolution over the features.</summary>
    private (Signal Input, LinearLayer Layer, ConvLayer Conv) Smoothed(Signal features, string what)
    {
        Signal inner = Rectified(features, what);
        (int batch, int count) = (features.Dims[0], features.Dims[1]);
        (Signal smooth, ConvLayer conv) = _layers.Conv(inner.As(batch * count, inner.Last, 1), $"the convolution over {what}");
        if (conv.In != 1 || conv.Out != 1 || conv.Bias is null || conv.Shape.Stride != 1 || conv.Shape.Kernel % 2 == 0
            || conv.Shape.Padding != conv.Shape.Kernel / 2)
        {
            throw _graph.Mismatch(inner.Tensor, $"a convolution of one channel over {what}, its kernel odd and padded by half, with a bias");
        }
        (Signal input, LinearLayer layer) = _layers.Linear(smooth.As(batch, count, inner.Last), $"the layer before {what}");
        return (input, layer, conv);
    }

    /// <summary>relu(relu(x w1 + b1) w2 + b2).</summary>
    private (Signal Input, LinearLayer[] Layers) TwoLayers(Signal features, string what)
    {
        (Signal middle, LinearLayer second) = _layers.Linear(Rectified(features, what), $"the second layer before {what}");
        (Signal input, LinearLayer first) = _layers.Linear(Rectified(middle, what), $"the first layer before {what}");
        return first.Out == second.Out ? (input, [first, second]) : throw _graph.Mismatch(middle.Tensor, $"two layers of {second.Out} before {what}");
    }

    /// <summary>The face's parts must follow each other in one row.</summary>
    private void RequireOrder(Signal face, int[] sizes)
    {
        int[] index = face.Index;
        for (int i = 1; i < face.Last; i++)
        {
            if (index[i] != index[i - 1] + 1)
                throw _graph.Mismatch(face.Tensor, $"skin, tongue, jaw and eyes ({string.Join(", ", sizes)}) in order in the noisy face");
        }
    }
}
