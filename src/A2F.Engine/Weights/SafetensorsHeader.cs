using System.Text.Json;

namespace A2F.Engine.Weights;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Extents, outermost first.</param>
/// <param name="Offset">First byte, from the start of the data.</param>
/// <param name="Bytes">Length in bytes.</param>
internal sealed record SafetensorsEntry(string Name, ElementType Type, int[] Shape, long Offset, long Bytes);

/// <summary>
/// The JSON header of a safetensors file (format description in the repository huggingface/safetensors): an object of tensors with
/// dtype, shape and data_offsets, which together cover the data without gap or overlap, and optional text metadata.
/// </summary>
internal static class SafetensorsHeader
{
    public const int MaxHeaderBytes = 8 * 1024 * 1024;

    private static readonly (string Name, ElementType Type, int Size)[] Types =
    [
        ("F32", ElementType.Float32, 4), ("F64", ElementType.Float64, 8), ("F16", ElementType.Float16, 2),
        ("I32", ElementType.Int32, 4), ("I64", ElementType.Int64, 8), ("U8", ElementType.UInt8, 1),
    ];

    public static string DtypeOf(ElementType type) => Array.Find(Types, t => t.Type == type).Name
        ?? throw new A2FException(A2FErrorCode.InvalidArgument, $"safetensors files cannot hold {type}");

    public static int SizeOf(ElementType type) => Array.Find(Types, t => t.Type == type).Size;

    /// <summary>Parses and checks a header.</summary>
    /// <exception cref="FormatException">With the reason; other exceptions mean broken JSON.</exception>
    public static List<SafetensorsEntry> Parse(ReadOnlySpan<byte> json, long dataBytes, Dictionary<string, string> metadata)
    {
        using JsonDocument document = JsonDocument.Parse(json.ToArray(), new JsonDocumentOptions { MaxDepth = 8 });
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("the header is no JSON object");
        List<SafetensorsEntry> entries = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw new FormatException($"two tensors are called '{property.Name}'");
            if (property.Name == "__metadata__")
            {
                foreach (JsonProperty item in property.Value.EnumerateObject()) metadata[item.Name] = item.Value.GetString() ?? "";
                continue;
            }
            try
            {
                entries.Add(ParseEntry(property.Name, property.Value));
            }
            catch (Exception e) when (e is FormatException or InvalidOperationException or KeyNotFoundException)
            {
                throw new FormatException($"tensor '{property.Name}': {e.Message}", e);
            }
        }
        CheckCoverage(entries, dataBytes);
        return entries;
    }

    private static SafetensorsEntry ParseEntry(string name, JsonElement value)
    {
        string? dtype = value.GetProperty("dtype").GetString();
        (string? known, ElementType type, int size) = Array.Find(Types, t => t.Name == dtype);
        if (known is null) throw new FormatException($"dtype '{dtype}' is not supported, F32, F64, F16, I32, I64 and U8 are");

        JsonElement extents = value.GetProperty("shape");
        if (extents.GetArrayLength() > NpyHeader.MaxRank) throw new FormatException($"more than {NpyHeader.MaxRank} dimensions");
        int[] shape = new int[extents.GetArrayLength()];
        long bytes = size;
        for (int i = 0; i < shape.Length; i++)
        {
            if (!extents[i].TryGetInt32(out shape[i]) || shape[i] < 0) throw new FormatException($"extent {extents[i]} of the shape");
            if (shape[i] != 0) bytes *= shape[i];
            if (bytes > NpyHeader.MaxArrayBytes) throw new FormatException($"more than {NpyHeader.MaxArrayBytes} bytes");
        }
        if (shape.Contains(0)) bytes = 0;

        JsonElement offsets = value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2) throw new FormatException("data_offsets are no pair");
        if (!offsets[0].TryGetInt64(out long begin) || !offsets[1].TryGetInt64(out long end) || begin < 0 || end < begin)
            throw new FormatException($"data_offsets {offsets}");
        if (end - begin != bytes)
        {
            throw new FormatException(
                $"{dtype} of shape {NdArray.FormatShape(shape)} needs {bytes} bytes, data_offsets give {end - begin}");
        }
        return new SafetensorsEntry(name, type, shape, begin, bytes);
    }

    private static void CheckCoverage(List<SafetensorsEntry> entries, long dataBytes)
    {
        long at = 0;
        foreach (SafetensorsEntry entry in entries.OrderBy(e => e.Offset).ThenBy(e => e.Bytes))
        {
            if (entry.Offset != at)
            {
                throw new FormatException($"tensor '{entry.Name}' starts at {entry.Offset} of the data, expected {at}: " +
                    (entry.Offset < at ? "tensors overlap" : "there is a gap"));
            }
            at += entry.Bytes;
        }
        if (at != dataBytes) throw new FormatException($"the tensors have {at} bytes, the file has {dataBytes}");
    }
}
