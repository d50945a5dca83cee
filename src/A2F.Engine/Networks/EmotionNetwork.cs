using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The Audio2Emotion classifier: one audio window in, the logits of its emotions out. It keeps no state between windows. The window's length
/// is chosen when the network is built.
/// </summary>
internal sealed class EmotionNetwork : INetwork, IBatchNetwork
{
    private readonly EmotionConfig _config;
    private readonly OperatorSet _ops;
    private readonly Wav2VecEncoder _encoder;
    private readonly GemmWeights _head1, _head2;
    private readonly Tensor _audio, _mean, _hidden, _logits;
    private readonly Action _layers;
    private int _batch;

    /// <summary>Lays the weights out on the backend and allocates all memory for batches of up to <paramref name="maxBatch"/> windows.</summary>
    /// <exception cref="A2FException">A weight is missing or does not fit the configuration, or the window is too short.</exception>
    internal EmotionNetwork(
        EmotionConfig config, WeightSet weights, OperatorSet ops, int windowLength, int maxBatch, bool fastConvolutions = true)
    {
        if (maxBatch < 1) throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected at least 1, found {maxBatch}");
        NetworkChecks.Require(NetworkChecks.Problem(config.Encoder, windowLength));
        (_config, _ops, WindowLength, MaxBatch) = (config, ops, windowLength, maxBatch);
        _audio = ops.AllocateFloat32(maxBatch, 1, windowLength);
        _encoder = new Wav2VecEncoder(config.Encoder, weights, ops, maxBatch, windowLength, fastConvolutions);
        int dim = config.Encoder.Dim;
        _head1 = ops.Pack(
            weights.Get("head1.weight", dim, config.HeadWidth).Span, weights.Get("head1.bias", config.HeadWidth).Span, 1, dim, config.HeadWidth);
        _head2 = ops.Pack(
            weights.Get("head2.weight", config.HeadWidth, config.Labels).Span, weights.Get("head2.bias", config.Labels).Span, 1,
            config.HeadWidth, config.Labels);
        weights.ReleasePages();
        _mean = ops.Allocate(maxBatch, 1, dim);
        _hidden = ops.Allocate(maxBatch, 1, config.HeadWidth);
        _logits = ops.AllocateFloat32(maxBatch, 1, config.Labels);
        _layers = RunLayers;
        (Inputs, Outputs) = ([_audio], [_logits]);
    }

    /// <summary>Samples of a window.</summary>
    internal int WindowLength { get; }

    /// <inheritdoc/>
    public int MaxBatch { get; }

    /// <inheritdoc/>
    public void Rehearse(int batch)
    {
        _batch = batch;
        RunLayers();
    }

    /// <summary>Audio windows.</summary>
    public IReadOnlyList<Tensor> Inputs { get; }

    /// <summary>Logits.</summary>
    public IReadOnlyList<Tensor> Outputs { get; }

    /// <inheritdoc/>
    public void Launch(int batch)
    {
        _batch = IBatchNetwork.Bucket(batch, MaxBatch);
        _ops.Replay(_batch, _layers);
    }

    /// <summary>Runs a batch of windows.</summary>
    /// <param name="windows">[batch, window length], samples.</param>
    /// <param name="logits">[batch, labels].</param>
    /// <param name="batch">Windows, 1 to <see cref="MaxBatch"/>.</param>
    internal void Run(ReadOnlySpan<float> windows, Span<float> logits, int batch)
    {
        if (batch < 1 || batch > MaxBatch)
            throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected 1 to {MaxBatch}, found {batch}");
        _batch = batch;
        _ops.Write(_audio.Take(batch), windows);
        _ops.Replay(batch, _layers);
        _ops.Read(_logits.Take(batch), logits);
    }

    private void RunLayers()
    {
        Tensor samples = _audio.Take(_batch) with { Rows = WindowLength, Columns = 1, RowStride = 1 };
        Tensor mean = _mean.Take(_batch), hidden = _hidden.Take(_batch);
        _ops.MeanRows(_encoder.Run(samples), mean);
        _ops.Gemm(mean, 1, _head1, hidden, new Epilogue(_config.Tanh ? Activation.Tanh : Activation.None));
        _ops.Gemm(hidden, 1, _head2, _logits.Take(_batch));
    }
}
