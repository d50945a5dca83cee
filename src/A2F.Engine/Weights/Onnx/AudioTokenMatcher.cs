namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Recognises the resampling between the audio encoder and its projection: linear interpolation over time, first and last frame on first
/// and last. Which encoder frames a face frame reads, and with which weights, is compared for each of them.
/// </summary>
internal sealed class AudioTokenMatcher(Walker walker)
{
    private const double Tolerance = 1e-4;

    private readonly OnnxGraph _graph = walker.Graph;

    /// <param name="input">Input of the projection for the centre frames, [batch, frame, rows * channels].</param>
    /// <param name="projection">The projection.</param>
    /// <param name="first">First of the centre frames.</param>
    /// <param name="frames">All face frames.</param>
    public AudioToken Match(Signal input, LinearLayer projection, int first, int frames)
    {
        (int batch, int count) = (input.Dims[0], input.Dims[1]);
        OnnxNode sum = walker.Node(input, "resampled audio features: two encoder frames, weighted and added", "Add");
        (Signal low, double[] lowWeight) = Weighted(walker.Operand(input, sum, 0));
        (Signal high, double[] highWeight) = Weighted(walker.Operand(input, sum, 1));
        int[] shape = _graph.Shape(low.Tensor);
        if (low.Tensor != high.Tensor || shape.Length != 3 || shape[0] != batch || input.Last % shape[2] != 0)
            throw _graph.Mismatch(sum, "two frames of the audio encoder's output [batch, time, channel]", "other activations");
        (int length, int channels) = (shape[1], shape[2]);
        int rows = input.Last / channels;
        double stride = (length - 1.0) / (frames * rows - 1.0);
        for (int i = 0; i < input.Index.Length; i++)
        {
            int item = i / input.Last / count;
            int at = (first + i / input.Last % count) * rows + i % input.Last / channels;
            (int a, int b) = (Frame(low, i), Frame(high, i));
            double position = a * lowWeight[i] + b * highWeight[i];
            bool same = Channel(low, i) && Channel(high, i) && Math.Abs(a - b) <= 1 && lowWeight[i] >= 0 && highWeight[i] >= 0
                && Math.Abs(lowWeight[i] + highWeight[i] - 1) < Tolerance && Math.Abs(position - at * stride) < Tolerance;
            if (!same)
            {
                throw _graph.Mismatch(sum,
                    $"encoder frames resampled from {length} to {frames * rows}, first on first and last on last, {rows} for a face frame",
                    $"{lowWeight[i]} of frame {a} and {highWeight[i]} of frame {b} for frame {at}");
            }

            int Frame(Signal s, int element) => s.Index[element] / channels - item * length;

            bool Channel(Signal s, int element) => s.Index[element] % channels == i % channels;
        }
        return new AudioToken(projection, rows, walker.Whole(low.Tensor));
    }

    /// <summary>An activation times constants that differ from element to element.</summary>
    private (Signal Signal, double[] Weights) Weighted(Signal product)
    {
        OnnxNode mul = walker.Node(product, "an encoder frame times its weight", "Mul");
        for (int i = 0; i < 2; i++)
        {
            if (!_graph.IsConstant(mul.Input(i))) continue;
            double[] weights = walker.Numbers(walker.Operand(product, mul, i), "interpolation weight");
            return (walker.Operand(product, mul, 1 - i), weights);
        }
        throw _graph.Mismatch(mul, "an encoder frame times a constant weight", "two activations");
    }
}
