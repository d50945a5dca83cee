using System.Globalization;
using System.Text;

namespace A2F.Engine.Bench;

/// <summary>Latency, and cost of a frame, over the number of characters, as SVG: two panels with one logarithmic axis of characters.</summary>
internal static class CharactersPlot
{
    private const int Width = 760, Height = 640, Left = 76, Right = 24, Panel = 230, FirstTop = 64, SecondTop = 356;

    /// <summary>A curve: its name, colour and values, one for each result.</summary>
    private sealed record Curve(string Name, string Colour, double[] Values);

    public static string Draw(CharactersReport report)
    {
        double[] counts = [.. report.Results.Select(r => (double)r.Characters)];
        StringBuilder svg = new();
        Line(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\">");
        Line(svg, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>");
        Text(svg, Left, 22, "start", $"Characters at {report.Rate} frames a second: {Path.GetFileName(report.Model.TrimEnd('/', '\\'))} on {report.Device}", 15);
        Text(svg, Left, 40, "start", $"{report.Machine.Processor}, A2F.Engine {report.Engine.Split('+')[0]}, {report.Machine.Runtime}", 11);
        DrawPanel(svg, FirstTop, "latency, ms", counts, logarithmic: true,
        [
            new Curve("p50", "#1b6ca8", [.. report.Results.Select(r => r.Latency.P50)]), new Curve("p99", "#c0392b", [.. report.Results.Select(r => r.Latency.P99)]),
        ]);
        DrawPanel(svg, SecondTop, "cost of a frame, ms", counts, logarithmic: false,
            [new Curve("tick time / frames", "#2e7d32", [.. report.Results.Select(r => r.PerFrame)])]);
        Text(svg, (Left + Width - Right) / 2.0, SecondTop + Panel + 38, "middle", "characters", 12);
        Line(svg, $"</svg>");
        return svg.ToString();
    }

    private static void DrawPanel(StringBuilder svg, int top, string title, double[] counts, bool logarithmic, Curve[] curves)
    {
        double[] xs = LogTicks(counts.Min(), counts.Max()), values = [.. curves.SelectMany(c => c.Values).Where(v => v > 0)];
        double most = values.DefaultIfEmpty(1).Max();
        double[] ys = logarithmic ? LogTicks(values.DefaultIfEmpty(1).Min(), most) : EvenTicks(most);
        Text(svg, Left, top - 6, "start", title, 12);
        foreach (double y in ys)
        {
            Line(svg, $"<path d=\"M{Left} {Y(y):F1}H{Width - Right}\" stroke=\"#ddd\"/>");
            Text(svg, Left - 8, Y(y) + 4, "end", y.ToString("0.###", CultureInfo.InvariantCulture), 11);
        }
        foreach (double x in xs.Concat(counts).Distinct())
        {
            bool measured = counts.Contains(x);
            Line(svg, $"<path d=\"M{X(x):F1} {top}V{top + Panel}\" stroke=\"{(measured ? "#ddd" : "#f2f2f2")}\"/>");
            if (measured) Text(svg, X(x), top + Panel + 17, "middle", x.ToString("0", CultureInfo.InvariantCulture), 11);
        }
        Line(svg, $"<path d=\"M{Left} {top}V{top + Panel}H{Width - Right}\" fill=\"none\" stroke=\"#333\"/>");
        for (int i = 0; i < curves.Length; i++)
        {
            (string name, string colour, double[] curve) = curves[i];
            string points = string.Join(' ', curve.Select((v, k) => FormattableString.Invariant($"{X(counts[k]):F1},{Y(Math.Max(v, ys[0])):F1}")));
            Line(svg, $"<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
            for (int k = 0; k < curve.Length; k++)
                Line(svg, $"<circle cx=\"{X(counts[k]):F1}\" cy=\"{Y(Math.Max(curve[k], ys[0])):F1}\" r=\"3\" fill=\"{colour}\"/>");
            Line(svg, $"<rect x=\"{Left + 14}\" y=\"{top + 10 + 18 * i}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>");
            Text(svg, Left + 34, top + 16 + 18 * i, "start", name, 12);
        }

        double X(double count) => Left + (Width - Left - Right) * Share(Math.Log(count), Math.Log(xs[0]), Math.Log(xs[^1]));

        double Y(double value) => top + Panel * (1 - (logarithmic
            ? Share(Math.Log(value), Math.Log(ys[0]), Math.Log(ys[^1]))
            : Share(value, ys[0], ys[^1])));
    }

    private static double Share(double value, double low, double high) => high > low ? (value - low) / (high - low) : 0.5;

    // 1, 2 and 5 times powers of ten, from at or below the least to at or above the most.
    private static double[] LogTicks(double least, double most)
    {
        List<double> ticks = [];
        for (int power = (int)Math.Floor(Math.Log10(least)) - 1; ticks.Count == 0 || ticks[^1] < most; power++)
        {
            foreach (int digit in (int[])[1, 2, 5])
            {
                if (ticks.Count == 0 || ticks[^1] < most) ticks.Add(power < 0 ? digit / Math.Pow(10, -power) : digit * Math.Pow(10, power));
                if (ticks.Count > 1 && ticks[1] <= least) ticks.RemoveAt(0);
            }
        }
        return [.. ticks];
    }

    private static double[] EvenTicks(double most)
    {
        double step = LogTicks(most / 6, most / 6)[^1];
        return [.. Enumerable.Range(0, (int)Math.Ceiling(most / step) + 1).Select(i => i * step)];
    }

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text, int size) =>
        Line(svg, $"<text x=\"{x:F1}\" y=\"{y:F1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{System.Security.SecurityElement.Escape(text)}</text>");

    private static void Line(StringBuilder svg, FormattableString line) => svg.Append(FormattableString.Invariant(line)).Append('\n');
}
