using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The regression network of Audio2Face-3D v2 (Karras et al. 2017 with a wav2vec2 branch beside the autocorrelation one): one audio window
/// and one emotion vector in, one frame of PCA coefficients, jaw points and eye angles out. It keeps no state between windows.
/// <para>
/// On a GPU, one window of the full-size network is 33 launches: 7 of the branch beside wav2vec2 (emotion, autocorrelation, 5 frequency
/// convolutions), 19 of wav2vec2 with one layer, 7 of what follows. They compute 3.1 Gflop, and read and write 79 MB in fp32, 40 MB in fp16,
/// nearly all of it weights. A test holds these figures.
/// </para>
/// </summary>
internal sealed class RegressionNetwork : INetwork, IBatchNetwork
{
    private readonly OperatorSet _ops;
    private readonly Wav2VecEncoder? _encoder;
    private readonly GemmWeights? _mapping;
    private readonly AutoCorrelationBranch? _autoCorrelation;
    private readonly GemmWeights _jointEmotion, _fusion;
    private readonly Decoder _decoder;
    private readonly Stage[] _stages;
    private readonly Tensor _audio, _emotion, _features, _fused, _result;
    private readonly Tensor[] _joints; // where layers find the emotion beside their own channels, for whole batches
    private readonly Tensor[] _jointsOfBatch;
    private readonly Action _layers;
    private int _batch;

    /// <summary>One time convolution; its output has room for the emotion columns and for the next one's zero rows.</summary>
    private sealed record Stage(ConvShape Shape, GemmWeights Weights, Tensor Padded, Tensor Output);

