using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace A2F.Engine.Weights;

/// <summary>Writes safetensors files.</summary>
internal static class SafetensorsWriter
{
    private const int Alignment = 64;

    /// <summary>A tensor to write; backed by an array, or by float32 memory.</summary>
    public sealed record Tensor(string Name, ElementType Type, int[] Shape, NdArray? Array, ReadOnlyMemory<float> Floats)
    {
        public static Tensor Of(string name, NdArray array) => new(name, array.Type, [.. array.Shape], array, default);

        public static Tensor Of(string name, ReadOnlyMemory<float> data, params int[] shape) =>
            new(name, ElementType.Float32, shape, null, data);

        /// <summary>The elements as they are stored.</summary>
        public ReadOnlySpan<byte> Bytes => Array is null
            ? MemoryMarshal.AsBytes(Floats.Span)
            : Type switch
            {
                ElementType.Float32 => MemoryMarshal.AsBytes(Array.Data<float>().AsSpan()),
                ElementType.Float64 => MemoryMarshal.AsBytes(Array.Data<double>().AsSpan()),
                ElementType.Float16 => MemoryMarshal.AsBytes(Array.Data<Half>().AsSpan()),
                ElementType.Int32 => MemoryMarshal.AsBytes(Array.Data<int>().AsSpan()),
                ElementType.Int64 => MemoryMarshal.AsBytes(Array.Data<long>().AsSpan()),
                _ => Array.Data<byte>(),
            };

        public long ByteCount => (long)(Array?.Length ?? Floats.Length) * SafetensorsHeader.SizeOf(Type);
    }

    /// <summary>Writes the file whole or not at all; the header keeps the order given.</summary>
    public static void Write(string path, IReadOnlyList<Tensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        HashSet<string> names = new(StringComparer.Ordinal) { "__metadata__" };
        foreach (Tensor tensor in tensors) Check(tensor, names);

        // Large powers of two first: each tensor then starts at a multiple of the largest one in its own size, without padding,
        // which the format does not allow.
        Tensor[] order = [.. tensors.OrderByDescending(PowerOfTwo)];
        Dictionary<string, long> offsets = new(StringComparer.Ordinal);
        long at = 0;
        foreach (Tensor tensor in order)
        {
            offsets[tensor.Name] = at;
            at += tensor.ByteCount;
        }
        byte[] header = Header(tensors, offsets, metadata);
        if (header.Length > SafetensorsHeader.MaxHeaderBytes)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"{path}: the header would have {header.Length} bytes, at most {SafetensorsHeader.MaxHeaderBytes}");
        }
        SafeFile.WriteWhole(path, stream =>
        {
            stream.Write(header);
            foreach (Tensor tensor in order) stream.Write(tensor.Bytes);
        });
    }

    private static void Check(Tensor tensor, HashSet<string> names)
    {
        string? wrong = null;
        if (!names.Add(tensor.Name)) wrong = "the name is taken";
        else if (tensor.Type == ElementType.Text) wrong = "safetensors files cannot hold text";
        else if (tensor.Shape.Length > NpyHeader.MaxRank) wrong = $"more than {NpyHeader.MaxRank} dimensions";
        else if (tensor.ByteCount > NpyHeader.MaxArrayBytes) wrong = $"more than {NpyHeader.MaxArrayBytes} bytes";
        if (wrong is not null) throw new A2FException(A2FErrorCode.InvalidArgument, $"tensor '{tensor.Name}' cannot be written: {wrong}");
    }

    private static long PowerOfTwo(Tensor tensor) =>
        tensor.ByteCount == 0 ? Alignment : Math.Min(Alignment, 1L << BitOperations.TrailingZeroCount(tensor.ByteCount));

    /// <summary>Length field and JSON, padded with spaces so that the data is aligned.</summary>
    private static byte[] Header(
        IReadOnlyList<Tensor> tensors, Dictionary<string, long> offsets, IReadOnlyDictionary<string, string>? metadata)
    {
        using MemoryStream json = new();
        json.Write(new byte[8]);
        using (Utf8JsonWriter writer = new(json))
        {
            writer.WriteStartObject();
            if (metadata is not null)
            {
                writer.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata) writer.WriteString(key, value);
                writer.WriteEndObject();
            }
            foreach (Tensor tensor in tensors) WriteEntry(writer, tensor, offsets[tensor.Name]);
            writer.WriteEndObject();
        }
        while (json.Length % Alignment != 0) json.WriteByte((byte)' ');
        byte[] header = json.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void WriteEntry(Utf8JsonWriter writer, Tensor tensor, long offset)
    {
        writer.WriteStartObject(tensor.Name);
        writer.WriteString("dtype", SafetensorsHeader.DtypeOf(tensor.Type));
        writer.WriteStartArray("shape");
        foreach (int extent in tensor.Shape) writer.WriteNumberValue(extent);
        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(offset);
        writer.WriteNumberValue(offset + tensor.ByteCount);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
