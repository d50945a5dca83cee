using System.Text.Encodings.Web;
using System.Text.Json;
using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>Rig maps as JSON, version 1; docs/rig-maps.md describes the format.</summary>
internal static class RigMapJson
{
    private const string Format = "a2f-rig-map";
    private const int Version = 1;

    /// <summary>Reads and checks a map.</summary>
    public static RigMap Read(JsonItem root)
    {
        ModelJson.RequireText(root["format"], Format);
        root["version"].Int(Version, Version);
        root.RequireKnown("format", "version", "description", "inputs", "controls", "copy", "ignoreMissing");
        RigMap map = new()
        {
            Source = root.File,
            Description = root.Find("description")?.TextOrEmpty() ?? "",
            Inputs = ReadInputs(root.Find("inputs")),
            Controls = [.. root.Find("controls")?.Items().Select(ReadControl) ?? []],
            Copy = root.Find("copy")?.Bool() ?? false,
            IgnoreMissing = root.Find("ignoreMissing")?.Bool() ?? false,
        };
        RigMapChecks.Check(map);
        return map;
    }

    /// <summary>Writes what <see cref="Read"/> reads, one control a line.</summary>
    public static void Write(Stream stream, RigMap map)
    {
        // Written line by line, since an indented writer would spread a curve over a page.
        using StreamWriter text = new(stream, leaveOpen: true) { NewLine = "\n" };
        text.WriteLine("{");
        text.WriteLine($"  \"format\": \"{Format}\",");
        text.WriteLine($"  \"version\": {Version},");
        if (map.Description.Length > 0) text.WriteLine($"  \"description\": {Fragment(w => w.WriteStringValue(map.Description))},");
        if (map.Copy) text.WriteLine("  \"copy\": true,");
        if (map.IgnoreMissing) text.WriteLine("  \"ignoreMissing\": true,");
        if (map.Inputs.Count > 0)
        {
            text.WriteLine("  \"inputs\": {");
            WriteLines(text, map.Inputs.Select(i => $"{Fragment(w => w.WriteStringValue(i.Key))}: {Fragment(w => WriteInput(w, i.Value))}"));
            text.WriteLine("  },");
        }
        text.WriteLine("  \"controls\": [");
        WriteLines(text, map.Controls.Select(c => Fragment(w => WriteControl(w, c))));
        text.WriteLine("  ]");
        text.WriteLine("}");
    }

    private static Dictionary<string, RigInput> ReadInputs(JsonItem? inputs)
    {
        Dictionary<string, RigInput> read = new(StringComparer.Ordinal);
        foreach ((string shape, JsonItem input) in inputs?.Members() ?? [])
        {
            input.RequireKnown("gain", "clamp", "optional");
            read.Add(shape, new RigInput(Number(input, "gain", 1), ReadRange(input), input.Find("optional")?.Bool() ?? false));
        }
        return read;
    }

    private static RigControl ReadControl(JsonItem control)
    {
        control.RequireKnown("name", "terms", "offset", "curve", "clamp");
        RigPoint[]? curve = control.Find("curve") is { } points
            ? [.. points.Items().Select(p => p.Items(2, "x and y")).Select(p => new RigPoint(Number(p[0]), Number(p[1])))]
            : null;
        return new RigControl(
            control["name"].Text(), [.. control["terms"].Items().Select(ReadTerm)], Number(control, "offset", 0), curve, ReadRange(control));
    }

    private static RigTerm ReadTerm(JsonItem term)
    {
        term.RequireKnown("shape", "weight", "optional");
        return new RigTerm(term["shape"].Text(), Number(term, "weight", 1), term.Find("optional")?.Bool() ?? false);
    }

    private static RigRange? ReadRange(JsonItem node)
    {
        if (node.Find("clamp") is not { } clamp) return null;
        List<JsonItem> ends = clamp.Items(2, "minimum and maximum");
        return new RigRange(Number(ends[0]), Number(ends[1]));
    }

    private static float Number(JsonItem node, string key, float usual) => node.Find(key) is { } value ? Number(value) : usual;

    private static float Number(JsonItem value) => value.Float(float.MinValue, float.MaxValue);

    private static void WriteInput(Utf8JsonWriter json, RigInput input)
    {
        json.WriteStartObject();
        if (input.Gain != 1) json.WriteNumber("gain", input.Gain);
        WriteRange(json, input.Clamp);
        if (input.Optional) json.WriteBoolean("optional", true);
        json.WriteEndObject();
    }

    private static void WriteControl(Utf8JsonWriter json, RigControl control)
    {
        json.WriteStartObject();
        json.WriteString("name", control.Name);
        json.WriteStartArray("terms");
        foreach (RigTerm term in control.Terms)
        {
            json.WriteStartObject();
            json.WriteString("shape", term.Shape);
            if (term.Weight != 1) json.WriteNumber("weight", term.Weight);
            if (term.Optional) json.WriteBoolean("optional", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (control.Offset != 0) json.WriteNumber("offset", control.Offset);
        if (control.Curve is { } curve)
        {
            json.WriteStartArray("curve");
            foreach (RigPoint point in curve) WritePair(json, point.X, point.Y);
            json.WriteEndArray();
        }
        WriteRange(json, control.Clamp);
        json.WriteEndObject();
    }

    private static void WriteRange(Utf8JsonWriter json, RigRange? range)
    {
        if (range is not { } r) return;
        json.WritePropertyName("clamp");
        WritePair(json, r.Minimum, r.Maximum);
    }

    private static void WritePair(Utf8JsonWriter json, float first, float second)
    {
        json.WriteStartArray();
        json.WriteNumberValue(first);
        json.WriteNumberValue(second);
        json.WriteEndArray();
    }

    private static void WriteLines(StreamWriter text, IEnumerable<string> lines)
    {
        bool first = true;
        foreach (string line in lines)
        {
            text.Write(first ? "    " : ",\n    ");
            text.Write(line);
            first = false;
        }
        if (!first) text.WriteLine();
    }

    private static string Fragment(Action<Utf8JsonWriter> write)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) write(json);
        return System.Text.Encoding.UTF8.GetString(bytes.ToArray());
    }
}
