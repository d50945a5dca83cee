using System.Globalization;

namespace A2F.Engine.Cli.Arguments;

/// <summary>The values of <c>--emotion</c>.</summary>
internal static class EmotionArgument
{
    /// <summary>One value per emotion of the model; what is not named keeps the model's default.</summary>
    /// <param name="texts">The option's values, one for each time it was given.</param>
    /// <param name="emotions">Names of the model's emotions.</param>
    /// <param name="defaults">The model's default of each.</param>
    /// <exception cref="UsageException">A name the model does not know, a name twice, or a value outside 0 to 1.</exception>
    public static float[] Parse(IEnumerable<string> texts, IReadOnlyList<string> emotions, IReadOnlyList<float> defaults)
    {
        float[] values = [.. defaults];
        HashSet<int> named = [];
        foreach ((string name, string text) in Assignments.Parse("--emotion", texts))
        {
            int index = emotions.ToList().FindIndex(e => e.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (index < 0)
                throw new UsageException($"--emotion: the model does not know '{name}', it knows {string.Join(", ", emotions)}");
            if (!named.Add(index)) throw new UsageException($"--emotion: '{name}' is given twice");
            if (!float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out values[index])
                || values[index] is not (>= 0 and <= 1))
                throw new UsageException($"--emotion: {name}: expected a number from 0 to 1, found '{text}'");
        }
        return values;
    }
}
