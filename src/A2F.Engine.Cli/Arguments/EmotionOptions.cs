using System.CommandLine;
using System.Globalization;

namespace A2F.Engine.Cli.Arguments;

/// <summary>Options of the emotion classifier, of <c>a2f emotion</c> and of <c>a2f animate --auto-emotion</c>.</summary>
internal static class EmotionOptions
{
    private const int MostSkipped = 100_000, ShortestWindow = 400, LongestWindow = 1_600_000;

    /// <summary>Frames after each inference that use its result again.</summary>
    public static Option<string> Skip(string name) => new(name)
    {
        Description = "Frames after each inference that use its result again: 14 at 30 frames a second are two inferences a second.",
        HelpName = "N",
        DefaultValueFactory = _ => new Runtime.EmotionAnalysisOptions().InferencesToSkip.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Samples that one inference hears.</summary>
    public static Option<string> Window(string name) => new(name)
    {
        Description = "Samples that one inference hears, half of them ahead of its frame, at 16000 a second.",
        HelpName = "SAMPLES",
        DefaultValueFactory = _ => new Runtime.ModelOptions().EmotionWindow.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>What <see cref="Skip"/> asks for.</summary>
    /// <exception cref="UsageException">It is no number or out of range.</exception>
    public static int ParseSkip(string name, string text) => CommonOptions.Whole(name, text, 0, MostSkipped);

    /// <summary>What <see cref="Window"/> asks for.</summary>
    /// <exception cref="UsageException">It is no number or out of range.</exception>
    public static int ParseWindow(string name, string text) => CommonOptions.Whole(name, text, ShortestWindow, LongestWindow);
}
