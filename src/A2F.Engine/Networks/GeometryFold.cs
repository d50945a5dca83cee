using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Weights;

namespace A2F.Engine.Networks;

/// <summary>
/// The first layer of the geometry embedding, e = x W + b (with the convolution over the features where that is folded into it), and what it
/// makes of whatever x is a sum of: the heads' last layer, the mean faces, the noise. Computed on the host when a network is loaded, in
/// float32 sums of 2048 products that are added up in double. Features lie as <see cref="FaceColumns"/> has them.
/// </summary>
internal sealed class GeometryFold
{
    private const int Depth = 2048;

    private static readonly string[] Names = ["skin", "tongue", "jaw", "eyes"];

    private readonly DiffusionConfig _config;
    private readonly WeightSet _weights;
    private readonly bool _folded;
    private readonly int _threads;
    private readonly (int First, int Size)[] _features;
    private readonly int[] _outputs, _firstOutputs;

    /// <param name="config">Sizes.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="folded">Whether the convolutions over the features are part of it.</param>
    /// <param name="threads">Threads to compute on.</param>
    internal GeometryFold(DiffusionConfig config, WeightSet weights, bool folded, int threads)
    {
        (_config, _weights, _folded, _threads) = (config, weights, folded, threads);
        Columns = new FaceColumns(config.Features);
        _features = [Columns.Part(0), Columns.Part(1), Columns.Part(2), Columns.Part(3)];
        FaceSizes o = config.Outputs;
        _outputs = [o.Skin, o.Tongue, o.Jaw, o.Eyes];
        _firstOutputs = [0, o.Skin, o.Skin + o.Tongue, o.Skin + o.Tongue + o.Jaw];
        for (int part = 0; part < 2; part++) CheckTaps($"{Names[part]}_embed.conv.weight");
    }

    /// <summary>Where the features lie.</summary>
    internal FaceColumns Columns { get; }

    /// <summary>b, of the length of all columns.</summary>
    internal double[] Bias()
    {
        double[] bias = new double[Columns.Total];
        for (int part = 0; part < 4; part++)
        {
            double[] row = [.. Get(part, "bias", _features[part].Size).ToArray()];
            if (_folded && HasConvolution(part)) row = Convolve(part, row, _weights.Get($"{Names[part]}_embed.conv.bias", 1).Span[0]);
            row.CopyTo(bias, _features[part].First);
        }
        return bias;
    }

