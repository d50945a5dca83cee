using System.Buffers.Binary;
using System.Runtime.InteropServices;
using A2F.Engine.Weights.Onnx.Proto;
using Google.Protobuf.Collections;

namespace A2F.Engine.Weights.Onnx;

/// <summary>A constant tensor: its numbers as float[], double[] or (for every integer type and bool) long[], in C order.</summary>
internal sealed class ConstantValue
{
    /// <summary>Most elements of an integer tensor: index tables are the largest in known networks, with some ten thousand.</summary>
    public const int MaxIntegers = 1 << 22;

    private ConstantValue(int[] shape, Array data)
    {
        Shape = shape;
        Data = data;
    }

    public int[] Shape { get; }

    public Array Data { get; }

    public int Length => Data.Length;

    public bool IsInteger => Data is long[];

    public double this[int i] => Data switch
    {
        float[] f => f[i],
        double[] d => d[i],
        _ => ((long[])Data)[i],
    };

    public static ConstantValue Of(Array data, params int[] shape) => new(shape, data);

    public long[] Integers(string where) => Data as long[]
        ?? throw new A2FException(A2FErrorCode.InvalidModel, $"{where}: expected integers, found floating-point numbers");

    /// <summary>The numbers as float32 (the same array when they already are).</summary>
    public float[] ToFloat32() => Data switch
    {
        float[] f => f,
        double[] d => Array.ConvertAll(d, x => (float)x),
        _ => Array.ConvertAll((long[])Data, x => (float)x),
    };

    /// <summary>
    /// A tensor of another shape whose elements are this one's; <paramref name="pull"/> turns positions in it into positions here, a
    /// block at a time.
    /// </summary>
    public ConstantValue Take(int[] shape, Action<int[]> pull)
    {
        int count = (int)Shapes.Count(shape);
        Array result = Data switch
        {
            float[] f => Take(f, count, pull),
            double[] d => Take(d, count, pull),
            _ => Take((long[])Data, count, pull),
        };
        return new ConstantValue(shape, result);
    }

    /// <summary>The same numbers under another shape.</summary>
    public ConstantValue As(int[] shape) => new(shape, Data);

    /// <summary>[rows, columns] as [columns, rows].</summary>
    public ConstantValue Transposed() => new([Shape[1], Shape[0]], Data switch
    {
        float[] f => Shapes.Transposed(f, Shape[0], Shape[1]),
        double[] d => Shapes.Transposed(d, Shape[0], Shape[1]),
        _ => Shapes.Transposed((long[])Data, Shape[0], Shape[1]),
    });

    private static T[] Take<T>(T[] source, int count, Action<int[]> pull)
    {
        const int Block = 1 << 14;
        var result = new T[count];
        int[] index = [];
        for (int start = 0; start < count; start += index.Length)
        {
            int length = Math.Min(Block, count - start);
            if (index.Length != length) index = new int[length];
            for (int i = 0; i < length; i++) index[i] = start + i;
            pull(index);
            for (int i = 0; i < length; i++) result[start + i] = source[index[i]];
        }
        return result;
    }

    /// <summary>Decodes a stored tensor; NaN and infinity are refused here, with the tensor's name.</summary>
    public static ConstantValue Decode(TensorProto tensor, int[] shape, string where)
    {
        if (tensor.DataLocation != 0)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{where}: its numbers lie in another file (external data); export the network into one file");
        }
        int count = (int)Shapes.Count(shape);
        if (tensor.DataType is not (1 or 10 or 11) && count > MaxIntegers)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory, $"{where}: {count} integers, expected at most {MaxIntegers}");
        }
        Array data = tensor.DataType switch
        {
            1 => Typed(tensor, tensor.FloatData, count, 4, where, BinaryPrimitives.ReadSingleLittleEndian),
            11 => Typed(tensor, tensor.DoubleData, count, 8, where, BinaryPrimitives.ReadDoubleLittleEndian),
            10 => tensor.RawData.IsEmpty && count > 0
                ? Converted(tensor.Int32Data, count, where, x => (float)BitConverter.UInt16BitsToHalf((ushort)x))
                : Raw(tensor, count, 2, where, b => (float)BinaryPrimitives.ReadHalfLittleEndian(b)),
            7 => Typed(tensor, tensor.Int64Data, count, 8, where, BinaryPrimitives.ReadInt64LittleEndian),
            6 => Small(tensor, count, 4, where, b => BinaryPrimitives.ReadInt32LittleEndian(b)),
            2 or 9 => Small(tensor, count, 1, where, b => b[0]),
            3 => Small(tensor, count, 1, where, b => (sbyte)b[0]),
            _ => throw new A2FException(A2FErrorCode.InvalidModel,
                $"{where}: ONNX element type {tensor.DataType} is not supported: expected one of "
                + "float16, float, double, int32, int64, int8, uint8, bool"),
        };
        CheckFinite(data, where);
        return new ConstantValue(shape, data);
    }

    private delegate T Reader<T>(ReadOnlySpan<byte> bytes);

    private static T[] Typed<T>(TensorProto tensor, RepeatedField<T> field, int count, int size, string where, Reader<T> read)
        where T : struct
    {
        if (tensor.RawData.IsEmpty && count > 0) return Converted(field, count, where, x => x);
        if (!BitConverter.IsLittleEndian) return Raw(tensor, count, size, where, read);
        CheckBytes(tensor, count, size, where);
        return MemoryMarshal.Cast<byte, T>(tensor.RawData.Span).ToArray();
    }

    private static long[] Small(TensorProto tensor, int count, int size, string where, Reader<long> read) =>
        tensor.RawData.IsEmpty && count > 0
            ? Converted(tensor.Int32Data, count, where, x => (long)x)
            : Raw(tensor, count, size, where, read);

    private static TTo[] Converted<TFrom, TTo>(RepeatedField<TFrom> field, int count, string where, Func<TFrom, TTo> convert)
    {
        if (field.Count != count) throw WrongSize(where, count, $"{field.Count} numbers");
        var result = new TTo[count];
        for (int i = 0; i < count; i++) result[i] = convert(field[i]);
        return result;
    }

    private static T[] Raw<T>(TensorProto tensor, int count, int size, string where, Reader<T> read)
    {
        CheckBytes(tensor, count, size, where);
        ReadOnlySpan<byte> bytes = tensor.RawData.Span;
        var result = new T[count];
        for (int i = 0; i < count; i++) result[i] = read(bytes.Slice(i * size, size));
        return result;
    }

    private static void CheckBytes(TensorProto tensor, int count, int size, string where)
    {
        if (tensor.RawData.Length != (long)count * size) throw WrongSize(where, count, $"{tensor.RawData.Length} bytes of {size} each");
    }

    private static A2FException WrongSize(string where, int count, string found) =>
        new(A2FErrorCode.InvalidFile, $"{where}: its dimensions ask for {count} elements, found {found}");

    private static void CheckFinite(Array data, string where)
    {
        int bad = data switch
        {
            float[] f => FiniteValues.IndexOfBad(f),
            double[] d => Array.FindIndex(d, x => !double.IsFinite(x)),
            _ => -1,
        };
        if (bad >= 0)
            throw new A2FException(A2FErrorCode.NotFinite, $"{where}: element {bad} is {data.GetValue(bad)}, expected a finite number");
    }
}
