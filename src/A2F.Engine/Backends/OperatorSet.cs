namespace A2F.Engine.Backends;

/// <summary>
/// The operators that networks are written in. Each backend implements exactly these. Activations are [items, time, channel], so that every
/// convolution and linear layer is a strided GEMM: row t of a convolution starts at t * stride rows of its input and is taps rows long.
/// No operator's result for an item depends on the other items of the batch.
/// </summary>
internal abstract class OperatorSet : IDisposable
{
    /// <summary>Name for reports.</summary>
    internal abstract string Name { get; }

    /// <summary>Bytes of packed weights and activations.</summary>
    internal abstract long Bytes { get; }

    /// <summary>Zeroed memory that lives as long as this set.</summary>
    internal abstract Tensor Allocate(int items, int rows, int columns);

    /// <summary>A vector of parameters.</summary>
    internal abstract Tensor Upload(ReadOnlySpan<float> values);

    /// <summary>Copies from the host into a tensor whose rows are contiguous.</summary>
    internal abstract void Write(Tensor target, ReadOnlySpan<float> values);

    /// <summary>Copies a tensor whose rows are contiguous to the host, after everything before it has finished.</summary>
    internal abstract void Read(Tensor source, Span<float> values);

    /// <summary>Lays out weights [group][tap, input, output] for <see cref="Gemm"/>.</summary>
    /// <param name="weights">[taps, inputs, groups * outputs], row-major: the columns of group g are g * outputs onwards.</param>
    /// <param name="bias">[groups * outputs], or empty for none.</param>
    /// <param name="taps">Taps of the convolution; 1 for a linear layer.</param>
    /// <param name="inputs">Channels in, of one group.</param>
    /// <param name="outputs">Channels out, of one group.</param>
    /// <param name="groups">Groups.</param>
    internal abstract GemmWeights Pack(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int taps, int inputs, int outputs, int groups = 1);

    /// <summary>
    /// y[item, t, o] = epilogue(bias[o] + sum over tap and i of x[item, t * stride + tap, i] * w[tap, i, o]) for every row t of y. No
    /// padding: callers keep zero rows round what needs them. y overlaps neither x nor the residual.
    /// </summary>
    internal abstract void Gemm(Tensor x, int stride, GemmWeights weights, Tensor y, Epilogue epilogue = default);

    /// <summary>In place: each channel of each item normalised over its rows, scaled, shifted, then the activation.</summary>
    internal abstract void GroupNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Activation activation);

    /// <summary>y = each row of x normalised over its columns, scaled and shifted; y may be x.</summary>
    internal abstract void LayerNorm(Tensor x, Tensor scale, Tensor shift, float epsilon, Tensor y);

    /// <summary>
    /// Multi-head self attention. qkv is [items, time, 3 * D]: query, key, value; y is [items, time, D]; head h owns columns h * D / heads
    /// onwards: y = softmax(q k' / sqrt(D / heads)) v.
    /// </summary>
    internal abstract void Attention(Tensor qkv, int heads, Tensor y);

    /// <summary>
    /// y[item, frame, lag] = scale * sum over n of w[n] * w[n + lag], w[n] = taper[n] * (audio[frame * hop + n] - mean of the frame). y is
    /// [items, frames, lags]; audio is [items, 1, samples].
    /// </summary>
    internal abstract void AutoCorrelation(Tensor audio, Tensor taper, int hop, float scale, Tensor y);

    /// <summary>y = factor * x, or y += factor * x where <paramref name="accumulate"/>. A single row of x is repeated for every row of y.</summary>
    internal abstract void Scale(Tensor x, float factor, Tensor y, bool accumulate = false);

    /// <summary>y = a - b, all of the same shape.</summary>
    internal abstract void Subtract(Tensor a, Tensor b, Tensor y);

    /// <inheritdoc/>
    public abstract void Dispose();
}
