using System.CommandLine;
using System.Globalization;

namespace A2F.Engine.Cli.Arguments;

/// <summary>Options of <c>a2f kernels</c> and <c>a2f kernels bake</c>.</summary>
internal static class KernelOptions
{
    private const int MostWindows = 1024, OldestArchitecture = 75;
    private const string ArchitecturePrefix = "sm_";

    /// <summary><c>--batch</c>.</summary>
    public static Option<string> Batch() => new("--batch")
    {
        Description = "Most windows that run together; the kernels of all smaller batches are included.",
        HelpName = "N",
        DefaultValueFactory = _ => "8",
    };

    /// <summary>The batch that is asked for.</summary>
    /// <exception cref="UsageException">It is no number or out of range.</exception>
    public static int Batch(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is >= 1 and <= MostWindows
            ? count
            : throw new UsageException($"--batch: expected a whole number from 1 to {MostWindows}, found '{text}'");

    /// <summary>Architectures from "sm_75,sm_86"; 86 for sm_86.</summary>
    /// <exception cref="UsageException">One is no architecture that kernels are for.</exception>
    public static int[] Architectures(string text) => [.. text.Split(',').Select(One)];

    private static int One(string word) =>
        word.StartsWith(ArchitecturePrefix, StringComparison.Ordinal)
        && int.TryParse(word.AsSpan(ArchitecturePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int architecture)
        && architecture is >= OldestArchitecture and < 1000
            ? architecture
            : throw new UsageException($"--arch: expected sm_{OldestArchitecture} or later, such as sm_86, found '{word}'");
}
