using System.CommandLine;
using System.Diagnostics;
using A2F.Engine.Cli.Output;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f import</c>: packs a model so that it loads by memory map.</summary>
internal static class ImportCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = new("MODEL") { Description = "Model folder in NVIDIA's deploy format." };
        Option<string> output = new("--output", "-o")
        {
            Description = "Folder to write: a new or empty one, or a packed model to replace.",
            HelpName = "DIR",
            Required = true,
        };
        ExampleCommand command = new("import", "Packs a model: one safetensors file and one manifest, which load in milliseconds.",
            "a2f import models/claire -o models/claire-packed")
        {
            model, output,
        };
        command.SetAction(parsed => Run(terminal, parsed.GetRequiredValue(model), parsed.GetRequiredValue(output)));
        return command;
    }

    private static int Run(Terminal terminal, string source, string target)
    {
        if (target.Length == 0) throw new UsageException("the output's path is empty");
        Stopwatch watch = Stopwatch.StartNew();
        ModelKind kind = ModelFolders.KindOf(source);
        using (IDisposable folder = Load(kind, source))
        {
            TimeSpan read = watch.Elapsed;
            string path = PathOf(folder);
            terminal.Out.WriteLine($"read    {path}: {Units.Bytes(Units.FolderBytes(path))} in {Units.Milliseconds(read)}");
            terminal.Cancel.ThrowIfCancellationRequested();
            Write(folder, target);
        }
        watch.Restart();
        using IDisposable packed = Load(kind, target);
        terminal.Out.WriteLine($"wrote   {target}: {Units.Bytes(Units.FolderBytes(target))}, loads in {Units.Milliseconds(watch.Elapsed)}");
        return ExitCode.Ok;
    }

    private static IDisposable Load(ModelKind kind, string path) => kind switch
    {
        ModelKind.Regression => RegressionModelFolder.Load(path),
        ModelKind.Diffusion => DiffusionModelFolder.Load(path),
        _ => EmotionModelFolder.Load(path),
    };

    private static string PathOf(IDisposable folder) => folder switch
    {
        RegressionModelFolder regression => regression.Path,
        DiffusionModelFolder diffusion => diffusion.Path,
        _ => ((EmotionModelFolder)folder).Path,
    };

    private static void Write(IDisposable folder, string target)
    {
        if (folder is RegressionModelFolder regression) regression.WritePacked(target);
        else if (folder is DiffusionModelFolder diffusion) diffusion.WritePacked(target);
        else ((EmotionModelFolder)folder).WritePacked(target);
    }
}
