using System.CommandLine;
using System.Diagnostics;
using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f animate</c>: a speech file in, an animation out.</summary>
internal static class AnimateCommand
{
    private const string StandardOutput = "-";

    private sealed record Request(
        string Audio, string Output, TrackFormat Format, string Model, ModelOptions Options, FrameRate Rate,
        string[] Emotions, string[] Set);

    public static Command Create(Terminal terminal)
    {
        Argument<string> audio =
            new("AUDIO") { Description = "Speech: a WAV file of any kind, or what ffmpeg reads where it is installed." };
        Option<string?> output = new("--output", "-o")
        {
            Description = "File to write, - for standard output. [default: AUDIO with the format's extension]",
            HelpName = "FILE",
        };
        Option<string?> format = new("--format")
        {
            Description = "How to write it. [default: by FILE's extension, else csv]",
            HelpName = string.Join('|', TrackFormats.Names),
        };
        Option<string?> model = new("--model")
        {
            Description = $"Model folder. [default: ${DefaultModel.Variable}, else weights/default beside or above a2f]",
            HelpName = "DIR",
        };
        Option<string> device = CommonOptions.Device(), precision = CommonOptions.Precision();
        Option<string> fps = CommonOptions.Fps(), threads = CommonOptions.Threads();
        Option<string[]> set = CommonOptions.Set();
        Option<string[]> emotion = new("--emotion")
        {
            Description = "Emotions from 0 to 1; 'a2f info MODEL' lists them. Others keep the model's default.",
            HelpName = "NAME=VALUE,...",
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
        };
        ExampleCommand command = new("animate", "Turns a speech file into blendshape weights, jaw and eye motion, frame by frame.",
            "a2f animate speech.wav -o speech.csv",
            "a2f animate speech.wav --format json --fps 30000/1001 --emotion joy=0.6,sadness=0.2",
            "a2f animate speech.wav --model models/claire --set lower_face_strength=1.4,skin.strengthL2regularization=5",
            "a2f animate speech.wav -o - | head -3")
        {
            audio, output, format, model, device, precision, fps, emotion, set, threads,
        };
        command.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(audio);
            string? target = parsed.GetValue(output);
            TrackFormat chosen = TrackFormats.Choose(parsed.GetValue(format), target);
            return Run(terminal, new Request(
                file, target ?? Path.ChangeExtension(file, TrackFormats.Names[(int)chosen]), chosen, parsed.GetValue(model) ?? "",
                CommonOptions.ModelOptions(
                    parsed.GetRequiredValue(device), parsed.GetRequiredValue(precision), parsed.GetRequiredValue(threads)),
                FrameRate.Parse(parsed.GetRequiredValue(fps)), parsed.GetRequiredValue(emotion), parsed.GetRequiredValue(set)));
        });
        return command;
    }

    private static int Run(Terminal terminal, Request request)
    {
        Stopwatch watch = Stopwatch.StartNew();
        if (request.Output != StandardOutput) OutputFile.CheckWritable(request.Output, request.Audio);
        else if (request.Format == TrackFormat.Npz)
            throw new UsageException("npz is binary and is not written to standard output; name a file with -o");

        AudioClip clip = AudioFile.Load(request.Audio);
        terminal.Cancel.ThrowIfCancellationRequested();
        using RegressionModel model = RegressionModel.Load(request.Model.Length > 0 ? request.Model : DefaultModel.Find(), request.Options);
        CommonOptions.Explain(terminal, model);
        SetArgument set = SetArgument.Parse(request.Set, model.Folder);
        SpeechOptions options = new()
        {
            FramesNumerator = request.Rate.Numerator,
            FramesDenominator = request.Rate.Denominator,
            Emotions = EmotionTrack.Constant(EmotionArgument.Parse(request.Emotions, model.Folder.Info)),
            Parameters = set.Settings.Animator,
            SkinSolver = set.Settings.SkinSolver,
            TongueSolver = set.Settings.TongueSolver,
            SourceShot = set.Settings.SourceShot,
            SourceFrame = set.Settings.SourceFrame,
            SolveOptions = set.Solve,
        };
        FaceTrack track = ProgressDisplay.Show(terminal, $"animating {Path.GetFileName(request.Audio)}",
            progress => SpeechAnimator.Animate(model, clip, options, progress, terminal.Cancel));
        Write(terminal, request, track);
        if (terminal.Interactive)
        {
            string target = request.Output == StandardOutput ? "standard output" : request.Output;
            terminal.Error.WriteLine($"{target}: {track.Frames.Count} frames at {request.Rate} a second, " +
                FormattableString.Invariant($"{clip.Duration.TotalSeconds:F2} s of speech in {watch.Elapsed.TotalSeconds:F2} s, ") +
                $"{model.Device}, model {model.Folder.Info.Actor} ({model.Folder.Path})");
        }
        return ExitCode.Ok;
    }

    private static void Write(Terminal terminal, Request request, FaceTrack track)
    {
        Action<Stream> write = request.Format == TrackFormat.Json
            ? stream => TrackJson.Write(stream, track, terminal.Cancel)
            : stream => TrackCsv.Write(stream, track, terminal.Cancel);
        if (request.Output == StandardOutput)
        {
            using TextStream stream = new(terminal.Out);
            write(stream);
        }
        else if (request.Format == TrackFormat.Npz) NpzFile.Write(request.Output, FaceArrays.Of(track));
        else OutputFile.Write(request.Output, write);
    }
}
