namespace A2F.Engine.Cli.Arguments;

/// <summary>What <c>--identity</c> names.</summary>
internal static class IdentityArgument
{
    /// <summary>Index of an identity, in any case of letters; 0 for none.</summary>
    /// <exception cref="UsageException">There is no such identity.</exception>
    public static int IndexOf(string? identity, IReadOnlyList<string> names)
    {
        if (identity is null) return 0;
        int index = names.ToList().FindIndex(n => n.Equals(identity, StringComparison.OrdinalIgnoreCase));
        return index >= 0 ? index
            : throw new UsageException($"--identity: the model does not know '{identity}', it knows {string.Join(", ", names)}");
    }
}
