using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace A2F.Engine.Backends.Cpu;

/// <summary>Normalisations and other operators that work on whole rows or columns. Each task owns its outputs, so sums have one order.</summary>
internal static unsafe class CpuRows
{
    /// <summary>Channels per task of the group norm: two cache lines.</summary>
    internal const int ChannelsPerTask = 32;

    /// <summary>Address of a row, the rows of all items counted through.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float* Address(in Tensor t, int row) =>
        (float*)t.Address + row / t.Rows * t.ItemStride + (long)(row % t.Rows) * t.RowStride;

    /// <summary>Applies an activation to eight elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Activate(Vector256<float> x, Activation activation) => activation switch
    {
        Activation.Relu => Vector256.MaxNative(x, Vector256<float>.Zero),
        Activation.Gelu => VectorMath.Gelu(x),
        Activation.Mish => VectorMath.Mish(x),
        Activation.Tanh => VectorMath.Tanh(x),
        _ => x,
    };

    /// <summary>
    /// Group norm of one item's channels first..first+count, one group per channel. Sums of x and x^2 are kept in double: exact enough that
    /// the variance needs no second pass.
    /// </summary>
    internal static void GroupNorm(Tensor x, int item, int first, int count, float* scale, float* shift, float epsilon, Activation activation)
    {
        float* data = (float*)x.Address + item * x.ItemStride + first;
        double* sum = stackalloc double[2 * ChannelsPerTask];
        double* squares = sum + ChannelsPerTask;
        new Span<double>(sum, 2 * ChannelsPerTask).Clear();
        for (int t = 0; t < x.Rows; t++)
        {
            float* row = data + (long)t * x.RowStride;
            int i = 0;
            for (; i <= count - 4; i += 4)
            {
                (Vector128<float> f, Vector256<double> s, Vector256<double> q) =
                    (Vector128.Load(row + i), Vector256.Load(sum + i), Vector256.Load(squares + i));
                Vector256<double> v = Vector256.WidenLower(f.ToVector256Unsafe());
                (s + v).Store(sum + i);
                Vector256.MultiplyAddEstimate(v, v, q).Store(squares + i);
            }
            for (; i < count; i++)
            {
                sum[i] += row[i];
                squares[i] += (double)row[i] * row[i];
            }
        }
        float* means = stackalloc float[2 * ChannelsPerTask];
        float* factors = means + ChannelsPerTask;
        for (int i = 0; i < count; i++)
        {
            double mean = sum[i] / x.Rows;
            double variance = Math.Max(0, squares[i] / x.Rows - mean * mean);
            means[i] = (float)mean;
            factors[i] = (float)(scale[first + i] / Math.Sqrt(variance + epsilon));
        }
        shift += first;
        float* tail = stackalloc float[8];
        for (int t = 0; t < x.Rows; t++)
        {
            float* row = data + (long)t * x.RowStride;
            int i = 0;
            for (; i <= count - 8; i += 8)
            {
                Vector256<float> centred = Vector256.Load(row + i) - Vector256.Load(means + i);
                Vector256<float> v = Vector256.MultiplyAddEstimate(centred, Vector256.Load(factors + i), Vector256.Load(shift + i));
                Activate(v, activation).Store(row + i);
            }
            if (i == count) continue;
            for (int j = i; j < count; j++) tail[j - i] = (row[j] - means[j]) * factors[j] + shift[j];
            Activate(Vector256.Load(tail), activation).Store(tail);
            for (int j = i; j < count; j++) row[j] = tail[j - i];
        }
    }

    /// <summary>Layer norm of one row.</summary>
    internal static void LayerNorm(float* x, float* scale, float* shift, float epsilon, float* y, int columns)
    {
        Vector256<float> sums = default;
        int i = 0;
        for (; i <= columns - 8; i += 8) sums += Vector256.Load(x + i);
        float total = Vector256.Sum(sums);
        for (; i < columns; i++) total += x[i];
        float mean = total / columns;

        Vector256<float> squares = default;
        for (i = 0; i <= columns - 8; i += 8)
        {
            Vector256<float> d = Vector256.Load(x + i) - Vector256.Create(mean);
            squares = Vector256.MultiplyAddEstimate(d, d, squares);
        }
        float variance = Vector256.Sum(squares);
        for (; i < columns; i++) variance += (x[i] - mean) * (x[i] - mean);
        float factor = 1 / MathF.Sqrt(variance / columns + epsilon);

        for (i = 0; i <= columns - 8; i += 8)
        {
            Vector256<float> d = (Vector256.Load(x + i) - Vector256.Create(mean)) * factor;
            Vector256.MultiplyAddEstimate(d, Vector256.Load(scale + i), Vector256.Load(shift + i)).Store(y + i);
        }
        for (; i < columns; i++) y[i] = (x[i] - mean) * factor * scale[i] + shift[i];
    }

