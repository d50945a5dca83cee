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
    private const string StandardOutput = "-", EmotionSkip = "--emotion-skip", EmotionWindow = "--emotion-window";

    private sealed record Request(
        string Audio, string Output, TrackFormat Format, string Model, ModelOptions Options, FrameRate? Rate, string? Identity,
        string[] Emotions, string? AutoEmotion, int EmotionSkip, int EmotionWindow, string[] Set);

    private sealed record Animation(FaceTrack Track, string Device, string Actor, string Folder);

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
        Option<string?> identity = new("--identity")
        {
            Description = "Whose face a diffusion model moves; 'a2f info MODEL' lists the names. [default: the first]",
            HelpName = "NAME",
        };
        Option<string> device = CommonOptions.Device(), precision = CommonOptions.Precision();
        Option<string> threads = CommonOptions.Threads();
        Option<string?> fps = new("--fps")
        {
            Description = "Frames per second: a whole number or a fraction such as 30000/1001. [default: 60; a diffusion model has one rate, its own]",
            HelpName = "N[/D]",
        };
        Option<string[]> set = CommonOptions.Set();
        Option<string[]> emotion = new("--emotion")
        {
            Description = "Emotions from 0 to 1; 'a2f info MODEL' lists them. Others keep the model's default.",
            HelpName = "NAME=VALUE,...",
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
        };
        Option<string?> autoEmotion = new("--auto-emotion")
        {
            Description = "Emotion model (Audio2Emotion) that hears the emotions in the speech; --set emotion.KEY=VALUE changes its parameters.",
            HelpName = "DIR",
        };
        Option<string> skip = EmotionOptions.Skip(EmotionSkip), window = EmotionOptions.Window(EmotionWindow);
        ExampleCommand command = new("animate", "Turns a speech file into blendshape weights, jaw and eye motion, frame by frame.",
            "a2f animate speech.wav -o speech.csv",
            "a2f animate speech.wav --format json --fps 30000/1001 --emotion joy=0.6,sadness=0.2",
            "a2f animate speech.wav --model models/claire --set lower_face_strength=1.4,skin.strengthL2regularization=5",
            "a2f animate speech.wav --model models/diffusion --identity James --auto-emotion models/audio2emotion",
            "a2f animate speech.wav -o - | head -3")
        {
            audio, output, format, model, identity, device, precision, fps, emotion, autoEmotion, skip, window, set, threads,
        };
        command.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(audio);
            string? target = parsed.GetValue(output), rate = parsed.GetValue(fps);
            TrackFormat chosen = TrackFormats.Choose(parsed.GetValue(format), target);
            return Run(terminal, new Request(
                file, target ?? Path.ChangeExtension(file, TrackFormats.Names[(int)chosen]), chosen, parsed.GetValue(model) ?? "",
                CommonOptions.ModelOptions(
                    parsed.GetRequiredValue(device), parsed.GetRequiredValue(precision), parsed.GetRequiredValue(threads)),
                rate is null ? null : FrameRate.Parse(rate), parsed.GetValue(identity), parsed.GetRequiredValue(emotion),
                parsed.GetValue(autoEmotion), EmotionOptions.ParseSkip(EmotionSkip, parsed.GetRequiredValue(skip)),
                EmotionOptions.ParseWindow(EmotionWindow, parsed.GetRequiredValue(window)), parsed.GetRequiredValue(set)));
        });
        return command;
    }

    private static int Run(Terminal terminal, Request request)
    {
        Stopwatch watch = Stopwatch.StartNew();
        if (request.Output != StandardOutput) OutputFile.CheckWritable(request.Output, request.Audio);
        else if (request.Format == TrackFormat.Npz)
            throw new UsageException("npz is binary and is not written to standard output; name a file with -o");
        if (request.AutoEmotion is not null && request.Emotions.Length > 0)
            throw new UsageException("--emotion and --auto-emotion exclude each other; --set emotion.preferred_emotion=... mixes an emotion in");

        AudioClip clip = AudioFile.Load(request.Audio);
        terminal.Cancel.ThrowIfCancellationRequested();
        string path = request.Model.Length > 0 ? request.Model : DefaultModel.Find();
        Animation animation = ModelFolders.KindOf(path) switch
        {
            ModelKind.Regression => AnimateRegression(terminal, request, path, clip),
            ModelKind.Diffusion => AnimateDiffusion(terminal, request, path, clip),
            _ => throw new A2FException(A2FErrorCode.InvalidModel,
                $"{path} is an emotion model and has no face to animate; name a face model with --model, and this one with --auto-emotion"),
        };
        FaceTrack track = animation.Track;
        Write(terminal, request, track);
        if (terminal.Interactive)
        {
            string target = request.Output == StandardOutput ? "standard output" : request.Output;
            FrameRate rate = new(track.FramesNumerator, track.FramesDenominator);
            terminal.Error.WriteLine($"{target}: {track.Frames.Count} frames at {rate} a second, " +
                FormattableString.Invariant($"{clip.Duration.TotalSeconds:F2} s of speech in {watch.Elapsed.TotalSeconds:F2} s, ") +
                $"{animation.Device}, model {animation.Actor} ({animation.Folder})");
        }
        return ExitCode.Ok;
    }

    private static Animation AnimateRegression(Terminal terminal, Request request, string path, AudioClip clip)
    {
        using RegressionModel model = RegressionModel.Load(path, request.Options);
        CommonOptions.Explain(terminal, model.Device, model.DeviceReason);
        if (request.Identity is { } name) throw new UsageException($"--identity {name}: a regression model has one face; leave it out");
        RegressionInfo info = model.Folder.Info;
        using EmotionModel? classifier = LoadClassifier(terminal, request, info.Emotions);
        SetArgument set = SetArgument.Parse(request.Set, model.Folder, SettingsOf(classifier));
        SpeechOptions options = Options(terminal, request, clip, set, classifier, info.Emotions, info.DefaultEmotion) with
        {
            SourceShot = set.Settings.SourceShot,
            SourceFrame = set.Settings.SourceFrame,
        };
        FaceTrack track = ProgressDisplay.Show(terminal, $"animating {Path.GetFileName(request.Audio)}",
            progress => SpeechAnimator.Animate(model, clip, options, progress, terminal.Cancel));
        return new Animation(track, model.Device, info.Actor, model.Folder.Path);
    }

    private static Animation AnimateDiffusion(Terminal terminal, Request request, string path, AudioClip clip)
    {
        using DiffusionModel model = DiffusionModel.Load(path, request.Options with { MaxBatch = 1, Vertices = false });
        CommonOptions.Explain(terminal, model.Device, model.DeviceReason);
        DiffusionInfo info = model.Folder.Info;
        int identity = IdentityArgument.IndexOf(request.Identity, info.Identities);
        FrameRate own = new(info.FrameRateFraction.Numerator, info.FrameRateFraction.Denominator);
        if (request.Rate is { } wanted && (long)wanted.Numerator * own.Denominator != (long)own.Numerator * wanted.Denominator)
            throw new UsageException($"--fps {wanted}: this diffusion model gives {own} frames a second and no other rate; leave it out");
        using EmotionModel? classifier = LoadClassifier(terminal, request, info.Emotions);
        SetArgument set = SetArgument.Parse(request.Set, model.Folder.Identities[identity].Settings, SettingsOf(classifier));
        SpeechOptions options = Options(terminal, request, clip, set, classifier, info.Emotions, info.DefaultEmotion) with { Identity = identity };
        FaceTrack track = ProgressDisplay.Show(terminal, $"animating {Path.GetFileName(request.Audio)}",
            progress => SpeechAnimator.Animate(model, clip, options, progress, terminal.Cancel));
        return new Animation(track, model.Device, info.Identities[identity], model.Folder.Path);
    }

    private static EmotionModel? LoadClassifier(Terminal terminal, Request request, IReadOnlyList<string> faceEmotions)
    {
        if (request.AutoEmotion is not { } path) return null;
        EmotionModel model = EmotionModel.Load(path, request.Options with { EmotionWindow = request.EmotionWindow });
        try
        {
            CommonOptions.Explain(terminal, model.Device, model.DeviceReason);
            EmotionCurves.CheckFace(model.Folder, faceEmotions);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static EmotionSettings? SettingsOf(EmotionModel? model) =>
        model is null ? null : new EmotionSettings(model.Folder.Parameters, model.Folder.FaceEmotions);

    private static SpeechOptions Options(
        Terminal terminal, Request request, AudioClip clip, SetArgument set, EmotionModel? classifier, IReadOnlyList<string> emotions,
        IReadOnlyList<float> defaults)
    {
        EmotionTrack track = classifier is null
            ? EmotionTrack.Constant(EmotionArgument.Parse(request.Emotions, emotions, defaults))
            : ProgressDisplay.Show(terminal, "hearing emotions", progress => EmotionAnalyzer.Analyze(
                classifier, clip, new EmotionAnalysisOptions { InferencesToSkip = request.EmotionSkip, Parameters = set.Emotion!.Parameters },
                progress, terminal.Cancel)).ToTrack(emotions);
        return new SpeechOptions
        {
            FramesNumerator = request.Rate?.Numerator,
            FramesDenominator = request.Rate?.Denominator ?? 1,
            Emotions = track,
            Parameters = set.Settings.Animator,
            SkinSolver = set.Settings.SkinSolver,
            TongueSolver = set.Settings.TongueSolver,
            SolveOptions = set.Solve,
        };
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
