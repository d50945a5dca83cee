namespace A2F.Engine.Cli.Output;

/// <summary>How an animation is written.</summary>
internal enum TrackFormat
{
    /// <summary>One row a frame.</summary>
    Csv,

    /// <summary>One object a frame.</summary>
    Json,

    /// <summary>One array per kind of value.</summary>
    Npz,
}

/// <summary>Finds the format that a command line means.</summary>
internal static class TrackFormats
{
    /// <summary>The names of <c>--format</c>, which are the files' extensions.</summary>
    public static IReadOnlyList<string> Names { get; } = ["csv", "json", "npz"];

    /// <summary>The named format, else the one of the file's extension, else CSV.</summary>
    /// <exception cref="UsageException">There is no format of that name.</exception>
    public static TrackFormat Choose(string? name, string? file)
    {
        int index = IndexOf(name ?? "");
        if (name is not null && index < 0) throw new UsageException($"--format: expected {string.Join(", ", Names)}, found '{name}'");
        if (name is null) index = IndexOf(Path.GetExtension(file ?? "").TrimStart('.'));
        return index < 0 ? TrackFormat.Csv : (TrackFormat)index;
    }

    private static int IndexOf(string name) => Names.ToList().FindIndex(n => n.Equals(name, StringComparison.OrdinalIgnoreCase));
}
