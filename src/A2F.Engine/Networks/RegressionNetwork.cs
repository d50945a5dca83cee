using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The regression network of Audio2Face-3D v2 (Karras et al. 2017 with a wav2vec2 branch beside the autocorrelation one): one audio window
/// and one emotion vector in, one frame of PCA coefficients, jaw points and eye angles out. It keeps no state between windows.
/// </summary>
internal sealed class RegressionNetwork
{
    private readonly OperatorSet _ops;
    private readonly Wav2VecEncoder? _encoder;
    private readonly GemmWeights? _mapping;
    private readonly AutoCorrelationBranch? _autoCorrelation;
    private readonly GemmWeights _emotionEmbedding, _fusion, _face1, _faceSkin, _faceRest, _tongue1, _tongue2;
    private readonly Stage[] _stages;
    private readonly Tensor _audio, _emotion, _joint, _features, _fused, _hidden, _tongueHidden, _result;

    /// <summary>One time convolution; its output has room for the emotion columns and for the next one's zero rows.</summary>
    private sealed record Stage(ConvShape Shape, GemmWeights Weights, Tensor Padded, Tensor Output);

    /// <summary>Lays the weights out on the backend and allocates all memory for batches of up to <paramref name="maxBatch"/> windows.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="ops">Backend.</param>
    /// <param name="maxBatch">Most windows of one call.</param>
    /// <param name="fastConvolutions">Whether <see cref="HalvingConv"/> replaces convolutions of width 3 and stride 2.</param>
    /// <exception cref="A2FException">A weight is missing or does not fit the configuration.</exception>
    internal RegressionNetwork(RegressionConfig config, WeightSet weights, OperatorSet ops, int maxBatch, bool fastConvolutions = true)
    {
        if (maxBatch < 1) throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected at least 1, found {maxBatch}");
        (Config, _ops, MaxBatch) = (config, ops, maxBatch);
        int channels = config.Channels, joint = config.ImplicitLength + config.EmotionEmbedding, width = channels + joint;
        _audio = ops.Allocate(maxBatch, 1, config.InputLength);
        _emotion = ops.Allocate(maxBatch, 1, config.ImplicitLength + config.EmotionCount);
        _joint = ops.Allocate(maxBatch, 1, joint);
        _emotionEmbedding = Linear("emotion", config.EmotionCount, config.EmotionEmbedding);

        int frames = 0, branches = 0;
        if (config.Wav2Vec is not null)
        {
            _encoder = new Wav2VecEncoder(config.Wav2Vec, weights, ops, maxBatch, config.InputLength, fastConvolutions);
            _mapping = Linear("w2v.mapping", config.Wav2Vec.Dim, channels);
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
            frames = (frames + 2 * shape.Padding - shape.Kernel) / shape.Stride + 1;
            GemmWeights packed = LoadGained(weights, ops, $"time{i + 1}", config.ReluGain, shape.Kernel, shape.Kernel, inputs, channels);
            (Tensor padded, Tensor output) = Padded(frames, width, i + 1 < _stages.Length ? config.TimeConvs[i + 1].Padding : 0);
            _stages[i] = new Stage(shape, packed, features, output);
            (features, inputs) = (padded, width);
        }
        _fusion = LoadGained(weights, ops, "fusion", config.ReluGain, 1, frames * width, channels);
        _fused = ops.Allocate(maxBatch, 1, width);

        int rest = config.JawSize + config.EyesSize, face = config.SkinSize + rest;
        _face1 = Linear("face1", width, face);
        _hidden = ops.Allocate(maxBatch, 1, face);
        ReadOnlySpan<float> face2 = weights.Get("face2.weight", face, face).Span, face2Bias = weights.Get("face2.bias", face).Span;
        _faceSkin = ops.Pack(Columns(face2, face, 0, config.SkinSize), face2Bias[..config.SkinSize], 1, face, config.SkinSize);
        _faceRest = ops.Pack(Columns(face2, face, config.SkinSize, rest), face2Bias[config.SkinSize..], 1, face, rest);
        _tongue1 = Linear("tongue1", width, config.TongueSize);
        _tongueHidden = ops.Allocate(maxBatch, 1, config.TongueSize);
        _tongue2 = Linear("tongue2", config.TongueSize, config.TongueSize);
        _result = ops.Allocate(maxBatch, 1, config.OutputLength);

        GemmWeights Linear(string name, int from, int to) =>
            ops.Pack(weights.Get(name + ".weight", from, to).Span, weights.Get(name + ".bias", to).Span, 1, from, to);

        (Tensor All, Tensor Inner) Padded(int rows, int columns, int padding)
        {
            Tensor all = ops.Allocate(maxBatch, rows + 2 * padding, columns);
            return (all, all.RowRange(padding, rows));
        }
    }

