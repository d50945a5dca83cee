using System.Runtime.InteropServices;
using A2F.Engine.Weights.Onnx.Proto;
using Google.Protobuf;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>Rewrites a parsed graph as other exporters would have spelled it, or wrongly.</summary>
internal sealed class GraphEdit(ModelProto model)
{
    private int _made;

    public ModelProto Model => model;

    public GraphProto Graph => model.Graph;

    public IEnumerable<NodeProto> Nodes(string op) => Graph.Node.Where(n => n.OpType == op).ToList();

    public NodeProto Producer(string tensor) => Graph.Node.First(n => n.Output.Contains(tensor));

    public NodeProto Reader(string tensor, string op) => Graph.Node.First(n => n.OpType == op && n.Input.Contains(tensor));

    public TensorProto? Initializer(string name) => Graph.Initializer.FirstOrDefault(t => t.Name == name);

    public GraphEdit Opset(long version)
    {
        model.OpsetImport.Single(o => o.Domain.Length == 0).Version = version;
        return this;
    }

    public string Fresh() => $"made_{_made++}";

    public string Constant(float[] values, params long[] dims) => Constant(Tensor(1, MemoryMarshal.AsBytes(values.AsSpan()), dims));

    public string Constant(long[] values, params long[] dims) => Constant(Tensor(7, MemoryMarshal.AsBytes(values.AsSpan()), dims));

    public string Constant(TensorProto tensor)
    {
        var node = new NodeProto { OpType = "Constant", Name = Fresh(), Output = { Fresh() } };
        node.Attribute.Add(new AttributeProto { Name = "value", T = tensor });
        Graph.Node.Add(node);
        return node.Output[0];
    }

    public static TensorProto Tensor(int type, ReadOnlySpan<byte> bytes, long[] dims)
    {
        var tensor = new TensorProto { DataType = type, RawData = ByteString.CopyFrom(bytes) };
        tensor.Dims.Add(dims);
        return tensor;
    }

    public static float[] Floats(TensorProto tensor) => MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();

    public static void SetFloats(TensorProto tensor,
        float[] values) => tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>The tensor behind a name: an initializer, or what a Constant node holds.</summary>
    public TensorProto Stored(string name) => Initializer(name) ?? Producer(name).Attribute.Single(a => a.Name == "value").T;

