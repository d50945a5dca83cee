namespace A2F.CudaEmulator.Driver;

/// <summary>Counts driver calls, and picks the ones that a test wants to fail.</summary>
internal static class Faults
{
    private sealed record Rule(long Every, bool Once, int Result, string? Function);

    private static Rule? s_rule;
    private static long s_matching;

    /// <summary>Calls of all threads so far.</summary>
    internal static long Calls { get; private set; }

    /// <summary>The function whose call was made to fail last, since the rule was set.</summary>
    internal static string? LastFailed { get; private set; }

    internal static void Set(long n, bool once, int result, string? function)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(result, 1);
        (s_rule, s_matching, LastFailed) = (new Rule(n, once, result, function), 0, null);
    }

    internal static void Clear() => s_rule = null;

    /// <summary>Counts a call; the result that it must fail with, or 0.</summary>
    internal static int Next(string function)
    {
        Calls++;
        if (s_rule is not { } rule || rule.Function is { } only && only != function) return 0;
        if (++s_matching % rule.Every != 0) return 0;
        if (rule.Once) s_rule = null;
        LastFailed = function;
        return rule.Result;
    }
}
