using System.CommandLine;
using A2F.Engine.Animation;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f postprocess</c>: the animation stage on recorded network output.</summary>
internal static class PostprocessCommand
{
    private const int FramesBetweenReports = 64;

    private sealed record Request(
        string Model, string Inputs, string Outputs, string Prefix, string Device, FrameRate? Rate, string? Identity, bool WeightsOnly, bool Plain,
        string[] Set);

    /// <summary>A face, how to animate it, and rows of network output.</summary>
    private sealed record Recording(FaceRig Rig, SetArgument Set, string Actor, FrameRate Rate, float[] Rows);

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> inputs = CommonOptions.Inputs(
            "Network output: array 'result' [frames, outputs] or [frames, 1, outputs] of a regression model, 'prediction' [frames, outputs] or " +
            "[windows, frames, outputs] of a diffusion model, of whose windows the centre frames count. Other arrays are ignored.");
        Option<string> outputs = CommonOptions.Outputs(
            "Gets 'skin_vertices', 'tongue_vertices' [frames, vertices, 3], 'jaw_transform' [frames, 4, 4], " +
            "'eyes_rotation' [frames, 6], 'skin_weights', 'tongue_weights'.");
        Option<string> prefix = CommonOptions.Prefix(), device = CommonOptions.Device("cpu");
        Option<string?> fps = new("--fps")
        {
            Description = "Frames per second: a whole number or a fraction such as 30000/1001. [default: 60; of a diffusion model its own rate]",
            HelpName = "N[/D]",
        };
        Option<string?> identity = new("--identity")
        {
            Description = "Whose face of a diffusion model the output is for. [default: the first]",
            HelpName = "NAME",
        };
        Option<bool> weightsOnly = new("--weights-only")
        {
            Description = "Leaves vertices out. Weights then come from the network's coefficients directly, where it puts out coefficients.",
        };
        Option<bool> plain = new("--plain") { Description = "With --weights-only: weights come through vertices all the same." };
        Option<string[]> set = CommonOptions.Set();
        ExampleCommand command = new("postprocess",
            "Turns network output into vertices, jaw, eyes and blendshape weights; the model needs no network.",
            "a2f postprocess models/claire --inputs raw.npz --outputs face.npz",
            "a2f postprocess models/claire --inputs raw.npz --outputs face.npz --fps 30 --set objective=energy,blink_offset=0.5",
            "a2f postprocess models/claire --inputs raw.npz --outputs weights.npz --weights-only --device cuda",
            "a2f postprocess models/diffusion --identity James --inputs raw.npz --outputs face.npz")
        {
            model, inputs, outputs, prefix, device, fps, identity, weightsOnly, plain, set,
        };
        command.SetAction(parsed =>
        {
            string? rate = parsed.GetValue(fps);
            return Run(terminal, new Request(
                parsed.GetRequiredValue(model), parsed.GetRequiredValue(inputs), parsed.GetRequiredValue(outputs), parsed.GetRequiredValue(prefix),
                parsed.GetRequiredValue(device), rate is null ? null : FrameRate.Parse(rate), parsed.GetValue(identity),
                parsed.GetValue(weightsOnly), parsed.GetValue(plain), parsed.GetRequiredValue(set)));
        });
        return command;
    }

    private static int Run(Terminal terminal, Request request)
    {
        if (request.Plain && !request.WeightsOnly) throw new UsageException("--plain: with vertices, weights always come through them; add --weights-only");
        ModelOptions device = CommonOptions.ModelOptions(request.Device);
        OutputFile.CheckWritable(request.Outputs, request.Inputs);
        using InputArrays arrays = InputArrays.Open(request.Inputs, request.Prefix);
        using IDisposable folder = Open(request, arrays, out Recording recording);
        FaceRig rig = recording.Rig;
        int count = recording.Rows.Length / rig.OutputLength;
        if (!request.WeightsOnly) CheckSize(request.Inputs, count, Math.Max(rig.SkinVertexCount, rig.TongueVertexCount));
        using FaceStage stage = FaceStage.Create([rig], new FaceStageOptions
        {
            Device = device.Device,
            CudaDriver = device.CudaDriver,
            FramesNumerator = recording.Rate.Numerator,
            FramesDenominator = recording.Rate.Denominator,
            Vertices = !request.WeightsOnly,
            Folded = !request.Plain,
        });
        AnimationSettings settings = recording.Set.Settings;
        FaceCharacter character = stage.Add(rig, settings.Animator, settings.SkinSolver, settings.TongueSolver, recording.Set.Solve);
        FaceFrames frames = ProgressDisplay.Show(
            terminal, "animating", progress => Animate(stage, character, recording.Rows, count, progress, terminal.Cancel));
        NpzFile.Write(request.Outputs, FaceArrays.Of(frames));
        if (terminal.Interactive)
            terminal.Error.WriteLine($"{request.Outputs}: {count} frames at {recording.Rate} a second, {stage.Device}, model {recording.Actor}");
        return ExitCode.Ok;
    }

    private static IDisposable Open(Request request, InputArrays arrays, out Recording recording)
    {
        if (ModelFolders.KindOf(request.Model) == ModelKind.Diffusion)
        {
            DiffusionModelFolder folder = DiffusionModelFolder.Load(request.Model);
            return Guard(folder, () => OfDiffusion(request, arrays, folder), out recording);
        }
        RegressionModelFolder regression = RegressionModelFolder.Load(request.Model);
        return Guard(regression, () => OfRegression(request, arrays, regression), out recording);
    }

    private static Recording OfRegression(Request request, InputArrays arrays, RegressionModelFolder folder)
    {
        if (request.Identity is { } name) throw new UsageException($"--identity {name}: a regression model has one face; leave it out");
        SetArgument set = SetArgument.Parse(request.Set, folder);
        FaceRig rig = FaceRig.Of(folder);
        return new Recording(
            rig, set, folder.Info.Actor, request.Rate ?? new FrameRate(60, 1), arrays.ReadRows("result", "frames", rig.OutputLength));
    }

    private static Recording OfDiffusion(Request request, InputArrays arrays, DiffusionModelFolder folder)
    {
        DiffusionIdentity identity = folder.Identities[IdentityArgument.IndexOf(request.Identity, folder.Info.Identities)];
        (int numerator, int denominator) = folder.Info.FrameRateFraction;
        SetArgument set = SetArgument.Parse(request.Set, identity.Settings);
        FaceRig rig = new(identity.Geometry, identity.SkinBlendshapes, identity.TongueBlendshapes);
        return new Recording(
            rig, set, identity.Name, request.Rate ?? new FrameRate(numerator, denominator),
            arrays.ReadWindows("prediction", folder.Info.LeftFrames, folder.Info.CentreFrames, folder.Info.FrameCount, rig.OutputLength));
    }

    private static IDisposable Guard(IDisposable folder, Func<Recording> read, out Recording recording)
    {
        try
        {
            recording = read();
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    // numpy's and our largest array, before minutes are spent on what cannot be written.
    private static void CheckSize(string inputs, int count, int vertices)
    {
        long most = Array.MaxLength / (sizeof(float) * 3L * Math.Max(vertices, 1));
        if (count > most)
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{inputs}: at most {most} frames of {vertices} vertices fit into one array, found {count}; split the file, or ask for --weights-only");
    }

    private static FaceFrames Animate(
        FaceStage stage, FaceCharacter character, float[] rows, int count, IProgress<double>? progress, CancellationToken cancel)
    {
        FaceFrames frames = stage.CreateFrames(count);
        int length = character.Rig.OutputLength;
        for (int first = 0; first < count; first += FramesBetweenReports)
        {
            cancel.ThrowIfCancellationRequested();
            int batch = Math.Min(FramesBetweenReports, count - first);
            stage.Animate(character, rows.AsSpan(first * length, batch * length), frames, first);
            progress?.Report((double)(first + batch) / count);
        }
        return frames;
    }
}