    /// <summary>Adds a node that makes <paramref name="output"/> (or a new tensor).</summary>
    public string Add(string op, string[] inputs, string? output = null, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = Fresh(), Output = { output ?? Fresh() } };
        node.Input.Add(inputs);
        node.Attribute.Add(attributes);
        Graph.Node.Add(node);
        return node.Output[0];
    }

    public static AttributeProto Int(string name, long value) => new() { Name = name, I = value, Type = 2 };

    public static AttributeProto Float(string name, float value) => new() { Name = name, F = value, Type = 1 };

    public static AttributeProto Ints(string name, params long[] values) => new() { Name = name, Ints = { values }, Type = 7 };

    public static void Set(NodeProto node, AttributeProto attribute)
    {
        foreach (AttributeProto old in node.Attribute.Where(a => a.Name == attribute.Name).ToList()) node.Attribute.Remove(old);
        node.Attribute.Add(attribute);
    }

    /// <summary>Takes every name away; what is left is the structure.</summary>
    public GraphEdit RenameAll()
    {
        var kept = Graph.Input.Select(i => i.Name).Concat(Graph.Output.Select(o => o.Name)).ToHashSet();
        var names = new Dictionary<string, string>();
        string Renamed(string name)
        {
            if (name.Length == 0 || kept.Contains(name)) return name;
            if (!names.TryGetValue(name, out string? known)) names[name] = known = $"x{names.Count * 7919 % 100003}";
            return known;
        }
        foreach (TensorProto t in Graph.Initializer) t.Name = Renamed(t.Name);
        foreach (NodeProto n in Graph.Node)
        {
            n.Name = "";
            for (int i = 0; i < n.Input.Count; i++) n.Input[i] = Renamed(n.Input[i]);
            for (int i = 0; i < n.Output.Count; i++) n.Output[i] = Renamed(n.Output[i]);
        }
        return this;
    }

    /// <summary>Reverses the order of nodes and initializers, which carries no meaning.</summary>
    public GraphEdit Shuffle()
    {
        List<NodeProto> nodes = [.. Graph.Node.Reverse()];
        Graph.Node.Clear();
        Graph.Node.Add(nodes);
        return this;
    }

    /// <summary>Every chain from mean to bias becomes one operator (opset 17).</summary>
    public int FuseLayerNorm()
    {
        int count = 0;
        foreach (NodeProto sqrt in Nodes("Sqrt"))
        {
            NodeProto? div = Graph.Node.FirstOrDefault(n => n.OpType == "Div" && n.Input[1] == sqrt.Output[0]);
            NodeProto sum = Producer(sqrt.Input[0]);
            if (div is null || sum.OpType != "Add") continue;
            NodeProto mul = Reader(div.Output[0], "Mul");
            NodeProto add = Reader(mul.Output[0], "Add");
            float epsilon = Floats(Stored(sum.Input[1]))[0];
            Graph.Node.Remove(add);
            Graph.Node.Remove(mul);
            Graph.Node.Remove(div);
            Add("LayerNormalization",
                [Producer(div.Input[0]).Input[0], mul.Input.First(i => i != div.Output[0]), add.Input.First(i => i != mul.Output[0])],
                add.Output[0], Int("axis", -1), Float("epsilon", epsilon));
            count++;
        }
        return count;
    }

    /// <summary>Every Erf chain becomes one operator (opset 20).</summary>
    public int FuseGelu(string approximate = "none")
    {
        int count = 0;
        foreach (NodeProto erf in Nodes("Erf"))
        {
            NodeProto one = Reader(erf.Output[0], "Add");
            NodeProto product = Reader(one.Output[0], "Mul");
            NodeProto half = Reader(product.Output[0], "Mul");
            Graph.Node.Remove(half);
            Graph.Node.Remove(product);
            Add("Gelu", [Producer(erf.Input[0]).Input[0]], half.Output[0],
                new AttributeProto { Name = "approximate", S = ByteString.CopyFromUtf8(approximate), Type = 3 });
            count++;
        }
        return count;
    }

    /// <summary>Stores MatMul weights as [out, in], read through a Transpose, under another name.</summary>
    public int UnfoldMatMuls()
    {
        int count = 0;
        foreach (NodeProto matmul in Nodes("MatMul"))
        {
            if (Initializer(matmul.Input[1]) is not { } tensor) continue;
            (int rows, int columns) = ((int)tensor.Dims[0], (int)tensor.Dims[1]);
            float[] w = Floats(tensor);
            var turned = new float[w.Length];
            for (int i = 0; i < w.Length; i++) turned[i % columns * rows + i / columns] = w[i];
            var stored = Tensor(1, MemoryMarshal.AsBytes(turned.AsSpan()), [columns, rows]);
            stored.Name = Fresh();
            Graph.Initializer.Add(stored);
            matmul.Input[1] = Add("Transpose", [stored.Name], null, Ints("perm", 1, 0));
            count++;
        }
        return count;
    }

    /// <summary>Puts an Identity before every input of every node.</summary>
    public GraphEdit WrapInIdentities()
    {
        foreach (NodeProto node in Graph.Node.ToList())
        {
            for (int i = 0; i < node.Input.Count; i++)
            {
                if (node.Input[i].Length > 0) node.Input[i] = Add("Identity", [node.Input[i]]);
            }
        }
        return this;
    }

    /// <summary>Group norm as one operator, with its affine values one for each channel (opset 21) inside it.</summary>
    public GraphEdit FuseGroupNorm()
    {
        NodeProto instance = Nodes("InstanceNormalization").Single();
        NodeProto back = Reader(instance.Output[0], "Reshape");
        NodeProto mul = Reader(back.Output[0], "Mul");
        NodeProto add = Reader(mul.Output[0], "Add");
        string x = Producer(instance.Input[0]).Input[0];
        long channels = Stored(instance.Input[1]).Dims[0];
        string shape = Constant([channels], 1);
        string weight = Add("Reshape", [mul.Input.First(i => i != back.Output[0]), shape]);
        string bias = Add("Reshape", [add.Input.First(i => i != mul.Output[0]), shape]);
        Graph.Node.Remove(add);
        Add("GroupNormalization", [x, weight, bias], add.Output[0], Int("num_groups", channels), Float("epsilon", 1e-5f));
        return this;
    }

    /// <summary>Numbers in the typed fields instead of raw bytes.</summary>
    public GraphEdit UseTypedFields()
    {
        foreach (TensorProto t in Graph.Initializer.Concat(Nodes("Constant").Select(n => n.Attribute.Single(a => a.Name == "value").T)))
        {
            if (t.DataType == 1) t.FloatData.Add(Floats(t));
            else if (t.DataType == 7) t.Int64Data.Add(MemoryMarshal.Cast<byte, long>(t.RawData.Span).ToArray());
            else continue;
            t.RawData = ByteString.Empty;
        }
        return this;
    }

    /// <summary>Stores every initializer as float64 behind a Cast.</summary>
    public GraphEdit UseDoubles()
    {
        foreach (TensorProto t in Graph.Initializer)
        {
            double[] values = Array.ConvertAll(Floats(t), x => (double)x);
            t.DataType = 11;
            t.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan()));
            string cast = Fresh();
            foreach (NodeProto node in Graph.Node)
            {
                for (int i = 0; i < node.Input.Count; i++)
                {
                    if (node.Input[i] == t.Name) node.Input[i] = cast;
                }
            }
            Add("Cast", [t.Name], cast, Int("to", 1));
        }
        return this;
    }

    /// <summary>Declares a batch of one instead of a symbol.</summary>
    public GraphEdit FixBatch()
    {
        foreach (ValueInfoProto input in Graph.Input)
        {
            DimensionProto dim = input.Type.TensorType.Shape.Dim[0];
            dim.DimParam = "";
            dim.DimValue = 1;
        }
        return this;
    }

    /// <summary>
    /// Attention of reg_w2v2 (4 heads of 8, 25 frames) with its scale on the scores ("scores"), on the query ("query"), or on the
    /// query with heads merged into the batch ("merged").
    /// </summary>
    public GraphEdit SpellAttention(string form, float scale)
    {
        foreach (NodeProto softmax in Nodes("Softmax"))
        {
            NodeProto dot = Producer(softmax.Input[0]);
            NodeProto product = Reader(softmax.Output[0], "MatMul");
            (string q, string k) = (Producer(dot.Input[0]).Input[0], Producer(dot.Input[1]).Input[0]);
            string factor = Constant([scale]);
            dot.Input[0] = form == "scores" ? q : Add("Mul", [q, factor]);
            dot.Input[1] = k;
            if (form == "scores") softmax.Input[0] = Add("Mul", [factor, dot.Output[0]]);
            if (form != "merged") continue;
            dot.Input[0] = Add("Reshape", [dot.Input[0], Constant([-1, 25, 8], 3)]);
            dot.Input[1] = Add("Reshape", [dot.Input[1], Constant([-1, 8, 25], 3)]);
            product.Input[1] = Add("Reshape", [product.Input[1], Constant([-1, 25, 8], 3)]);
            string output = product.Output[0];
            product.Output[0] = Fresh();
            Add("Reshape", [product.Output[0], Constant([-1, 4, 25, 8], 4)], output);
        }
        return this;
    }
}
