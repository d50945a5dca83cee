namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Element-by-element operators on constants. Arithmetic is done in float64 and rounded to the operands' type, except for integers,
/// which stay integers.
/// </summary>
internal static class Elementwise
{
    public static bool IsKnown(string op) => op is "Add" or "Sub" or "Mul" or "Div" or "Pow" or "Sqrt" or "Exp" or "Neg" or "Floor" or
        "Ceil" or "Abs" or "Reciprocal" or "Clip" or "Equal" or "Less" or "Greater" or "And" or "Or" or "Not" or "Where";

    /// <summary>Numbers in the type of <paramref name="like"/>.</summary>
    public static ConstantValue Rounded(double[] numbers, Array like, int[] shape) => like switch
    {
        float[] => ConstantValue.Of(Array.ConvertAll(numbers, x => (float)x), shape),
        double[] => ConstantValue.Of(numbers, shape),
        _ => ConstantValue.Of(Array.ConvertAll(numbers, ToInteger), shape),
    };

    public static ConstantValue Cast(OnnxGraph graph, OnnxNode node, ConstantValue x)
    {
        long to = node.Int("to", 0);
        double[] numbers = Numbers(x);
        return to switch
        {
            1 => ConstantValue.Of(x.ToFloat32(), x.Shape),
            10 => ConstantValue.Of(Array.ConvertAll(numbers, v => (float)(Half)v), x.Shape),
            11 => ConstantValue.Of(numbers, x.Shape),
            7 when x.IsInteger => x,
            6 => ConstantValue.Of(Array.ConvertAll(numbers, v => (long)(int)ToInteger(v)), x.Shape),
            7 => ConstantValue.Of(Array.ConvertAll(numbers, ToInteger), x.Shape),
            9 => ConstantValue.Of(Array.ConvertAll(numbers, v => v != 0 ? 1L : 0L), x.Shape),
            _ => throw graph.Mismatch(node, "a cast to float16, float, double, int32, int64 or bool", $"element type {to}"),
        };
    }

    public static ConstantValue Evaluate(OnnxGraph graph, OnnxNode node, ConstantValue?[] inputs, int[] shape)
    {
        if (node.Op == "Clip") return Clip(graph, node, inputs, shape);
        int count = (int)Shapes.Count(shape);
        var operands = new ConstantValue[inputs.Length];
        var positions = new int[inputs.Length][];
        for (int i = 0; i < inputs.Length; i++)
        {
            operands[i] = inputs[i] ?? throw graph.Mismatch(node, $"an input {i}", "none");
            positions[i] = Shapes.Range(count);
            Shapes.Remap(positions[i], shape, Shapes.BroadcastStrides(operands[i].Shape, shape), 0);
        }
        int arity = Arity(node.Op);
        if (operands.Length != arity) throw graph.Mismatch(node, $"{arity} inputs", $"{operands.Length}");
        if (node.Op == "Where")
        {
            var chosen = new double[count];
            for (int i = 0; i < count; i++)
            {
                int branch = operands[0][positions[0][i]] != 0 ? 1 : 2;
                chosen[i] = operands[branch][positions[branch][i]];
            }
            return Rounded(chosen, operands[1].Data, shape);
        }
        ConstantValue a = operands[0];
        ConstantValue b = operands[^1];
        if (a.Data is long[] x && b.Data is long[] y && node.Op is "Add" or "Sub" or "Mul" or "Div")
        {
            var integers = new long[count];
            for (int i = 0; i < count; i++) integers[i] = Integer(graph, node, x[positions[0][i]], y[positions[1][i]]);
            return ConstantValue.Of(integers, shape);
        }
        var numbers = new double[count];
        for (int i = 0; i < count; i++) numbers[i] = Number(node.Op, a[positions[0][i]], b[positions[^1][i]]);
        bool logical = node.Op is "Equal" or "Less" or "Greater" or "And" or "Or" or "Not";
        return Rounded(numbers, logical ? Array.Empty<long>() : a.Data, shape);
    }

    private static int Arity(string op) => op switch
    {
        "Where" => 3,
        "Add" or "Sub" or "Mul" or "Div" or "Pow" or "Equal" or "Less" or "Greater" or "And" or "Or" => 2,
        _ => 1,
    };

    private static ConstantValue Clip(OnnxGraph graph, OnnxNode node, ConstantValue?[] inputs, int[] shape)
    {
        double low = inputs.Length > 1 && inputs[1] is { Length: 1 } l ? l[0] : double.NegativeInfinity;
        double high = inputs.Length > 2 && inputs[2] is { Length: 1 } h ? h[0] : double.PositiveInfinity;
        ConstantValue x = inputs[0] ?? throw graph.Mismatch(node, "an input", "none");
        return Rounded(Array.ConvertAll(Numbers(x), v => Math.Min(Math.Max(v, low), high)), x.Data, shape);
    }

    private static double[] Numbers(ConstantValue x)
    {
        var numbers = new double[x.Length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = x[i];
        return numbers;
    }

    private static long Integer(OnnxGraph graph, OnnxNode node, long a, long b) => node.Op switch
    {
        "Add" => unchecked(a + b),
        "Sub" => unchecked(a - b),
        "Mul" => unchecked(a * b),
        _ => b is 0 or -1 && (b == 0 || a == long.MinValue) ? throw graph.Mismatch(node, "a quotient", $"{a} / {b}") : a / b,
    };

    /// <summary>One element's value; <paramref name="b"/> is the second operand, or the only one again.</summary>
    public static double Number(string op, double a, double b) => op switch
    {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" => a / b,
        "Pow" => Math.Pow(a, b),
        "Sqrt" => Math.Sqrt(a),
        "Exp" => Math.Exp(a),
        "Neg" => -a,
        "Floor" => Math.Floor(a),
        "Ceil" => Math.Ceiling(a),
        "Abs" => Math.Abs(a),
        "Reciprocal" => 1 / a,
        "Equal" => a == b ? 1 : 0,
        "Less" => a < b ? 1 : 0,
        "Greater" => a > b ? 1 : 0,
        "And" => a != 0 && b != 0 ? 1 : 0,
        "Or" => a != 0 || b != 0 ? 1 : 0,
        _ => a == 0 ? 1 : 0,
    };

    /// <summary>Toward zero; out of range gives the nearest long, NaN gives 0.</summary>
    private static long ToInteger(double x) => x switch
    {
        double.NaN => 0,
        >= long.MaxValue => long.MaxValue,
        <= long.MinValue => long.MinValue,
        _ => (long)x,
    };
}
