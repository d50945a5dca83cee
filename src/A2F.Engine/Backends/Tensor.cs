namespace A2F.Engine.Backends;

/// <summary>What the elements of a tensor are; the value is their size in bytes.</summary>
internal enum ElementType
{
    /// <summary>IEEE half precision.</summary>
    Float16 = 2,

    /// <summary>IEEE single precision.</summary>
    Float32 = 4,
}

/// <summary>
/// A view [items, rows, columns] of memory that an <see cref="OperatorSet"/> owns; columns are contiguous, strides are in elements.
/// An item is one window of one character, a row is a time step, a column is a channel.
/// </summary>
/// <param name="Address">First element, in the backend's address space.</param>
/// <param name="Items">Windows.</param>
/// <param name="Rows">Time steps of a window.</param>
/// <param name="Columns">Channels.</param>
/// <param name="ItemStride">Elements from a window to the next.</param>
/// <param name="RowStride">Elements from a row to the next; below <paramref name="Columns"/> where rows overlap, above
/// where rows are padded.</param>
/// <param name="Type">What the elements are.</param>
internal readonly record struct Tensor(
    nint Address, int Items, int Rows, int Columns, long ItemStride, int RowStride, ElementType Type = ElementType.Float32)
{
    /// <summary>Bytes of an element.</summary>
    internal int ElementBytes => (int)Type;

    /// <summary>The first <paramref name="items"/> windows.</summary>
    internal Tensor Take(int items) => this with { Items = items };

    /// <summary>One window.</summary>
    internal Tensor Item(int index) => this with { Address = Address + (nint)(index * ItemStride) * ElementBytes, Items = 1 };

    /// <summary>A range of rows.</summary>
    internal Tensor RowRange(int first, int count) =>
        this with { Address = Address + (nint)first * RowStride * ElementBytes, Rows = count };

    /// <summary>Every <paramref name="step"/>th row from <paramref name="first"/> on.</summary>
    internal Tensor EveryRow(int step, int first, int count) => RowRange(first, count) with { RowStride = step * RowStride };

    /// <summary>A range of columns.</summary>
    internal Tensor ColumnRange(int first, int count) => this with { Address = Address + (nint)first * ElementBytes, Columns = count };
}

/// <summary>What happens to each element after a product and its bias.</summary>
internal enum Activation
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x * (1 + erf(x / sqrt 2)) / 2, exactly, not its tanh approximation.</summary>
    Gelu,

    /// <summary>x * tanh(log(1 + exp x)).</summary>
    Mish,

    /// <summary>tanh(x).</summary>
    Tanh,
}

/// <summary>
/// y = activation(product + bias) * item scale + residual; where <paramref name="Accumulate"/>, what y held before stands in for the bias.
/// The item scale is float32, [items, 1, 1]: a factor for each item. A residual's row or item stride may be 0.
/// </summary>
internal readonly record struct Epilogue(
    Activation Activation = Activation.None, Tensor? Residual = null, bool Accumulate = false, Tensor? ItemScale = null);

/// <summary>Weights of a strided GEMM, in the layout of the backend that made them.</summary>
internal abstract class GemmWeights
{
    /// <summary>Taps of the convolution; 1 for a linear layer.</summary>
    internal required int Taps { get; init; }

    /// <summary>Channels in, of one group.</summary>
    internal required int Inputs { get; init; }

    /// <summary>Channels out, of one group.</summary>
    internal required int Outputs { get; init; }

    /// <summary>Groups; group g reads input channels g * Inputs .. and writes output channels g * Outputs ..</summary>
    internal required int Groups { get; init; }
}

/// <summary>
/// Recurrent weights of a GRU layer, [channels, 3 * channels] and their bias, gates in the order reset, update, new, in the layout of the
/// backend that made them.
/// </summary>
internal abstract class GruWeights
{
    /// <summary>Channels of the state.</summary>
    internal required int Channels { get; init; }
}

/// <summary>
/// Which numbers of the noise of a window a tensor holds: element [t, c] is number
/// (slice * Frames + FirstFrame + t) * Channels + FirstChannel + c.
/// </summary>
/// <param name="Slice">Slice of the noise, [slices, frames, channels].</param>
/// <param name="Frames">Frames of a slice.</param>
/// <param name="FirstFrame">Frame of the tensor's first row.</param>
/// <param name="Channels">Channels of a frame.</param>
/// <param name="FirstChannel">Channel of the tensor's first column.</param>
internal readonly record struct NoiseRange(int Slice, int Frames, int FirstFrame, int Channels, int FirstChannel = 0)
{
    /// <summary>Number of the first element of a row.</summary>
    internal long First(int row) => ((long)Slice * Frames + FirstFrame + row) * Channels + FirstChannel;
}

/// <summary>Scale and shift of a normalisation, one value a channel, and what is added to the variance.</summary>
internal readonly record struct NormWeights(Tensor Scale, Tensor Shift, float Epsilon);
