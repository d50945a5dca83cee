namespace A2F.Engine.Animation;

/// <summary>What somebody may have meant who wrote a name that there is not.</summary>
internal static class NearestName
{
    /// <summary>The name with the fewest edits (insert, delete, replace a character, capitals aside); null where there is none to choose from.</summary>
    public static string? Find(string wrong, IEnumerable<string> names) => names.MinBy(name => Edits(wrong, name));

    private static int Edits(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[^1];
    }
}
