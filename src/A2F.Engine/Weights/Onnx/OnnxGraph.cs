using A2F.Engine.Weights.Onnx.Proto;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// A parsed graph with every tensor numbered, nodes in dependency order and static shapes. The batch size is set to
/// <see cref="Batch"/>, so that the shape arithmetic of exporters becomes constants; two, not one, so that a layout which mixes the
/// items of a batch is seen.
/// </summary>
internal sealed class OnnxGraph
{
    /// <summary>The number of windows for which layouts are examined.</summary>
    public const int Batch = 2;

    private const int MaxRank = 8;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly List<OnnxNode?> _producers = [];
    private readonly List<TensorProto?> _stored = [];
    private readonly List<int[]?> _shapes = [];
    private readonly List<bool> _constant = [];
    private readonly List<OnnxNode> _nodes = [];
    private readonly ConstantFolder _folder;
    private readonly Dictionary<OnnxNode, ScatterGrid> _grids = [];
    private long _work;

    private OnnxGraph(string path, int samples)
    {
        Path = path;
        Samples = samples;
        _folder = new ConstantFolder(this);
    }

    public string Path { get; }

    public long Opset { get; private set; }

    /// <summary>Inputs that are no initializers.</summary>
    public List<int> Inputs { get; } = [];

    public List<int> Outputs { get; } = [];

    /// <summary>What a second symbolic dimension of an input, a length of audio, is set to; 0 where none may be symbolic.</summary>
    public int Samples { get; }

    public static OnnxGraph Load(string path, int samples = 0) => Build(OnnxFile.Read(path), path, samples);

    public static OnnxGraph Build(ModelProto model, string path, int samples = 0)
    {
        var graph = new OnnxGraph(path, samples);
        if (model.Graph is null) throw graph.Error(A2FErrorCode.InvalidFile, "the file holds no graph");
        graph.ReadOpsets(model);
        graph._work = 1L << 29;
        graph.AddTensors(model.Graph);
        List<OnnxNode> nodes = graph.AddNodes(model.Graph);
        graph.FindOutputs(model.Graph);
        graph.Order(nodes);
        foreach (OnnxNode node in graph._nodes) graph.Analyse(node);
        return graph;
    }

    /// <summary>All nodes, each after those it reads.</summary>
    public IReadOnlyList<OnnxNode> Nodes => _nodes;

    public string NameOf(int tensor) => _names[tensor];

    public OnnxNode? Producer(int tensor) => _producers[tensor];

    public int[]? TryShape(int tensor) => tensor < 0 ? null : _shapes[tensor];

    public TensorProto? Stored(int tensor) => _stored[tensor];

    /// <summary>Whether the tensor depends on no input of the graph.</summary>
    public bool IsConstant(int tensor) => tensor >= 0 && _constant[tensor];

    /// <summary>The static shape, which must be known.</summary>
    public int[] Shape(int tensor)
    {
        if (_shapes[tensor] is { } shape) return shape;
        // The first operator on the way here that has no shape is the one that is not known.
        while (_producers[tensor] is { } node)
        {
            int unknown = Array.FindIndex(node.Inputs, input => input >= 0 && _shapes[input] is null);
            if (unknown < 0)
            {
                throw Mismatch(node, "an operator of a known network, with a shape that does not depend on the input's values",
                    $"{node.Op}, or a form of it that this importer does not know");
            }
            tensor = node.Inputs[unknown];
        }
        throw Error(A2FErrorCode.InvalidModel,
            $"not a known network: input '{_names[tensor]}': expected a shape with fixed dimensions after the batch, found symbolic ones");
    }

    /// <summary>The numbers of a constant tensor, folded when first asked for.</summary>
    public ConstantValue Value(int tensor) => _folder.Value(tensor);

    /// <summary>Where a ScatterND node writes, found when first asked for.</summary>
    public ScatterGrid Grid(OnnxNode node)
    {
        if (!_grids.TryGetValue(node, out ScatterGrid? grid)) _grids[node] = grid = ScatterGrid.Of(this, node);
        return grid;
    }

    /// <summary>A constant integer input of a node as a list, or null when it is absent.</summary>
    public long[]? Ints(OnnxNode node, int input)
    {
        int tensor = node.Input(input);
        if (tensor < 0) return null;
        if (!IsConstant(tensor))
            throw Mismatch(node, $"a constant as input {input}", $"'{NameOf(tensor)}', which depends on the graph's inputs");
        return Value(tensor).Integers($"{Path}: {node}, input {input}");
    }

