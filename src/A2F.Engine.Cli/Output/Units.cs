using System.Globalization;

namespace A2F.Engine.Cli.Output;

/// <summary>Numbers for people.</summary>
internal static class Units
{
    private static readonly string[] Prefixes = ["", "k", "M", "G", "T"];

    /// <summary>"95.2 MB"; 1 MB is a million bytes.</summary>
    public static string Bytes(long value) => Count(value) + "B";

    /// <summary>"95.2 M", "812 ".</summary>
    public static string Count(long value)
    {
        double scaled = value;
        int prefix = 0;
        for (; scaled >= 999.5 && prefix < Prefixes.Length - 1; prefix++) scaled /= 1000;
        string format = prefix == 0 || scaled >= 99.95 ? "F0" : scaled >= 9.995 ? "F1" : "F2";
        return $"{scaled.ToString(format, CultureInfo.InvariantCulture)} {Prefixes[prefix]}";
    }

    /// <summary>"1.5 ms".</summary>
    public static string Milliseconds(TimeSpan time) => $"{time.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture)} ms";

    /// <summary>Bytes of the files in a folder.</summary>
    public static long FolderBytes(string folder) => new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length);
}
