using A2F.Engine.Animation;

namespace A2F.Engine.Runtime;

/// <summary>Fills the noise of one window, for models with <see cref="Networks.NoiseSource.Given"/>.</summary>
/// <param name="window">Number of the window, from 0. The same window must get the same noise each time it is asked for.</param>
/// <param name="noise">Receives [steps + 1, frames, outputs], standard normal.</param>
public delegate void DiffusionNoise(long window, Span<float> noise);

/// <summary>What a <see cref="DiffusionTrack"/> starts with. What is null comes from the model folder.</summary>
public sealed record DiffusionTrackOptions
{
    /// <summary>Number of the identity.</summary>
    public int Identity { get; init; }

    /// <summary>Emotions over time, in the model's order.</summary>
    public EmotionTrack? Emotions { get; init; }

    /// <summary>Seed of the track's noise, where the model's noise is seeded (<see cref="ModelOptions.Noise"/>).</summary>
    public ulong Seed { get; init; }

    /// <summary>The track's noise, where the model's noise is given.</summary>
    public DiffusionNoise? Noise { get; init; }

    /// <summary>Multiplies the audio.</summary>
    public float InputStrength { get; init; } = 1f;

    /// <summary>
    /// Whether the track's rows are features (<see cref="DiffusionModel.InferFeatures"/>) for a <see cref="FaceAnimator"/> on
    /// <see cref="DiffusionModel.FeatureRigOf"/> that makes no vertices; else network output. Features cost less.
    /// </summary>
    public bool Features { get; init; }

    /// <summary>
    /// Above 0, a window whose audio is not all there runs ahead, on zeros in place of what is missing, whenever this many samples have come
    /// since the time of its first frame, or since it last ran ahead. Its frames are provisional: see
    /// <see cref="DiffusionFrames.IsProvisional"/>. 0 for never.
    /// </summary>
    public int SpeculativeSamples { get; init; }
}

/// <summary>Everything that a track's future depends on, at one moment. Made by <see cref="DiffusionTrack.SaveState"/>; never changes.</summary>
public sealed class DiffusionTrackState
{
    internal DiffusionTrackState(
        float[] gru, long windowsDone, long firstSample, float[] samples, bool closed, long heard, int identity, ulong seed, EmotionTrack emotions,
        float inputStrength)
    {
        Gru = gru;
        WindowsDone = windowsDone;
        FirstSample = firstSample;
        Samples = samples;
        IsClosed = closed;
        Heard = heard;
        Identity = identity;
        Seed = seed;
        Emotions = emotions;
        InputStrength = inputStrength;
    }

    /// <summary>Windows that had run.</summary>
    public long WindowsDone { get; }

    /// <summary>Samples that had been pushed.</summary>
    public long SamplesReceived => FirstSample + Samples.Length;

    internal float[] Gru { get; }

    internal long FirstSample { get; }

    internal float[] Samples { get; }

    internal bool IsClosed { get; }

    internal long Heard { get; }

    internal int Identity { get; }

    internal ulong Seed { get; }

    internal EmotionTrack Emotions { get; }

    internal float InputStrength { get; }
}

/// <summary>What one window of a track yielded. The track fills it again with each window.</summary>
public sealed class DiffusionFrames
{
    private readonly float[] _rows;
    private readonly long[] _timestamps;
    private readonly int _rowLength;

    internal DiffusionFrames(int most, int rowLength)
    {
        _rows = new float[most * rowLength];
        _timestamps = new long[most];
        _rowLength = rowLength;
    }

    /// <summary>Frames of the window that belong to the track's audio; 0 in the first window.</summary>
    public int Count { get; private set; }

    /// <summary>Number in the track of the first of them: the track's frame 0 sits at sample 0 (or just after).</summary>
    public long First { get; private set; }

    /// <summary>
    /// Whether audio was missing when the window ran. Its frames are worth showing; later windows of the track give the same frames
    /// again, better informed, and the last time they are final.
    /// </summary>
    public bool IsProvisional { get; private set; }

    /// <summary>
    /// [<see cref="Count"/>, <see cref="DiffusionModel.OutputLength"/>]: network output, what <see cref="FaceAnimator"/> takes; or
    /// [<see cref="Count"/>, <see cref="DiffusionModel.FeatureLength"/>]: features, where the track's options say so.
    /// </summary>
    public ReadOnlySpan<float> Rows => _rows.AsSpan(0, Count * _rowLength);

    /// <summary>[<see cref="Count"/>]: sample that each frame belongs to.</summary>
    public ReadOnlySpan<long> Timestamps => _timestamps.AsSpan(0, Count);

    /// <summary>Takes the reported ones among a window's frames: those with a time from 0 to below <paramref name="end"/>.</summary>
    internal void Fill(WindowProgress windows, long window, long end, bool provisional, ReadOnlySpan<float> rows)
    {
        (int first, Count) = Reported(windows, window, end, _timestamps);
        First = window * windows.FramesPerInference + first - windows.HiddenFrames;
        IsProvisional = provisional;
        if (Count > 0) rows.Slice(first * _rowLength, Count * _rowLength).CopyTo(_rows);
    }

    /// <summary>Which of a window's frames those are: the place of the first among them, their number, and their times.</summary>
    internal static (int First, int Count) Reported(WindowProgress windows, long window, long end, Span<long> timestamps)
    {
        long start = window * windows.FramesPerInference, first = Math.Max(start, windows.HiddenFrames);
        long past = Math.Min(start + windows.FramesPerInference, windows.CountFramesBefore(end));
        int count = (int)Math.Max(past - first, 0);
        for (int i = 0; i < count; i++) timestamps[i] = windows.FrameTarget(first + i);
        return ((int)(first - start), count);
    }

    internal void Clear() => Count = 0;
}
