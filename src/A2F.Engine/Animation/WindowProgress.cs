namespace A2F.Engine.Animation;

/// <summary>
/// Sample timing of a network: which audio window each inference reads and which sample each frame belongs to.
/// Inference k reads samples [start, start + <see cref="WindowSize"/>) with start = floor(k * stride) + <see cref="StartOffset"/>;
/// its (first) frame sits at target = start + <see cref="TargetOffset"/>. Everything is integer arithmetic, so any rational rate is exact.
/// </summary>
public sealed class WindowProgress
{
    private readonly long _strideNumerator;
    private readonly long _strideDenominator;

    /// <summary>Describes the windows of a network.</summary>
    /// <param name="windowSize">Samples that one inference reads. 1 or more.</param>
    /// <param name="startOffset">First sample of window 0; negative where the window reaches before the audio.</param>
    /// <param name="targetOffset">Position in the window of the moment its first frame belongs to, in samples.</param>
    /// <param name="strideNumerator">Numerator of the samples from one inference to the next. 1 or more.</param>
    /// <param name="strideDenominator">Denominator of that distance. 1 or more.</param>
    /// <param name="framesPerInference">Frames that one inference yields. 1 or more.</param>
    /// <exception cref="A2FException">A value is out of its range.</exception>
    public WindowProgress(
        int windowSize, long startOffset, long targetOffset, long strideNumerator, long strideDenominator, int framesPerInference = 1)
    {
        if (windowSize < 1 || strideNumerator < 1 || strideDenominator < 1 || framesPerInference < 1)
        {
            throw new A2FException(A2FErrorCode.OutOfRange,
                $"window size {windowSize}, stride {strideNumerator}/{strideDenominator} and {framesPerInference} frames per inference " +
                "must all be 1 or more");
        }
        long divisor = GreatestCommonDivisor(strideNumerator, strideDenominator);
        _strideNumerator = strideNumerator / divisor;
        _strideDenominator = strideDenominator / divisor;
        WindowSize = windowSize;
        StartOffset = startOffset;
        TargetOffset = targetOffset;
        FramesPerInference = framesPerInference;
    }

    /// <summary>Samples that one inference reads.</summary>
    public int WindowSize { get; }

    /// <summary>First sample of window 0.</summary>
    public long StartOffset { get; }

    /// <summary>Samples from a window's start to the moment its first frame belongs to.</summary>
    public long TargetOffset { get; }

    /// <summary>Frames that one inference yields.</summary>
    public int FramesPerInference { get; }

    /// <summary>
    /// Frames whose target lies before sample 0: they are computed (they carry a network's state) but not reported.
    /// Frame numbers everywhere else in this class count them.
    /// </summary>
    public long HiddenFrames => CountFramesBefore(0);

    /// <summary>Windows of a regression network: one frame an inference, at a free frame rate.</summary>
    /// <param name="bufferLength">Audio window, in samples.</param>
    /// <param name="bufferOffset">Position in the window of the moment the output belongs to, in samples.</param>
    /// <param name="sampleRate">Samples per second.</param>
    /// <param name="framesNumerator">Numerator of the frames per second.</param>
    /// <param name="framesDenominator">Denominator of the frames per second: 1001 for 30000/1001.</param>
    /// <exception cref="A2FException">A value is out of its range.</exception>
    public static WindowProgress ForRegression(
        int bufferLength, int bufferOffset, int sampleRate, int framesNumerator, int framesDenominator) =>
        new(bufferLength, -(long)bufferOffset, bufferOffset, (long)sampleRate * framesDenominator, framesNumerator);

    /// <summary>Windows of a diffusion network: <paramref name="center"/> frames an inference, at the rate it was trained for.</summary>
    /// <param name="bufferLength">Audio window, in samples.</param>
    /// <param name="paddingLeft">Silence before the audio, in samples.</param>
    /// <param name="left">Frames dropped at the window's start.</param>
    /// <param name="center">Frames kept.</param>
    /// <param name="right">Frames dropped at the window's end.</param>
    /// <exception cref="A2FException">A value is out of its range.</exception>
    public static WindowProgress ForDiffusion(int bufferLength, int paddingLeft, int left, int center, int right)
    {
        long total = (long)left + center + right;
        if (left < 0 || right < 0 || total < 1)
            throw new A2FException(A2FErrorCode.OutOfRange, $"{left} + {center} + {right} frames are no window");
        return new(bufferLength, -(long)paddingLeft, bufferLength * (long)left / total, bufferLength * (long)center, total, center);
    }

