namespace A2F.Engine.Cli;

/// <summary>Where a command talks to.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Errors, and progress where somebody watches.</param>
/// <param name="Interactive">Whether a person watches <paramref name="Error"/>.</param>
/// <param name="Cancel">Fires on Ctrl-C.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool Interactive, CancellationToken Cancel);
