using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The diffusion network of Audio2Face-3D v3: one second of audio, an identity, emotions and the state of the GRU in, a block of frames of
/// full geometry and the next state out. It denoises from x_T in a few steps; each tells an audio token, a geometry token of x, identity, time
/// step and emotion to a GRU, whose heads predict x0.
/// <para>
/// Between two steps only e = x W + b, the first layer of the geometry embedding, is carried on: it is linear in the heads' hidden layer h, the
/// mean faces and the noise, so e' = h M + K + f e with a small matrix M, and no vertex is computed before the last step. Nor in the last one
/// where features are asked for: what the last layers of skin and tongue would turn into vertices.
/// </para>
/// </summary>
internal sealed class DiffusionNetwork : INetwork
{
    private readonly OperatorSet _ops;
    private readonly DiffusionShortcuts _shortcuts;
    private readonly NoiseSource _source;
    private readonly DiffusionInputs _inputs;
    private readonly Wav2VecEncoder _encoder;
    private readonly GemmWeights _audioProjection, _identityToken, _emotionToken, _geometry1, _geometry2, _secondLayer, _head1;
    private readonly GemmWeights? _convolutions;
    private readonly GemmWeights[]? _embeddings; // W of each part, where x itself is embedded
    private readonly GemmWeights[] _folds = []; // M of each step but the last
    private readonly Tensor[] _constants = []; // K of each step but the last, [1, centre, features], where the noise is constant
    private readonly Tensor _startGeometry; // geometry token of x_T, [1, centre, features], where it is a constant
    private readonly DiffusionHeads _heads;
    private readonly (GemmWeights Input, GruWeights State)[] _gru;
    private readonly Tensor[] _gruOutputs, _timeRows;
    private readonly NoiseTensors? _noise; // null where all that it adds is a constant
    private readonly Tensor _resampled, _audioTokens, _token, _gates, _hidden, _embedded, _convolved, _rectified, _features, _geometry, _geometryTokens;
    private readonly Tensor _x, _x0;
    private readonly FaceColumns _featureColumns, _hiddenColumns, _faceColumns; // features, hidden layers, and x itself
    private readonly int _rows, _firstRow, _geometryColumn, _timeColumn;
    private readonly Action _vertexLayers, _featureLayers;
    private int _batch;

