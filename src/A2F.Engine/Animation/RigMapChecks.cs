namespace A2F.Engine.Animation;

/// <summary>What a rig map must be like, however it was made.</summary>
internal static class RigMapChecks
{
    public const int MaxControls = 4096, MaxName = 256, MaxPoints = 256;

    /// <summary>Largest magnitude of gains, weights and offsets: products over thousands of terms stay far from overflow.</summary>
    public const float MaxFactor = 1000;

    /// <summary>Throws for the first thing that is wrong, with its place in the map.</summary>
    public static void Check(RigMap map)
    {
        foreach ((string shape, RigInput input) in map.Inputs)
        {
            string place = $"inputs.{Shown(shape)}";
            CheckName(map, place, shape);
            CheckNumber(map, $"{place}.gain", input.Gain, MaxFactor);
            CheckRange(map, $"{place}.clamp", input.Clamp);
        }
        if (map.Controls.Count > MaxControls || (map.Controls.Count == 0 && !map.Copy))
            throw Wrong(map, "controls", $"1 to {MaxControls}, or none with \"copy\"", $"{map.Controls.Count}");
        Dictionary<string, int> names = new(StringComparer.Ordinal);
        for (int i = 0; i < map.Controls.Count; i++)
        {
            RigControl control = map.Controls[i];
            CheckName(map, $"controls[{i}].name", control.Name);
            if (!names.TryAdd(control.Name, i))
                throw Wrong(map, $"controls[{i}].name", "different names", $"'{control.Name}' again, as in controls[{names[control.Name]}]");
            CheckControl(map, $"controls[{i}]", control);
        }
    }

    private static void CheckControl(RigMap map, string place, RigControl control)
    {
        for (int k = 0; k < control.Terms.Count; k++)
        {
            CheckName(map, $"{place}.terms[{k}].shape", control.Terms[k].Shape);
            CheckNumber(map, $"{place}.terms[{k}].weight", control.Terms[k].Weight, MaxFactor);
        }
        CheckNumber(map, $"{place}.offset", control.Offset, MaxFactor);
        CheckRange(map, $"{place}.clamp", control.Clamp);
        if (control.Curve is not { } curve) return;
        if (curve.Count is < 2 or > MaxPoints) throw Wrong(map, $"{place}.curve", $"2 to {MaxPoints} points", $"{curve.Count}");
        for (int k = 0; k < curve.Count; k++)
        {
            CheckNumber(map, $"{place}.curve[{k}][0]", curve[k].X, Finite.Limit);
            CheckNumber(map, $"{place}.curve[{k}][1]", curve[k].Y, Finite.Limit);
            if (k > 0 && curve[k].X <= curve[k - 1].X)
                throw Wrong(map, $"{place}.curve[{k}][0]", $"more than {curve[k - 1].X}, as x must grow", $"{curve[k].X}");
        }
    }

    private static void CheckName(RigMap map, string place, string name)
    {
        if (name.Length is 0 or > MaxName) throw Wrong(map, place, $"a name of 1 to {MaxName} characters", $"{name.Length}");
    }

    private static void CheckRange(RigMap map, string place, RigRange? range)
    {
        if (range is not { } r) return;
        CheckNumber(map, $"{place}[0]", r.Minimum, Finite.Limit);
        CheckNumber(map, $"{place}[1]", r.Maximum, Finite.Limit);
        if (r.Minimum > r.Maximum) throw Wrong(map, place, "[minimum, maximum]", FormattableString.Invariant($"[{r.Minimum}, {r.Maximum}]"));
    }

    private static void CheckNumber(RigMap map, string place, float value, float limit)
    {
        if (!float.IsFinite(value)) throw new A2FException(A2FErrorCode.NotFinite, $"{map.Source}: {place}: expected a finite number, found {value}");
        if (MathF.Abs(value) > limit) throw new A2FException(A2FErrorCode.OutOfRange, $"{map.Source}: {place}: expected -{limit} to {limit}, found {value}");
    }

    private static A2FException Wrong(RigMap map, string place, string expected, string found) =>
        new(A2FErrorCode.InvalidFile, $"{map.Source}: {place}: expected {expected}, found {found}");

    private static string Shown(string name) => name.Length <= 60 ? name : name[..60] + "...";
}
