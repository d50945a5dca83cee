using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The heads of a diffusion network. Their hidden layers are one layer whose columns <see cref="FaceColumns"/> describes; the identity lies
/// behind them, so that the mean faces are rows of the next layer.
/// </summary>
internal sealed class DiffusionHeads
{
    private static readonly string[] Names = ["skin", "tongue", "jaw", "eyes"];

    private readonly DiffusionConfig _config;
    private readonly OperatorSet _ops;
    private readonly FaceColumns _columns;
    private readonly Part[] _parts;
    private readonly GemmWeights[] _outputs;
    private readonly GemmWeights[]? _full; // with the means, for x0 itself
    private readonly GemmWeights? _means, _scales;
    private readonly GemmWeights _identity;
    private readonly Tensor _meanRow, _scale;

    /// <summary>The last layer of one part: where its outputs start, how many they are, [hidden, outputs] and bias.</summary>
    internal sealed record Part(int First, int Size, int Hidden, ReadOnlyMemory<float> Weights, ReadOnlyMemory<float> Bias);

    internal DiffusionHeads(
        DiffusionConfig config, WeightSet weights, OperatorSet ops, int maxBatch, FaceColumns columns, bool materialise)
    {
        (_config, _ops, _columns) = (config, ops, columns);
        int actors = config.ActorCount, total = config.Outputs.Total;
        ReadOnlySpan<float> mean = weights.Get("mean", actors, total).Span;
        _parts = new Part[4];
        _outputs = new GemmWeights[4];
        if (materialise) _full = new GemmWeights[4];
        for (int part = 0; part < 4; part++)
        {
            Part p = _parts[part] = PartOf(config, weights, part);
            // The scaled mean of jaw and eyes stays in a displacement; of skin and tongue it drops out.
            bool withMean = config.Delta && part >= 2;
            GemmWeights plain = withMean ? null! : ops.Pack(p.Weights.Span, p.Bias.Span, 1, p.Hidden, p.Size);
            GemmWeights? full = null;
            if (withMean || materialise) full = PackWithMean(p, part, mean);
            _outputs[part] = withMean ? full! : plain;
            if (materialise) _full![part] = full!;
            weights.ReleasePages();
        }
        float[] identity = new float[actors * actors];
        for (int i = 0; i < actors; i++) identity[i * actors + i] = 1;
        _identity = ops.Pack(identity, [], 1, actors, actors, float32Input: true);
        if (config.Delta)
        {
            _scales = ops.Pack(weights.Get("scale", actors, 4).Span, [], 1, actors, 4, float32Input: true);
            _scale = ops.AllocateFloat32(maxBatch, 1, 4);
        }
        else
        {
            _means = ops.Pack(mean, [], 1, actors, total, float32Input: true);
            _meanRow = ops.AllocateFloat32(maxBatch, 1, total);
        }
        Prediction = ops.AllocateFloat32(maxBatch, config.CentreFrames, total);
    }

    /// <summary>[items, centre frames, outputs], float32.</summary>
    internal Tensor Prediction { get; }

    /// <summary>The first output of a part.</summary>
    internal static int FirstOutput(DiffusionConfig config, int part)
    {
        FaceSizes o = config.Outputs;
        return part switch { 0 => 0, 1 => o.Skin, 2 => o.Skin + o.Tongue, _ => o.Skin + o.Tongue + o.Jaw };
    }

    /// <summary>The last layer of one part.</summary>
    internal static Part PartOf(DiffusionConfig config, WeightSet weights, int part)
    {
        FaceSizes o = config.Outputs, h = config.Hidden;
        int size = part switch { 0 => o.Skin, 1 => o.Tongue, 2 => o.Jaw, _ => o.Eyes };
        int hidden = part switch { 0 => h.Skin, 1 => h.Tongue, 2 => h.Jaw, _ => h.Eyes };
        return new Part(
            FirstOutput(config, part), size, hidden, weights.Get($"{Names[part]}_head2.weight", hidden, size), weights.Get($"{Names[part]}_head2.bias", size));
    }

