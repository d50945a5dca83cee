namespace A2F.Engine.Cli.Arguments;

/// <summary>Lists like <c>joy=0.6,sadness=0.2</c>.</summary>
internal static class Assignments
{
    /// <summary>Cuts at commas outside brackets, then at the first equals sign.</summary>
    /// <param name="option">The option's name, for messages.</param>
    /// <param name="texts">The option's values, one for each time it was given.</param>
    /// <exception cref="UsageException">A part is no <c>key=value</c>, or brackets do not close.</exception>
    public static List<KeyValuePair<string, string>> Parse(string option, IEnumerable<string> texts)
    {
        List<KeyValuePair<string, string>> assignments = [];
        foreach (string part in texts.SelectMany(text => Split(option, text)))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string key = equals < 0 ? "" : part[..equals].Trim(), value = equals < 0 ? "" : part[(equals + 1)..].Trim();
            if (key.Length == 0 || value.Length == 0) throw new UsageException($"{option}: expected key=value, found '{part.Trim()}'");
            assignments.Add(new(key, value));
        }
        return assignments;
    }

    private static List<string> Split(string option, string text)
    {
        List<string> parts = [];
        int start = 0, depth = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '[') depth++;
            else if (text[i] == ']' && --depth < 0) break;
            else if (text[i] == ',' && depth == 0)
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
        }
        if (depth != 0) throw new UsageException($"{option}: brackets do not match in '{text}'");
        parts.Add(text[start..]);
        return parts;
    }
}
