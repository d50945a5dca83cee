using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>How a clip becomes an animation. What is null comes from the model folder.</summary>
public sealed record SpeechOptions
{
    /// <summary>Numerator of the frames per second.</summary>
    public int FramesNumerator { get; init; } = 60;

    /// <summary>Denominator of the frames per second: 1001 for 30000/1001.</summary>
    public int FramesDenominator { get; init; } = 1;

    /// <summary>Explicit emotions over time, in the model's order.</summary>
    public EmotionTrack? Emotions { get; init; }

    /// <summary>Shot of the implicit emotion.</summary>
    public string? SourceShot { get; init; }

    /// <summary>Frame within the shot.</summary>
    public int? SourceFrame { get; init; }

    /// <summary>How network output becomes a face.</summary>
    public AnimatorParameters? Parameters { get; init; }

    /// <summary>How skin weights are solved for.</summary>
    public SolverParameters? SkinSolver { get; init; }

    /// <summary>How tongue weights are solved for.</summary>
    public SolverParameters? TongueSolver { get; init; }

    /// <summary>Choices about the solve that model files do not hold.</summary>
    public SolveOptions? SolveOptions { get; init; }

    /// <summary>Whether vertices are wanted beside the weights.</summary>
    public bool Vertices { get; init; }
}

/// <summary>An animated clip.</summary>
/// <param name="Frames">The frames.</param>
/// <param name="Rig">The face they belong to; it names the weights.</param>
/// <param name="Timestamps">Sample at 16 kHz that each frame belongs to.</param>
/// <param name="FramesNumerator">Numerator of the frames per second.</param>
/// <param name="FramesDenominator">Denominator of the frames per second.</param>
public sealed record FaceTrack(
    FaceFrames Frames, FaceRig Rig, IReadOnlyList<long> Timestamps, int FramesNumerator, int FramesDenominator);

/// <summary>Animates whole clips with a regression model.</summary>
public static class SpeechAnimator
{
    /// <summary>
    /// One frame for each time k / fps within the clip, at sample floor(k * 16000 / fps); silence surrounds the clip.
    /// </summary>
    /// <exception cref="A2FException">The model has no network, an option is out of range, or the clip is too long for memory.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> fired.</exception>
    public static FaceTrack Animate(
        RegressionModel model, AudioClip clip, SpeechOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        options ??= new SpeechOptions();
        RegressionModelFolder folder = model.Folder;
        RegressionInfo info = folder.Info;
        if (info.SampleRate != AudioClip.SampleRate)
            throw new A2FException(A2FErrorCode.InvalidModel, $"the model wants {info.SampleRate} samples a second, this engine feeds {AudioClip.SampleRate}");
        WindowProgress windows = WindowProgress.ForRegression(
            info.BufferLength, info.BufferOffset, info.SampleRate, options.FramesNumerator, options.FramesDenominator);
        AnimatorParameters parameters = options.Parameters ?? folder.Parameters;
        FaceAnimator animator = new(
            model.Rig, options.FramesNumerator, options.FramesDenominator, parameters, options.SkinSolver ?? folder.SkinSolver,
            options.TongueSolver ?? folder.TongueSolver, options.SolveOptions, options.Vertices);

        int count = checked((int)Math.Min(windows.CountReportedFrames(clip.Samples.Length), int.MaxValue));
        FaceFrames frames = animator.CreateFrames(count);
        long[] timestamps = new long[count];
        ReadOnlySpan<float> implicitRow = ImplicitEmotions.Row(
            folder.ImplicitEmotions, options.SourceShot ?? folder.SourceShot, options.SourceFrame ?? folder.SourceFrame).Span;
        EmotionTrack emotions = options.Emotions ?? EmotionTrack.Constant([.. info.DefaultEmotion]);

        int atOnce = Math.Min(32, Math.Max(count, 1));
        float[] input = new float[atOnce * model.InputLength], emotion = new float[atOnce * model.EmotionLength], output = new float[atOnce * model.OutputLength];
        for (int first = 0; first < count; first += atOnce)
        {
            cancel.ThrowIfCancellationRequested();
            int batch = Math.Min(atOnce, count - first);
            for (int i = 0; i < batch; i++)
            {
                timestamps[first + i] = windows.FrameTarget(first + i);
                AudioWindow.Read(clip.Samples.Span, 0, closed: true, windows.WindowStart(first + i), parameters.InputStrength,
                    input.AsSpan(i * model.InputLength, model.InputLength));
                Span<float> vector = emotion.AsSpan(i * model.EmotionLength, model.EmotionLength);
                implicitRow.CopyTo(vector);
                emotions.Read(timestamps[first + i], vector[implicitRow.Length..]);
            }
            Span<float> rows = output.AsSpan(0, batch * model.OutputLength);
            model.Infer(input.AsSpan(0, batch * model.InputLength), emotion.AsSpan(0, batch * model.EmotionLength), rows);
            animator.Animate(rows, frames, first);
            progress?.Report((double)(first + batch) / count);
        }
        return new FaceTrack(frames, model.Rig, timestamps, options.FramesNumerator, options.FramesDenominator);
    }
}
