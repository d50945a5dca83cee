using A2F.Engine.Animation;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Arguments;

/// <summary>What <c>--set</c> makes of a model's settings.</summary>
/// <param name="Settings">The model's settings with the given keys changed.</param>
/// <param name="Solve">Choices that model files do not hold.</param>
/// <param name="Emotion">The classifier's settings with the given keys changed; null where there is none.</param>
internal sealed record SetArgument(AnimationSettings Settings, SolveOptions Solve, EmotionSettings? Emotion = null)
{
    /// <summary>Key of the solve's objective.</summary>
    public const string Objective = "objective";

    /// <summary>Key of the reference's treatment of poses without a pair.</summary>
    public const string PairUnmarked = "pair_unmarked_poses";

    /// <summary>What the keys of an emotion classifier start with beside those of a face.</summary>
    public const string EmotionPrefix = "emotion.";

    /// <summary>Applies the values of <c>--set</c> to a regression model's settings, or those that take their place, later ones last.</summary>
    /// <exception cref="UsageException">A key the model does not have, or a value that does not fit it.</exception>
    public static SetArgument Parse(IEnumerable<string> texts, RegressionModelFolder folder, EmotionSettings? emotion = null, AnimationSettings? face = null)
    {
        SetArgument set = Parse(texts, face ?? folder.Settings, emotion);
        AnimationSettings settings = set.Settings;
        if (settings.SourceShot != folder.SourceShot || settings.SourceFrame != folder.SourceFrame) CheckShot(settings, folder);
        return set;
    }

    /// <summary>Applies the values of <c>--set</c>, later ones last.</summary>
    /// <exception cref="UsageException">A key that there is not, or a value that does not fit it.</exception>
    public static SetArgument Parse(IEnumerable<string> texts, AnimationSettings settings, EmotionSettings? emotion = null)
    {
        SolveOptions solve = new();
        foreach ((string key, string value) in Assignments.Parse("--set", texts))
        {
            if (key == Objective) solve = solve with { Objective = Choice(key, value, SolveObjective.Normal, SolveObjective.Energy) };
            else if (key == PairUnmarked) solve = solve with { PairUnmarkedPoses = Choice(key, value, false, true) };
            else if (!key.StartsWith(EmotionPrefix, StringComparison.Ordinal)) settings = Try(() => settings.With(key, value));
            else if (emotion is null) throw new UsageException($"--set: {key}: emotion parameters need --auto-emotion");
            else emotion = Try(() => emotion.With(key[EmotionPrefix.Length..], value));
        }
        return new SetArgument(settings, solve, emotion);
    }

    /// <summary>Applies the values of <c>--set</c> to a classifier alone: its keys, without a prefix.</summary>
    /// <exception cref="UsageException">A key that there is not, or a value that does not fit it.</exception>
    public static EmotionSettings ParseEmotion(IEnumerable<string> texts, EmotionSettings settings)
    {
        foreach ((string key, string value) in Assignments.Parse("--set", texts)) settings = Try(() => settings.With(key, value));
        return settings;
    }

    private static T Try<T>(Func<T> change)
    {
        try
        {
            return change();
        }
        catch (A2FException e)
        {
            throw new UsageException($"--set: {e.Message}", e);
        }
    }

    private static void CheckShot(AnimationSettings settings, RegressionModelFolder folder)
    {
        ImplicitEmotionDatabase shots = folder.ImplicitEmotions;
        int index = shots.ShotNames.ToList().IndexOf(settings.SourceShot!);
        if (index < 0)
        {
            throw new UsageException(
                $"--set: source_shot: there is no '{settings.SourceShot}', there are {string.Join(", ", shots.ShotNames)}");
        }
        if (settings.SourceFrame >= shots.ShotSizes[index])
        {
            throw new UsageException(
                $"--set: source_frame: shot '{settings.SourceShot}' has frames 0 to {shots.ShotSizes[index] - 1}, " +
                $"found {settings.SourceFrame}");
        }
    }

    private static T Choice<T>(string key, string value, T first, T second)
    {
        string[] names = first is bool ? ["0", "1"] : [$"{first}".ToLowerInvariant(), $"{second}".ToLowerInvariant()];
        return value == names[0] ? first
            : value == names[1] ? second
            : throw new UsageException($"--set: {key}: expected {names[0]} or {names[1]}, found '{value}'");
    }
}
