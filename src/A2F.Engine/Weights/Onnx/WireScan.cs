using A2F.Engine.Weights.Onnx.Proto;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Walks the tags of an ONNX file before it is parsed. Two bytes of file can stand for a whole object in memory, so the number of
/// messages and strings and the bytes of packed integers are limited here; tensors' raw bytes and floats cannot grow when parsed.
/// </summary>
internal static class WireScan
{
    /// <summary>Most messages and strings in a file: nodes, attributes, names of inputs and outputs, tensors.</summary>
    public const int MaxObjects = 500_000;

    /// <summary>Most bytes of packed integers, each of which may become an 8-byte number. Real files keep indices as raw data.</summary>
    public const int MaxIntegerBytes = 4 << 20;

    private enum Kind
    {
        Skip,
        Text,
        Integers,
        Message,
    }

    public static void Check(ReadOnlySpan<byte> file, string path)
    {
        long objects = 0;
        long integerBytes = 0;
        // Messages that were entered, as [end of message, type]; nesting is as deep as the format below, never deeper.
        var open = new Stack<(int End, string Type)>();
        open.Push((file.Length, nameof(ModelProto)));
        int position = 0;
        while (open.Count > 0)
        {
            (int end, string type) = open.Peek();
            if (position >= end)
            {
                if (position > end) throw Broken(path, position, "a field runs over the end of its message");
                open.Pop();
                continue;
            }
            ulong tag = ReadVarint(file[..end], ref position, path);
            int field = (int)Math.Min(tag >> 3, int.MaxValue);
            switch (tag & 7)
            {
                case 0:
                    _ = ReadVarint(file[..end], ref position, path);
                    if (KindOf(type, field).Kind == Kind.Integers) integerBytes++;
                    break;
                case 1:
                    position += 8;
                    break;
                case 5:
                    position += 4;
                    break;
                case 2:
                    ulong length = ReadVarint(file[..end], ref position, path);
                    if (length > (ulong)(end - position))
                        throw Broken(path, position, $"a field of {length} bytes does not fit its message");
                    (Kind kind, string child) = KindOf(type, field);
                    if (kind == Kind.Integers) integerBytes += (long)length;
                    if (kind is Kind.Text or Kind.Message) objects++;
                    if (kind == Kind.Message) open.Push((position + (int)length, child));
                    else position += (int)length;
                    break;
                default:
                    throw Broken(path, position, $"field {field} has wire type {tag & 7}, which ONNX files never use");
            }
            if (objects > MaxObjects) throw TooBig(path, $"more than {MaxObjects} nodes, names and attributes");
            if (integerBytes > MaxIntegerBytes) throw TooBig(path, $"more than {MaxIntegerBytes} bytes of packed integers");
        }
    }

    private static (Kind Kind, string Child) KindOf(string type, int field) => (type, field) switch
    {
        (nameof(ModelProto), 7) => (Kind.Message, nameof(GraphProto)),
        (nameof(ModelProto), 8) => (Kind.Message, nameof(OpsetProto)),
        (nameof(GraphProto), 1) => (Kind.Message, nameof(NodeProto)),
        (nameof(GraphProto), 5) => (Kind.Message, nameof(TensorProto)),
        (nameof(GraphProto), 11 or 12) => (Kind.Message, nameof(ValueInfoProto)),
        (nameof(NodeProto), 5) => (Kind.Message, nameof(AttributeProto)),
        (nameof(NodeProto), 1 or 2) => (Kind.Text, ""),
        (nameof(AttributeProto), 5) => (Kind.Message, nameof(TensorProto)),
        (nameof(AttributeProto), 8) => (Kind.Integers, ""),
        (nameof(AttributeProto), 9) => (Kind.Text, ""),
        (nameof(TensorProto), 1 or 5 or 7) => (Kind.Integers, ""),
        (nameof(ValueInfoProto), 2) => (Kind.Message, nameof(TypeProto)),
        (nameof(TypeProto), 1) => (Kind.Message, nameof(TensorTypeProto)),
        (nameof(TensorTypeProto), 2) => (Kind.Message, nameof(ShapeProto)),
        (nameof(ShapeProto), 1) => (Kind.Message, nameof(DimensionProto)),
        _ => (Kind.Skip, ""),
    };

    private static ulong ReadVarint(ReadOnlySpan<byte> bytes, ref int position, string path)
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (position >= bytes.Length) throw Broken(path, position, "it ends within a number");
            byte b = bytes[position++];
            value |= (ulong)(b & 127) << Math.Min(shift, 63);
            if (b < 128) return value;
        }
        throw Broken(path, position, "a number is longer than 10 bytes");
    }

    private static A2FException Broken(string path, int position, string what) =>
        new(A2FErrorCode.InvalidFile, $"{path}: not a readable ONNX file: at byte {position}, {what}");

    private static A2FException TooBig(string path, string what) =>
        new(A2FErrorCode.OutOfMemory, $"{path}: refused, it holds {what}; no known network comes near");
}
