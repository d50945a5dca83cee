using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;
using A2F.Engine.Cli.Commands;

namespace A2F.Engine.Cli;

/// <summary>The <c>a2f</c> tool as a function: arguments in, exit code out.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command line. Whatever goes wrong becomes one line on <paramref name="error"/> and an exit code.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error, bool interactive = false, CancellationToken cancel = default)
    {
        Terminal terminal = new(output, error, interactive, cancel);
        try
        {
            // No response files: an argument that starts with @ is a file name like any other.
            ParseResult parsed = CreateRoot(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction) throw new UsageException($"{parsed.Errors[0].Message}{HelpHint(parsed)}");
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        }
        catch (UsageException e)
        {
            return Fail(error, e.Message, ExitCode.Usage);
        }
        catch (A2FException e)
        {
            return Fail(error, e.Message, e.Code == A2FErrorCode.DeviceUnavailable ? ExitCode.Device : ExitCode.BadInput);
        }
        catch (OperationCanceledException)
        {
            return Fail(error, "interrupted; no file was written", ExitCode.Interrupted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail(error, e.Message, ExitCode.BadInput);
        }
        catch (OutOfMemoryException)
        {
            return Fail(error, "not enough memory; try a shorter input", ExitCode.BadInput);
        }
#pragma warning disable CA1031 // The last resort: a line that can be reported instead of a stack trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Fail(error, $"this is a defect of a2f, please report it: {e.GetType().Name}: {e.Message}", ExitCode.BadInput);
        }
    }

    private static RootCommand CreateRoot(Terminal terminal)
    {
        RootCommand root = new("Turns speech into facial animation with Audio2Face-3D networks.")
        {
            AnimateCommand.Create(terminal),
            EmotionCommand.Create(terminal),
            RunCommand.Create(terminal),
            PostprocessCommand.Create(terminal),
            MapCommand.Create(terminal),
            InfoCommand.Create(terminal),
            DoctorCommand.Create(terminal),
            ImportCommand.Create(terminal),
            KernelsCommand.Create(terminal),
        };
        root.SetAction(NoCommand);
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction help } helpOption) helpOption.Action = new HelpWithExamples(help);
            if (option is VersionOption version) version.Action = new ShowVersion();
        }
        return root;
    }

    private static int NoCommand(ParseResult parsed) => throw new UsageException($"a command is missing{HelpHint(parsed)}");

    private static string HelpHint(ParseResult parsed)
    {
        string words = "";
        CommandResult? result = parsed.CommandResult;
        for (; result?.Command is ExampleCommand command; result = result.Parent as CommandResult) words = $" {command.Name}{words}";
        return $" (try 'a2f{words} --help')";
    }

    private static int Fail(TextWriter error, string message, int code)
    {
        error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
        return code;
    }

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            string? version =
                typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
            parseResult.InvocationConfiguration.Output.WriteLine($"a2f {version?.Split('+')[0]}");
            return ExitCode.Ok;
        }
    }
}
