using A2F.Engine.Animation;
using A2F.Engine.Audio;

namespace A2F.Engine.Runtime;

/// <summary>An emotion classifier for the characters of a group: windows of those that hear run in batches.</summary>
internal sealed class EmotionHearing : IDisposable
{
    private readonly EmotionModel _model;
    private readonly EmotionAnalysisOptions _analysis;
    private readonly int _emotions;
    private readonly float[] _windows, _scores;
    private readonly PipelinedHearing? _pipeline;

    /// <summary>Hearing on a classifier, which it does not own.</summary>
    /// <param name="model">The classifier.</param>
    /// <param name="analysis">How often it listens, and what becomes of its scores.</param>
    /// <param name="place">Where windows lie.</param>
    /// <param name="faceEmotions">Names of the face model's emotions.</param>
    /// <param name="lookahead">Samples after the time of a face window's last frame that the face window waits for anyway.</param>
    /// <param name="capacity">Most characters that hear.</param>
    /// <exception cref="A2FException">An option is out of range, or the face does not belong to the classifier.</exception>
    internal EmotionHearing(
        EmotionModel model, EmotionAnalysisOptions analysis, EmotionWindowPlace place, IReadOnlyList<string> faceEmotions, long lookahead, int capacity)
    {
        EmotionAnalyzer.Check(model, analysis);
        EmotionCurves.CheckFace(model.Folder, faceEmotions);
        if (!Enum.IsDefined(place)) throw new A2FException(A2FErrorCode.OutOfRange, $"place of emotion windows: {place} is none");
        (_model, _analysis, _emotions, IsCausal) = (model, analysis, faceEmotions.Count, place == EmotionWindowPlace.Causal);
        (int numerator, int denominator, int frames) = (analysis.FramesNumerator, analysis.FramesDenominator, analysis.InferencesToSkip + 1);
        Windows = IsCausal
            ? new WindowProgress(model.WindowLength, -model.WindowLength, model.WindowLength, (long)AudioClip.SampleRate * denominator * frames, numerator, frames)
            : WindowProgress.ForEmotion(model.WindowLength, AudioClip.SampleRate, numerator, denominator, frames - 1);
        Stride = Math.Max(1, Windows.WindowStart(1) - Windows.WindowStart(0));
        // A frame between two keys needs both, so a causal window is needed when the audio of the first frame after the last key is there.
        long spacing = Windows.FrameTarget(1) - Windows.FrameTarget(0);
        Allowance = IsCausal ? Math.Max(0, Math.Min(lookahead - spacing, Stride) - Stride / 16) : Stride - Stride / 16;
        MostBatch = Math.Min(capacity, model.MaxBatch);
        (_windows, _scores) = (new float[MostBatch * model.WindowLength], new float[MostBatch * model.Labels]);
        CreateListener(null);
        if (model.OnGpu is { } gpu) _pipeline = new PipelinedHearing(gpu.Operators, gpu.Network, model.Gate, capacity);
    }

    /// <summary>Whether <see cref="Run"/> would start at once.</summary>
    public bool HasRoom => _pipeline is null || _pipeline.HasRoom;

    /// <summary>Hands scores out of windows that were set going and are finished.</summary>
    /// <param name="wait">Whether to wait for those that are not.</param>
    public void Collect(bool wait) => _pipeline?.Collect(wait);

    /// <inheritdoc/>
    public void Dispose() => _pipeline?.Dispose();

    /// <summary>Windows that run together.</summary>
    public int MostBatch { get; }

    /// <summary>Whether windows end at the time of their emotion.</summary>
    public bool IsCausal { get; }

    /// <summary>Which windows there are.</summary>
    public WindowProgress Windows { get; }

    /// <summary>Samples from window to window.</summary>
    public long Stride { get; }

    /// <summary>Samples that may come after a window's last before it must run.</summary>
    public long Allowance { get; }

    /// <summary>The hearing of a new character.</summary>
    /// <param name="parameters">How scores become emotions; null for what the options or the classifier's folder say.</param>
    /// <exception cref="A2FException">The parameters are wrong.</exception>
    public EmotionListener CreateListener(EmotionParameters? parameters) => new(this, new EmotionPostProcessor(
        _emotions, (float)_analysis.FramesDenominator / _analysis.FramesNumerator, parameters ?? _analysis.Parameters ?? _model.Folder.Parameters), _emotions);

    /// <summary>
    /// Runs the next window of each of 1 to <see cref="MostBatch"/> characters, or sets it going. What goes wrong with one stops that one.
    /// </summary>
    public void Run(List<Character> batch)
    {
        if (_pipeline is not null)
        {
            _pipeline.Begin(batch);
            return;
        }
        if (TryRun(batch, 0, batch.Count)) return;
        for (int i = 0; i < batch.Count; i++) TryRun(batch, i, 1);
    }

    // Whether it went well; what went wrong with one character alone stops that one.
    private bool TryRun(List<Character> batch, int first, int count)
    {
        int window = _model.WindowLength, labels = _model.Labels;
        try
        {
            for (int i = 0; i < count; i++) batch[first + i].Ears!.Read(_windows.AsSpan(i * window, window));
            _model.Infer(_windows.AsSpan(0, count * window), _scores.AsSpan(0, count * labels));
        }
        catch (A2FException e)
        {
            if (count == 1) batch[first].Fail(e);
            return false;
        }
        for (int i = 0; i < count; i++)
        {
            try
            {
                batch[first + i].Ears!.Take(_scores.AsSpan(i * labels, labels));
            }
            catch (A2FException e)
            {
                batch[first + i].Fail(e);
            }
        }
        return true;
    }
}
