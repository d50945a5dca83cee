namespace A2F.Engine.Cli;

/// <summary>The command line asks for something that does not exist.</summary>
internal sealed class UsageException(string message, Exception? innerException = null) : Exception(message, innerException);
