using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Networks;

/// <summary>
/// The regression network of one window in float64, written as its definition reads: the oracle for every backend. Activations are
/// [time, channel] row-major. <paramref name="stage"/> is called with the name, values and columns of each intermediate result.
/// </summary>
internal sealed class ReferenceRegression(RegressionConfig config, WeightSet weights, Action<string, double[], int>? stage = null)
{
    /// <summary>[input length] and [implicit + explicit] to [skin, tongue, jaw, eyes].</summary>
    public double[] Run(ReadOnlySpan<float> input, ReadOnlySpan<float> emotion)
    {
        double[] audio = ToDouble(input);
        double[] all = ToDouble(emotion);
        double[] embedded = Linear("emotion", all[config.ImplicitLength..], config.EmotionCount, config.EmotionEmbedding);
        double[] joint = [.. all[..config.ImplicitLength], .. embedded];
        Note("emotion", joint, joint.Length);

        double[] x = [];
        int width = 0;
        if (config.Wav2Vec is { } w2v)
        {
            double[] features = Linear("w2v.mapping", SpeechFeatures(w2v, audio), w2v.Dim, config.Channels);
            Relu(features, 1);
            (x, width) = Append(x, width, features, config.Channels);
        }
        if (config.AutoCorrelation is { } correlation) (x, width) = Append(x, width, SpectralFeatures(correlation, audio), config.Channels);
        Note("features", x, width);

        for (int i = 0; i < config.TimeConvs.Count; i++)
        {
            if (i > 0) (x, width) = AppendToRows(x, width, joint);
            x = Conv($"time{i + 1}", x, width, config.TimeConvs[i], config.Channels);
            Relu(x, config.ReluGain);
            width = config.Channels;
            Note($"time{i + 1}", x, width);
        }
        (x, _) = AppendToRows(x, width, joint);
        x = Linear("fusion", x, x.Length, config.Channels);
        Relu(x, config.ReluGain);
        Note("fusion", x, x.Length);
        x = [.. x, .. joint];

        int face = config.SkinSize + config.JawSize + config.EyesSize;
        double[] f = Linear("face2", Linear("face1", x, x.Length, face), face, face);
        double[] t = Linear("tongue2", Linear("tongue1", x, x.Length, config.TongueSize), config.TongueSize, config.TongueSize);
        return [.. f[..config.SkinSize], .. t, .. f[config.SkinSize..]];
    }

    private double[] SpeechFeatures(Wav2VecConfig c, double[] audio)
    {
        double[] x = audio;
        int width = 1;
        for (int i = 0; i < c.Convs.Count; i++)
        {
            x = Conv($"w2v.conv{i}", x, width, c.Convs[i], c.Channels);
            width = c.Channels;
            if (i == 0) GroupNorm("w2v.conv0.norm", x, width, c.GroupNormEpsilon);
            Gelu(x);
            Note($"w2v.conv{i}", x, width);
        }
        LayerNorm("w2v.projection.norm", x, width, c.LayerNormEpsilon);
        x = Linear("w2v.projection", x, width, c.Dim);
        Note("w2v.projection", x, c.Dim);
        double[] position = Conv("w2v.position", x, c.Dim, new ConvShape(c.PositionKernel, 1, c.PositionKernel / 2), c.Dim,
            c.PositionGroups);
        Gelu(position);
        for (int i = 0; i < x.Length; i++) x[i] += position[i];
        LayerNorm("w2v.norm", x, c.Dim, c.LayerNormEpsilon);
        Note("w2v.norm", x, c.Dim);
        ReadOnlySpan<float> mix = weights.Get("w2v.layer_mix", c.Layers).Span;
        var mixed = new double[x.Length];
        for (int l = 0; l < c.Layers; l++)
        {
            x = TransformerLayer($"w2v.layer{l}", x, c);
            Note($"w2v.layer{l}", x, c.Dim);
            for (int i = 0; i < x.Length; i++) mixed[i] += mix[l] * x[i];
        }
        return mixed;
    }

