using A2F.Engine.Weights.Onnx.Proto;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Evaluates the parts of a graph that depend on no input: shape arithmetic, weight norm, transposed and packed weights. Values are
/// made when asked for; small ones are kept, large ones are not. One request may not create more elements than <see cref="MaxCreated"/>
/// plus four times the largest tensor it reads.
/// </summary>
internal sealed class ConstantFolder(OnnxGraph graph)
{
    private const int KeepElements = 1 << 14;
    private const long MaxCreated = 1 << 22;

    private readonly Dictionary<int, ConstantValue> _kept = [];

    /// <summary>The tensor that a Constant node stores, or null for a form that is not supported.</summary>
    public static TensorProto? StoredIn(OnnxNode node)
    {
        if (node.Attribute("value") is { T: { } tensor }) return tensor;
        if (node.Attribute("value_float") is { } f) return new TensorProto { DataType = 1, FloatData = { f.F } };
        if (node.Attribute("value_int") is { } i) return new TensorProto { DataType = 7, Int64Data = { i.I } };
        if (node.Attribute("value_floats") is { } fs)
            return new TensorProto { DataType = 1, FloatData = { fs.Floats }, Dims = { fs.Floats.Count } };
        if (node.Attribute("value_ints") is { } list)
            return new TensorProto { DataType = 7, Int64Data = { list.Ints }, Dims = { list.Ints.Count } };
        return null;
    }

    /// <summary>Whether a node's output is a constant that <see cref="Value"/> can give.</summary>
    public static bool CanFold(OnnxGraph graph, OnnxNode node)
    {
        if (node.Op is "Shape" or "Size") return graph.TryShape(node.Input(0)) is not null;
        bool known = (Movement.IsKnown(node.Op) && node.Op != "ScatterND") || Elementwise.IsKnown(node.Op) || IsReduction(node.Op)
            || node.Op is "ConstantOfShape" or "Range" or "NonZero";
        return known && node.Inputs.Length > 0 && node.Inputs.All(i => i < 0 || graph.IsConstant(i));
    }

    public ConstantValue Value(int tensor)
    {
        if (_kept.TryGetValue(tensor, out ConstantValue? known)) return known;
        var made = new Dictionary<int, ConstantValue>();
        long created = 0;
        long largest = 0;
        var pending = new Stack<int>();
        pending.Push(tensor);
        while (pending.TryPeek(out int current))
        {
            if (made.ContainsKey(current) || _kept.ContainsKey(current))
            {
                pending.Pop();
                continue;
            }
            OnnxNode? node = graph.Stored(current) is null ? graph.Producer(current) : null;
            bool ready = true;
            foreach (int input in node is null || node.Op is "Shape" or "Size" ? [] : node.Inputs)
            {
                if (input < 0 || made.ContainsKey(input) || _kept.ContainsKey(input)) continue;
                pending.Push(input);
                ready = false;
            }
            if (!ready) continue;
            int[] shape = graph.Shape(current);
            long count = Shapes.Count(shape);
            if (node is null) largest = Math.Max(largest, count);
            else created += count;
            graph.Spend(count + 16);
            if (created > MaxCreated + 4 * largest)
            {
                throw graph.Error(A2FErrorCode.OutOfMemory,
                    $"{node}: folding this constant asks for more than {MaxCreated} elements beyond its weights'");
            }
            ConstantValue value = node is null
                ? Decode(current, shape)
                : Evaluate(node, current, shape, i => made.GetValueOrDefault(i) ?? _kept[i]);
            pending.Pop();
            made[current] = value;
            if (count <= KeepElements) _kept[current] = value;
        }
        return made.GetValueOrDefault(tensor) ?? _kept[tensor];
    }

    /// <summary>Number of elements of a Range node, within bounds.</summary>
    public static int RangeCount(OnnxGraph graph, OnnxNode node)
    {
        (double start, double limit, double delta) = (Scalar(graph, node, 0), Scalar(graph, node, 1), Scalar(graph, node, 2));
        double count = Math.Max(0, Math.Ceiling((limit - start) / delta));
        return count <= ConstantValue.MaxIntegers
            ? (int)count
            : throw graph.Mismatch(node, $"at most {ConstantValue.MaxIntegers} elements", $"{count}");
    }

    private static double Scalar(OnnxGraph graph, OnnxNode node, int input)
    {
        ConstantValue value = graph.Value(node.Inputs[input]);
        return value.Length == 1 ? value[0] : throw graph.Mismatch(node, "a scalar", NdArray.FormatShape(value.Shape));
    }

    private static bool IsReduction(string op) => op is "ReduceSum" or "ReduceMean" or "ReduceMax" or "ReduceMin" or "ReduceL2" or
        "ReduceProd" or "ReduceSumSquare";

    private ConstantValue Decode(int tensor, int[] shape) =>
        ConstantValue.Decode(graph.Stored(tensor)!, shape, $"{graph.Path}: tensor '{graph.NameOf(tensor)}'");

