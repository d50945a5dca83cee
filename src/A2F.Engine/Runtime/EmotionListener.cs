using A2F.Engine.Animation;
using A2F.Engine.Audio;

namespace A2F.Engine.Runtime;

/// <summary>
/// The emotions of one character, as a classifier hears them: audio goes in, windows of it come out, scores go in, keys are appended to a track that
/// the face's windows wait for. Which windows there are depends on the audio alone, not on when it came or when it was ended. Only ticks use it.
/// </summary>
internal sealed class EmotionListener
{
    private readonly EmotionHearing _hearing;
    private readonly SampleHistory _samples = new();
    private readonly EmotionPostProcessor _processor;
    private readonly float[] _emotions;
    private long _done;
    private bool _closed;

    internal EmotionListener(EmotionHearing hearing, EmotionPostProcessor processor, int emotions)
    {
        (_hearing, _processor, _emotions) = (hearing, processor, new float[emotions]);
        Track = new EmotionTrack(emotions);
    }

    /// <summary>The emotions so far; another one after a reset.</summary>
    public EmotionTrack Track { get; private set; }

    /// <summary>How scores become emotions.</summary>
    public EmotionParameters Parameters
    {
        get => _processor.Parameters;
        set => _processor.Parameters = value;
    }

    /// <summary>Whether the next window runs already, somewhere else.</summary>
    public bool IsUnderWay { get; set; }

    /// <summary>Whether the next window can run: its audio is there.</summary>
    public bool IsReady => !IsUnderWay && HasWindow;

    private bool HasWindow
    {
        get
        {
            WindowProgress windows = _hearing.Windows;
            if (_closed) return _done < Math.Max(1, windows.CountAvailable(_samples.Received, closed: true)); // one where there is no audio at all
            // An open track has just the windows and the keys that it will have had when it ends.
            return windows.WindowTarget(_done) < _samples.Received && windows.WindowEnd(_done) <= _samples.Received
                && (_hearing.IsCausal || windows.FrameTarget((_done + 1) * windows.FramesPerInference - 1) < _samples.Received);
        }
    }

    /// <summary>Samples that may come before the next window must run, so that the face waits no longer than documented; 0 or less: now.</summary>
    public long Slack => _closed ? 0 : _hearing.Windows.WindowEnd(_done) + _hearing.Allowance - _samples.Received;

    /// <summary>Appends audio.</summary>
    public void Push(ReadOnlySpan<float> samples)
    {
        _samples.Push(samples);
        DropUnneeded();
    }

    /// <summary>Ends the audio: windows read silence past it. Ending it twice does nothing.</summary>
    public void Close()
    {
        _closed = true;
        EndTrack();
    }

    /// <summary>Starts a new track.</summary>
    public void Reset()
    {
        _samples.Restore(0, []);
        _processor.Reset();
        (_done, _closed, IsUnderWay, Track) = (0, false, false, new EmotionTrack(_emotions.Length));
    }

    /// <summary>The next window.</summary>
    public void Read(Span<float> window) =>
        AudioWindow.Read(_samples.Held, _samples.First, _closed, _hearing.Windows.WindowStart(_done), 1f, window);

    /// <summary>Takes the next window's scores: keys until the window after it.</summary>
    public void Take(ReadOnlySpan<float> scores)
    {
        WindowProgress windows = _hearing.Windows;
        long first = _done * windows.FramesPerInference, past = first + windows.FramesPerInference;
        for (long frame = first; frame < past; frame++)
        {
            long time = windows.FrameTarget(frame);
            if (frame > first && !_hearing.IsCausal && time >= _samples.Received) break; // as whole clips have it: no key past the end
            _processor.Process(scores, _emotions);
            Track.Add(time, _emotions);
        }
        _done++;
        IsUnderWay = false;
        DropUnneeded();
        EndTrack();
    }

    private void EndTrack()
    {
        if (_closed && !Track.IsClosed && !HasWindow) Track.Close();
    }

    private void DropUnneeded() => _samples.DropBefore(Math.Max(_hearing.Windows.WindowStart(_done), 0));
}
