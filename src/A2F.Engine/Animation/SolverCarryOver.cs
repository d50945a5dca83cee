namespace A2F.Engine.Animation;

/// <summary>Solver parameters of one set of poses for another set.</summary>
public static class SolverCarryOver
{
    /// <summary>
    /// Strengths stay. A pose of the same name keeps whether it is active, its multiplier and offset, and its ids of symmetry and cancellation, so
    /// that two poses of a pair that are both there stay one. Any other pose is active, without a pair, with multiplier 1 and offset 0.
    /// </summary>
    /// <param name="own">Parameters of <paramref name="ownPoses"/>; null for the defaults of <see cref="SolverParameters"/>.</param>
    /// <param name="ownPoses">Names that <paramref name="own"/> belongs to.</param>
    /// <param name="poses">Names that parameters are wanted for.</param>
    public static SolverParameters ByName(SolverParameters? own, IReadOnlyList<string> ownPoses, IReadOnlyList<string> poses)
    {
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        for (int i = 0; own is not null && i < Math.Min(ownPoses.Count, own.ActivePoses.Count); i++) places.TryAdd(ownPoses[i], i);
        int[] from = [.. poses.Select(name => places.GetValueOrDefault(name, -1))];
        SolverParameters kept = own ?? new SolverParameters { ActivePoses = [], CancelPoses = [], SymmetryPoses = [], Multipliers = [], Offsets = [] };
        return kept with
        {
            ActivePoses = Carried(kept.ActivePoses, true),
            CancelPoses = Carried(kept.CancelPoses, -1),
            SymmetryPoses = Carried(kept.SymmetryPoses, -1),
            Multipliers = Carried(kept.Multipliers, 1f),
            Offsets = Carried(kept.Offsets, 0f),
        };

        T[] Carried<T>(IReadOnlyList<T> values, T usual) => Array.ConvertAll(from, i => i >= 0 && i < values.Count ? values[i] : usual);
    }
}