    /// <summary>W of one part, [outputs, features], row-major.</summary>
    internal ReadOnlyMemory<float> Weights(int part)
    {
        (int rows, int size) = (_outputs[part], _features[part].Size);
        ReadOnlyMemory<float> plain = Get(part, "weight", rows, size);
        if (!_folded || !HasConvolution(part)) return plain;
        float[] result = new float[plain.Length];
        double[] row = new double[size];
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<float> source = plain.Span.Slice(r * size, size);
            for (int i = 0; i < size; i++) row[i] = source[i];
            double[] convolved = Convolve(part, row, 0);
            for (int i = 0; i < size; i++) result[r * size + i] = (float)convolved[i];
        }
        return result;
    }

    /// <summary>The convolutions over the features as one matrix [columns, columns] and its bias, for where they are not folded.</summary>
    internal (float[] Matrix, float[] Bias) Convolutions()
    {
        int width = Columns.Total;
        (float[] matrix, float[] bias) = (new float[width * width], new float[width]);
        for (int part = 0; part < 4; part++)
        {
            (int first, int size) = _features[part];
            for (int i = 0; i < size; i++)
            {
                double[] row = new double[size];
                row[i] = 1;
                if (HasConvolution(part)) row = Convolve(part, row, 0);
                for (int j = 0; j < size; j++) matrix[(first + i) * width + first + j] = (float)row[j];
            }
            if (HasConvolution(part)) bias.AsSpan(first, size).Fill(_weights.Get($"{Names[part]}_embed.conv.bias", 1).Span[0]);
        }
        return (matrix, bias);
    }

    /// <summary>Writes part of a row of what is to be multiplied: outputs first.. of a part of the face.</summary>
    internal delegate void FillRow(int row, int firstOutput, Span<float> values);

    /// <summary>x W for rows of x over one part of the face, [rows, features of the part].</summary>
    internal double[] Product(int part, int rows, FillRow fill)
    {
        (int inner, int columns) = (_outputs[part], _features[part].Size);
        ReadOnlySpan<float> weights = Get(part, "weight", inner, columns).Span;
        double[] sums = new double[rows * columns];
        float[] left = new float[rows * Math.Min(Depth, inner)], product = new float[rows * columns];
        for (int k = 0; k < inner; k += Depth)
        {
            int depth = Math.Min(Depth, inner - k);
            using CpuOperators ops = new(_threads);
            Tensor x = ops.Allocate(1, rows, depth), y = ops.Allocate(1, rows, columns);
            for (int row = 0; row < rows; row++) fill(row, _firstOutputs[part] + k, left.AsSpan(row * depth, depth));
            ops.Write(x, left.AsSpan(0, rows * depth));
            ops.Gemm(x, 1, ops.Pack(weights.Slice(k * columns, depth * columns), [], 1, depth, columns), y);
            ops.Read(y, product);
            for (int i = 0; i < sums.Length; i++) sums[i] += product[i];
        }
        if (!_folded || !HasConvolution(part)) return sums;
        for (int row = 0; row < rows; row++)
            Convolve(part, sums.AsSpan(row * columns, columns).ToArray(), 0).CopyTo(sums, row * columns);
        return sums;
    }

    /// <summary>Layout of the second layer of jaw and eyes, [columns from the jaw's on, the same], and its bias.</summary>
    internal (float[] Matrix, float[] Bias) SecondLayer()
    {
        int first = Columns.Jaw, width = Columns.Total - first;
        (float[] matrix, float[] bias) = (new float[width * width], new float[width]);
        for (int part = 2; part < 4; part++)
        {
            (int start, int size) = (_features[part].First - first, _features[part].Size);
            ReadOnlySpan<float> weights = _weights.Get($"{Names[part]}_embed2.weight", size, size).Span;
            for (int i = 0; i < size; i++) weights.Slice(i * size, size).CopyTo(matrix.AsSpan((start + i) * width + start));
            _weights.Get($"{Names[part]}_embed2.bias", size).Span.CopyTo(bias.AsSpan(start));
        }
        return (matrix, bias);
    }

    private void CheckTaps(string name)
    {
        int[] shape = _weights[name].Shape;
        if (shape.Length == 1 && shape[0] % 2 == 1) return;
        throw new A2FException(A2FErrorCode.InvalidModel,
            $"weight '{name}': expected an odd number of taps, so that one is the centre, found shape {NdArray.FormatShape(shape)}");
    }

    private static bool HasConvolution(int part) => part < 2;

    private ReadOnlyMemory<float> Get(int part, string what, params int[] shape) =>
        _weights.Get($"{Names[part]}_embed{(HasConvolution(part) ? "" : "1")}.{what}", shape);

    /// <summary>Zero-padded correlation along the features.</summary>
    private double[] Convolve(int part, double[] row, double bias)
    {
        WeightTensor taps = _weights[$"{Names[part]}_embed.conv.weight"];
        int centre = taps.Data.Length / 2;
        ReadOnlySpan<float> w = taps.Data.Span;
        double[] result = new double[row.Length];
        for (int i = 0; i < row.Length; i++)
        {
            double sum = bias;
            for (int k = Math.Max(0, centre - i); k < Math.Min(w.Length, row.Length + centre - i); k++) sum += row[i + k - centre] * w[k];
            result[i] = sum;
        }
        return result;
    }
}
