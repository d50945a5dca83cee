using System.CommandLine;
using A2F.Engine.Animation;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f postprocess</c>: the animation stage on recorded network output.</summary>
internal static class PostprocessCommand
{
    private const int FramesBetweenReports = 64;

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> inputs =
            CommonOptions.Inputs("Array 'result' [frames, outputs] or [frames, 1, outputs]: network output. Other arrays are ignored.");
        Option<string> outputs = CommonOptions.Outputs(
            "Gets 'skin_vertices', 'tongue_vertices' [frames, vertices, 3], 'jaw_transform' [frames, 4, 4], " +
            "'eyes_rotation' [frames, 6], 'skin_weights', 'tongue_weights'.");
        Option<string> prefix = CommonOptions.Prefix(), fps = CommonOptions.Fps();
        Option<string[]> set = CommonOptions.Set();
        ExampleCommand command = new("postprocess",
            "Turns network output into vertices, jaw, eyes and blendshape weights; the model needs no network.",
            "a2f postprocess models/claire --inputs raw.npz --outputs face.npz",
            "a2f postprocess models/claire --inputs raw.npz --outputs face.npz --fps 30 --set objective=energy,blink_offset=0.5")
        {
            model, inputs, outputs, prefix, fps, set,
        };
        command.SetAction(parsed => Run(
            terminal, parsed.GetRequiredValue(model), parsed.GetRequiredValue(inputs), parsed.GetRequiredValue(outputs),
            parsed.GetRequiredValue(prefix), FrameRate.Parse(parsed.GetRequiredValue(fps)), parsed.GetRequiredValue(set)));
        return command;
    }

    private static int Run(Terminal terminal, string modelPath, string inputs, string outputs, string prefix, FrameRate rate, string[] sets)
    {
        OutputFile.CheckWritable(outputs, inputs);
        using InputArrays arrays = InputArrays.Open(inputs, prefix);
        using RegressionModelFolder folder = RegressionModelFolder.Load(modelPath);
        SetArgument set = SetArgument.Parse(sets, folder);
        FaceRig rig = FaceRig.Of(folder);
        float[] rows = arrays.ReadRows("result", "frames", rig.OutputLength);
        int count = rows.Length / rig.OutputLength;
        CheckSize(inputs, count, Math.Max(rig.SkinVertexCount, rig.TongueVertexCount));
        FaceAnimator animator = new(
            rig, rate.Numerator, rate.Denominator, set.Settings.Animator, set.Settings.SkinSolver, set.Settings.TongueSolver, set.Solve);
        FaceFrames frames =
            ProgressDisplay.Show(terminal, "animating", progress => Animate(animator, rig, rows, count, progress, terminal.Cancel));
        NpzFile.Write(outputs, FaceArrays.Of(frames));
        if (terminal.Interactive) terminal.Error.WriteLine($"{outputs}: {count} frames at {rate} a second, model {folder.Info.Actor}");
        return ExitCode.Ok;
    }

    // numpy's and our largest array, before minutes are spent on what cannot be written.
    private static void CheckSize(string inputs, int count, int vertices)
    {
        long most = Array.MaxLength / (sizeof(float) * 3L * Math.Max(vertices, 1));
        if (count > most)
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{inputs}: at most {most} frames of {vertices} vertices fit into one array, found {count}; split the file");
    }

    private static FaceFrames Animate(
        FaceAnimator animator, FaceRig rig, float[] rows, int count, IProgress<double>? progress, CancellationToken cancel)
    {
        FaceFrames frames = animator.CreateFrames(count);
        for (int first = 0; first < count; first += FramesBetweenReports)
        {
            cancel.ThrowIfCancellationRequested();
            int batch = Math.Min(FramesBetweenReports, count - first);
            animator.Animate(rows.AsSpan(first * rig.OutputLength, batch * rig.OutputLength), frames, first);
            progress?.Report((double)(first + batch) / count);
        }
        return frames;
    }
}
