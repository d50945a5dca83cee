using System.Globalization;
using System.Text.Json;

namespace A2F.Engine.Weights;

/// <summary>A value in a JSON file that knows where it stands, so that every complaint names file, key, expected and found.</summary>
internal readonly struct JsonItem(string file, string key, JsonElement element)
{
    // Items carry their place as text, so memory must not follow whatever a file holds.
    private const int MaxItems = 1 << 16;

    /// <summary>Dots between nested keys.</summary>
    public string Key => key;

    /// <summary>The file that the value is from.</summary>
    public string File => file;

    /// <summary>The value of a key, which must exist.</summary>
    public JsonItem this[string name] => Find(name)
        ?? throw new A2FException(A2FErrorCode.InvalidFile, $"{file}: key '{Join(name)}' is missing");

    /// <summary>The value of a key, or null where there is none; a JSON null counts as none.</summary>
    public JsonItem? Find(string name)
    {
        if (element.ValueKind != JsonValueKind.Object) throw Wrong("an object");
        try
        {
            return element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
                ? new JsonItem(file, Join(name), value)
                : null;
        }
        catch (InvalidOperationException e)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{file}: a key beside '{Join(name)}' holds an escape that is no character", e);
        }
    }

    /// <summary>The keys and values of an object, in the file's order; a key twice is refused.</summary>
    public List<KeyValuePair<string, JsonItem>> Members()
    {
        if (element.ValueKind != JsonValueKind.Object) throw Wrong("an object");
        List<KeyValuePair<string, JsonItem>> members = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        try
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                if (members.Count == MaxItems) throw Wrong($"an object of at most {MaxItems} keys");
                if (!seen.Add(property.Name)) throw new A2FException(A2FErrorCode.InvalidFile, $"{file}: key '{Join(property.Name)}' is there twice");
                members.Add(new(property.Name, new JsonItem(file, Join(property.Name), property.Value)));
            }
        }
        catch (InvalidOperationException e)
        {
            throw new A2FException(A2FErrorCode.InvalidFile, $"{file}: key '{key}': a key within holds an escape that is no character", e);
        }
        return members;
    }

    /// <summary>Throws for a key of this object that is not among the known ones: a misspelt key must not be lost in silence.</summary>
    public void RequireKnown(params ReadOnlySpan<string> known)
    {
        foreach ((string name, _) in Members())
        {
            if (!known.Contains(name))
                throw new A2FException(A2FErrorCode.InvalidFile, $"{file}: key '{Join(name)}': expected one of {string.Join(", ", known.ToArray())}");
        }
    }

    /// <summary>Whole numbers within a range: an array of any length, however many a file of the allowed size holds.</summary>
    public int[] Ints(int minimum, int maximum)
    {
        if (element.ValueKind != JsonValueKind.Array) throw Wrong("an array of whole numbers");
        int[] values = new int[element.GetArrayLength()];
        int count = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            // Plain whole numbers need no item with a place of its own; all else is read, and complained about, as everywhere.
            bool plain = item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out values[count]) && values[count] >= minimum && values[count] <= maximum;
            if (!plain) values[count] = new JsonItem(file, string.Create(CultureInfo.InvariantCulture, $"{key}[{count}]"), item).Int(minimum, maximum);
            count++;
        }
        return values;
    }

    /// <summary>The elements of an array.</summary>
    public List<JsonItem> Items()
    {
        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() > MaxItems) throw Wrong($"an array of at most {MaxItems}");
        List<JsonItem> items = new(element.GetArrayLength());
        foreach (JsonElement item in element.EnumerateArray())
            items.Add(new JsonItem(file, string.Create(CultureInfo.InvariantCulture, $"{key}[{items.Count}]"), item));
        return items;
    }

    /// <summary>The elements of an array that must have <paramref name="count"/>.</summary>
    public List<JsonItem> Items(int count, string reason)
    {
        List<JsonItem> items = Items();
        return items.Count == count
            ? items
            : throw new A2FException(A2FErrorCode.InvalidModel,
                $"{file}: key '{key}': expected {count} values ({reason}), found {items.Count}");
    }

    /// <summary>A text that is not empty.</summary>
    public string Text()
    {
        try
        {
            if (element.ValueKind == JsonValueKind.String && element.GetString() is { Length: > 0 } text) return text;
        }
        catch (InvalidOperationException)
        {
            // Escapes that are no characters.
        }
        throw Wrong("a text");
    }

    /// <summary>A text, which may be empty.</summary>
    public string TextOrEmpty() => element.ValueKind == JsonValueKind.String && element.ValueEquals("") ? "" : Text();

    /// <summary>A whole number within a range; 3.0 is one.</summary>
    public int Int(int minimum, int maximum)
    {
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out double value) || value != Math.Floor(value))
            throw Wrong("a whole number");
        if (value < minimum || value > maximum)
            throw new A2FException(A2FErrorCode.OutOfRange, $"{file}: key '{key}': expected {minimum} to {maximum}, found {Shown()}");
        return (int)value;
    }

    /// <summary>A number within a range.</summary>
    public float Float(float minimum, float maximum)
    {
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out double value)) throw Wrong("a number");
        float rounded = (float)value;
        if (!float.IsFinite(rounded))
            throw new A2FException(A2FErrorCode.NotFinite, $"{file}: key '{key}': expected a finite float32, found {Shown()}");
        if (rounded < minimum || rounded > maximum)
            throw new A2FException(A2FErrorCode.OutOfRange, $"{file}: key '{key}': expected {minimum} to {maximum}, found {Shown()}");
        return rounded;
    }

    /// <summary>true, false, 0 or 1.</summary>
    public bool Bool() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => Int(0, 1) == 1,
    };

    /// <summary>The complaint about a value of the wrong kind.</summary>
    public A2FException Wrong(string expected)
    {
        string place = key.Length == 0 ? "the file" : $"key '{key}'";
        return new A2FException(A2FErrorCode.InvalidFile, $"{file}: {place}: expected {expected}, found {Shown()}");
    }

    private string Shown()
    {
        string raw = element.GetRawText();
        string shown = raw.Length > 60 ? raw[..60] + "..." : raw;
        return element.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => $"an array of {element.GetArrayLength()}",
            _ => shown,
        };
    }

    private string Join(string name) => key.Length == 0 ? name : $"{key}.{name}";
}
