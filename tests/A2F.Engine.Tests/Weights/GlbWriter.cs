using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Weights;

/// <summary>Makes small glTF binary files; what it writes can be broken on purpose through <see cref="Root"/>.</summary>
internal sealed class GlbWriter
{
    private readonly List<byte> _bin = [];

    public JsonObject Root { get; } = new()
    {
        ["asset"] = new JsonObject { ["version"] = "2.0" },
        ["meshes"] = new JsonArray(),
        ["accessors"] = new JsonArray(),
        ["bufferViews"] = new JsonArray(),
        ["buffers"] = new JsonArray(),
    };

    private JsonArray Views => Root["bufferViews"]!.AsArray();

    private JsonArray Accessors => Root["accessors"]!.AsArray();

    /// <summary>A whole set as one mesh of one primitive; poses of zeros have no positions.</summary>
    public static GlbWriter Of(BlendshapeSet set)
    {
        GlbWriter glb = new();
        int length = set.Neutral.Length;
        int?[] targets = [.. Enumerable.Range(0, set.PoseNames.Count).Select(i => set.Deltas.Span.Slice(i * length, length).ToArray())
            .Select(d => d.All(x => x == 0) ? (int?)null : glb.Floats(d))];
        glb.Mesh("face", [.. set.PoseNames], (glb.Floats(set.Neutral.ToArray()), targets));
        return glb;
    }

    /// <summary>Adds a mesh.</summary>
    public GlbWriter Mesh(string? name, string[]? targetNames, params (int Positions, int?[] Targets)[] primitives)
    {
        JsonObject mesh = new()
        {
            ["primitives"] = new JsonArray([.. primitives.Select(p => (JsonNode)new JsonObject
            {
                ["attributes"] = new JsonObject { ["POSITION"] = p.Positions },
                ["targets"] = new JsonArray([.. p.Targets.Select(t => t is null ? new JsonObject() : (JsonNode)new JsonObject { ["POSITION"] = t })]),
            })]),
        };
        if (name is not null) mesh["name"] = name;
        if (targetNames is not null) mesh["extras"] = new JsonObject { ["targetNames"] = new JsonArray([.. targetNames.Select(n => (JsonNode)n)]) };
        Root["meshes"]!.AsArray().Add(mesh);
        return this;
    }

    /// <summary>An accessor of float32, with other bytes between elements where a stride is given.</summary>
    public int Floats(float[] xyz, int stride = 0, int offset = 0) => Add(5126, xyz.Length / 3, View(12, stride, offset, xyz.Length / 3,
        (bytes, i) => { for (int k = 0; k < 3; k++) BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * k)..], xyz[3 * i + k]); }), offset);

    /// <summary>An accessor of integers: componentType 5120 to 5123.</summary>
    public int Integers(int[] xyz, int type, bool normalised, int stride = 0)
    {
        int size = type <= 5121 ? 1 : 2;
        int accessor = Add(type, xyz.Length / 3, View(3 * size, stride, 0, xyz.Length / 3, (bytes, i) =>
        {
            for (int k = 0; k < 3; k++)
            {
                if (size == 1) bytes[k] = (byte)xyz[3 * i + k];
                else BinaryPrimitives.WriteInt16LittleEndian(bytes[(2 * k)..], (short)xyz[3 * i + k]);
            }
        }), 0);
        if (normalised) Accessors[accessor]!["normalized"] = true;
        return accessor;
    }

    /// <summary>A sparse accessor of float32 over zeros, or over another accessor's view.</summary>
    public int Sparse(int count, (int Index, float X, float Y, float Z)[] elements, int indexType = 5123, int? over = null)
    {
        int size = indexType == 5121 ? 1 : indexType == 5123 ? 2 : 4;
        int indices = View(size, 0, 0, elements.Length, (bytes, i) =>
        {
            for (int k = 0; k < size; k++) bytes[k] = (byte)(elements[i].Index >> (8 * k));
        });
        int values = View(12, 0, 0, elements.Length, (bytes, i) =>
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes, elements[i].X);
            BinaryPrimitives.WriteSingleLittleEndian(bytes[4..], elements[i].Y);
            BinaryPrimitives.WriteSingleLittleEndian(bytes[8..], elements[i].Z);
        });
        JsonObject accessor = new()
        {
            ["componentType"] = 5126,
            ["type"] = "VEC3",
            ["count"] = count,
            ["sparse"] = new JsonObject
            {
                ["count"] = elements.Length,
                ["indices"] = new JsonObject { ["bufferView"] = indices, ["componentType"] = indexType },
                ["values"] = new JsonObject { ["bufferView"] = values },
            },
        };
        if (over is { } other) accessor["bufferView"] = Accessors[other]!["bufferView"]!.GetValue<int>();
        Accessors.Add(accessor);
        return Accessors.Count - 1;
    }

    /// <summary>The file.</summary>
    public byte[] Bytes()
    {
        while (_bin.Count % 4 != 0) _bin.Add(0);
        if (Root["buffers"] is JsonArray { Count: 0 } buffers && _bin.Count > 0) buffers.Add(new JsonObject { ["byteLength"] = _bin.Count });
        byte[] json = Encoding.UTF8.GetBytes(Root.ToJsonString());
        json = [.. json, .. Enumerable.Repeat((byte)' ', -json.Length & 3)];
        return File([.. "JSON"u8], json, [.. "BIN\0"u8], [.. _bin]);
    }

    /// <summary>A file of two chunks of any type.</summary>
    public static byte[] File(byte[] firstType, byte[] first, byte[] secondType, byte[] second)
    {
        byte[] bytes = [.. "glTF"u8, .. Word(2), .. Word(28 + first.Length + second.Length), .. Word(first.Length), .. firstType, .. first,
            .. Word(second.Length), .. secondType, .. second];
        return bytes;
    }

    private static byte[] Word(int value) => BitConverter.GetBytes(value);

    private int Add(int type, int count, int view, int offset)
    {
        JsonObject accessor = new() { ["bufferView"] = view, ["componentType"] = type, ["type"] = "VEC3", ["count"] = count };
        if (offset > 0) accessor["byteOffset"] = offset;
        Accessors.Add(accessor);
        return Accessors.Count - 1;
    }

    private delegate void WriteElement(Span<byte> bytes, int index);

    private int View(int element, int stride, int offset, int count, WriteElement write)
    {
        while (_bin.Count % 4 != 0) _bin.Add(0xEE);
        int step = stride == 0 ? element : stride, start = _bin.Count;
        byte[] bytes = new byte[offset + step * (count - 1) + element];
        Array.Fill(bytes, (byte)0xEE);
        for (int i = 0; i < count; i++) write(bytes.AsSpan(offset + i * step), i);
        _bin.AddRange(bytes);
        JsonObject view = new() { ["buffer"] = 0, ["byteOffset"] = start, ["byteLength"] = bytes.Length };
        if (stride > 0) view["byteStride"] = stride;
        Views.Add(view);
        return Views.Count - 1;
    }
}
