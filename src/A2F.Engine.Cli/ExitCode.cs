namespace A2F.Engine.Cli;

/// <summary>What the process returns; docs/cli.md lists them for users.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>A file, a model or data in them is wrong, or could not be read or written.</summary>
    public const int BadInput = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The device or a helper program is missing or failed.</summary>
    public const int Device = 3;

    /// <summary>Ctrl-C, as shells report it: 128 + SIGINT.</summary>
    public const int Interrupted = 130;
}