    /// <summary>Lays the weights out on the backend and allocates all memory for batches of up to <paramref name="maxBatch"/> windows.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="ops">Backend.</param>
    /// <param name="maxBatch">Most windows of one call.</param>
    /// <param name="shortcuts">What is left out; null for all that can be.</param>
    /// <param name="source">Where the noise comes from.</param>
    /// <param name="seed">Seed of constant noise.</param>
    /// <param name="fastConvolutions">Whether <see cref="HalvingConv"/> replaces convolutions of width 3 and stride 2 where that pays.</param>
    /// <param name="threads">Threads for what is computed on the host while loading.</param>
    /// <param name="outputs">What it can put out; memory is taken for nothing else.</param>
    /// <exception cref="A2FException">A weight is missing or does not fit the configuration.</exception>
    internal DiffusionNetwork(
        DiffusionConfig config, WeightSet weights, OperatorSet ops, int maxBatch, DiffusionShortcuts? shortcuts = null,
        NoiseSource source = NoiseSource.Constant, ulong seed = 0, bool fastConvolutions = true, int threads = 1,
        DiffusionOutputs outputs = DiffusionOutputs.Vertices)
    {
        if (maxBatch < 1) throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected at least 1, found {maxBatch}");
        NetworkChecks.Require(NetworkChecks.Problem(config));
        (Config, _ops, MaxBatch, Outputs, _source, _shortcuts) = (config, ops, maxBatch, outputs, source, shortcuts ?? new DiffusionShortcuts());
        int centre = config.CentreFrames, dim = config.Encoder.Dim, size = config.GruSize;
        (_rows, _firstRow) = _shortcuts.CentreOnly ? (centre, 0) : (config.FrameCount, config.FirstFrame);
        _inputs = new DiffusionInputs(config, ops, maxBatch);
        _encoder = new Wav2VecEncoder(config.Encoder, weights, ops, maxBatch, config.WindowLength, fastConvolutions);
        _audioProjection = ops.Pack(
            weights.Get("audio.weight", config.AudioRows * dim, config.AudioFeatures).Span, weights.Get("audio.bias", config.AudioFeatures).Span,
            config.AudioRows, dim, config.AudioFeatures);
        _resampled = ops.Allocate(maxBatch, _rows * config.AudioRows, dim);

        // The GRU's input: audio, geometry, identity, time step, emotion beside each other.
        _geometryColumn = config.AudioFeatures;
        int identityColumn = _geometryColumn + config.GeometryFeatures;
        _timeColumn = identityColumn + config.ActorFeatures;
        int emotionColumn = _timeColumn + config.TimeFeatures, width = emotionColumn + config.EmotionFeatures;
        _token = ops.Allocate(maxBatch, centre, width);
        _audioTokens = _shortcuts.CentreOnly ? _token.ColumnRange(0, config.AudioFeatures) : ops.Allocate(maxBatch, _rows, config.AudioFeatures);
        _identityToken = ops.Pack(
            weights.Get("actor.weight", config.ActorCount, config.ActorFeatures).Span, [], 1, config.ActorCount, config.ActorFeatures,
            float32Input: true);
        _emotionToken = ops.Pack(
            weights.Get("emotion.weight", config.EmotionCount, config.EmotionFeatures).Span, [], 1, config.EmotionCount, config.EmotionFeatures,
            float32Input: true);
        _timeRows = TimeRows(config, weights, ops);
        _gates = ops.Allocate(maxBatch, centre, 3 * size);
        _gru = new (GemmWeights, GruWeights)[config.GruLayers];
        _gruOutputs = new Tensor[config.GruLayers];
        for (int layer = 0; layer < config.GruLayers; layer++)
        {
            int inputs = layer == 0 ? width : size;
            _gru[layer] = (
                ops.Pack(
                    weights.Get($"gru{layer}.input.weight", inputs, 3 * size).Span, weights.Get($"gru{layer}.input.bias", 3 * size).Span, 1, inputs,
                    3 * size),
                ops.PackGru(weights.Get($"gru{layer}.state.weight", size, 3 * size).Span, weights.Get($"gru{layer}.state.bias", 3 * size).Span));
            _gruOutputs[layer] = ops.Allocate(maxBatch, centre, size);
        }

        // Geometry embedding.
        GeometryFold fold = new(config, weights, _shortcuts.FoldedFeatureConvolution, threads);
        GeometryWeights geometry = GeometryWeights.Of(config, weights, fold.Columns);
        _featureColumns = fold.Columns;
        int features = _featureColumns.Total;
        _geometry1 = ops.Pack(geometry.First, geometry.FirstBias, 1, features, geometry.Width);
        _geometry2 = ops.Pack(geometry.Second, geometry.SecondBias, 1, geometry.Width, config.GeometryFeatures);
        (float[] second, float[] secondBias) = fold.SecondLayer();
        int lastParts = features - _featureColumns.Jaw;
        _secondLayer = ops.Pack(second, secondBias, 1, lastParts, lastParts);
        if (!_shortcuts.FoldedFeatureConvolution)
        {
            (float[] matrix, float[] bias) = fold.Convolutions();
            _convolutions = ops.Pack(matrix, bias, 1, features, features);
            _convolved = ops.Allocate(maxBatch, _rows, features);
        }
        _embedded = ops.Allocate(maxBatch, _rows, features);
        _rectified = ops.Allocate(maxBatch, _rows, features);
        _features = ops.Allocate(maxBatch, _rows, features);
        _geometry = ops.Allocate(maxBatch, _rows, geometry.Width);
        _geometryTokens = _shortcuts.CentreOnly
            ? _token.ColumnRange(_geometryColumn, config.GeometryFeatures)
            : ops.Allocate(maxBatch, _rows, config.GeometryFeatures);

        // Heads.
        _hiddenColumns = new FaceColumns(config.Hidden);
        _head1 = DiffusionHeads.First(config, weights, ops, _hiddenColumns);
        _hidden = ops.Allocate(maxBatch, centre, _hiddenColumns.Total + config.ActorCount);
        _heads = new DiffusionHeads(config, weights, ops, maxBatch, _hiddenColumns, outputs, materialise: !_shortcuts.FoldedSteps);

        // What a step hands to the next.
        _faceColumns = new FaceColumns(config.Outputs);
        double[] embeddingBias = fold.Bias();
        bool constant = source == NoiseSource.Constant && _shortcuts.ConstantStart;
        if (!constant || !_shortcuts.FoldedSteps)
        {
            _noise = new NoiseTensors(config, ops, maxBatch, source, seed, _rows, _firstRow);
            _embeddings = new GemmWeights[4];
            for (int part = 0; part < 4; part++)
            {
                (int first, int partWidth) = _featureColumns.Part(part);
                float[] bias = Array.ConvertAll(embeddingBias[first..(first + partWidth)], v => (float)v);
                ReadOnlyMemory<float> matrix = fold.Weights(part);
                _embeddings[part] = ops.Pack(matrix.Span, bias, 1, matrix.Length / partWidth, partWidth);
                weights.ReleasePages();
            }
        }
        if (constant || _shortcuts.FoldedSteps)
        {
            StepConstants found = StepConstants.Of(config, weights, fold, embeddingBias, geometry, constant ? seed : null, _shortcuts);
            weights.ReleasePages();
            _folds = new GemmWeights[found.Matrices.Length];
            for (int i = 0; i < _folds.Length; i++)
                _folds[i] = ops.Pack(found.Matrices[i], found.Biases[i], 1, _hiddenColumns.Total + config.ActorCount, features);
            _constants = Array.ConvertAll(found.Constants, values => Uploaded(values, centre, features));
            if (found.StartGeometry is { } start) _startGeometry = Uploaded(start, centre, config.GeometryFeatures);
        }
        if (!_shortcuts.FoldedSteps) (_x, _x0) = (ops.Allocate(maxBatch, _rows, _faceColumns.Total), ops.Allocate(maxBatch, centre, _faceColumns.Total));
        weights.ReleasePages();
        _vertexLayers = () => RunLayers(features: false);
        _featureLayers = () => RunLayers(features: true);
    }