    /// <summary>y += factor * x.</summary>
    internal static void AddScaled(float* x, float factor, float* y, int count)
    {
        Vector256<float> f = Vector256.Create(factor);
        int i = 0;
        for (; i <= count - 8; i += 8) Vector256.MultiplyAddEstimate(Vector256.Load(x + i), f, Vector256.Load(y + i)).Store(y + i);
        for (; i < count; i++) y[i] += factor * x[i];
    }

    /// <summary>y = factor * x.</summary>
    internal static void SetScaled(float* x, float factor, float* y, int count)
    {
        Vector256<float> f = Vector256.Create(factor);
        int i = 0;
        for (; i <= count - 8; i += 8) (Vector256.Load(x + i) * f).Store(y + i);
        for (; i < count; i++) y[i] = factor * x[i];
    }

    /// <summary>y = activation(y).</summary>
    internal static void Activate(float* y, int count, Activation activation)
    {
        if (activation == Activation.None) return;
        int i = 0;
        for (; i <= count - 8; i += 8) Activate(Vector256.Load(y + i), activation).Store(y + i);
        if (i == count) return;
        float* tail = stackalloc float[8];
        new ReadOnlySpan<float>(y + i, count - i).CopyTo(new Span<float>(tail, 8));
        Activate(Vector256.Load(tail), activation).Store(tail);
        new ReadOnlySpan<float>(tail, count - i).CopyTo(new Span<float>(y + i, count - i));
    }

    /// <summary>
    /// One step of a GRU: x and u are the input's and the state's part of the gates reset, update, new, [3 * channels]; y may be the state.
    /// </summary>
    internal static void GruStep(float* x, float* u, float* state, float* y, int channels)
    {
        int i = 0;
        for (; i <= channels - 8; i += 8)
        {
            GruStep(
                Vector256.Load(x + i), Vector256.Load(x + channels + i), Vector256.Load(x + 2 * channels + i), Vector256.Load(u + i),
                Vector256.Load(u + channels + i), Vector256.Load(u + 2 * channels + i), Vector256.Load(state + i)).Store(y + i);
        }
        if (i == channels) return;
        int left = channels - i;
        float* tail = stackalloc float[8];
        Vector256<float> next = GruStep(
            Tail(x + i), Tail(x + channels + i), Tail(x + 2 * channels + i), Tail(u + i), Tail(u + channels + i), Tail(u + 2 * channels + i),
            Tail(state + i));
        next.Store(tail);
        new ReadOnlySpan<float>(tail, left).CopyTo(new Span<float>(y + i, left));

        Vector256<float> Tail(float* from)
        {
            float* part = stackalloc float[8];
            new ReadOnlySpan<float>(from, left).CopyTo(new Span<float>(part, left));
            return Vector256.Load(part);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> GruStep(
        Vector256<float> xr, Vector256<float> xz, Vector256<float> xn, Vector256<float> ur, Vector256<float> uz, Vector256<float> un,
        Vector256<float> state)
    {
        Vector256<float> reset = VectorMath.Sigmoid(xr + ur), update = VectorMath.Sigmoid(xz + uz);
        Vector256<float> candidate = VectorMath.Tanh(Vector256.MultiplyAddEstimate(reset, un, xn));
        return Vector256.MultiplyAddEstimate(update, state - candidate, candidate);
    }

    /// <summary>y = a * (1 - share) + b * share.</summary>
    internal static void Blend(float* a, float* b, float share, float* y, int count)
    {
        Vector256<float> f = Vector256.Create(1 - share), g = Vector256.Create(share);
        int i = 0;
        for (; i <= count - 8; i += 8)
            Vector256.MultiplyAddEstimate(Vector256.Load(b + i), g, Vector256.Load(a + i) * f).Store(y + i);
        for (; i < count; i++) y[i] = a[i] * (1 - share) + b[i] * share;
    }

    /// <summary>y = a - b.</summary>
    internal static void Subtract(float* a, float* b, float* y, int count)
    {
        int i = 0;
        for (; i <= count - 8; i += 8) (Vector256.Load(a + i) - Vector256.Load(b + i)).Store(y + i);
        for (; i < count; i++) y[i] = a[i] - b[i];
    }

    /// <summary>Autocorrelation of one frame: see <see cref="OperatorSet.AutoCorrelation"/>; scratch holds the frame.</summary>
    internal static void AutoCorrelation(float* audio, float* taper, int length, float scale, float* y, int lags, float* scratch)
    {
        double total = 0;
        for (int n = 0; n < length; n++) total += audio[n];
        float mean = (float)(total / length);
        for (int n = 0; n < length; n++) scratch[n] = (audio[n] - mean) * taper[n];
        for (int lag = 0; lag < lags; lag++) y[lag] = VectorMath.Dot(scratch, scratch + lag, length - lag) * scale;
    }
}
