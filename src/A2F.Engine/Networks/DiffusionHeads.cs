using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The heads of a diffusion network. Their hidden layers are one layer whose columns <see cref="FaceColumns"/> describes; the identity lies
/// behind them, so that the mean faces are rows of the next layer. What they put out is a prediction, or features: the hidden layers of skin and
/// tongue, times the scale of the identity, with jaw and eyes as predicted.
/// </summary>
internal sealed class DiffusionHeads
{
    private const int FirstOfRest = 2; // jaw and eyes, which are never features

    private static readonly string[] Names = ["skin", "tongue", "jaw", "eyes"];

    private readonly DiffusionConfig _config;
    private readonly OperatorSet _ops;
    private readonly FaceColumns _columns;
    private readonly Part[] _parts;
    private readonly GemmWeights[] _outputs;
    private readonly GemmWeights[]? _full; // with the means, for x0 itself
    private readonly GemmWeights[]? _hidden; // skin, tongue, jaw and eyes together: the first layers, for features
    private readonly GemmWeights? _means, _restMeans, _scales; // the rest: jaw and eyes
    private readonly GemmWeights _identity;
    private readonly Tensor _meanRow, _restMeanRow, _scale;

    /// <summary>The last layer of one part: where its outputs start, how many they are, [hidden, outputs] and bias.</summary>
    internal sealed record Part(int First, int Size, int Hidden, ReadOnlyMemory<float> Weights, ReadOnlyMemory<float> Bias);

    internal DiffusionHeads(
        DiffusionConfig config, WeightSet weights, OperatorSet ops, int maxBatch, FaceColumns columns, DiffusionOutputs outputs, bool materialise)
    {
        (_config, _ops, _columns) = (config, ops, columns);
        bool vertices = (outputs & DiffusionOutputs.Vertices) != 0, features = (outputs & DiffusionOutputs.Features) != 0;
        int actors = config.ActorCount, total = config.Outputs.Total;
        ReadOnlySpan<float> mean = weights.Get("mean", actors, total).Span;
        _parts = new Part[4];
        _outputs = new GemmWeights[4];
        if (materialise) _full = new GemmWeights[4];
        for (int part = 0; part < 4; part++)
        {
            Part p = _parts[part] = PartOf(config, weights, part);
            // The scaled mean of jaw and eyes stays in a displacement; of skin and tongue it drops out.
            bool wanted = vertices || part >= FirstOfRest, withMean = config.Delta && part >= FirstOfRest;
            if (wanted && !withMean) _outputs[part] = ops.Pack(p.Weights.Span, p.Bias.Span, 1, p.Hidden, p.Size);
            GemmWeights? full = withMean || materialise ? PackWithMean(p, part, mean) : null;
            if (withMean) _outputs[part] = full!;
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
            if (vertices) (_means, _meanRow) = PackMeans(mean, 0, maxBatch);
            if (features) (_restMeans, _restMeanRow) = PackMeans(mean, _parts[FirstOfRest].First, maxBatch);
        }
        if (vertices) Prediction = ops.AllocateFloat32(maxBatch, config.CentreFrames, total);
        if (!features) return;
        Features = ops.AllocateFloat32(maxBatch, config.CentreFrames, config.FeatureLength);
        _hidden = [First(config, weights, ops, columns, 0, 1), First(config, weights, ops, columns, 1, 1),
            First(config, weights, ops, columns, FirstOfRest, 2)];
    }

    /// <summary>[items, centre frames, outputs], float32.</summary>
    internal Tensor Prediction { get; }

    /// <summary>[items, centre frames, <see cref="DiffusionConfig.FeatureLength"/>], float32.</summary>
    internal Tensor Features { get; }

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