    /// <summary>Sizes.</summary>
    internal DiffusionConfig Config { get; }

    /// <inheritdoc/>
    public int MaxBatch { get; }

    /// <summary>What it can put out.</summary>
    internal DiffusionOutputs Outputs { get; }

    private bool HasVertices => (Outputs & DiffusionOutputs.Vertices) != 0;

    private bool HasFeatures => (Outputs & DiffusionOutputs.Features) != 0;

    /// <inheritdoc/>
    public void Rehearse(int batch)
    {
        _batch = batch;
        if (HasVertices) RunLayers(features: false);
        if (HasFeatures) RunLayers(features: true);
    }

    /// <inheritdoc/>
    public void RehearseOne(int batch)
    {
        _batch = batch;
        RunLayers(features: !HasVertices);
    }

    /// <summary>Runs a batch of windows.</summary>
    /// <param name="window">[batch, window length], samples.</param>
    /// <param name="identity">[batch, identities], one-hot.</param>
    /// <param name="emotion">[batch, centre frames, emotions], or [batch, emotions] where the network takes one vector a window.</param>
    /// <param name="state">[batch, steps, layers, channels]: state of the GRU before the window; a step's row is its slice.</param>
    /// <param name="noise">
    /// Where the noise is given: [batch, steps + 1, frames, outputs]. Where it is seeded: [batch, 4], the bits of seed and window, low words
    /// first. Else empty.
    /// </param>
    /// <param name="prediction">[batch, centre frames, outputs].</param>
    /// <param name="nextState">[batch, steps, layers, channels].</param>
    /// <param name="batch">Windows, 1 to <see cref="MaxBatch"/>.</param>
    /// <exception cref="A2FException">It was built without vertices, or the batch is out of range.</exception>
    internal void Run(
        ReadOnlySpan<float> window, ReadOnlySpan<float> identity, ReadOnlySpan<float> emotion, ReadOnlySpan<float> state,
        ReadOnlySpan<float> noise, Span<float> prediction, Span<float> nextState, int batch)
    {
        if (!HasVertices)
            throw new A2FException(A2FErrorCode.InvalidArgument, "the network was built without vertices (ModelOptions.Vertices): it puts out features only");
        Write(window, identity, emotion, state, noise, batch);
        _ops.Replay(batch, _vertexLayers);
        _ops.Read(_heads.Prediction.Take(batch), prediction);
        _ops.Read(_inputs.NextState.Take(batch), nextState);
    }

