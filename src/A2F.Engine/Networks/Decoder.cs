using A2F.Engine.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The last layers of the regression network: two linear layers for skin, jaw and eyes, two for the tongue, with nothing between them. So
/// each pair is one matrix, and both pairs together are one layer from the fused features to the result.
/// </summary>
internal sealed class Decoder
{
    private readonly OperatorSet _ops;
    private readonly RegressionConfig _config;
    private readonly GemmWeights? _folded;
    private readonly GemmWeights? _face1, _faceSkin, _faceRest, _tongue1, _tongue2;
    private readonly Tensor _hidden, _tongueHidden;

    internal Decoder(RegressionConfig config, WeightSet weights, OperatorSet ops, int inputs, int maxBatch, bool folded)
    {
        (_ops, _config) = (ops, config);
        int rest = config.JawSize + config.EyesSize, face = config.SkinSize + rest, tongue = config.TongueSize;
        ReadOnlySpan<float> face1 = weights.Get("face1.weight", inputs, face).Span, face1Bias = weights.Get("face1.bias", face).Span;
        ReadOnlySpan<float> face2 = weights.Get("face2.weight", face, face).Span, face2Bias = weights.Get("face2.bias", face).Span;
        ReadOnlySpan<float> tongue1 = weights.Get("tongue1.weight", inputs, tongue).Span, tongue1Bias = weights.Get("tongue1.bias", tongue).Span;
        ReadOnlySpan<float> tongue2 = weights.Get("tongue2.weight", tongue, tongue).Span, tongue2Bias = weights.Get("tongue2.bias", tongue).Span;
        if (folded)
        {
            float[] matrix = new float[inputs * config.OutputLength], bias = new float[config.OutputLength];
            double[] product = new double[face];
            for (int row = 0; row <= inputs; row++)
            {
                // Row `inputs` is the bias.
                bool last = row == inputs;
                Span<float> target = last ? bias : matrix.AsSpan(row * config.OutputLength, config.OutputLength);
                Multiply(last ? face1Bias : face1.Slice(row * face, face), face2, last ? face2Bias : [], product);
                for (int i = 0; i < face; i++) target[i < config.SkinSize ? i : i + tongue] = (float)product[i];
                Multiply(last ? tongue1Bias : tongue1.Slice(row * tongue, tongue), tongue2, last ? tongue2Bias : [], product);
                for (int i = 0; i < tongue; i++) target[config.SkinSize + i] = (float)product[i];
            }
            _folded = ops.Pack(matrix, bias, 1, inputs, config.OutputLength);
            return;
        }
        _face1 = ops.Pack(face1, face1Bias, 1, inputs, face);
        _faceSkin = ops.Pack(Columns(face2, face, 0, config.SkinSize), face2Bias[..config.SkinSize], 1, face, config.SkinSize);
        _faceRest = ops.Pack(Columns(face2, face, config.SkinSize, rest), face2Bias[config.SkinSize..], 1, face, rest);
        _tongue1 = ops.Pack(tongue1, tongue1Bias, 1, inputs, tongue);
        _tongue2 = ops.Pack(tongue2, tongue2Bias, 1, tongue, tongue);
        _hidden = ops.Allocate(maxBatch, 1, face);
        _tongueHidden = ops.Allocate(maxBatch, 1, tongue);
    }

    /// <summary>[items, 1, inputs] to [items, 1, skin + tongue + jaw + eyes].</summary>
    internal void Run(Tensor fused, Tensor result)
    {
        if (_folded is not null)
        {
            _ops.Gemm(fused, 1, _folded, result);
            return;
        }
        Tensor hidden = _hidden.Take(fused.Items), tongue = _tongueHidden.Take(fused.Items);
        _ops.Gemm(fused, 1, _face1!, hidden);
        _ops.Gemm(hidden, 1, _faceSkin!, result.ColumnRange(0, _config.SkinSize));
        _ops.Gemm(hidden, 1, _faceRest!, result.ColumnRange(_config.SkinSize + _config.TongueSize, _config.JawSize + _config.EyesSize));
        _ops.Gemm(fused, 1, _tongue1!, tongue);
        _ops.Gemm(tongue, 1, _tongue2!, result.ColumnRange(_config.SkinSize, _config.TongueSize));
    }

    /// <summary>product = row * matrix + bias, in double.</summary>
    private static void Multiply(ReadOnlySpan<float> row, ReadOnlySpan<float> matrix, ReadOnlySpan<float> bias, double[] product)
    {
        int columns = row.IsEmpty ? 0 : matrix.Length / row.Length;
        for (int o = 0; o < columns; o++) product[o] = bias.IsEmpty ? 0 : bias[o];
        for (int i = 0; i < row.Length; i++)
        {
            ReadOnlySpan<float> line = matrix.Slice(i * columns, columns);
            for (int o = 0; o < columns; o++) product[o] += (double)row[i] * line[o];
        }
    }

    private static float[] Columns(ReadOnlySpan<float> matrix, int width, int first, int count)
    {
        float[] part = new float[matrix.Length / width * count];
        for (int row = 0; row < matrix.Length / width; row++) matrix.Slice(row * width + first, count).CopyTo(part.AsSpan(row * count));
        return part;
    }
}