    /// <summary>Counts work; a hostile graph that asks for more than any network needs is refused.</summary>
    public void Spend(long elements)
    {
        _work -= elements;
        if (_work < 0) throw Error(A2FErrorCode.OutOfMemory, "the graph needs more index arithmetic than any known network; refused");
    }

    public A2FException Error(A2FErrorCode code, string what) => new(code, $"{Path}: {what}");

    public A2FException Mismatch(OnnxNode node, string expected, string found) =>
        Error(A2FErrorCode.InvalidModel, $"not a known network: {node}: expected {expected}, found {found}");

    /// <summary>A refusal that names the tensor's node, or the tensor where it has none.</summary>
    public A2FException Mismatch(int tensor, string expected) => _producers[tensor] is { } node
        ? Mismatch(node, expected, node.Op)
        : Error(A2FErrorCode.InvalidModel,
            $"not a known network: {(_stored[tensor] is null ? "graph input" : "initializer")} '{_names[tensor]}': expected {expected}");

    private void ReadOpsets(ModelProto model)
    {
        foreach (OpsetProto set in model.OpsetImport)
        {
            if (set.Domain is "" or "ai.onnx") Opset = set.Version;
        }
        if (Opset is < 13 or > 24)
        {
            throw Error(A2FErrorCode.InvalidModel, $"opset {Opset} is not supported: expected 13 to 24; export the network with opset 17");
        }
    }

    private int Define(string name, string what)
    {
        if (name.Length == 0) throw Error(A2FErrorCode.InvalidFile, $"{what} has no name");
        int id = _names.Count;
        if (!_ids.TryAdd(name, id)) throw Error(A2FErrorCode.InvalidFile, $"tensor '{name}' is defined twice");
        _names.Add(name);
        _producers.Add(null);
        _stored.Add(null);
        _shapes.Add(null);
        _constant.Add(false);
        return id;
    }

    private void AddTensors(GraphProto proto)
    {
        foreach (TensorProto tensor in proto.Initializer)
        {
            int id = Define(tensor.Name, "an initializer");
            Store(id, tensor);
        }
        foreach (ValueInfoProto input in proto.Input)
        {
            if (_ids.TryGetValue(input.Name, out int known) && _stored[known] is not null) continue;
            int id = Define(input.Name, "an input of the graph");
            Inputs.Add(id);
            _shapes[id] = InputShape(input);
        }
    }

    private void Store(int id, TensorProto tensor)
    {
        var shape = new int[tensor.Dims.Count];
        for (int i = 0; i < shape.Length; i++)
        {
            if (tensor.Dims[i] is < 0 or > Shapes.MaxElements) throw BadDimension(_names[id], tensor.Dims[i]);
            shape[i] = (int)tensor.Dims[i];
        }
        _stored[id] = tensor;
        _constant[id] = true;
        _shapes[id] = Checked(shape, $"tensor '{_names[id]}'");
        _work += 8L * tensor.RawData.Length;
    }

    /// <summary>
    /// The declared shape. One dimension, the first or the only symbolic one, is the batch size; another symbolic one is a length of
    /// audio, or the shape is not known (null).
    /// </summary>
    private int[]? InputShape(ValueInfoProto input)
    {
        ShapeProto? declared = input.Type?.TensorType?.Shape;
        if (declared is null) throw Error(A2FErrorCode.InvalidModel, $"graph input '{input.Name}' has no declared shape");
        var shape = new int[declared.Dim.Count];
        int batches = 0;
        for (int i = 0; i < shape.Length; i++)
        {
            long value = declared.Dim[i].DimValue;
            bool symbolic = declared.Dim[i].DimParam.Length > 0 || value == 0;
            if (symbolic && batches++ > 0)
            {
                if (batches > 2 || Samples == 0) return null;
                shape[i] = Samples;
                continue;
            }
            if (!symbolic && value is < 1 or > Shapes.MaxElements) throw BadDimension(input.Name, value);
            shape[i] = symbolic ? Batch : (int)value;
        }
        return Checked(shape, $"graph input '{input.Name}'");
    }

    private A2FException BadDimension(string tensor, long value) =>
        Error(A2FErrorCode.InvalidFile, $"tensor '{tensor}' has a dimension of {value}");