    /// <summary>
    /// As <see cref="Run"/>, the same to the bit, but for skin and tongue: instead of their vertices the features f = scale * relu(h w1 + b1),
    /// scale being the identity's (1 where the output is no delta). With w2 and b2 of the last layer, a prediction is f w2 + offset, where
    /// offset is b2 * scale, or b2 + mean face of the identity where the output is no delta.
    /// </summary>
    /// <param name="window">[batch, window length], samples.</param>
    /// <param name="identity">[batch, identities], one-hot.</param>
    /// <param name="emotion">[batch, centre frames, emotions], or [batch, emotions] where the network takes one vector a window.</param>
    /// <param name="state">[batch, steps, layers, channels].</param>
    /// <param name="noise">As in <see cref="Run"/>.</param>
    /// <param name="features">[batch, centre frames, <see cref="DiffusionConfig.FeatureLength"/>]: skin, tongue, then jaw and eyes as predicted.</param>
    /// <param name="nextState">[batch, steps, layers, channels].</param>
    /// <param name="batch">Windows, 1 to <see cref="MaxBatch"/>.</param>
    /// <exception cref="A2FException">It was built without features, or the batch is out of range.</exception>
    internal void RunFeatures(
        ReadOnlySpan<float> window, ReadOnlySpan<float> identity, ReadOnlySpan<float> emotion, ReadOnlySpan<float> state,
        ReadOnlySpan<float> noise, Span<float> features, Span<float> nextState, int batch)
    {
        if (!HasFeatures) throw new A2FException(A2FErrorCode.InvalidArgument, "the network was built without features: it puts out vertices only");
        Write(window, identity, emotion, state, noise, batch);
        _ops.Replay(-batch, _featureLayers);
        _ops.Read(_heads.Features.Take(batch), features);
        _ops.Read(_inputs.NextState.Take(batch), nextState);
    }

