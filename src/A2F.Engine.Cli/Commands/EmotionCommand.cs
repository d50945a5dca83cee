using System.CommandLine;
using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f emotion</c>: the emotions in a speech file, over time.</summary>
internal static class EmotionCommand
{
    private const string StandardOutput = "-", SkipName = "--skip", WindowName = "--window";

    private sealed record Request(string Audio, string Model, string? Output, bool Json, FrameRate Rate, int Skip, string[] Set, ModelOptions Options);

    public static Command Create(Terminal terminal)
    {
        Argument<string> audio =
            new("AUDIO") { Description = "Speech: a WAV file of any kind, or what ffmpeg reads where it is installed." };
        Option<string> model = new("--model") { Description = "Emotion model folder (Audio2Emotion).", HelpName = "DIR", Required = true };
        Option<string?> output = new("--output", "-o")
        {
            Description = "File for the curves: JSON where its extension is json, else CSV; - for CSV on standard output, without the table.",
            HelpName = "FILE",
        };
        Option<string> fps = CommonOptions.Fps("30"), skip = EmotionOptions.Skip(SkipName), window = EmotionOptions.Window(WindowName);
        Option<string> device = CommonOptions.Device(), precision = CommonOptions.Precision(), threads = CommonOptions.Threads();
        Option<string[]> set = new("--set")
        {
            Description = $"Changes how scores become emotions: {string.Join(", ", EmotionSettings.Keys)}.",
            HelpName = "KEY=VALUE,...",
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
        };
        ExampleCommand command = new("emotion", "Hears the emotions in a speech file: a table with curves, and a file of all frames.",
            "a2f emotion speech.wav --model models/audio2emotion",
            "a2f emotion speech.wav --model models/audio2emotion -o emotions.csv --fps 60 --skip 29",
            "a2f emotion speech.wav --model models/audio2emotion --set emotion_contrast=1.5,emotion_strength=1")
        {
            audio, model, output, fps, skip, window, set, device, precision, threads,
        };
        command.SetAction(parsed =>
        {
            string? target = parsed.GetValue(output);
            ModelOptions options = CommonOptions.ModelOptions(
                parsed.GetRequiredValue(device), parsed.GetRequiredValue(precision), parsed.GetRequiredValue(threads));
            return Run(terminal, new Request(
                parsed.GetRequiredValue(audio), parsed.GetRequiredValue(model), target,
                Path.GetExtension(target ?? "").Equals(".json", StringComparison.OrdinalIgnoreCase),
                FrameRate.Parse(parsed.GetRequiredValue(fps)), EmotionOptions.ParseSkip(SkipName, parsed.GetRequiredValue(skip)),
                parsed.GetRequiredValue(set),
                options with { EmotionWindow = EmotionOptions.ParseWindow(WindowName, parsed.GetRequiredValue(window)) }));
        });
        return command;
    }

    private static int Run(Terminal terminal, Request request)
    {
        if (request.Output is { } file and not StandardOutput) OutputFile.CheckWritable(file, request.Audio);
        AudioClip clip = AudioFile.Load(request.Audio);
        terminal.Cancel.ThrowIfCancellationRequested();
        using EmotionModel model = EmotionModel.Load(request.Model, request.Options);
        CommonOptions.Explain(terminal, model.Device, model.DeviceReason);
        EmotionSettings settings = SetArgument.ParseEmotion(request.Set, new EmotionSettings(model.Folder.Parameters, model.Folder.FaceEmotions));
        EmotionAnalysisOptions options = new()
        {
            FramesNumerator = request.Rate.Numerator,
            FramesDenominator = request.Rate.Denominator,
            InferencesToSkip = request.Skip,
            Parameters = settings.Parameters,
        };
        EmotionCurves curves = ProgressDisplay.Show(terminal, $"hearing {Path.GetFileName(request.Audio)}",
            progress => EmotionAnalyzer.Analyze(model, clip, options, progress, terminal.Cancel));
        if (request.Output == StandardOutput)
        {
            using TextStream stream = new(terminal.Out);
            EmotionText.WriteCsv(stream, curves, terminal.Cancel);
            return ExitCode.Ok;
        }
        if (request.Output is { } target)
        {
            OutputFile.Write(target, stream =>
            {
                if (request.Json) EmotionText.WriteJson(stream, curves, terminal.Cancel);
                else EmotionText.WriteCsv(stream, curves, terminal.Cancel);
            });
        }
        EmotionText.WriteTable(terminal.Out, curves, model.WindowLength);
        return ExitCode.Ok;
    }
}
