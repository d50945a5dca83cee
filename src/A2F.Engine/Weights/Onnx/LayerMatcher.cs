using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Recognises single layers at an activation and steps to the layer's input. Activations are [batch, time, channel] or
/// [row, channel] unless said otherwise.
/// </summary>
internal sealed class LayerMatcher(Walker walker)
{
    private const double ConstantTolerance = 1e-6;

    private readonly OnnxGraph _graph = walker.Graph;

    /// <summary>Whether a resolved signal is the output of a linear layer with a constant weight and bias.</summary>
    public bool IsLinear(Signal signal) => walker.TryNode(signal) is { } node && (node.Op == "Gemm"
        || (node.Op == "Add" && FindProduct(signal, node) is not null));

    /// <summary>x W + b as MatMul and Add, or as Gemm.</summary>
    public (Signal Input, LinearLayer Layer) Linear(Signal signal, string what)
    {
        signal = walker.Resolve(signal);
        OnnxNode node = walker.Node(signal, $"the linear layer {what}", "Gemm", "Add");
        if (node.Op == "Gemm") return Gemm(signal, node, what);
        if (FindProduct(signal, node) is not var (product, bias))
            throw _graph.Mismatch(node, $"the linear layer {what}: a MatMul with a constant, plus a constant", "an Add of others");
        OnnxNode matmul = walker.TryNode(product)!;
        float[] b = walker.PerChannel(bias, $"bias of {what}");
        int[] shape = _graph.Shape(matmul.Inputs[1]);
        if (shape.Length != 2) throw _graph.Mismatch(matmul, $"a weight of 2 dimensions for {what}", NdArray.FormatShape(shape));
        Signal input = Rows(product, matmul.Inputs[0], shape[0], shape[1], what);
        return (input, new LinearLayer(Weights(matmul.Inputs[1]), b, shape[0], shape[1]));
    }

    private (Signal Product, Signal Bias)? FindProduct(Signal signal, OnnxNode add)
    {
        for (int i = 0; i < 2; i++)
        {
            Signal product = walker.Operand(signal, add, i);
            if (walker.TryNode(product) is { Op: "MatMul" } matmul && _graph.IsConstant(matmul.Input(1))
                && _graph.IsConstant(add.Input(1 - i)))
            {
                return (product, walker.Operand(signal, add, 1 - i));
            }
        }
        return null;
    }

    private (Signal Input, LinearLayer Layer) Gemm(Signal signal, OnnxNode node, string what)
    {
        if (node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1 || node.Int("transA", 0) != 0)
        {
            throw _graph.Mismatch(node, $"{what} with alpha 1, beta 1, transA 0", "others");
        }
        if (!_graph.IsConstant(node.Input(1)) || !_graph.IsConstant(node.Input(2)))
            throw _graph.Mismatch(node, $"{what} with constant weight and bias", "others");
        float[] bias = walker.PerChannel(walker.Operand(signal, node, 2), $"bias of {what}");
        int[] shape = _graph.Shape(node.Inputs[1]);
        (int rows, int columns) = (shape[0], shape[1]);
        bool transposed = node.Int("transB", 0) != 0;
        float[] weight = transposed
            ? walker.Weights(node.Inputs[1], "transposed", w => Shapes.Transposed(w, shape[0], shape[1]))
            : Weights(node.Inputs[1]);
        if (transposed) (rows, columns) = (columns, rows);
        return (Rows(signal, node.Inputs[0], rows, columns, what), new LinearLayer(weight, bias, rows, columns));
    }

    /// <summary>From the rows of a product [.., out] to the rows of its first factor [.., in].</summary>
    private Signal Rows(Signal signal, int factor, int inputs, int outputs, string what)
    {
        if (signal.Last != outputs) throw _graph.Mismatch(signal.Tensor, $"{signal.Last} channels of {what} in one row of {outputs}");
        var index = new int[walker.Checked(_graph.Producer(signal.Tensor), (long)signal.Index.Length / outputs * inputs)];
        for (int i = 0; i < signal.Index.Length; i += outputs)
        {
            int start = signal.Index[i];
            for (int c = 0; c < outputs; c++)
            {
                if (start % outputs != 0 || signal.Index[i + c] != start + c)
                    throw _graph.Mismatch(signal.Tensor, $"the channels of {what} in order along the last axis");
            }
            int row = start / outputs * inputs;
            for (int c = 0; c < inputs; c++) index[i / outputs * inputs + c] = row + c;
        }
        return walker.Resolve(new Signal(factor, [.. signal.Dims[..^1], inputs], index));
    }

