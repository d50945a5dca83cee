using System.Globalization;
using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Output;

/// <summary><c>a2f info</c> for people.</summary>
internal static class SummaryText
{
    private const int Label = 18;

    public static void Write(TextWriter output, ModelSummary summary)
    {
        RegressionModelFolder folder = summary.Folder;
        RegressionInfo info = folder.Info;
        string format = folder.IsPacked ? "packed by 'a2f import'" : "deploy format";
        output.WriteLine($"{info.Actor}: regression model, {format}, {folder.Path}");
        Line("network", summary.Branches.Count == 0 ? "none; only 'a2f postprocess' works" : string.Join(" and ", summary.Branches));
        double milliseconds = 1000.0 * info.BufferLength / info.SampleRate;
        Line("audio", Invariant(
            $"{info.BufferLength} samples at {info.SampleRate} Hz ({milliseconds:F0} ms), result at sample {info.BufferOffset}"));
        Line("outputs",
            $"{info.OutputLength}: skin {info.SkinShapes}, tongue {info.TongueShapes}, jaw {info.JawSize}, eyes {info.EyesSize}");
        Line("vertices", $"skin {info.SkinVertices}, tongue {info.TongueVertices}");
        Line("blendshapes", $"skin {Poses(folder.SkinBlendshapes)}, tongue {Poses(folder.TongueBlendshapes)}");
        Line("emotions", Emotions(info));
        Line("implicit emotion", Shots(folder));
        Line("files", Units.Bytes(summary.FileBytes));
        Line("memory", $"{Units.Bytes(summary.DataBytes)} of model data{(folder.IsPacked ? ", mapped" : "")}" +
            (summary.Parts.Count == 0 ? ""
                : $"; {Units.Bytes(summary.BackendBytes)} for {ModelSummary.Batch} windows at once on {summary.Device}"));
        if (summary.Parts.Count > 0) WriteParts(output, summary);
        WriteParameters(output, folder.Settings.List());

        void Line(string label, string text) => output.WriteLine($"  {(label + ' ').PadRight(Label)}{text}");
    }

    private static void WriteParts(TextWriter output, ModelSummary summary)
    {
        output.WriteLine($"\n  {"part",-26}{"weights",12}{"flops a frame",16}");
        foreach (CostPart part in summary.Parts) Row(part.Part, part.Weights, 2 * part.MultiplyAdds);
        Row("all", summary.WeightCount, summary.FlopsPerFrame);

        void Row(string name, long weights, long flops) =>
            output.WriteLine($"  {name,-26}{Units.Count(weights).Trim(),12}{Units.Count(flops).Trim(),16}");
    }

    internal static void WriteParameters(TextWriter output, IReadOnlyList<ParameterInfo> parameters)
    {
        int key = parameters.Max(p => p.Key.Length) + 2;
        output.WriteLine($"\n  {"parameter (--set)".PadRight(key)}{"value",-16}range");
        foreach (ParameterInfo parameter in parameters)
        {
            string each = parameter.PerPose ? ", each pose" : "";
            output.WriteLine($"  {parameter.Key.PadRight(key)}{Shortened(parameter),-16}{Range(parameter)}{each}");
        }
        output.WriteLine($"  {Arguments.SetArgument.Objective.PadRight(key)}{"normal",-16}normal or energy");
        output.WriteLine($"  {Arguments.SetArgument.PairUnmarked.PadRight(key)}{"0",-16}0 or 1");
    }

    private static string Range(ParameterInfo parameter) => float.IsNaN(parameter.Minimum) ? "text"
        : parameter.Maximum >= int.MaxValue ? Invariant($"{parameter.Minimum} or more")
        : Invariant($"{parameter.Minimum} to {parameter.Maximum}");

    internal static string Poses(BlendshapeSet? set) => set is null ? "none" : $"{set.PoseNames.Count}";

    private static string Emotions(RegressionInfo info) => string.Join(", ", info.Emotions.Select((name, i) =>
        info.DefaultEmotion[i] == 0 ? name : Invariant($"{name} (default {info.DefaultEmotion[i]})")));

    private static string Shots(RegressionModelFolder folder)
    {
        ImplicitEmotionDatabase shots = folder.ImplicitEmotions;
        IEnumerable<string> names =
            shots.ShotNames.Select((name, i) => $"{name} ({shots.ShotSizes[i]} frame{(shots.ShotSizes[i] == 1 ? "" : "s")})");
        string more = shots.ShotNames.Count > 12 ? $", ... ({shots.ShotNames.Count} in all)" : "";
        return $"{folder.Info.ImplicitEmotionLength} values; shots {string.Join(", ", names.Take(12))}{more}";
    }

    // An array that says the same for all poses is one number; others would fill the screen.
    private static string Shortened(ParameterInfo parameter)
    {
        if (!parameter.PerPose) return parameter.Value;
        string[] values = parameter.Value.Trim('[', ']').Split(", ");
        return values.Distinct().Count() == 1 ? $"{values[0]} (all)" : $"[{values.Length} values]";
    }

    internal static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
