using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>How a clip becomes an animation. What is null comes from the model folder.</summary>
public sealed record SpeechOptions
{
    /// <summary>
    /// Numerator of the frames per second; null for 60 with a regression model, and for the network's own rate, the only one there, with a
    /// diffusion model.
    /// </summary>
    public int? FramesNumerator { get; init; }

    /// <summary>Denominator of the frames per second: 1001 for 30000/1001.</summary>
    public int FramesDenominator { get; init; } = 1;

    /// <summary>Number of the identity; only for diffusion models, 0 where it is null.</summary>
    public int? Identity { get; init; }

    /// <summary>Explicit emotions over time, in the model's order: closed.</summary>
    public EmotionTrack? Emotions { get; init; }

    /// <summary>Seed of the noise, where a diffusion model's noise is seeded.</summary>
    public ulong Seed { get; init; }

    /// <summary>Shot of the implicit emotion; only for regression models.</summary>
    public string? SourceShot { get; init; }

    /// <summary>Frame within the shot; only for regression models.</summary>
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

    /// <summary>
    /// Whether, where vertices are not wanted, weights come straight from coefficients or features of the network, without any vertex. Equal
    /// in real arithmetic, about 1e-6 apart, and faster.
    /// </summary>
    public bool Folded { get; init; } = true;
}

/// <summary>An animated clip.</summary>
/// <param name="Frames">The frames.</param>
/// <param name="Rig">The face they belong to; it names the weights.</param>
/// <param name="Timestamps">Sample at 16 kHz that each frame belongs to.</param>
/// <param name="FramesNumerator">Numerator of the frames per second.</param>
/// <param name="FramesDenominator">Denominator of the frames per second.</param>
public sealed record FaceTrack(
    FaceFrames Frames, FaceRig Rig, IReadOnlyList<long> Timestamps, int FramesNumerator, int FramesDenominator);

/// <summary>Animates whole clips.</summary>
public static class SpeechAnimator
{
    private const int DefaultFrameRate = 60;

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
        int rate = options.FramesNumerator ?? DefaultFrameRate;
        if (options.Identity is { } identity)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"identity {identity}: a regression model has one face; leave the identity out");
        if (info.SampleRate != AudioClip.SampleRate)
            throw new A2FException(A2FErrorCode.InvalidModel, $"the model wants {info.SampleRate} samples a second, this engine feeds {AudioClip.SampleRate}");
        WindowProgress windows = WindowProgress.ForRegression(
            info.BufferLength, info.BufferOffset, info.SampleRate, rate, options.FramesDenominator);
        AnimatorParameters parameters = options.Parameters ?? folder.Parameters;
        FaceAnimator animator = new(
            model.Rig, rate, options.FramesDenominator, parameters, options.SkinSolver ?? folder.SkinSolver,
            options.TongueSolver ?? folder.TongueSolver, options.SolveOptions, options.Vertices, options.Folded);

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
        return new FaceTrack(frames, model.Rig, timestamps, rate, options.FramesDenominator);
    }

    /// <summary>
    /// One frame for each time k / rate within the clip, rate being the network's own; silence surrounds the clip. The windows of one track
    /// follow each other, so this is one window at a time; several tracks together run faster: <see cref="DiffusionTrack"/>.
    /// </summary>
    /// <remarks>
    /// The audio is multiplied by <see cref="AnimatorParameters.InputStrength"/>, which the reference ignores for diffusion models; it is 1
    /// by default and in the reference's own models.
    /// </remarks>
    /// <exception cref="A2FException">
    /// The model has no network, an option is out of range or not for diffusion models, or the clip is too long for memory.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> fired.</exception>
    public static FaceTrack Animate(
        DiffusionModel model, AudioClip clip, SpeechOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        options ??= new SpeechOptions();
        if (options.SourceShot is not null || options.SourceFrame is not null)
            throw new A2FException(A2FErrorCode.InvalidArgument, "a diffusion model has no implicit emotion; leave the source shot and frame out");
        (int numerator, int denominator) = RateOf(model.Folder.Info, options);
        int number = options.Identity ?? 0;
        bool features = options.Folded && !options.Vertices;
        FaceRig rig = features ? model.FeatureRigOf(number) : model.RigOf(number);
        DiffusionIdentity identity = model.Folder.Identities[number];
        AnimatorParameters parameters = options.Parameters ?? identity.Parameters;
        FaceAnimator animator = new(
            rig, numerator, denominator, parameters, options.SkinSolver ?? identity.SkinSolver, options.TongueSolver ?? identity.TongueSolver,
            options.SolveOptions, options.Vertices, options.Folded);
        DiffusionTrack track = new(model, new DiffusionTrackOptions
        {
            Identity = number,
            Emotions = options.Emotions,
            Seed = options.Seed,
            InputStrength = parameters.InputStrength,
            Features = features,
        });
        int count = checked((int)Math.Min(track.CountFrames(clip.Samples.Length), int.MaxValue));
        FaceFrames frames = animator.CreateFrames(count);
        long[] timestamps = new long[count];
        int pushed = 0;
        while (!track.IsFinished)
        {
            cancel.ThrowIfCancellationRequested();
            if (track.Advance())
            {
                int first = (int)track.Frames.First;
                animator.Animate(track.Frames.Rows, frames, first);
                track.Frames.Timestamps.CopyTo(timestamps.AsSpan(first));
                progress?.Report((double)(first + track.Frames.Count) / Math.Max(count, 1));
            }
            else if (track.IsClosed)
            {
                throw new A2FException(A2FErrorCode.InvalidArgument, "the emotions end before the clip does; add keys or close their track");
            }
            else if (pushed == clip.Samples.Length) track.Close();
            else
            {
                int chunk = Math.Min(model.WindowLength, clip.Samples.Length - pushed);
                track.Push(clip.Samples.Span.Slice(pushed, chunk));
                pushed += chunk;
            }
        }
        return new FaceTrack(frames, rig, timestamps, numerator, denominator);
    }

    // The network's own rate as a fraction; the options may only say the same.
    private static (int Numerator, int Denominator) RateOf(DiffusionInfo info, SpeechOptions options)
    {
        (int numerator, int denominator) = info.FrameRateFraction;
        if (options.FramesNumerator is { } wanted && (long)wanted * denominator != (long)numerator * options.FramesDenominator)
        {
            string own = denominator == 1 ? $"{numerator}" : $"{numerator}/{denominator}";
            string found = options.FramesDenominator == 1 ? $"{wanted}" : $"{wanted}/{options.FramesDenominator}";
            throw new A2FException(A2FErrorCode.OutOfRange,
                $"{found} frames a second: this diffusion model gives {own} and no other rate; leave the rate out, and resample what comes");
        }
        return (numerator, denominator);
    }
}