    /// <summary>x W without a bias; W may be a vector, a layer with one output.</summary>
    public (Signal Input, float[] Weight, int In) Product(Signal signal, string what)
    {
        signal = walker.Resolve(signal);
        OnnxNode node = walker.Node(signal, $"the product {what}", "MatMul");
        if (!_graph.IsConstant(node.Input(1))) throw _graph.Mismatch(node, $"a constant weight for {what}", "an activation");
        int[] shape = _graph.Shape(node.Inputs[1]);
        if (shape.Length is not (1 or 2)) throw _graph.Mismatch(node, $"a weight of 2 dimensions for {what}", NdArray.FormatShape(shape));
        Signal input = Rows(signal, node.Inputs[0], shape[0], shape.Length == 1 ? 1 : shape[1], what);
        return (input, Weights(node.Inputs[1]), shape[0]);
    }

    private float[] Weights(int tensor) => walker.Weights(tensor);

    /// <summary>A rectifier with a gain: gain * max(x, 0).</summary>
    public (Signal Input, float Gain) Relu(Signal signal, string what)
    {
        (double gain, Signal s) = walker.Scaled(signal);
        OnnxNode node = walker.Node(s, $"the rectifier after {what}", "Relu", "LeakyRelu");
        if (node.Op == "LeakyRelu" && node.Float("alpha", 0.01f) != 0)
            throw _graph.Mismatch(node, $"an alpha of 0 after {what}", $"{node.Float("alpha", 0.01f)}");
        if (!(gain > 0)) throw _graph.Mismatch(node, $"a gain above 0 after {what}", $"{gain}");
        return (walker.Operand(s, node, 0), (float)gain);
    }

    /// <summary>Exact GELU: one operator, or x / 2 * (1 + erf(x / sqrt 2)) in any order of the factors.</summary>
    public Signal Gelu(Signal signal, string what)
    {
        signal = walker.Resolve(signal);
        if (walker.TryNode(signal) is { Op: "Gelu" } single)
        {
            string form = single.Text("approximate", "none");
            return form == "none" ? walker.Operand(signal, single, 0) : throw _graph.Mismatch(single, $"exact GELU after {what}",
                $"approximate = {form}");
        }
        (double half, List<Signal> leaves) = walker.Factors(signal);
        for (int i = 0; i < leaves.Count && leaves.Count == 2 && Near(half, 0.5); i++)
        {
            if (ErfArgument(leaves[i]) is not { } argument) continue;
            (double scale, Signal x) = walker.Scaled(argument);
            if (Near(scale, Math.Sqrt(0.5)) && x.Same(leaves[1 - i])) return x;
        }
        throw _graph.Mismatch(signal.Tensor, $"GELU after {what}: x * 0.5 * (1 + Erf(x / sqrt 2))");
    }

    private Signal? ErfArgument(Signal signal)
    {
        if (walker.TryNode(signal) is not { Op: "Add" } add) return null;
        for (int i = 0; i < 2; i++)
        {
            Signal erf = walker.Operand(signal, add, i);
            if (walker.TryNode(erf) is { Op: "Erf" } node
                && walker.TryUniform(walker.Operand(signal, add, 1 - i), out double one) && Near(one, 1))
            {
                return walker.Operand(erf, node, 0);
            }
        }
        return null;
    }

    public static bool Near(double value, double expected) => Math.Abs(value - expected) <= ConstantTolerance * Math.Abs(expected);

