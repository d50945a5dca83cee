using A2F.Engine.Animation;
using A2F.Engine.Audio;

namespace A2F.Engine.Runtime;

/// <summary>How emotions are heard in a clip.</summary>
public sealed record EmotionAnalysisOptions
{
    /// <summary>Numerator of the frames per second.</summary>
    public int FramesNumerator { get; init; } = 30;

    /// <summary>Denominator of the frames per second: 1001 for 30000/1001.</summary>
    public int FramesDenominator { get; init; } = 1;

    /// <summary>
    /// Frames after each inference that use its scores again. The network looks at seconds of audio, so that two inferences a second (14 at 30
    /// frames a second) lose little and cost a fifteenth of one for each frame. 0 or more.
    /// </summary>
    public int InferencesToSkip { get; init; } = 14;

    /// <summary>How scores become emotions; null for what the model folder says.</summary>
    public EmotionParameters? Parameters { get; init; }
}

/// <summary>Hears emotions in whole clips.</summary>
public static class EmotionAnalyzer
{
    private const int WindowsAtOnce = 8;

    /// <summary>
    /// One frame for each time k / fps within the clip, from a window of audio round it, with silence before and after the clip: scores, then
    /// <see cref="EmotionPostProcessor"/> frame by frame.
    /// </summary>
    /// <exception cref="A2FException">An option is out of range, or the windows are so far apart that they leave audio out.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> fired.</exception>
    public static EmotionCurves Analyze(
        EmotionModel model, AudioClip clip, EmotionAnalysisOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        options ??= new EmotionAnalysisOptions();
        Check(model, options);
        (int rate, int denominator, int skip) = (options.FramesNumerator, options.FramesDenominator, options.InferencesToSkip);
        WindowProgress windows = WindowProgress.ForEmotion(model.WindowLength, AudioClip.SampleRate, rate, denominator, skip);
        int inferences = checked((int)windows.CountAvailable(clip.Samples.Length, closed: true));
        int count = checked((int)windows.CountReportedFrames(clip.Samples.Length));
        EmotionCurves curves = new(model.Folder, count, inferences, rate, denominator);
        EmotionPostProcessor processor = new(curves.FaceEmotions, (float)denominator / rate, options.Parameters ?? model.Folder.Parameters);
        int atOnce = Math.Min(WindowsAtOnce, inferences);
        float[] input = new float[atOnce * model.WindowLength], scores = new float[atOnce * model.Labels];
        for (int first = 0; first < inferences; first += atOnce)
        {
            cancel.ThrowIfCancellationRequested();
            int batch = Math.Min(atOnce, inferences - first);
            for (int i = 0; i < batch; i++)
            {
                AudioWindow.Read(clip.Samples.Span, 0, closed: true, windows.WindowStart(first + i), 1f,
                    input.AsSpan(i * model.WindowLength, model.WindowLength));
            }
            model.Infer(input.AsSpan(0, batch * model.WindowLength), scores.AsSpan(0, batch * model.Labels));
            for (int i = 0; i < batch; i++) Fill(curves, windows, processor, first + i, scores.AsSpan(i * model.Labels, model.Labels));
            progress?.Report((double)(first + batch) / inferences);
        }
        return curves;
    }

    /// <summary>Refuses options that do not fit a classifier.</summary>
    /// <exception cref="A2FException">An option is out of range, or the windows are so far apart that they leave audio out.</exception>
    internal static void Check(EmotionModel model, EmotionAnalysisOptions options)
    {
        (int rate, int denominator, int skip) = (options.FramesNumerator, options.FramesDenominator, options.InferencesToSkip);
        if (model.Folder.Info.SampleRate is var wanted && wanted != AudioClip.SampleRate)
            throw new A2FException(A2FErrorCode.InvalidModel, $"the model wants {wanted} samples a second, this engine feeds {AudioClip.SampleRate}");
        if (rate < 1 || denominator < 1) throw new A2FException(A2FErrorCode.OutOfRange, $"{rate}/{denominator} frames per second are not possible");
        if (skip is < 0 or > 1_000_000) throw new A2FException(A2FErrorCode.OutOfRange, $"inferences to skip: expected 0 to 1000000, found {skip}");
        if ((Int128)AudioClip.SampleRate * denominator * (skip + 1) > (Int128)model.WindowLength * rate)
        {
            throw new A2FException(A2FErrorCode.OutOfRange,
                $"inferences to skip: {skip} at {rate}/{denominator} frames a second leave audio between windows of {model.WindowLength} samples out; " +
                "skip fewer, or take a longer window");
        }
    }

    // The frames that one inference serves.
    private static void Fill(EmotionCurves curves, WindowProgress windows, EmotionPostProcessor processor, int inference, ReadOnlySpan<float> scores)
    {
        int first = inference * windows.FramesPerInference, past = Math.Min(first + windows.FramesPerInference, curves.Count);
        for (int frame = first; frame < past; frame++)
        {
            curves.Timestamps[frame] = windows.FrameTarget(frame);
            Softmax(scores, curves.Probabilities.AsSpan(frame * scores.Length, scores.Length));
            processor.Process(scores, curves.Emotions.AsSpan(frame * curves.FaceEmotions, curves.FaceEmotions));
        }
    }

    private static void Softmax(ReadOnlySpan<float> scores, Span<float> probabilities)
    {
        float highest = float.NegativeInfinity, sum = 0f;
        foreach (float score in scores) highest = MathF.Max(highest, score);
        for (int i = 0; i < scores.Length; i++) sum += probabilities[i] = MathF.Exp(scores[i] - highest);
        for (int i = 0; i < scores.Length; i++) probabilities[i] /= sum;
    }
}
