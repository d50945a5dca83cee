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

    /// <summary>Whether <see cref="Networks.HalvingConv"/> saves time here: five small products instead of one large one.</summary>
    internal virtual bool FastConvolutionsPay => true;

    /// <summary>
    /// Zeroed memory for activations, in the precision of this set, that lives as long as the set. Rows may be padded with zeros.
    /// </summary>
    internal abstract Tensor Allocate(int items, int rows, int columns);

    /// <summary>
    /// As <see cref="Allocate"/>, but float32 whatever the precision and without padding: for what enters and leaves a network, and for
    /// values that can be far below what half precision holds.
    /// </summary>
    internal virtual Tensor AllocateFloat32(int items, int rows, int columns) => Allocate(items, rows, columns);

    /// <summary>A vector of parameters.</summary>
    internal abstract Tensor Upload(ReadOnlySpan<float> values);

    /// <summary>Copies from the host into a tensor, [items, rows, columns] in order.</summary>
    internal abstract void Write(Tensor target, ReadOnlySpan<float> values);

    /// <summary>Copies a tensor to the host, after everything before it has finished.</summary>
    internal abstract void Read(Tensor source, Span<float> values);

    /// <summary>
    /// Runs <paramref name="body"/>, which calls operators on the same memory whenever the key is the same; a device may record it once and
    /// replay it later. It neither reads nor writes host memory.
    /// </summary>
    internal virtual void Replay(int key, Action body) => body();

    /// <summary>What follows until <see cref="EndBranch"/> depends on nothing that follows that, and may run beside it.</summary>
    internal virtual void BeginBranch()
    {
    }

    /// <summary>Ends the branch.</summary>
    internal virtual void EndBranch()
    {
    }

    /// <summary>What follows may use the results of the branch.</summary>
    internal virtual void JoinBranch()
    {
    }

    /// <summary>Lays out weights [group][tap, input, output] for <see cref="Gemm"/>.</summary>
    /// <param name="weights">[taps, inputs, groups * outputs], row-major: the columns of group g are g * outputs onwards.</param>
    /// <param name="bias">[groups * outputs], or empty for none.</param>
    /// <param name="taps">Taps of the convolution; 1 for a linear layer.</param>
    /// <param name="inputs">Channels in, of one group.</param>
    /// <param name="outputs">Channels out, of one group.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="float32Input">Whether the layer reads memory of <see cref="AllocateFloat32"/>.</param>
    internal abstract GemmWeights Pack(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int taps, int inputs, int outputs, int groups = 1, bool float32Input = false);

    /// <summary>
    /// y[item, t, o] = epilogue(bias[o] + sum over tap and i of x[item, t * stride + tap, i] * w[tap, i, o]) for every row t of y. No
    /// padding: callers keep zero rows round what needs them. y overlaps neither x nor the residual. With a tap stride, the taps of a row lie
    /// that many elements apart instead of a row: row t of x then holds them all.
    /// </summary>
    internal abstract void Gemm(Tensor x, int stride, GemmWeights weights, Tensor y, Epilogue epilogue = default, int tapStride = 0);

    /// <summary>
    /// y = layer norm of s = activation(x w + bias) + residual, for a linear layer or a convolution of stride 1; s goes to
    /// <paramref name="sum"/> where that is given. No two of x, residual, sum and y overlap.
    /// </summary>
    internal abstract void GemmLayerNorm(
        Tensor x, GemmWeights weights, Activation activation, Tensor residual, NormWeights norm, Tensor y, Tensor? sum = null);

    /// <summary>
    /// A convolution of raw audio [items, samples, 1] without bias, then each channel of each item normalised over its rows, scaled and
    /// shifted (group norm with a group per channel), then the activation.
    /// </summary>
    internal abstract void ConvGroupNorm(Tensor audio, int stride, GemmWeights weights, NormWeights norm, Activation activation, Tensor y);

    /// <summary>A linear layer on one float32 row an item, written to every row of the item in each target.</summary>
    internal abstract void BroadcastLinear(Tensor x, GemmWeights weights, ReadOnlySpan<Tensor> targets);

    /// <summary>y = activation of each row of x normalised over its columns, scaled and shifted; y may be x.</summary>
    internal abstract void LayerNorm(Tensor x, NormWeights norm, Tensor y, Activation activation = Activation.None);

    /// <summary>
    /// Multi-head self attention. qkv is [items, time, 3 * D]: query, key, value; y is [items, time, D]; head h owns columns h * D / heads
    /// onwards: y = softmax(q k' / sqrt(D / heads)) v.
    /// </summary>
    internal abstract void Attention(Tensor qkv, int heads, Tensor y);

    /// <summary>
    /// y[item, frame, lag] = scale * sum over n of w[n] * w[n + lag], w[n] = taper[n] * (audio[frame * hop + n] - mean of the frame). y is
    /// [items, frames, lags] and float32, as audio, which is [items, 1, samples].
    /// </summary>
    internal abstract void AutoCorrelation(Tensor audio, Tensor taper, int hop, float scale, Tensor y);

    /// <summary>
    /// y = activation(factor * x), or y = activation(y + factor * x) where <paramref name="accumulate"/>. A single row of x is repeated for
    /// every row of y; y may be x.
    /// </summary>
    internal abstract void Scale(Tensor x, float factor, Tensor y, bool accumulate = false, Activation activation = Activation.None);

    /// <summary>y = a - b, all of the same shape.</summary>
    internal abstract void Subtract(Tensor a, Tensor b, Tensor y);

    /// <summary>
    /// Linear interpolation along time with the first and last rows aligned: row t of y is x at (first + t) * (rows of x - 1) / (count - 1).
    /// </summary>
    /// <param name="x">[items, time, channels].</param>
    /// <param name="count">Rows of the whole result, 2 or more.</param>
    /// <param name="first">Which of them the first row of y is.</param>
    /// <param name="y">[items, rows, channels].</param>
    internal abstract void Resample(Tensor x, int count, int first, Tensor y);

    /// <summary>y = mean of the rows of each item; y is [items, 1, channels].</summary>
    internal abstract void MeanRows(Tensor x, Tensor y);

    /// <summary>Lays out the recurrent weights of a GRU layer.</summary>
    /// <param name="weights">[channels, 3 * channels]: columns of the gates reset, update, new.</param>
    /// <param name="bias">[3 * channels].</param>
    internal abstract GruWeights PackGru(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias);

    /// <summary>
    /// A GRU layer over all rows of each item, in order. With h the state before a row and u = h w + bias: r = sigmoid(x_r + u_r),
    /// z = sigmoid(x_z + u_z), n = tanh(x_n + r * u_n); the row of y, and the next state, is (1 - z) * n + z * h.
    /// </summary>
    /// <param name="gates">[items, time, 3 * channels]: the input's part of the gates, its bias included.</param>
    /// <param name="weights">Recurrent weights.</param>
    /// <param name="state">[items, 1, channels] before the first row; float32.</param>
    /// <param name="y">[items, time, channels].</param>
    /// <param name="finalState">[items, 1, channels] after the last row; float32; may be <paramref name="state"/>.</param>
    internal abstract void Gru(Tensor gates, GruWeights weights, Tensor state, Tensor y, Tensor finalState);

    /// <summary>
    /// Fills y with normally distributed numbers that depend only on the seed of the item and their position: the same bits on every
    /// backend, but for the rounding to the type of y. See <see cref="NormalNoise"/>.
    /// </summary>
    /// <param name="seeds">Float32 [items, 1, 4], each the bits of an unsigned integer: seed low, seed high, window low, window high.</param>
    /// <param name="range">Which numbers.</param>
    /// <param name="y">[items, frames, channels].</param>
    internal abstract void Normal(Tensor seeds, NoiseRange range, Tensor y);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Throws unless host values fill a tensor.</summary>
    protected static void CheckHost(Tensor tensor, int length)
    {
        if (length != tensor.Items * tensor.Rows * tensor.Columns)
            throw new A2FException(A2FErrorCode.Internal, $"{length} host values for a tensor [{tensor.Items}, {tensor.Rows}, {tensor.Columns}]");
    }

    /// <summary>Throws unless weights and bias have the length of their shape.</summary>
    protected static void CheckPack(int weights, int bias, int taps, int inputs, int outputs, int groups)
    {
        if (weights == (long)taps * inputs * outputs * groups && (bias == 0 || bias == outputs * groups)) return;
        throw new A2FException(A2FErrorCode.Internal, $"{weights} weights and {bias} biases for {groups} x [{taps}, {inputs}, {outputs}]");
    }

    /// <summary>Throws unless the shapes of a product fit together.</summary>
    protected static void CheckGemm(Tensor x, int stride, GemmWeights w, Tensor y, int tapStride)
    {
        int rows = tapStride == 0 ? (y.Rows - 1) * stride + w.Taps : (y.Rows - 1) * stride + 1;
        if (x.Columns == w.Inputs * w.Groups && y.Columns == w.Outputs * w.Groups && x.Items == y.Items && rows <= x.Rows) return;
        throw new A2FException(A2FErrorCode.Internal,
            $"gemm of [{x.Items}, {x.Rows}, {x.Columns}] by {w.Groups} x [{w.Taps}, {w.Inputs}, {w.Outputs}], stride {stride}, " +
            $"cannot give [{y.Items}, {y.Rows}, {y.Columns}]");
    }

    /// <summary>Throws unless a resampling stays within its input.</summary>
    protected static void CheckResample(Tensor x, int count, int first, Tensor y)
    {
        if (count >= 2 && first >= 0 && first + y.Rows <= count && x.Columns == y.Columns && x.Items == y.Items) return;
        throw new A2FException(A2FErrorCode.Internal,
            $"resampling [{x.Items}, {x.Rows}, {x.Columns}] to rows {first}.. of {count} cannot give [{y.Items}, {y.Rows}, {y.Columns}]");
    }

    /// <summary>Throws unless the shapes of a GRU layer fit together.</summary>
    protected static void CheckGru(Tensor gates, GruWeights w, Tensor state, Tensor y, Tensor finalState)
    {
        if (gates.Columns == 3 * w.Channels && y.Columns == w.Channels && gates.Rows == y.Rows && gates.Items == y.Items
            && (state.Items, state.Rows, state.Columns) == (y.Items, 1, w.Channels)
            && (finalState.Items, finalState.Rows, finalState.Columns) == (y.Items, 1, w.Channels))
        {
            return;
        }
        throw new A2FException(A2FErrorCode.Internal,
            $"a GRU of {w.Channels} channels: gates [{gates.Items}, {gates.Rows}, {gates.Columns}], state [{state.Items}, {state.Rows}, " +
            $"{state.Columns}] cannot give [{y.Items}, {y.Rows}, {y.Columns}]");
    }
}
