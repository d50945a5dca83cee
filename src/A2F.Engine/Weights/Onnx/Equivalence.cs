using System.Security.Cryptography;
using System.Text;
using A2F.Engine.Weights.Onnx.Proto;
using Google.Protobuf;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Which tensors of a graph are the same computation: the same operators with the same attributes on the same inputs and on weights with
/// the same content, whatever their names. Shape arithmetic counts by its value.
/// </summary>
internal sealed class Equivalence(OnnxGraph graph)
{
    private const int MaxValues = 64;

    private readonly Dictionary<int, int> _classes = [];
    private readonly Dictionary<string, int> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<(TensorProto Tensor, int Class)>> _stored = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>A number that tensors of the same computation share.</summary>
    public int ClassOf(int tensor)
    {
        var pending = new Stack<int>();
        pending.Push(tensor);
        while (pending.TryPeek(out int current))
        {
            OnnxNode? node = _classes.ContainsKey(current) || IsLeaf(current) ? null : graph.Producer(current);
            bool ready = true;
            foreach (int input in node?.Inputs ?? [])
            {
                if (input < 0 || _classes.ContainsKey(input)) continue;
                pending.Push(input);
                ready = false;
            }
            if (!ready) continue;
            pending.Pop();
            graph.Spend(16);
            if (!_classes.ContainsKey(current)) _classes[current] = Classify(current);
        }
        return _classes[tensor];
    }

    private bool IsLeaf(int tensor) => graph.Stored(tensor) is not null || graph.Producer(tensor) is null || IsSmallInteger(tensor);

    /// <summary>Whether a tensor is shape arithmetic: a constant of few elements that comes from shapes and integers.</summary>
    private bool IsSmallInteger(int tensor) => graph.IsConstant(tensor) && graph.Stored(tensor) is null
        && Shapes.Count(graph.Shape(tensor)) <= MaxValues && graph.Value(tensor).IsInteger;

    private int Classify(int tensor)
    {
        if (graph.Stored(tensor) is { } stored) return OfStored(stored, tensor);
        if (graph.Producer(tensor) is not { } node) return Numbered($"input {tensor}");
        if (IsSmallInteger(tensor)) return OfIntegers(graph.Value(tensor));
        if (node.Op == "Identity") return _classes[node.Inputs[0]];
        var key = new StringBuilder(node.Op);
        key.Append(' ').Append(Array.IndexOf(node.Outputs, tensor));
        foreach (int input in node.Inputs) key.Append(' ').Append(input < 0 ? -1 : _classes[input]);
        foreach (AttributeProto attribute in node.Attributes.OrderBy(a => a.Name, StringComparer.Ordinal))
            key.Append(' ').Append(Convert.ToHexString(SHA256.HashData(attribute.ToByteArray())));
        return Numbered(key.ToString());
    }

    private int Numbered(string key)
    {
        if (!_keys.TryGetValue(key, out int number)) _keys[key] = number = _count++;
        return number;
    }

    private int OfIntegers(ConstantValue value) => Numbered(
        $"integers {NdArray.FormatShape(value.Shape)} {string.Join(' ', (long[])value.Data)}");

    private int OfStored(TensorProto stored, int tensor)
    {
        if (stored.DataType is 6 or 7 && Shapes.Count(graph.Shape(tensor)) <= MaxValues) return OfIntegers(graph.Value(tensor));
        string kind = $"{stored.DataType} {NdArray.FormatShape(graph.Shape(tensor))}";
        if (!_stored.TryGetValue(kind, out List<(TensorProto Tensor, int Class)>? alike)) _stored[kind] = alike = [];
        foreach ((TensorProto other, int number) in alike)
        {
            if (SameContent(stored, other)) return number;
        }
        alike.Add((stored, _count));
        return _count++;
    }

    private static bool SameContent(TensorProto a, TensorProto b) => a.RawData.Equals(b.RawData) && a.FloatData.Equals(b.FloatData)
        && a.DoubleData.Equals(b.DoubleData) && a.Int32Data.Equals(b.Int32Data) && a.Int64Data.Equals(b.Int64Data);
}
