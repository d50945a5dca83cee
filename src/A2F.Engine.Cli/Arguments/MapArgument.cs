using A2F.Engine.Animation;

namespace A2F.Engine.Cli.Arguments;

/// <summary>A rig map on the command line: the name of a preset, or a file.</summary>
internal static class MapArgument
{
    /// <summary>What such an option or argument is called in help.</summary>
    public const string HelpName = "NAME|FILE";

    /// <summary>Names of the presets, for help.</summary>
    public static string Names => string.Join(", ", RigMap.PresetNames);

    /// <summary>Whether the text names a preset.</summary>
    public static bool IsPreset(string text) => RigMap.PresetNames.Contains(text);

    /// <summary>The map; a file called like a preset is named with its folder: ./arkit.</summary>
    /// <exception cref="UsageException">The text is neither a preset nor a file, and looks like a name.</exception>
    /// <exception cref="A2FException">The file is wrong.</exception>
    public static RigMap Load(string what, string text)
    {
        if (IsPreset(text)) return RigMap.Preset(text);
        bool looksLikeName = text.Length == 0 || (text.IndexOfAny(['/', '\\', '.']) < 0 && !File.Exists(text));
        return looksLikeName
            ? throw new UsageException($"{what}: there is no rig map '{text}', there are {Names}, and no such file")
            : RigMap.Load(text);
    }
}
