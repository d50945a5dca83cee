using System.Globalization;
using System.Text;
using A2F.Engine.Animation;

namespace A2F.Engine.Cli.Output;

/// <summary>A rig map for a person to read: a formula for each control, then what is left over.</summary>
internal static class MapText
{
    /// <summary>Writes what the map makes of a model's shapes.</summary>
    public static void Write(TextWriter output, RigMap map, RigMapper mapper, string model, int skin, int tongue)
    {
        int copied = mapper.ControlCount - map.Controls.Count;
        output.WriteLine($"map      {map.Source}: {map.Controls.Count} controls{(copied > 0 ? $", and {copied} shapes copied" : "")}");
        if (map.Description.Length > 0) output.WriteLine($"         {map.Description.ReplaceLineEndings(" ")}");
        output.WriteLine($"model    {model}: {skin} skin and {tongue} tongue shapes");
        output.WriteLine($"missing  {List(mapper.MissingShapes)}");
        output.WriteLine($"unused   {List(mapper.UnusedShapes)}");
        output.WriteLine();
        int width = map.Controls.Count == 0 ? 0 : map.Controls.Max(c => c.Name.Length);
        HashSet<string> missing = [.. mapper.MissingShapes];
        foreach (RigControl control in map.Controls) output.WriteLine($"{control.Name.PadRight(width)}  {Formula(map, control, missing)}");
        foreach (string name in mapper.ControlNames.Skip(map.Controls.Count)) output.WriteLine($"{name.PadRight(width)}  copied");
    }

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);

    private static string Formula(RigMap map, RigControl control, HashSet<string> missing)
    {
        StringBuilder text = new();
        foreach (RigTerm term in control.Terms.Where(t => !missing.Contains(t.Shape)))
        {
            string sign = term.Weight < 0 ? "-" : "+";
            if (text.Length > 0) text.Append(' ').Append(sign).Append(' ');
            else if (term.Weight < 0) text.Append('-');
            if (MathF.Abs(term.Weight) != 1) text.Append(Number(MathF.Abs(term.Weight))).Append(' ');
            text.Append(term.Shape);
            if (map.Inputs.TryGetValue(term.Shape, out RigInput? input)) text.Append(Change(input));
        }
        if (text.Length == 0) text.Append(Number(control.Offset));
        else if (control.Offset != 0) text.Append(control.Offset < 0 ? " - " : " + ").Append(Number(MathF.Abs(control.Offset)));
        if (control.Curve is { } curve) text.Append("; curve ").AppendJoin(' ', curve.Select(p => $"({Number(p.X)}, {Number(p.Y)})"));
        if (control.Clamp is { } clamp) text.Append($"; in {Number(clamp.Minimum)} to {Number(clamp.Maximum)}");
        return text.ToString();
    }

    private static string Change(RigInput input)
    {
        string gain = input.Gain == 1 ? "" : $" times {Number(input.Gain)}";
        string clamp = input.Clamp is { } c ? $" in {Number(c.Minimum)} to {Number(c.Maximum)}" : "";
        return gain.Length + clamp.Length == 0 ? "" : $" ({(gain + clamp).TrimStart()})";
    }

    private static string Number(float value) => value.ToString(CultureInfo.InvariantCulture);
}
