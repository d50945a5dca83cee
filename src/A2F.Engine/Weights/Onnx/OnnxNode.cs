using A2F.Engine.Weights.Onnx.Proto;

namespace A2F.Engine.Weights.Onnx;

/// <summary>One operator of a graph. Tensors are numbers given by <see cref="OnnxGraph"/>; -1 is an absent optional input.</summary>
internal sealed class OnnxNode(NodeProto proto, int[] inputs, int[] outputs)
{
    public string Op { get; } = proto.Domain is "" or "ai.onnx" ? proto.OpType : $"{proto.Domain}.{proto.OpType}";

    public string Name { get; } = proto.Name.Length > 0 ? proto.Name : proto.Output.FirstOrDefault() ?? "";

    public int[] Inputs { get; } = inputs;

    public int[] Outputs { get; } = outputs;

    public int Output => Outputs[0];

    /// <summary>The tensor of input <paramref name="i"/>, or -1.</summary>
    public int Input(int i) => i < Inputs.Length ? Inputs[i] : -1;

    public AttributeProto? Attribute(string name)
    {
        foreach (AttributeProto a in proto.Attribute)
        {
            if (a.Name == name) return a;
        }
        return null;
    }

    public long Int(string name, long otherwise) => Attribute(name)?.I ?? otherwise;

    public float Float(string name, float otherwise) => Attribute(name)?.F ?? otherwise;

    public string Text(string name, string otherwise) => Attribute(name)?.S.ToStringUtf8() ?? otherwise;

    public long[]? Ints(string name) => Attribute(name)?.Ints.ToArray();

    public string[]? Texts(string name) => Attribute(name)?.Strings.Select(s => s.ToStringUtf8()).ToArray();

    /// <summary>Everything about the node but its name and tensors.</summary>
    public IEnumerable<AttributeProto> Attributes => proto.Attribute;

    public override string ToString() => $"node '{Name}' ({Op})";
}
