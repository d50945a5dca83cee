using System.Diagnostics;

namespace A2F.Engine.Runtime;

/// <summary>
/// Audio on its way from the threads that push it to the tick. A push holds the lock while it copies its samples, the tick while it swaps two
/// buffers, so neither ever waits for a network.
/// </summary>
internal sealed class AudioInbox
{
    private readonly object _gate = new();
    private float[] _filling = [], _taken = [];
    private (long End, long Ticks)[] _pushes = new (long, long)[16]; // pushes that frames may still belong to
    private int _count, _firstPush, _pushCount;
    private long _received;
    private bool _closed;

    /// <summary>Samples pushed so far.</summary>
    public long Received
    {
        get
        {
            lock (_gate) return _received;
        }
    }

    /// <summary>Whether the audio has ended.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate) return _closed;
        }
    }

    /// <summary>Appends samples, which have been checked.</summary>
    /// <exception cref="A2FException">The audio has ended.</exception>
    public void Push(ReadOnlySpan<float> samples)
    {
        lock (_gate)
        {
            if (_closed) throw new A2FException(A2FErrorCode.InvalidArgument, "audio was pushed to a character whose audio has ended; reset it first");
            if (_count + samples.Length > _filling.Length) Array.Resize(ref _filling, checked(2 * (_count + samples.Length)));
            samples.CopyTo(_filling.AsSpan(_count));
            _count += samples.Length;
            _received += samples.Length;
            Note();
        }
    }

    /// <summary>Ends the audio. Ending it twice does nothing.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            Note();
        }
    }

    /// <summary>What came since the last call; good until the next.</summary>
    public ReadOnlySpan<float> Take(out bool closed)
    {
        lock (_gate)
        {
            int count = _count;
            (_filling, _taken, _count) = (_taken, _filling, 0);
            closed = _closed;
            return _taken.AsSpan(0, count);
        }
    }

    /// <summary>Time since the push that brought the audio before <paramref name="end"/>, or since the end of the audio. Ends never go back.</summary>
    public TimeSpan Since(long end)
    {
        lock (_gate)
        {
            while (_pushCount > 1 && _pushes[_firstPush].End < end)
            {
                _firstPush = (_firstPush + 1) % _pushes.Length;
                _pushCount--;
            }
            return _pushCount == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_pushes[_firstPush].Ticks);
        }
    }

    /// <summary>Starts again without audio.</summary>
    public void Reset()
    {
        lock (_gate) (_count, _pushCount, _received, _closed) = (0, 0, 0, false);
    }

    private void Note()
    {
        if (_pushCount == _pushes.Length)
        {
            (long, long)[] more = new (long, long)[2 * _pushCount];
            for (int i = 0; i < _pushCount; i++) more[i] = _pushes[(_firstPush + i) % _pushCount];
            (_pushes, _firstPush) = (more, 0);
        }
        _pushes[(_firstPush + _pushCount++) % _pushes.Length] = (_received, Stopwatch.GetTimestamp());
    }
}
