using System.CommandLine;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

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
            Run(terminal, parsed.GetRequiredValue(model), parsed.GetValue(json));
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Run(Terminal terminal, string path, bool json)
    {
        switch (ModelFolders.KindOf(path))
        {
            case ModelKind.Diffusion:
                using (DiffusionModelFolder folder = DiffusionModelFolder.Load(path))
                    Write(terminal, json, s => DiffusionSummary.WriteJson(s, folder), o => DiffusionSummary.WriteText(o, folder));
                break;
            case ModelKind.Emotion:
                using (EmotionModelFolder folder = EmotionModelFolder.Load(path))
                    Write(terminal, json, s => EmotionSummary.WriteJson(s, folder), o => EmotionSummary.WriteText(o, folder));
                break;
            default:
                using (RegressionModel loaded = RegressionModel.Load(path, new ModelOptions { MaxBatch = ModelSummary.Batch }))
                {
                    ModelSummary summary = new(loaded);
                    Write(terminal, json, s => SummaryJson.Write(s, summary), o => SummaryText.Write(o, summary));
                }
                break;
        }
    }

    private static void Write(Terminal terminal, bool json, Action<Stream> asJson, Action<TextWriter> asText)
    {
        if (!json)
        {
            asText(terminal.Out);
            return;
        }
        using TextStream stream = new(terminal.Out);
        asJson(stream);
        terminal.Out.WriteLine();
    }
}