    /// <summary>
    /// Its batches, with features or with vertices; null where the noise is given, which is no input of one form.
    /// </summary>
    /// <exception cref="A2FException">It was built without such outputs.</exception>
    internal IBatchNetwork? Batches(bool features)
    {
        if (features ? !HasFeatures : !HasVertices)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"the network was built without {(features ? "features" : "vertices")}");
        return _source == NoiseSource.Given ? null : new BatchView(this, features);
    }

    private sealed class BatchView(DiffusionNetwork network, bool features) : IBatchNetwork
    {
        public int MaxBatch => network.MaxBatch;

        public IReadOnlyList<Tensor> Inputs { get; } =
        [
            network._inputs.Audio, network._inputs.Identity, network._inputs.Emotion, network._inputs.State,
            .. network._source == NoiseSource.Seeded ? [network._inputs.Seeds] : Array.Empty<Tensor>(),
        ];

        public IReadOnlyList<Tensor> Outputs { get; } =
            [features ? network._heads.Features : network._heads.Prediction, network._inputs.NextState];

        public void Launch(int batch)
        {
            int bucket = network._batch = IBatchNetwork.Bucket(batch, MaxBatch);
            network._ops.Replay(features ? -bucket : bucket, features ? network._featureLayers : network._vertexLayers);
        }
    }

    private void Write(
        ReadOnlySpan<float> window, ReadOnlySpan<float> identity, ReadOnlySpan<float> emotion, ReadOnlySpan<float> state,
        ReadOnlySpan<float> noise, int batch)
    {
        if (batch < 1 || batch > MaxBatch)
            throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected 1 to {MaxBatch}, found {batch}");
        _batch = batch;
        _ops.Write(_inputs.Audio.Take(batch), window);
        _ops.Write(_inputs.Identity.Take(batch), identity);
        _ops.Write(_inputs.Emotion.Take(batch), emotion);
        _ops.Write(_inputs.State.Take(batch), state);
        if (_source == NoiseSource.Seeded) _ops.Write(_inputs.Seeds.Take(batch), noise);
        if (_source == NoiseSource.Given) _noise!.Write(noise, batch);
    }

    private void RunLayers(bool features)
    {
        int batch = _batch;
        Tensor identity = _inputs.Identity.Take(batch), token = _token.Take(batch), hidden = _hidden.Take(batch);
        int identityColumn = _geometryColumn + Config.GeometryFeatures, emotionColumn = _timeColumn + Config.TimeFeatures;
        _ops.BroadcastLinear(identity, _identityToken, [token.ColumnRange(identityColumn, Config.ActorFeatures)]);
        Tensor emotionTokens = token.ColumnRange(emotionColumn, Config.EmotionFeatures);
        if (Config.EmotionPerFrame) _ops.Gemm(_inputs.Emotion.Take(batch), 1, _emotionToken, emotionTokens);
        else _ops.BroadcastLinear(_inputs.Emotion.Take(batch), _emotionToken, [emotionTokens]);
        _heads.Prepare(identity, hidden.ColumnRange(_hiddenColumns.Total, Config.ActorCount), features);
        if (_shortcuts.SharedEncoder) EncodeAudio(batch);
        for (int i = 0; i < Config.Steps.Count; i++)
        {
            if (!_shortcuts.SharedEncoder) EncodeAudio(batch);
            if (i == 0) EmbedStart(batch);
            else EmbedNext(i - 1, batch);
            _ops.Scale(Shared(_timeRows[i], batch), 1, token.ColumnRange(_timeColumn, Config.TimeFeatures), activation: Activation.Mish);
            RunGru(Config.Steps[i].Slice, token);
            if (features && i == Config.Steps.Count - 1) break;
            _ops.Gemm(_gruOutputs[^1].Take(batch), 1, _head1, hidden.ColumnRange(0, _hiddenColumns.Total), new Epilogue(Activation.Relu));
        }
        if (features) _heads.PredictFeatures(_gruOutputs[^1].Take(batch), hidden);
        else _heads.Predict(hidden);
    }

    private void EncodeAudio(int batch)
    {
        Tensor samples = _inputs.Audio.Take(batch) with { Rows = Config.WindowLength, Columns = 1, RowStride = 1 };
        Tensor resampled = _resampled.Take(batch), tokens = _audioTokens.Take(batch);
        int first = _shortcuts.CentreOnly ? Config.FirstFrame * Config.AudioRows : 0;
        _ops.Resample(_encoder.Run(samples), Config.FrameCount * Config.AudioRows, first, resampled);
        _ops.Gemm(resampled, Config.AudioRows, _audioProjection, tokens);
        if (!_shortcuts.CentreOnly) _ops.Scale(Centre(tokens), 1, _token.Take(batch).ColumnRange(0, Config.AudioFeatures));
    }

    /// <summary>The geometry token of x_T.</summary>
    private void EmbedStart(int batch)
    {
        Tensor tokens = _token.Take(batch).ColumnRange(_geometryColumn, Config.GeometryFeatures);
        if (_startGeometry.Rows > 0)
        {
            _ops.Scale(Shared(_startGeometry, batch), 1, tokens);
            if (!_shortcuts.FoldedSteps) _ops.Scale(_noise!.Of(Config.Steps.Count, _inputs.Seeds, batch), 1, _x.Take(batch));
            return;
        }
        Tensor x = _noise!.Of(Config.Steps.Count, _inputs.Seeds, batch);
        if (!_shortcuts.FoldedSteps)
        {
            _ops.Scale(x, 1, _x.Take(batch));
            x = _x.Take(batch);
        }
        Embed(x, _embedded.Take(batch));
        EmbedGeometry(batch);
    }

    /// <summary>The geometry token of what step <paramref name="i"/> makes of its prediction.</summary>
    private void EmbedNext(int i, int batch)
    {
        DiffusionStep step = Config.Steps[i];
        Tensor hidden = _hidden.Take(batch), embedded = _embedded.Take(batch);
        if (!_shortcuts.FoldedSteps)
        {
            Tensor x = Centre(_x.Take(batch)), x0 = _x0.Take(batch);
            _heads.Materialise(hidden, x0, _faceColumns);
            _ops.Scale(x, step.Previous, x);
            _ops.Scale(x0, step.Prediction, x, accumulate: true);
            _ops.Scale(Centre(_noise!.Of(step.Slice, _inputs.Seeds, batch)), step.Noise, x, accumulate: true);
            Embed(_x.Take(batch), embedded);
            EmbedGeometry(batch);
            return;
        }
        // e' = h M + K + f e, e being part of K where it is a constant.
        bool constant = _constants.Length > 0;
        Tensor next = Centre(_rectified.Take(batch)), current = Centre(embedded);
        _ops.Gemm(hidden, 1, _folds[i], next, new Epilogue(Residual: constant ? Shared(_constants[i], batch) : null));
        if (i > 0 || !constant) _ops.Scale(current, step.Previous, next, accumulate: true);
        if (!constant)
        {
            Embed(_noise!.Of(step.Slice, _inputs.Seeds, batch), embedded);
            _ops.Scale(current, step.Noise, next, accumulate: true);
        }
        _ops.Scale(next, 1, current);
        EmbedGeometry(batch);
    }

    /// <summary>e = x W + b.</summary>
    private void Embed(Tensor x, Tensor embedded)
    {
        for (int part = 0; part < 4; part++)
        {
            (int first, int size) = _faceColumns.Part(part);
            (int column, int features) = _featureColumns.Part(part);
            _ops.Gemm(x.ColumnRange(first, size), 1, _embeddings![part], embedded.ColumnRange(column, features));
        }
    }

    /// <summary>The geometry token of x from e.</summary>
    private void EmbedGeometry(int batch)
    {
        Tensor embedded = _embedded.Take(batch), rectified = _rectified.Take(batch), features = _features.Take(batch);
        Tensor geometry = _geometry.Take(batch), tokens = _geometryTokens.Take(batch);
        if (_convolutions is not null)
        {
            _ops.Gemm(embedded, 1, _convolutions, _convolved.Take(batch));
            embedded = _convolved.Take(batch);
        }
        int split = _featureColumns.Jaw, rest = _featureColumns.Total - split;
        _ops.Scale(embedded.ColumnRange(0, split), 1, features.ColumnRange(0, split), activation: Activation.Relu);
        _ops.Scale(embedded.ColumnRange(split, rest), 1, rectified.ColumnRange(split, rest), activation: Activation.Relu);
        _ops.Gemm(rectified.ColumnRange(split, rest), 1, _secondLayer, features.ColumnRange(split, rest), new Epilogue(Activation.Relu));
        _ops.Gemm(features, 1, _geometry1, geometry, new Epilogue(Activation.Relu));
        _ops.Gemm(geometry, 1, _geometry2, tokens);
        if (!_shortcuts.CentreOnly)
            _ops.Scale(Centre(tokens), 1, _token.Take(batch).ColumnRange(_geometryColumn, Config.GeometryFeatures));
    }

    private void RunGru(int slice, Tensor token)
    {
        Tensor x = token, gates = _gates.Take(token.Items);
        for (int layer = 0; layer < _gru.Length; layer++)
        {
            int row = slice * _gru.Length + layer;
            Tensor y = _gruOutputs[layer].Take(token.Items);
            _ops.Gemm(x, 1, _gru[layer].Input, gates);
            _ops.Gru(
                gates, _gru[layer].State, _inputs.State.Take(token.Items).RowRange(row, 1), y, _inputs.NextState.Take(token.Items).RowRange(row, 1));
            x = y;
        }
    }

    /// <summary>The rows of the centre frames.</summary>
    private Tensor Centre(Tensor t) => t.RowRange(_firstRow, Config.CentreFrames);

    /// <summary>One item as if every item of a batch had it.</summary>
    private static Tensor Shared(Tensor t, int batch) => t with { Items = batch, ItemStride = 0 };

    private Tensor Uploaded(double[] values, int rows, int columns)
    {
        Tensor tensor = _ops.Allocate(1, rows, columns);
        _ops.Write(tensor, Array.ConvertAll(values, v => (float)v));
        return tensor;
    }

    private static Tensor[] TimeRows(DiffusionConfig config, WeightSet weights, OperatorSet ops)
    {
        int size = config.TimeFeatures;
        ReadOnlySpan<float> rows = weights.Get("time.weight", config.Steps.Count, size).Span, bias = weights.Get("time.bias", size).Span;
        Tensor[] result = new Tensor[config.Steps.Count];
        float[] row = new float[size];
        for (int i = 0; i < result.Length; i++)
        {
            for (int c = 0; c < size; c++) row[c] = rows[i * size + c] + bias[c];
            result[i] = ops.Allocate(1, 1, size);
            ops.Write(result[i], row);
        }
        return result;
    }
}