    private double[] TransformerLayer(string name, double[] x, Wav2VecConfig c)
    {
        double[] y = Linear($"{name}.attention_out", Attention(Linear($"{name}.qkv", x, c.Dim, 3 * c.Dim), c.Dim, c.Heads), c.Dim, c.Dim);
        for (int i = 0; i < x.Length; i++) y[i] += x[i];
        LayerNorm($"{name}.norm1", y, c.Dim, c.LayerNormEpsilon);
        double[] h = Linear($"{name}.ff1", y, c.Dim, c.FeedForward);
        Gelu(h);
        h = Linear($"{name}.ff2", h, c.FeedForward, c.Dim);
        for (int i = 0; i < y.Length; i++) h[i] += y[i];
        LayerNorm($"{name}.norm2", h, c.Dim, c.LayerNormEpsilon);
        return h;
    }

    /// <summary>softmax(q k^T / sqrt(head size)) v of [time, 3 * dim], head by head.</summary>
    private static double[] Attention(double[] qkv, int dim, int heads)
    {
        int times = qkv.Length / (3 * dim);
        int size = dim / heads;
        var result = new double[times * dim];
        for (int head = 0; head < heads; head++)
        {
            for (int t = 0; t < times; t++)
            {
                var p = new double[times];
                for (int s = 0; s < times; s++)
                {
                    for (int e = 0; e < size; e++) p[s] += qkv[t * 3 * dim + head * size + e] * qkv[s * 3 * dim + dim + head * size + e];
                    p[s] /= Math.Sqrt(size);
                }
                double max = p.Max();
                double sum = p.Sum(v => Math.Exp(v - max));
                for (int s = 0; s < times; s++)
                {
                    double weight = Math.Exp(p[s] - max) / sum;
                    int value = (3 * s + 2) * dim + head * size;
                    for (int e = 0; e < size; e++) result[t * dim + head * size + e] += weight * qkv[value + e];
                }
            }
        }
        return result;
    }

    private double[] SpectralFeatures(AutoCorrelationConfig c, double[] audio)
    {
        ReadOnlySpan<float> taper = weights.Get("autocorrelation.taper", c.WindowLength).Span;
        var result = new double[c.Windows * config.Channels];
        for (int w = 0; w < c.Windows; w++)
        {
            var frame = new double[c.WindowLength];
            for (int i = 0; i < frame.Length; i++) frame[i] = audio[w * c.Hop + i] * c.InputGain;
            double mean = frame.Average();
            for (int i = 0; i < frame.Length; i++) frame[i] = (frame[i] - mean) * taper[i];
            var x = new double[c.Lags];
            for (int lag = 0; lag < x.Length; lag++)
            {
                for (int i = 0; i + lag < frame.Length; i++) x[lag] += frame[i] * frame[i + lag];
                x[lag] *= c.Scale;
            }
            Note($"autocorrelation{w}", x, 1);
            int width = 1;
            for (int i = 0; i < c.Convs.Count; i++)
            {
                int outputs = weights[$"frequency{i + 1}.bias"].Shape[0];
                x = Conv($"frequency{i + 1}", x, width, c.Convs[i], outputs);
                Relu(x, config.ReluGain);
                width = outputs;
            }
            x.CopyTo(result, w * config.Channels);
        }
        return result;
    }

    private double[] Linear(string name, double[] x, int inputs, int outputs) =>
        Conv(name, x, inputs, new ConvShape(1, 1, 0), outputs, 1, [inputs, outputs]);

    /// <summary>Weight [tap, in / groups, out], or [in, out] for a linear layer; bias where the set has one.</summary>
    private double[] Conv(string name, double[] x, int inputs, ConvShape shape, int outputs, int groups = 1, int[]? linear = null)
    {
        int group = inputs / groups;
        ReadOnlySpan<float> w = weights.Get($"{name}.weight", linear ?? [shape.Kernel, group, outputs]).Span;
        ReadOnlySpan<float> bias = weights.Contains($"{name}.bias") ? weights.Get($"{name}.bias", outputs).Span : new float[outputs];
        int times = x.Length / inputs;
        int results = (times + 2 * shape.Padding - shape.Kernel) / shape.Stride + 1;
        // A positional convolution has an even kernel and gives one step more than it takes; the last is not used.
        if (shape.Stride == 1 && shape.Kernel % 2 == 0 && shape.Padding > 0) results = times;
        var y = new double[results * outputs];
        for (int t = 0; t < results; t++)
        {
            Span<double> row = y.AsSpan(t * outputs, outputs);
            for (int o = 0; o < outputs; o++) row[o] = bias[o];
            for (int k = 0; k < shape.Kernel; k++)
            {
                int from = t * shape.Stride + k - shape.Padding;
                if (from < 0 || from >= times) continue;
                for (int i = 0; i < group; i++)
                {
                    ReadOnlySpan<float> column = w.Slice((k * group + i) * outputs, outputs);
                    for (int o = 0; o < outputs; o++) row[o] += column[o] * x[from * inputs + o / (outputs / groups) * group + i];
                }
            }
        }
        return y;
    }

