using System.CommandLine;
using A2F.Engine.Animation;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f map</c>: what a rig map makes of a model's blendshapes, and the map itself.</summary>
internal static class MapCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> map = new(MapArgument.HelpName) { Description = $"Rig map: {MapArgument.Names}, or the file of one." };
        Option<string?> model = new("--model")
        {
            Description = $"Model folder to check the map against. [default: ${DefaultModel.Variable}, else weights/default beside or above a2f]",
            HelpName = "DIR",
        };
        Option<bool> print = new("--print") { Description = "Prints the map as JSON, to start a map of your own from." };
        Option<string?> output = new("--output", "-o") { Description = "Writes the map as JSON into a file.", HelpName = "FILE" };
        ExampleCommand command = new("map", "Checks a rig map against a model's blendshapes, and tells what it maps and what not.",
            "a2f map metahuman",
            "a2f map hero-rig.json --model models/claire",
            "a2f map arkit -o hero-rig.json")
        {
            map, model, print, output,
        };
        command.SetAction(parsed => Run(
            terminal, parsed.GetRequiredValue(map), parsed.GetValue(model), parsed.GetValue(print), parsed.GetValue(output)));
        return command;
    }

    private static int Run(Terminal terminal, string name, string? model, bool print, string? output)
    {
        if (print && output is not null) throw new UsageException("--print and -o exclude each other");
        if (output is not null) OutputFile.CheckWritable(output, MapArgument.IsPreset(name) ? [] : [name]);
        RigMap map = MapArgument.Load("map", name);
        bool writes = print || output is not null;
        if (model is not null || !writes)
        {
            string path = model ?? DefaultModel.Find();
            (IReadOnlyList<string> skin, IReadOnlyList<string> tongue) = ShapesOf(path);
            RigMapper mapper = map.Compile(skin, tongue);
            if (!writes) MapText.Write(terminal.Out, map, mapper, path, skin.Count, tongue.Count);
        }
        if (output is not null) OutputFile.Write(output, map.Write);
        else if (print)
        {
            using TextStream stream = new(terminal.Out);
            map.Write(stream);
        }
        return ExitCode.Ok;
    }

    // All identities of a diffusion model have the poses of the first one, or a map of their own.
    private static (IReadOnlyList<string> Skin, IReadOnlyList<string> Tongue) ShapesOf(string path)
    {
        switch (ModelFolders.KindOf(path))
        {
            case ModelKind.Regression:
                using (RegressionModelFolder folder = RegressionModelFolder.Load(path))
                    return (folder.SkinBlendshapes?.PoseNames ?? [], folder.TongueBlendshapes?.PoseNames ?? []);
            case ModelKind.Diffusion:
                using (DiffusionModelFolder folder = DiffusionModelFolder.Load(path))
                    return (folder.Identities[0].SkinBlendshapes?.PoseNames ?? [], folder.Identities[0].TongueBlendshapes?.PoseNames ?? []);
            default:
                throw new A2FException(A2FErrorCode.InvalidModel, $"{path} is an emotion model and has no blendshapes to map");
        }
    }
}
