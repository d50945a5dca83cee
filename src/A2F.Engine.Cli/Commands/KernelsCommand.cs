using System.CommandLine;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f kernels</c>: what the CUDA kernels of a model need of a GPU; <c>a2f kernels bake</c>: compiled ones, to ship.</summary>
internal static class KernelsCommand
{
    private const string BakedArchitectures = "sm_75,sm_80,sm_86,sm_89,sm_90";

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> arch = new("--arch")
        {
            Description = "Architecture to compile for.",
            HelpName = "sm_NN",
            DefaultValueFactory = _ => "sm_86",
        };
        Option<string> precision = CommonOptions.Precision(), batch = KernelOptions.Batch();
        Option<bool> json = new("--json") { Description = "Writes JSON, for programs." };
        ExampleCommand command = new("kernels",
            "Compiles a model's CUDA kernels; tells their registers, spills, shared memory and occupancy.",
            "a2f kernels models/claire",
            "a2f kernels models/claire --arch sm_75 --json",
            "a2f kernels bake models/claire -o game/kernels-baked")
        {
            model, arch, precision, batch, json, CreateBake(terminal),
        };
        command.SetAction(parsed =>
        {
            int[] architectures = KernelOptions.Architectures(parsed.GetRequiredValue(arch));
            if (architectures.Length != 1) throw new UsageException("--arch: expected one architecture; 'a2f kernels bake' takes several");
            string path = parsed.GetRequiredValue(model), storage = parsed.GetRequiredValue(precision);
            Precision numbers = CommonOptions.ParsePrecision(storage);
            int windows = KernelOptions.Batch(parsed.GetRequiredValue(batch));
            ModelKernelReport report = ProgressDisplay.Show(terminal, "compiling",
                progress => ModelKernelReport.Compile(path, architectures[0], numbers, windows, progress, terminal.Cancel));
            if (parsed.GetValue(json)) KernelReportText.WriteJson(terminal.Out, report, storage, windows);
            else KernelReportText.Write(terminal.Out, report);
            return ExitCode.Ok;
        });
        return command;
    }

    private static ExampleCommand CreateBake(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> output = new("--output", "-o")
        {
            Description = "Folder to write: a new or empty one, or one of baked kernels to replace.",
            HelpName = "DIR",
            Required = true,
        };
        Option<string> arch = new("--arch")
        {
            Description = "Architectures to compile for; later minor versions of the same major one run the same code, and anything " +
                "later than the highest runs PTX of it.",
            HelpName = "sm_NN,...",
            DefaultValueFactory = _ => BakedArchitectures,
        };
        Option<string> precision = CommonOptions.Precision(), batch = KernelOptions.Batch();
        ExampleCommand command = new("bake", "Compiles a model's CUDA kernels into a folder to ship, so that players need no NVRTC.",
            "a2f kernels bake models/claire -o game/kernels-baked",
            "a2f kernels bake models/claire -o game/kernels-baked --arch sm_75,sm_86,sm_89")
        {
            model, output, arch, precision, batch,
        };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(model), folder = parsed.GetRequiredValue(output);
            if (folder.Length == 0) throw new UsageException("the output's path is empty");
            int[] architectures = KernelOptions.Architectures(parsed.GetRequiredValue(arch));
            Precision numbers = CommonOptions.ParsePrecision(parsed.GetRequiredValue(precision));
            int windows = KernelOptions.Batch(parsed.GetRequiredValue(batch));
            KernelBakeResult result = ProgressDisplay.Show(terminal, "compiling",
                progress => KernelBake.Write(path, folder, architectures, numbers, windows, progress, terminal.Cancel));
            terminal.Out.WriteLine($"wrote   {folder}: {result.Files} modules, {Units.Bytes(result.Bytes)}, by NVRTC {result.Nvrtc}");
            terminal.Out.WriteLine($"targets {string.Join(' ', result.Targets)}");
            return ExitCode.Ok;
        });
        return command;
    }
}