    /// <summary>For each channel over time.</summary>
    private void GroupNorm(string name, double[] x, int width, double epsilon)
    {
        ReadOnlySpan<float> w = weights.Get($"{name}.weight", width).Span;
        ReadOnlySpan<float> b = weights.Get($"{name}.bias", width).Span;
        for (int c = 0; c < width; c++) Normalise(x, c, width, x.Length / width, epsilon, _ => (0, 0), w[c], b[c]);
    }

    private void LayerNorm(string name, double[] x, int width, double epsilon)
    {
        float[] w = weights.Get($"{name}.weight", width).ToArray();
        float[] b = weights.Get($"{name}.bias", width).ToArray();
        for (int t = 0; t < x.Length / width; t++) Normalise(x, t * width, 1, width, epsilon, c => (w[c] - 1, b[c]), 1, 0);
    }

    private static void Normalise(double[] x, int start, int step, int count, double epsilon, Func<int, (double W, double B)> own, double w,
        double b)
    {
        double mean = 0;
        double variance = 0;
        for (int i = 0; i < count; i++) mean += x[start + i * step] / count;
        for (int i = 0; i < count; i++) variance += Math.Pow(x[start + i * step] - mean, 2) / count;
        for (int i = 0; i < count; i++)
        {
            ref double v = ref x[start + i * step];
            v = (v - mean) / Math.Sqrt(variance + epsilon) * (w + own(i).W) + b + own(i).B;
        }
    }

    private static void Relu(double[] x, double gain)
    {
        for (int i = 0; i < x.Length; i++) x[i] = gain * Math.Max(x[i], 0);
    }

    private static void Gelu(double[] x)
    {
        for (int i = 0; i < x.Length; i++) x[i] *= 0.5 * Erfc(-x[i] / Math.Sqrt(2));
    }

    /// <summary>Complementary error function: the series of erf near zero, the continued fraction of erfc beyond.</summary>
    private static double Erfc(double x)
    {
        double z = Math.Abs(x);
        double value;
        if (z < 2.5)
        {
            double term = 2 / Math.Sqrt(Math.PI) * z * Math.Exp(-z * z);
            double sum = term;
            for (int n = 1; term > 1e-18 * sum; n++) sum += term *= 2 * z * z / (2 * n + 1);
            value = 1 - sum;
        }
        else
        {
            double fraction = 0;
            for (int n = 60; n > 0; n--) fraction = n / 2.0 / (z + fraction);
            value = Math.Exp(-z * z) / Math.Sqrt(Math.PI) / (z + fraction);
        }
        return x < 0 ? 2 - value : value;
    }

    private static (double[] X, int Width) Append(double[] x, int width, double[] y, int more)
    {
        int times = y.Length / more;
        var joined = new double[times * (width + more)];
        for (int t = 0; t < times; t++)
        {
            Array.Copy(x, t * width, joined, t * (width + more), width);
            Array.Copy(y, t * more, joined, t * (width + more) + width, more);
        }
        return (joined, width + more);
    }

    private static (double[] X, int Width) AppendToRows(double[] x, int width, double[] row)
    {
        double[] repeated = [.. Enumerable.Repeat(row, x.Length / width).SelectMany(r => r)];
        return Append(x, width, repeated, row.Length);
    }

    private static double[] ToDouble(ReadOnlySpan<float> x)
    {
        var result = new double[x.Length];
        for (int i = 0; i < result.Length; i++) result[i] = x[i];
        return result;
    }

    private void Note(string name, double[] values, int columns) => stage?.Invoke(name, values, columns);
}