    /// <summary>Lays the weights out on the backend and allocates all memory for batches of up to <paramref name="maxBatch"/> windows.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="ops">Backend.</param>
    /// <param name="maxBatch">Most windows of one call.</param>
    /// <param name="fastConvolutions">Whether <see cref="HalvingConv"/> replaces convolutions of width 3 and stride 2 where that pays.</param>
    /// <param name="foldedDecoder">Whether <see cref="Decoder"/> is one layer.</param>
    /// <exception cref="A2FException">A weight is missing or does not fit the configuration.</exception>
    internal RegressionNetwork(
        RegressionConfig config, WeightSet weights, OperatorSet ops, int maxBatch, bool fastConvolutions = true, bool foldedDecoder = true)
    {
        if (maxBatch < 1) throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected at least 1, found {maxBatch}");
        if (config.TimeConvs.Count == 0)
            throw new A2FException(A2FErrorCode.InvalidModel, "time_convs: expected 1 or more convolutions, found 0");
        (Config, _ops, MaxBatch) = (config, ops, maxBatch);
        int channels = config.Channels, joint = config.ImplicitLength + config.EmotionEmbedding, width = channels + joint;
        _audio = ops.AllocateFloat32(maxBatch, 1, config.InputLength);
        _emotion = ops.AllocateFloat32(maxBatch, 1, config.ImplicitLength + config.EmotionCount);
        _jointEmotion = JointEmotion(config, weights, ops);

        int frames = 0, branches = 0;
        if (config.Wav2Vec is not null)
        {
            _encoder = new Wav2VecEncoder(config.Wav2Vec, weights, ops, maxBatch, config.InputLength, fastConvolutions);
            _mapping = ops.Pack(
                weights.Get("w2v.mapping.weight", config.Wav2Vec.Dim, channels).Span, weights.Get("w2v.mapping.bias", channels).Span,
                1, config.Wav2Vec.Dim, channels);
            (frames, branches) = (_encoder.Frames, 1);
        }
        if (config.AutoCorrelation is not null)
        {
            _autoCorrelation = new AutoCorrelationBranch(config, weights, ops, maxBatch);
            if (branches > 0 && frames != config.AutoCorrelation.Windows)
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"the wav2vec2 branch gives {frames} frames, the autocorrelation branch {config.AutoCorrelation.Windows}");
            }
            (frames, branches) = (config.AutoCorrelation.Windows, branches + 1);
        }
        if (branches == 0) throw new A2FException(A2FErrorCode.InvalidModel, "a regression network needs at least one audio branch");

        (Tensor features, _features) = Padded(frames, branches * channels, config.TimeConvs[0].Padding);
        _stages = new Stage[config.TimeConvs.Count];
        int inputs = branches * channels;
        for (int i = 0; i < _stages.Length; i++)
        {
            ConvShape shape = config.TimeConvs[i];
            int padded = frames + 2 * shape.Padding;
            if (padded < shape.Kernel)
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"time_convs[{i}]: expected a kernel of at most the {padded} frames that it is given, found {shape.Kernel}");
            }
            frames = (padded - shape.Kernel) / shape.Stride + 1;
            GemmWeights packed = LoadGained(weights, ops, $"time{i + 1}", config.ReluGain, false, shape.Kernel, shape.Kernel, inputs, channels);
            (Tensor room, Tensor output) = Padded(frames, width, i + 1 < _stages.Length ? config.TimeConvs[i + 1].Padding : 0);
            _stages[i] = new Stage(shape, packed, features, output);
            (features, inputs) = (room, width);
        }
        _fusion = LoadGained(weights, ops, "fusion", config.ReluGain, false, frames, frames * width, channels);
        _fused = ops.Allocate(maxBatch, 1, width);
        _decoder = new Decoder(config, weights, ops, width, maxBatch, foldedDecoder);
        _result = ops.AllocateFloat32(maxBatch, 1, config.OutputLength);
        _joints = [.. _stages.Select(stage => stage.Output.ColumnRange(channels, joint)), _fused.ColumnRange(channels, joint)];
        _jointsOfBatch = new Tensor[_joints.Length];
        _layers = RunLayers;
        (Inputs, Outputs) = ([_audio, _emotion], [_result]);

        (Tensor All, Tensor Inner) Padded(int rows, int columns, int padding)
        {
            Tensor all = ops.Allocate(maxBatch, rows + 2 * padding, columns);
            return (all, all.RowRange(padding, rows));
        }
    }

    /// <summary>Sizes.</summary>
    internal RegressionConfig Config { get; }

    /// <inheritdoc/>
    public int MaxBatch { get; }

    /// <inheritdoc/>
    public void Rehearse(int batch)
    {
        _batch = batch;
        RunLayers();
    }

    /// <summary>Audio windows; emotions, implicit then explicit.</summary>
    public IReadOnlyList<Tensor> Inputs { get; }

    /// <summary>Skin, tongue, jaw, eyes.</summary>
    public IReadOnlyList<Tensor> Outputs { get; }

    /// <inheritdoc/>
    public void Launch(int batch)
    {
        _batch = IBatchNetwork.Bucket(batch, MaxBatch);
        _ops.Replay(_batch, _layers);
    }

    /// <summary>Runs a batch of windows.</summary>
    /// <param name="input">[batch, input length], samples.</param>
    /// <param name="emotion">[batch, implicit + explicit].</param>
    /// <param name="result">[batch, output length]: skin, tongue, jaw, eyes.</param>
    /// <param name="batch">Windows, 1 to <see cref="MaxBatch"/>.</param>
    internal void Run(ReadOnlySpan<float> input, ReadOnlySpan<float> emotion, Span<float> result, int batch)
    {
        if (batch < 1 || batch > MaxBatch)
            throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected 1 to {MaxBatch}, found {batch}");
        _batch = batch;
        _ops.Write(_audio.Take(batch), input);
        _ops.Write(_emotion.Take(batch), emotion);
        _ops.Replay(batch, _layers);
        _ops.Read(_result.Take(batch), result);
    }

    private void RunLayers()
    {
        int batch = _batch, channels = Config.Channels;
        Tensor features = _features.Take(batch);
        _ops.BeginBranch();
        for (int i = 0; i < _joints.Length; i++) _jointsOfBatch[i] = _joints[i].Take(batch);
        _ops.BroadcastLinear(_emotion.Take(batch), _jointEmotion, _jointsOfBatch);
        _autoCorrelation?.Run(_audio.Take(batch), features.ColumnRange(_encoder is null ? 0 : channels, channels));
        _ops.EndBranch();
        if (_encoder is not null)
        {
            Tensor samples = _audio.Take(batch) with { Rows = Config.InputLength, Columns = 1, RowStride = 1 };
            _ops.Gemm(_encoder.Run(samples), 1, _mapping!, features.ColumnRange(0, channels), new Epilogue(Activation.Relu));
        }
        _ops.JoinBranch();

        foreach (Stage stage in _stages)
        {
            _ops.Gemm(stage.Padded.Take(batch), stage.Shape.Stride, stage.Weights, stage.Output.Take(batch).ColumnRange(0, channels),
                new Epilogue(Activation.Relu));
        }
        Tensor fused = _fused.Take(batch);
        _ops.Gemm(_stages[^1].Output.Take(batch), 1, _fusion, fused.ColumnRange(0, channels), new Epilogue(Activation.Relu));
        _decoder.Run(fused, _result.Take(batch));
    }

    /// <summary>
    /// What layers know of the emotion, the implicit part as it is and the explicit part embedded, as one linear layer of both.
    /// </summary>
    private static GemmWeights JointEmotion(RegressionConfig config, WeightSet weights, OperatorSet ops)
    {
        int inputs = config.ImplicitLength + config.EmotionCount, outputs = config.ImplicitLength + config.EmotionEmbedding;
        ReadOnlySpan<float> embedding = weights.Get("emotion.weight", config.EmotionCount, config.EmotionEmbedding).Span;
        float[] matrix = new float[inputs * outputs], bias = new float[outputs];
        for (int i = 0; i < config.ImplicitLength; i++) matrix[i * outputs + i] = 1;
        for (int i = 0; i < config.EmotionCount; i++)
        {
            embedding.Slice(i * config.EmotionEmbedding, config.EmotionEmbedding)
                .CopyTo(matrix.AsSpan((config.ImplicitLength + i) * outputs + config.ImplicitLength));
        }
        weights.Get("emotion.bias", config.EmotionEmbedding).Span.CopyTo(bias.AsSpan(config.ImplicitLength));
        return ops.Pack(matrix, bias, 1, inputs, outputs, float32Input: true);
    }

    /// <summary>
    /// A layer followed by gain * max(x, 0): the gain is positive, so it moves into weights and bias. <paramref name="shape"/> ends with the
    /// outputs; what is before them is split over <paramref name="taps"/>.
    /// </summary>
    internal static GemmWeights LoadGained(WeightSet weights, OperatorSet ops, string name, float gain, bool float32Input, int taps, params int[] shape)
    {
        float[] weight = Gained(weights.Get(name + ".weight", shape));
        int outputs = shape[^1];
        return ops.Pack(weight, Gained(weights.Get(name + ".bias", outputs)), taps, weight.Length / outputs / taps, outputs, float32Input: float32Input);

        float[] Gained(ReadOnlyMemory<float> values)
        {
            float[] scaled = values.ToArray();
            for (int i = 0; i < scaled.Length; i++) scaled[i] *= gain;
            return scaled;
        }
    }
}
