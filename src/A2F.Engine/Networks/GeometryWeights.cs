using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>The last two layers of the geometry embedding, the first one's rows where <see cref="FaceColumns"/> puts the features.</summary>
/// <param name="Width">Channels between the two.</param>
/// <param name="First">[columns, width].</param>
/// <param name="FirstBias">[width].</param>
/// <param name="Second">[width, geometry features].</param>
/// <param name="SecondBias">[geometry features].</param>
internal sealed record GeometryWeights(int Width, float[] First, float[] FirstBias, float[] Second, float[] SecondBias)
{
    internal static GeometryWeights Of(DiffusionConfig config, WeightSet weights, FaceColumns columns)
    {
        int width = config.Features.Total, row = 0;
        ReadOnlySpan<float> first = weights.Get("geometry1.weight", width, width).Span;
        float[] spread = new float[columns.Total * width];
        for (int part = 0; part < 4; part++)
        {
            (int start, int size) = columns.Part(part);
            first.Slice(row * width, size * width).CopyTo(spread.AsSpan(start * width));
            row += size;
        }
        return new GeometryWeights(
            width, spread, weights.Get("geometry1.bias", width).ToArray(), weights.Get("geometry2.weight", width, config.GeometryFeatures).ToArray(),
            weights.Get("geometry2.bias", config.GeometryFeatures).ToArray());
    }

    /// <summary>The geometry token of rectified features, in double.</summary>
    internal double[] Run(ReadOnlySpan<double> features)
    {
        double[] middle = Multiply(features, First, FirstBias);
        for (int i = 0; i < middle.Length; i++) middle[i] = Math.Max(middle[i], 0);
        return Multiply(middle, Second, SecondBias);
    }

    internal static double[] Multiply(ReadOnlySpan<double> row, ReadOnlySpan<float> matrix, ReadOnlySpan<float> bias)
    {
        double[] result = new double[bias.Length];
        for (int o = 0; o < result.Length; o++) result[o] = bias[o];
        for (int i = 0; i < row.Length; i++)
        {
            if (row[i] == 0) continue;
            ReadOnlySpan<float> line = matrix.Slice(i * bias.Length, bias.Length);
            for (int o = 0; o < result.Length; o++) result[o] += row[i] * line[o];
        }
        return result;
    }
}
