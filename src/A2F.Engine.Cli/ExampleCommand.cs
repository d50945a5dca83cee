using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace A2F.Engine.Cli;

/// <summary>A command whose help ends with examples.</summary>
internal sealed class ExampleCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;
}

/// <summary>The usual help, then the command's examples; for the tool itself the first example of each command.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        // The usage line of a subcommand would show the arguments of the command above it, which do not go together.
        if (parseResult.CommandResult.Parent is CommandResult above)
        {
            foreach (Argument argument in above.Command.Arguments) argument.Hidden = true;
        }
        help.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        Command command = parseResult.CommandResult.Command;
        IEnumerable<string> examples = command is ExampleCommand example
            ? example.Examples
            : command.Subcommands.OfType<ExampleCommand>().Select(c => c.Examples[0]);
        output.WriteLine("Examples:");
        foreach (string line in examples) output.WriteLine($"  {line}");
        if (command is RootCommand)
            output.WriteLine("\nExit codes: 0 ok, 1 bad input, 2 usage, 3 device. 'a2f COMMAND --help' tells more.");
        return ExitCode.Ok;
    }
}