    /// <summary>
    /// The first layers of all heads as one, or of some that lie beside each other; their columns are as <paramref name="columns"/> has them,
    /// the padding behind the last only where that is the last of all.
    /// </summary>
    internal static GemmWeights First(
        DiffusionConfig config, WeightSet weights, OperatorSet ops, FaceColumns columns, int firstPart = 0, int count = 4)
    {
        int inputs = config.GruSize, end = firstPart + count, start = columns.Part(firstPart).First;
        int width = (end == 4 ? columns.Total : columns.Part(end - 1).First + columns.Part(end - 1).Size) - start;
        // All are looked up before memory is taken for sizes that they may not have.
        ReadOnlyMemory<float>[] sources =
            [.. Enumerable.Range(firstPart, count).Select(part => weights.Get($"{Names[part]}_head1.weight", inputs, columns.Part(part).Size))];
        (float[] matrix, float[] bias) = (new float[inputs * width], new float[width]);
        for (int part = firstPart; part < end; part++)
        {
            (int first, int size) = columns.Part(part);
            first -= start;
            ReadOnlySpan<float> source = sources[part - firstPart].Span;
            for (int row = 0; row < inputs; row++) source.Slice(row * size, size).CopyTo(matrix.AsSpan(row * width + first));
            weights.Get($"{Names[part]}_head1.bias", size).Span.CopyTo(bias.AsSpan(first));
        }
        return ops.Pack(matrix, bias, 1, inputs, width);
    }

    /// <summary>Computes what depends on the identity only.</summary>
    internal void Prepare(Tensor identity, Tensor hiddenColumns, bool features)
    {
        _ops.BroadcastLinear(identity, _identity, [hiddenColumns]);
        if (_config.Delta) _ops.Gemm(identity, 1, _scales!, _scale.Take(identity.Items));
        else if (features) _ops.Gemm(identity, 1, _restMeans!, _restMeanRow.Take(identity.Items));
        else _ops.Gemm(identity, 1, _means!, _meanRow.Take(identity.Items));
    }

    /// <summary>The prediction from the hidden layer.</summary>
    internal void Predict(Tensor hidden)
    {
        Tensor prediction = Prediction.Take(hidden.Items);
        for (int part = 0; part < 4; part++) Last(part, hidden, prediction, _parts[part].First, _meanRow, _parts[part].First);
    }

    /// <summary>
    /// The features from what the hidden layers start from. Of <paramref name="hidden"/> the columns of jaw and eyes are written, and those of
    /// the identity read.
    /// </summary>
    internal void PredictFeatures(Tensor x, Tensor hidden)
    {
        Tensor features = Features.Take(x.Items);
        int column = 0;
        for (int part = 0; part < FirstOfRest; part++)
        {
            Tensor? scale = _config.Delta ? _scale.Take(x.Items).ColumnRange(part, 1) : null;
            _ops.Gemm(x, 1, _hidden![part], features.ColumnRange(column, _parts[part].Hidden), new Epilogue(Activation.Relu, ItemScale: scale));
            column += _parts[part].Hidden;
        }
        _ops.Gemm(x, 1, _hidden![FirstOfRest], hidden.ColumnRange(_columns.Jaw, _columns.Total - _columns.Jaw), new Epilogue(Activation.Relu));
        for (int part = FirstOfRest; part < 4; part++)
        {
            Last(part, hidden, features, column, _restMeanRow, _parts[part].First - _parts[FirstOfRest].First);
            column += _parts[part].Size;
        }
    }

    /// <summary>The last layer of one part.</summary>
    private void Last(int part, Tensor hidden, Tensor y, int column, Tensor means, int meanColumn)
    {
        Part p = _parts[part];
        Epilogue epilogue = _config.Delta
            ? new Epilogue(ItemScale: _scale.Take(hidden.Items).ColumnRange(part, 1))
            : new Epilogue(Residual: means.Take(hidden.Items).ColumnRange(meanColumn, p.Size) with { Rows = y.Rows, RowStride = 0 });
        _ops.Gemm(InputOf(part, hidden, _config.Delta && part >= FirstOfRest), 1, _outputs[part], y.ColumnRange(column, p.Size), epilogue);
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

    /// <summary>The mean faces from an output on, as a layer of the identity, and where they go.</summary>
    private (GemmWeights Weights, Tensor Row) PackMeans(ReadOnlySpan<float> mean, int first, int maxBatch)
    {
        int actors = _config.ActorCount, total = _config.Outputs.Total, size = total - first;
        float[] some = new float[actors * size];
        for (int actor = 0; actor < actors; actor++) mean.Slice(actor * total + first, size).CopyTo(some.AsSpan(actor * size));
        return (_ops.Pack(some, [], 1, actors, size, float32Input: true), _ops.AllocateFloat32(maxBatch, 1, size));
    }
}