    private int[] Checked(int[] shape, string what)
    {
        if (shape.Length > MaxRank)
            throw Error(A2FErrorCode.InvalidModel, $"{what} has {shape.Length} dimensions, expected at most {MaxRank}");
        if (Shapes.Count(shape) > Shapes.MaxElements)
        {
            throw Error(A2FErrorCode.OutOfMemory,
                $"{what} of shape {NdArray.FormatShape(shape)} is larger than {Shapes.MaxElements} elements");
        }
        return shape;
    }

    private List<OnnxNode> AddNodes(GraphProto proto)
    {
        foreach (NodeProto node in proto.Node)
        {
            foreach (string output in node.Output)
            {
                if (output.Length > 0) Define(output, $"an output of node '{node.Name}'");
            }
        }
        var nodes = new List<OnnxNode>(proto.Node.Count);
        foreach (NodeProto p in proto.Node)
        {
            if (p.Output.Count == 0 || p.Output[0].Length == 0)
            {
                throw Error(A2FErrorCode.InvalidFile, $"node '{p.Name}' ({p.OpType}) has no first output");
            }
            var inputs = new int[p.Input.Count];
            for (int i = 0; i < inputs.Length; i++)
            {
                if (p.Input[i].Length == 0) inputs[i] = -1;
                else if (!_ids.TryGetValue(p.Input[i], out inputs[i]))
                {
                    throw Error(A2FErrorCode.InvalidFile,
                        $"node '{p.Name}' ({p.OpType}) reads tensor '{p.Input[i]}', which nothing produces");
                }
            }
            int[] outputs = [.. p.Output.Select(o => o.Length == 0 ? -1 : _ids[o])];
            var node = new OnnxNode(p, inputs, outputs);
            foreach (int output in outputs)
            {
                if (output >= 0) _producers[output] = node;
            }
            nodes.Add(node);
        }
        return nodes;
    }

    private void FindOutputs(GraphProto proto)
    {
        foreach (ValueInfoProto output in proto.Output)
        {
            if (!_ids.TryGetValue(output.Name, out int id))
            {
                throw Error(A2FErrorCode.InvalidFile, $"graph output '{output.Name}' is produced by no node");
            }
            Outputs.Add(id);
        }
    }

    /// <summary>Sorts nodes so that each comes after what it reads; what is left over is a cycle.</summary>
    private void Order(List<OnnxNode> nodes)
    {
        var waiting = new Dictionary<OnnxNode, int>(nodes.Count);
        var readers = new Dictionary<OnnxNode, List<OnnxNode>>(nodes.Count);
        var ready = new Queue<OnnxNode>();
        foreach (OnnxNode node in nodes)
        {
            int count = 0;
            foreach (int input in node.Inputs)
            {
                if (input < 0 || _producers[input] is not { } producer) continue;
                count++;
                if (!readers.TryGetValue(producer, out List<OnnxNode>? list)) readers[producer] = list = [];
                list.Add(node);
            }
            waiting[node] = count;
            if (count == 0) ready.Enqueue(node);
        }
        while (ready.TryDequeue(out OnnxNode? node))
        {
            _nodes.Add(node);
            if (!readers.TryGetValue(node, out List<OnnxNode>? list)) continue;
            foreach (OnnxNode reader in list)
            {
                if (--waiting[reader] == 0) ready.Enqueue(reader);
            }
        }
        if (_nodes.Count == nodes.Count) return;
        throw Error(A2FErrorCode.InvalidFile, $"the graph has a cycle through {nodes.First(n => waiting[n] > 0)}");
    }

    /// <summary>Finds the shapes of a node's outputs and whether they are constants.</summary>
    private void Analyse(OnnxNode node)
    {
        if (node.Op == "Constant")
        {
            if (ConstantFolder.StoredIn(node) is { } tensor)
            {
                Store(node.Output, tensor);
                return;
            }
            throw Mismatch(node, "a value of tensor, float or integer kind", "another kind");
        }
        int[]?[] shapes = ShapeInference.Infer(this, node);
        bool constant = ConstantFolder.CanFold(this, node);
        for (int i = 0; i < node.Outputs.Length; i++)
        {
            int output = node.Outputs[i];
            if (output < 0) continue;
            _shapes[output] = i < shapes.Length && shapes[i] is { } shape ? Checked(shape, node.ToString()) : null;
            _constant[output] = constant && _shapes[output] is not null;
        }
    }
}
