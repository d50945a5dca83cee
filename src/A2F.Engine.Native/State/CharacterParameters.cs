using A2F.Engine.Animation;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>Parameters of a character by name: the keys of model files, and the choices about the solve that those do not hold.</summary>
internal static class CharacterParameters
{
    private const string Objective = "objective", PairUnmarked = "pair_unmarked_poses";

    /// <summary>The names that there are.</summary>
    internal static IReadOnlyList<string> NamesOf(AnimationSettings settings) =>
        [.. (settings with { SourceShot = null }).List().Select(p => p.Key), Objective, PairUnmarked];

    /// <summary>Sets one from text.</summary>
    /// <exception cref="A2FException">No such name, no number, out of range, or an array of the wrong length.</exception>
    internal static void Set(Character character, string name, string value)
    {
        if (name is Objective or PairUnmarked)
        {
            SolveOptions options = character.SolveOptions;
            character.SolveOptions = name == Objective
                ? options with { Objective = Choice(name, value, "normal", "energy") ? SolveObjective.Energy : SolveObjective.Normal }
                : options with { PairUnmarkedPoses = Choice(name, value, "false", "true") };
            return;
        }
        AnimationSettings old = Settings(character), settings = old.With(name, value);
        if (!ReferenceEquals(settings.Animator, old.Animator)) character.Parameters = settings.Animator;
        if (!ReferenceEquals(settings.SkinSolver, old.SkinSolver)) character.SkinSolver = settings.SkinSolver;
        if (!ReferenceEquals(settings.TongueSolver, old.TongueSolver)) character.TongueSolver = settings.TongueSolver;
    }

    /// <summary>One as text, as <see cref="Set"/> takes it.</summary>
    /// <exception cref="AbiException">No such name.</exception>
    internal static string Get(Character character, string name, out bool perPose)
    {
        perPose = false;
        if (name == Objective) return character.SolveOptions.Objective == SolveObjective.Energy ? "1" : "0";
        if (name == PairUnmarked) return character.SolveOptions.PairUnmarkedPoses ? "1" : "0";
        foreach (ParameterInfo parameter in Settings(character).List())
        {
            if (parameter.Key != name) continue;
            perPose = parameter.PerPose;
            return parameter.Value;
        }
        throw new AbiException(A2FErrorCode.InvalidArgument, $"there is no parameter '{name}'; the model's list A2F_NAMES_PARAMETERS has those that there are");
    }

    // What shot the implicit emotion comes from is chosen when a character is made.
    private static AnimationSettings Settings(Character character) =>
        new(character.Parameters, character.SkinSolver, character.TongueSolver, null, 0);

    private static bool Choice(string name, string value, string no, string yes) =>
        value == no || value == "0" ? false
        : value == yes || value == "1" ? true
        : throw new AbiException(A2FErrorCode.InvalidArgument, $"{name}: expected 0 ({no}) or 1 ({yes}), found '{value}'");
}