    /// <summary>
    /// A convolution along the time axis of [row, time, channel], padded alike at both ends. Only a <paramref name="trimmed"/> one may
    /// compute more time steps than are used.
    /// </summary>
    public (Signal Input, ConvLayer Layer) Conv(Signal signal, string what, bool trimmed = false)
    {
        signal = walker.Resolve(signal);
        OnnxNode node = walker.Node(signal, $"the convolution {what}", "Conv");
        if (!_graph.IsConstant(node.Input(1)) || (node.Input(2) >= 0 && !_graph.IsConstant(node.Input(2))))
        {
            throw _graph.Mismatch(node, $"a constant weight for {what}", "one that depends on the graph's inputs");
        }
        int[] weightShape = _graph.Shape(node.Inputs[1]);
        Convolution conv = Convolution.Of(_graph, node);
        int axis = ConvAxis(signal, conv, node, what);
        for (int i = 0; i < conv.Kernel.Length; i++)
        {
            if (i != axis && (conv.Kernel[i] != 1 || conv.Strides[i] != 1 || conv.Begin[i] != 0 || conv.End[i] != 0))
            {
                throw _graph.Mismatch(node, $"{what} to work along one axis", $"kernel {NdArray.FormatShape(conv.Kernel)}");
            }
        }
        if (conv.Begin[axis] != conv.End[axis])
            throw _graph.Mismatch(node, $"{what} padded alike at both ends", $"{conv.Begin[axis]} and {conv.End[axis]}");
        int times = _graph.Shape(signal.Tensor)[axis + 2];
        if (trimmed ? signal.Dims[1] > times : signal.Dims[1] != times)
            throw _graph.Mismatch(node, $"{signal.Dims[1]} time steps of {what}", $"{times}");
        Signal input = ConvInput(signal, node, axis, what);
        var shape = new ConvShape(conv.Kernel[axis], conv.Strides[axis], conv.Begin[axis]);
        float[]? bias = node.Input(2) < 0 ? null : Weights(node.Inputs[2]);
        if (bias is not null && bias.Length != weightShape[0]) throw _graph.Mismatch(node, $"a bias of {weightShape[0]}", $"{bias.Length}");
        float[] weight = walker.Weights(node.Inputs[1], "taps", w => TapMajor(w, weightShape[0], weightShape[1], shape.Kernel));
        return (input, new ConvLayer(weight, bias, input.Last, weightShape[0], conv.Group, shape));
    }

    /// <summary>The spatial axis with a kernel, else the one along which the signal's time runs.</summary>
    private int ConvAxis(Signal signal, Convolution conv, OnnxNode node, string what)
    {
        int wide = Array.FindIndex(conv.Kernel, k => k > 1);
        if (wide >= 0 || conv.Kernel.Length == 1) return Math.Max(wide, 0);
        int[] shape = _graph.Shape(signal.Tensor);
        int axis = Array.FindLastIndex(shape, x => x == signal.Dims[1]) - 2;
        return axis >= 0 ? axis : throw _graph.Mismatch(node, $"an axis of {signal.Dims[1]} for {what}", NdArray.FormatShape(shape));
    }

    private Signal ConvInput(Signal signal, OnnxNode node, int axis, string what)
    {
        int[] y = _graph.Shape(signal.Tensor);
        int[] x = _graph.Shape(node.Inputs[0]);
        int[] yStrides = Shapes.Strides(y);
        int[] xStrides = Shapes.Strides(x);
        (int rows, int times, int channels) = (signal.Dims[0], signal.Dims[1], signal.Dims[2]);
        (int time, int inputs) = (x[axis + 2], x[1]);
        if (channels != y[1]) throw _graph.Mismatch(node, $"{channels} channels from {what}", $"{y[1]}");
        var index = new int[walker.Checked(node, (long)rows * time * inputs)];
        _graph.Spend(index.Length + signal.Index.Length);
        for (int n = 0; n < rows; n++)
        {
            int first = signal.Index[n * times * channels];
            int start = 0;
            for (int d = 0; d < x.Length; d++)
            {
                int coordinate = first / yStrides[d] % y[d];
                if (d == 1 || d == axis + 2)
                {
                    if (coordinate != 0)
                        throw _graph.Mismatch(node, $"{what} to be read from its first channel and time", $"position {first}");
                    continue;
                }
                start += coordinate * xStrides[d];
            }
            for (int i = 0; i < times * channels; i++)
            {
                int expected = first + i / channels * yStrides[axis + 2] + i % channels * yStrides[1];
                if (signal.Index[n * times * channels + i] != expected)
                    throw _graph.Mismatch(node, $"the output of {what} in order of time and channel", "another layout");
            }
            for (int i = 0; i < time * inputs; i++)
            {
                index[n * time * inputs + i] = start + i / inputs * xStrides[axis + 2] + i % inputs * xStrides[1];
            }
        }
        return walker.Resolve(new Signal(node.Inputs[0], [rows, time, inputs], index));
    }

    /// <summary>[output, input, tap] as [tap, input, output].</summary>
    private static float[] TapMajor(float[] weight, int outputs, int inputs, int taps)
    {
        // [input, tap, output], then its rows in the order of the taps.
        float[] rows = Shapes.Transposed(weight, outputs, inputs * taps);
        if (inputs == 1 || taps == 1) return rows;
        float[] result = GC.AllocateUninitializedArray<float>(weight.Length);
        for (int k = 0; k < taps; k++)
        {
            for (int i = 0; i < inputs; i++) Array.Copy(rows, (i * taps + k) * outputs, result, (k * inputs + i) * outputs, outputs);
        }
        return result;
    }
}
