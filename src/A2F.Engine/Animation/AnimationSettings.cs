using System.Globalization;
using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>A key that <see cref="AnimationSettings.With"/> takes.</summary>
/// <param name="Key">Its name; those of a solver are preceded by <c>skin.</c> or <c>tongue.</c></param>
/// <param name="Minimum">Smallest value; NaN for text.</param>
/// <param name="Maximum">Largest value; NaN for text.</param>
/// <param name="PerPose">Whether the value is an array with an entry per pose.</param>
/// <param name="Value">The value that the settings hold, as <see cref="AnimationSettings.With"/> takes it.</param>
public sealed record ParameterInfo(string Key, float Minimum, float Maximum, bool PerPose, string Value);

/// <summary>All that a user may change about how a network's output becomes a face, reachable by the keys of model files.</summary>
/// <param name="Animator">The animation stage.</param>
/// <param name="SkinSolver">The skin solve, or null where the model has none.</param>
/// <param name="TongueSolver">The tongue solve, or null where the model has none.</param>
/// <param name="SourceShot">Shot of the implicit emotion; null for a model without one (diffusion).</param>
/// <param name="SourceFrame">Frame within the shot.</param>
public sealed record AnimationSettings(
    AnimatorParameters Animator, SolverParameters? SkinSolver, SolverParameters? TongueSolver, string? SourceShot, int SourceFrame)
{
    private const string SkinPrefix = "skin.";
    private const string TonguePrefix = "tongue.";

    /// <summary>
    /// The settings with one key changed: a key of model_config.json, <c>blink_offset</c>, or a key of bs_*_config.json after
    /// <c>skin.</c> or <c>tongue.</c>, such as <c>skin.strengthL2regularization</c>. Arrays are written <c>[1, 0.5, ...]</c>; a single
    /// value fills the array.
    /// </summary>
    /// <exception cref="A2FException">No such key, no number, out of range, or an array of the wrong length.</exception>
    public AnimationSettings With(string key, string value)
    {
        if (key.StartsWith(SkinPrefix, StringComparison.Ordinal))
            return this with { SkinSolver = Solver(SkinSolver, SkinPrefix, key, value) };
        if (key.StartsWith(TonguePrefix, StringComparison.Ordinal))
            return this with { TongueSolver = Solver(TongueSolver, TonguePrefix, key, value) };
        if (SourceShot is not null && key == ParameterTable.SourceShot) return this with { SourceShot = value };
        if (SourceShot is not null && key == ParameterTable.SourceFrame) return this with { SourceFrame = Frame(value) };
        AnimatorParameters animator = Animator;
        return ParameterTable.TrySet(ref animator, key, value) ? this with { Animator = animator } : throw Unknown(key);
    }

    /// <summary>Every key that <see cref="With"/> takes, with its range and the value it has here.</summary>
    public IReadOnlyList<ParameterInfo> List()
    {
        List<ParameterInfo> list =
        [
            .. ParameterTable.Animator.Select(p => new ParameterInfo(p.Key, p.Minimum, p.Maximum, false, Text(p.Get(Animator)))),
        ];
        if (SourceShot is not null)
        {
            list.Add(new(ParameterTable.SourceShot, float.NaN, float.NaN, false, SourceShot));
            list.Add(new(ParameterTable.SourceFrame, 0, int.MaxValue, false, Text(SourceFrame)));
        }
        Add(SkinPrefix, SkinSolver);
        Add(TonguePrefix, TongueSolver);
        return list;

        void Add(string prefix, SolverParameters? solver)
        {
            if (solver is null) return;
            list.AddRange(ParameterTable.Solver.Select(p =>
                new ParameterInfo(prefix + p.Key, p.Minimum, p.Maximum, false, Text(p.Get(solver)))));
            list.AddRange(ParameterTable.Poses.Select(p =>
                new ParameterInfo(prefix + p.Key, p.Minimum, p.Maximum, true, $"[{string.Join(", ", p.Get(solver).Select(Text))}]")));
        }
    }

    private static SolverParameters Solver(SolverParameters? solver, string prefix, string key, string value)
    {
        if (solver is null)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{key}: the model has no {prefix[..^1]} blendshapes");
        return ParameterTable.TrySet(ref solver, key[prefix.Length..], value, prefix) ? solver : throw Unknown(key);
    }

    private static int Frame(string value)
    {
        if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int frame))
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{ParameterTable.SourceFrame}: expected a whole number, found '{value}'");
        return frame >= 0 ? frame
            : throw new A2FException(A2FErrorCode.OutOfRange, $"{ParameterTable.SourceFrame}: expected 0 or more, found {value}");
    }

    private static A2FException Unknown(string key) => new(A2FErrorCode.InvalidArgument,
        $"there is no parameter '{key}'; 'a2f info' lists those of a model");

    private static string Text(float value) => value.ToString(CultureInfo.InvariantCulture);
}
