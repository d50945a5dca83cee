using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The branch of Karras et al. 2017: short-time autocorrelation, then convolutions along the lag axis until one value per channel is left:
/// [items, 1, samples] -> [items, frames, channels]. Frames do not mix, so each is an item of its own.
/// </summary>
internal sealed class AutoCorrelationBranch
{
    private readonly OperatorSet _ops;
    private readonly AutoCorrelationConfig _config;
    private readonly float _scale;
    private readonly Tensor _taper, _lags;
    private readonly Stage[] _stages;
    private readonly GemmWeights _last;

    private sealed record Stage(ConvShape Shape, GemmWeights Weights, Tensor Padded, Tensor Output);

    internal AutoCorrelationBranch(RegressionConfig config, WeightSet weights, OperatorSet ops, int maxBatch)
    {
        (_ops, _config) = (ops, config.AutoCorrelation!);
        if ((_config.Windows - 1) * _config.Hop + _config.WindowLength > config.InputLength || _config.Lags > _config.WindowLength)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{_config.Windows} autocorrelation windows of {_config.WindowLength} samples every {_config.Hop}, {_config.Lags} lags, do not fit " +
                $"{config.InputLength} samples");
        }
        _scale = _config.InputGain * _config.InputGain * _config.Scale; // autocorrelation is quadratic in the audio
        _taper = ops.Upload(weights.Get("autocorrelation.taper", _config.WindowLength).Span);

        int items = maxBatch * _config.Windows, lags = _config.Lags, inputs = 1;
        Tensor padded = ops.AllocateFloat32(items, lags + 2 * _config.Convs[0].Padding, 1);
        _lags = padded;
        _stages = new Stage[_config.Convs.Count - 1];
        for (int i = 0; i < _stages.Length; i++)
        {
            ConvShape shape = _config.Convs[i];
            int outputs = weights[$"frequency{i + 1}.bias"].Shape[0];
            lags = (lags + 2 * shape.Padding - shape.Kernel) / shape.Stride + 1;
            GemmWeights packed = RegressionNetwork.LoadGained(
                weights, ops, $"frequency{i + 1}", config.ReluGain, i == 0, shape.Kernel, shape.Kernel, inputs, outputs);
            int padding = _config.Convs[i + 1].Padding;
            Tensor next = ops.Allocate(items, lags + 2 * padding, outputs);
            _stages[i] = new Stage(shape, packed, padded, next.RowRange(padding, lags));
            (padded, inputs) = (next, outputs);
        }
        ConvShape last = _config.Convs[^1];
        if (last.Padding != 0 || last.Kernel != lags)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"frequency{_config.Convs.Count}: expected a kernel over all {lags} lags without padding, found kernel {last.Kernel}, padding {last.Padding}");
        }
        _last = RegressionNetwork.LoadGained(
            weights, ops, $"frequency{_config.Convs.Count}", config.ReluGain, _stages.Length == 0, last.Kernel, last.Kernel, inputs, config.Channels);
    }

    /// <summary>Writes [items, frames, channels] to <paramref name="y"/>.</summary>
    internal void Run(Tensor audio, Tensor y)
    {
        int items = audio.Items * _config.Windows, padding = _config.Convs[0].Padding;
        Tensor lags = PerFrame(_lags.Take(items).RowRange(padding, _config.Lags)) with { Columns = _config.Lags };
        _ops.AutoCorrelation(audio, _taper, _config.Hop, _scale, lags);
        foreach (Stage stage in _stages)
        {
            _ops.Gemm(stage.Padded.Take(items), stage.Shape.Stride, stage.Weights, stage.Output.Take(items), new Epilogue(Activation.Relu));
        }
        // The last kernel covers all that is left of the lag axis: each frame holds the taps of one row.
        Tensor rest = (_stages.Length > 0 ? _stages[^1].Output : _lags).Take(items);
        _ops.Gemm(PerFrame(rest), 1, _last, y, new Epilogue(Activation.Relu), tapStride: rest.RowStride);
    }

    /// <summary>The first lag of [items * frames, lags, channels] as [items, frames, channels].</summary>
    private Tensor PerFrame(Tensor x) => x with
    {
        Items = x.Items / _config.Windows,
        Rows = _config.Windows,
        RowStride = (int)x.ItemStride,
        ItemStride = x.ItemStride * _config.Windows,
    };
}