    /// <summary>Sizes.</summary>
    internal RegressionConfig Config { get; }

    /// <summary>Most windows of one call.</summary>
    internal int MaxBatch { get; }

    /// <summary>Runs a batch of windows.</summary>
    /// <param name="input">[batch, input length], samples.</param>
    /// <param name="emotion">[batch, implicit + explicit].</param>
    /// <param name="result">[batch, output length]: skin, tongue, jaw, eyes.</param>
    /// <param name="batch">Windows, 1 to <see cref="MaxBatch"/>.</param>
    internal void Run(ReadOnlySpan<float> input, ReadOnlySpan<float> emotion, Span<float> result, int batch)
    {
        if (batch < 1 || batch > MaxBatch)
            throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected 1 to {MaxBatch}, found {batch}");
        _ops.Write(_audio.Take(batch), input);
        _ops.Write(_emotion.Take(batch), emotion);
        int channels = Config.Channels, joint = _joint.Columns;

        Tensor implicitEmotion = _emotion.Take(batch).ColumnRange(0, Config.ImplicitLength);
        Tensor explicitEmotion = _emotion.Take(batch).ColumnRange(Config.ImplicitLength, Config.EmotionCount);
        _ops.Scale(implicitEmotion, 1, _joint.Take(batch).ColumnRange(0, Config.ImplicitLength));
        _ops.Gemm(explicitEmotion, 1, _emotionEmbedding, _joint.Take(batch).ColumnRange(Config.ImplicitLength, Config.EmotionEmbedding));

        Tensor features = _features.Take(batch);
        int column = 0;
        if (_encoder is not null)
        {
            Tensor samples = _audio.Take(batch) with { Rows = Config.InputLength, Columns = 1, RowStride = 1 };
            _ops.Gemm(_encoder.Run(samples), 1, _mapping!, features.ColumnRange(0, channels), new Epilogue(Activation.Relu));
            column = channels;
        }
        _autoCorrelation?.Run(_audio.Take(batch), features.ColumnRange(column, channels));

        foreach (Stage stage in _stages)
        {
            Tensor output = stage.Output.Take(batch);
            _ops.Gemm(stage.Padded.Take(batch), stage.Shape.Stride, stage.Weights, output.ColumnRange(0, channels), new Epilogue(Activation.Relu));
            _ops.Scale(_joint.Take(batch), 1, output.ColumnRange(channels, joint));
        }
        Tensor fused = _fused.Take(batch);
        _ops.Gemm(_stages[^1].Output.Take(batch).Flatten(), 1, _fusion, fused.ColumnRange(0, channels), new Epilogue(Activation.Relu));
        _ops.Scale(_joint.Take(batch), 1, fused.ColumnRange(channels, joint));

        Tensor output0 = _result.Take(batch), hidden = _hidden.Take(batch), tongue = _tongueHidden.Take(batch);
        _ops.Gemm(fused, 1, _face1, hidden);
        _ops.Gemm(hidden, 1, _faceSkin, output0.ColumnRange(0, Config.SkinSize));
        _ops.Gemm(hidden, 1, _faceRest, output0.ColumnRange(Config.SkinSize + Config.TongueSize, Config.JawSize + Config.EyesSize));
        _ops.Gemm(fused, 1, _tongue1, tongue);
        _ops.Gemm(tongue, 1, _tongue2, output0.ColumnRange(Config.SkinSize, Config.TongueSize));
        _ops.Read(output0, result);
    }

    /// <summary>
    /// A layer followed by gain * max(x, 0): the gain is positive, so it moves into weights and bias. <paramref name="shape"/> ends with the
    /// outputs; what is before them is split over <paramref name="taps"/>.
    /// </summary>
    internal static GemmWeights LoadGained(WeightSet weights, OperatorSet ops, string name, float gain, int taps, params int[] shape)
    {
        float[] weight = Gained(weights.Get(name + ".weight", shape));
        int outputs = shape[^1];
        return ops.Pack(weight, Gained(weights.Get(name + ".bias", outputs)), taps, weight.Length / outputs / taps, outputs);

        float[] Gained(ReadOnlyMemory<float> values)
        {
            float[] scaled = values.ToArray();
            for (int i = 0; i < scaled.Length; i++) scaled[i] *= gain;
            return scaled;
        }
    }

    private static float[] Columns(ReadOnlySpan<float> matrix, int width, int first, int count)
    {
        float[] part = new float[matrix.Length / width * count];
        for (int row = 0; row < matrix.Length / width; row++) matrix.Slice(row * width + first, count).CopyTo(part.AsSpan(row * count));
        return part;
    }
}