    /// <summary>The first layers of all heads as one.</summary>
    internal static GemmWeights First(DiffusionConfig config, WeightSet weights, OperatorSet ops, FaceColumns columns)
    {
        int inputs = config.GruSize, width = columns.Total;
        // All are looked up before memory is taken for sizes that they may not have.
        ReadOnlyMemory<float>[] sources = [.. Names.Select((name, part) => weights.Get($"{name}_head1.weight", inputs, columns.Part(part).Size))];
        (float[] matrix, float[] bias) = (new float[inputs * width], new float[width]);
        for (int part = 0; part < 4; part++)
        {
            (int first, int size) = columns.Part(part);
            ReadOnlySpan<float> source = sources[part].Span;
            for (int row = 0; row < inputs; row++) source.Slice(row * size, size).CopyTo(matrix.AsSpan(row * width + first));
            weights.Get($"{Names[part]}_head1.bias", size).Span.CopyTo(bias.AsSpan(first));
        }
        return ops.Pack(matrix, bias, 1, inputs, width);
    }

    /// <summary>Computes what depends on the identity only.</summary>
    internal void Prepare(Tensor identity, Tensor hiddenColumns)
    {
        _ops.BroadcastLinear(identity, _identity, [hiddenColumns]);
        if (_config.Delta) _ops.Gemm(identity, 1, _scales!, _scale.Take(identity.Items));
        else _ops.Gemm(identity, 1, _means!, _meanRow.Take(identity.Items));
    }

    /// <summary>The prediction from the hidden layer.</summary>
    internal void Predict(Tensor hidden)
    {
        Tensor prediction = Prediction.Take(hidden.Items);
        for (int part = 0; part < 4; part++)
        {
            Part p = _parts[part];
            Epilogue epilogue = _config.Delta
                ? new Epilogue(ItemScale: _scale.Take(hidden.Items).ColumnRange(part, 1))
                : new Epilogue(Residual: _meanRow.Take(hidden.Items).ColumnRange(p.First, p.Size) with { Rows = prediction.Rows, RowStride = 0 });
            _ops.Gemm(InputOf(part, hidden, _config.Delta && part >= 2), 1, _outputs[part], prediction.ColumnRange(p.First, p.Size), epilogue);
        }
    }

    /// <summary>x0 itself from the hidden layer: what a step that is not folded into the next one starts from.</summary>
    internal void Materialise(Tensor hidden, Tensor x0, FaceColumns columns)
    {
        for (int part = 0; part < 4; part++)
        {
            (int first, int size) = columns.Part(part);
            _ops.Gemm(InputOf(part, hidden, true), 1, _full![part], x0.ColumnRange(first, size));
        }
    }

    /// <summary>The hidden columns of a part; with the mean, all from there to the identity's.</summary>
    private Tensor InputOf(int part, Tensor hidden, bool withMean)
    {
        int first = _columns.Part(part).First;
        return hidden.ColumnRange(first, withMean ? _columns.Total + _config.ActorCount - first : _parts[part].Hidden);
    }

    /// <summary>A part's weights, zeros for the parts behind it, then the mean faces.</summary>
    private GemmWeights PackWithMean(Part p, int part, ReadOnlySpan<float> mean)
    {
        int identity = _columns.Total - _columns.Part(part).First, rows = identity + _config.ActorCount;
        float[] matrix = new float[rows * p.Size];
        p.Weights.Span.CopyTo(matrix);
        for (int actor = 0; actor < _config.ActorCount; actor++)
            mean.Slice(actor * _config.Outputs.Total + p.First, p.Size).CopyTo(matrix.AsSpan((identity + actor) * p.Size));
        return _ops.Pack(matrix, p.Bias.Span, 1, rows, p.Size);
    }
}