    private ConstantValue Evaluate(OnnxNode node, int tensor, int[] shape, Func<int, ConstantValue> input)
    {
        if (node.Op == "Shape") return ConstantValue.Of(Array.ConvertAll(graph.Shape(node.Input(0)), x => (long)x), shape);
        if (node.Op == "Size") return ConstantValue.Of(new[] { Shapes.Count(graph.Shape(node.Input(0))) }, shape);
        if (node.Op == "ConstantOfShape") return Filled(node, shape);
        if (node.Op == "Range") return Counted(node, shape);
        if (node.Op == "NonZero") return NonZero(input(node.Input(0)), shape);
        if (IsReduction(node.Op)) return Reduce(node, input(node.Input(0)), shape);
        if (node.Op == "Cast") return Elementwise.Cast(graph, node, input(node.Input(0)));
        if (!Movement.IsKnown(node.Op))
            return Elementwise.Evaluate(graph, node, [.. node.Inputs.Select(i => i < 0 ? null : input(i))], shape);
        if (node.Op == "Concat") return Joined(node, shape, input);
        ConstantValue moved = input(node.Inputs[0]);
        if (Movement.KeepsOrder(node.Op)) return moved.As(shape);
        if (node.Op == "Transpose" && shape.Length == 2 && Movement.Swaps(graph, node))
        {
            graph.Spend(moved.Length);
            return moved.Transposed();
        }
        return input(node.Inputs[0]).Take(shape, index => Movement.Pull(graph, node, tensor, index));
    }

    private ConstantValue Joined(OnnxNode node, int[] shape, Func<int, ConstantValue> input)
    {
        int[] index = Shapes.Range((int)Shapes.Count(shape));
        int[] pieces = Movement.Pieces(graph, node, index);
        ConstantValue[] values = [.. node.Inputs.Select(input)];
        if (values.All(v => v.IsInteger))
        {
            var joined = new long[index.Length];
            for (int i = 0; i < joined.Length; i++) joined[i] = ((long[])values[pieces[i]].Data)[index[i]];
            return ConstantValue.Of(joined, shape);
        }
        if (values.Any(v => v.IsInteger)) throw graph.Mismatch(node, "inputs of one type", "integers and floating-point numbers");
        var numbers = new double[index.Length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = values[pieces[i]][index[i]];
        return Elementwise.Rounded(numbers, values[0].Data, shape);
    }

    private ConstantValue Filled(OnnxNode node, int[] shape)
    {
        TensorProto value = node.Attribute("value")?.T ?? new TensorProto { DataType = 1, FloatData = { 0 }, Dims = { 1 } };
        ConstantValue one = ConstantValue.Decode(value, [1], $"{graph.Path}: {node}");
        return one.Take(shape, Array.Clear);
    }

    /// <summary>Number of elements that are not zero.</summary>
    public static int NonZeroCount(ConstantValue x)
    {
        int count = 0;
        for (int i = 0; i < x.Length; i++) count += x[i] != 0 ? 1 : 0;
        return count;
    }

    /// <summary>Coordinates of the elements that are not zero, one row an axis.</summary>
    private static ConstantValue NonZero(ConstantValue x, int[] shape)
    {
        var result = new long[shape[0] * shape[1]];
        int[] strides = Shapes.Strides(x.Shape);
        for (int i = 0, found = 0; i < x.Length; i++)
        {
            if (x[i] == 0) continue;
            for (int axis = 0; axis < shape[0]; axis++) result[axis * shape[1] + found] = i / strides[axis] % x.Shape[axis];
            found++;
        }
        return ConstantValue.Of(result, shape);
    }

    private ConstantValue Counted(OnnxNode node, int[] shape)
    {
        (double start, double delta) = (Scalar(graph, node, 0), Scalar(graph, node, 2));
        var numbers = new double[shape[0]];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = start + i * delta;
        return Elementwise.Rounded(numbers, graph.Value(node.Inputs[0]).Data, shape);
    }

    private ConstantValue Reduce(OnnxNode node, ConstantValue x, int[] shape)
    {
        (int[] kept, int[] keptStrides, int[] reduced, int[] reducedStrides) = Reduction.Split(x.Shape, Reduction.Axes(graph, node));
        int[] starts = Shapes.Range((int)Shapes.Count(kept));
        Shapes.Remap(starts, kept, keptStrides, 0);
        int[] offsets = Shapes.Range((int)Shapes.Count(reduced));
        Shapes.Remap(offsets, reduced, reducedStrides, 0);
        graph.Spend(x.Length);
        var result = new double[starts.Length];
        double start = node.Op switch
        {
            "ReduceProd" => 1,
            "ReduceMax" => double.NegativeInfinity,
            "ReduceMin" => double.PositiveInfinity,
            _ => 0,
        };
        for (int i = 0; i < starts.Length; i++)
        {
            double sum = start;
            foreach (int offset in offsets)
            {
                double v = x[starts[i] + offset];
                sum = node.Op switch
                {
                    "ReduceProd" => sum * v,
                    "ReduceMax" => Math.Max(sum, v),
                    "ReduceMin" => Math.Min(sum, v),
                    "ReduceL2" or "ReduceSumSquare" => sum + v * v,
                    _ => sum + v,
                };
            }
            result[i] = node.Op switch { "ReduceL2" => Math.Sqrt(sum), "ReduceMean" => sum / offsets.Length, _ => sum };
        }
        return Elementwise.Rounded(result, x.Data, shape);
    }
}
