using System.CommandLine;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f info</c>: what a model is, and what it costs.</summary>
internal static class InfoCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<bool> json = new("--json") { Description = "Writes JSON, for programs." };
        ExampleCommand command = new("info", "Tells what a model is: sizes, cost, memory, emotions, and every parameter that --set takes.",
            "a2f info models/claire",
            "a2f info models/claire --json")
        {
            model, json,
        };
        command.SetAction(parsed =>
        {
            using RegressionModel loaded =
                RegressionModel.Load(parsed.GetRequiredValue(model), new ModelOptions { MaxBatch = ModelSummary.Batch });
            ModelSummary summary = new(loaded);
            if (parsed.GetValue(json))
            {
                using TextStream stream = new(terminal.Out);
                SummaryJson.Write(stream, summary);
                terminal.Out.WriteLine();
            }
            else SummaryText.Write(terminal.Out, summary);
            return ExitCode.Ok;
        });
        return command;
    }
}