    /// <summary>Windows of an emotion network: the moment is the window's middle, and each inference serves skip + 1 frames.</summary>
    /// <param name="bufferLength">Audio window, in samples.</param>
    /// <param name="sampleRate">Samples per second.</param>
    /// <param name="framesNumerator">Numerator of the frames per second.</param>
    /// <param name="framesDenominator">Denominator of the frames per second.</param>
    /// <param name="inferencesToSkip">Frames after each inference that reuse its result. 0 or more.</param>
    /// <exception cref="A2FException">A value is out of its range.</exception>
    public static WindowProgress ForEmotion(
        int bufferLength, int sampleRate, int framesNumerator, int framesDenominator, int inferencesToSkip) =>
        new(bufferLength, -(long)(bufferLength / 2), bufferLength / 2,
            (long)sampleRate * framesDenominator * (inferencesToSkip + 1L), framesNumerator, checked(inferencesToSkip + 1));

    /// <summary>First sample that inference <paramref name="inference"/> reads; negative means silence before the audio.</summary>
    public long WindowStart(long inference) => Position(inference, 1) + StartOffset;

    /// <summary>Sample that the first frame of an inference belongs to.</summary>
    public long WindowTarget(long inference) => WindowStart(inference) + TargetOffset;

    /// <summary>One past the last sample that an inference reads.</summary>
    public long WindowEnd(long inference) => WindowStart(inference) + WindowSize;

    /// <summary>Sample that frame <paramref name="frame"/> belongs to (hidden frames count).</summary>
    public long FrameTarget(long frame) => Position(frame, FramesPerInference) + StartOffset + TargetOffset;

    /// <summary>Number of frames whose target lies before <paramref name="sample"/>: of a closed track of that length, hidden ones included.</summary>
    public long CountFramesBefore(long sample) => Count(sample - StartOffset - TargetOffset, FramesPerInference);

    /// <summary>Number of frames that a closed track of <paramref name="samples"/> samples reports.</summary>
    public long CountReportedFrames(long samples) => Math.Max(0, CountFramesBefore(samples) - HiddenFrames);

    /// <summary>How many inferences can run now.</summary>
    /// <param name="samples">Samples received so far.</param>
    /// <param name="closed">Whether no more audio will come: windows may then reach past the end, as long as their target does not.</param>
    /// <param name="inferencesDone">Inferences that already ran.</param>
    public long CountAvailable(long samples, bool closed, long inferencesDone = 0)
    {
        long limit = closed ? samples - StartOffset - TargetOffset : samples - StartOffset - WindowSize + 1;
        return Math.Max(0, Count(limit, 1) - inferencesDone);
    }

    /// <summary>How many inferences can run now, when their frames also need an emotion that may not be known yet.</summary>
    /// <param name="samples">Samples received so far.</param>
    /// <param name="closed">Whether no more audio will come.</param>
    /// <param name="emotions">The emotions: while open, frames past the last key wait.</param>
    /// <param name="inferencesDone">Inferences that already ran.</param>
    public long CountAvailable(long samples, bool closed, EmotionTrack emotions, long inferencesDone = 0)
    {
        long available = CountAvailable(samples, closed, inferencesDone);
        if (emotions.IsClosed) return available;
        if (emotions.LastTimestamp is not long last) return 0;
        long covered = CountFramesBefore(last + 1) / FramesPerInference;
        return Math.Max(0, Math.Min(available, covered - inferencesDone));
    }

    // floor(k * stride / split); Int128 because k and the stride are both free.
    private long Position(long k, int split) => (long)FloorDivide((Int128)k * _strideNumerator, (Int128)_strideDenominator * split);

    // Number of k >= 0 with floor(k * stride / split) < limit.
    private long Count(long limit, int split) =>
        limit <= 0 ? 0 : (long)(((Int128)limit * _strideDenominator * split + _strideNumerator - 1) / _strideNumerator);

    private static Int128 FloorDivide(Int128 a, Int128 b)
    {
        Int128 quotient = a / b;
        return a % b < 0 ? quotient - 1 : quotient;
    }

    private static long GreatestCommonDivisor(long a, long b)
    {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}
