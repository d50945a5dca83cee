namespace A2F.Engine.Animation;

/// <summary>
/// Emotions over time: keys at sample times, linear between them. Before the first key the first key holds. Past the last key a closed
/// track holds the last key, an open one does not know yet.
/// </summary>
public sealed class EmotionTrack
{
    private long[] _timestamps = new long[4];
    private float[] _values;
    private int _count;
    private long _readableFrom = long.MinValue;

    /// <summary>Creates an empty, open track.</summary>
    /// <param name="emotionCount">Length of one key. 1 or more.</param>
    /// <exception cref="A2FException"><paramref name="emotionCount"/> is below 1.</exception>
    public EmotionTrack(int emotionCount)
    {
        if (emotionCount < 1) throw new A2FException(A2FErrorCode.OutOfRange, $"a track of {emotionCount} emotions is not possible");
        EmotionCount = emotionCount;
        _values = new float[4 * emotionCount];
    }

    /// <summary>Length of one key.</summary>
    public int EmotionCount { get; }

    /// <summary>Whether no more keys will come.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Time of the last key in samples, or null while there is none.</summary>
    public long? LastTimestamp => _count == 0 ? null : _timestamps[_count - 1];

    /// <summary>A closed track with one emotion that never changes.</summary>
    public static EmotionTrack Constant(ReadOnlySpan<float> values)
    {
        EmotionTrack track = new(values.Length);
        track.Add(0, values);
        track.Close();
        return track;
    }

    /// <summary>Appends a key.</summary>
    /// <param name="timestamp">Sample index; later than the key before.</param>
    /// <param name="values">One finite value per emotion.</param>
    /// <exception cref="A2FException">The track is closed, time does not increase, or the values are wrong.</exception>
    public void Add(long timestamp, ReadOnlySpan<float> values)
    {
        if (IsClosed) throw new A2FException(A2FErrorCode.InvalidArgument, $"emotion key at sample {timestamp}: the track is closed");
        if (values.Length != EmotionCount)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"emotion key at sample {timestamp}: expected {EmotionCount} values, found {values.Length}");
        }
        if (LastTimestamp is long last && timestamp <= last)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"emotion key at sample {timestamp}: keys must increase in time, the one before is at {last}");
        }
        Finite.Check(values, "emotion");
        if (_count == _timestamps.Length)
        {
            Array.Resize(ref _timestamps, 2 * _count);
            Array.Resize(ref _values, 2 * _count * EmotionCount);
        }
        _timestamps[_count] = timestamp;
        values.CopyTo(Key(_count));
        _count++;
    }

    /// <summary>Says that no more keys will come. Closing twice does nothing.</summary>
    /// <exception cref="A2FException">There is no key.</exception>
    public void Close()
    {
        if (_count == 0) throw new A2FException(A2FErrorCode.InvalidArgument, "an emotion track without keys can't be closed");
        IsClosed = true;
    }

    /// <summary>Forgets keys that samples from <paramref name="timestamp"/> on do not need. Earlier times can't be read any more.</summary>
    public void DropBefore(long timestamp)
    {
        _readableFrom = Math.Max(_readableFrom, timestamp);
        int unneeded = 0;
        while (unneeded + 1 < _count && _timestamps[unneeded + 1] <= timestamp) unneeded++;
        if (unneeded == 0) return;
        Array.Copy(_timestamps, unneeded, _timestamps, 0, _count - unneeded);
        Array.Copy(_values, unneeded * EmotionCount, _values, 0, (_count - unneeded) * EmotionCount);
        _count -= unneeded;
    }

    /// <summary>The emotion at a time.</summary>
    /// <param name="timestamp">Sample index; negative ones give the first key.</param>
    /// <param name="values">Receives one value per emotion.</param>
    /// <returns>False, with <paramref name="values"/> untouched, where the track does not know: open and past the last key, or empty.</returns>
    /// <exception cref="A2FException">The time was dropped, or <paramref name="values"/> has the wrong length.</exception>
    public bool TryRead(long timestamp, Span<float> values)
    {
        if (values.Length != EmotionCount)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"expected room for {EmotionCount} emotions, found {values.Length}");
        if (timestamp < _readableFrom)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"emotions before sample {_readableFrom} were dropped, {timestamp} was asked for");
        if (_count == 0 || (!IsClosed && timestamp > _timestamps[_count - 1])) return false;
        int found = Array.BinarySearch(_timestamps, 0, _count, timestamp);
        int after = found >= 0 ? found : ~found;
        if (found >= 0 || after == 0 || after == _count)
        {
            Key(Math.Min(after, _count - 1)).CopyTo(values);
            return true;
        }
        float t = (float)((timestamp - _timestamps[after - 1]) / (double)(_timestamps[after] - _timestamps[after - 1]));
        Span<float> a = Key(after - 1);
        Span<float> b = Key(after);
        for (int i = 0; i < values.Length; i++) values[i] = MathF.FusedMultiplyAdd(t, b[i], MathF.FusedMultiplyAdd(-t, a[i], a[i]));
        return true;
    }

    /// <summary>The emotion at a time that must be known.</summary>
    /// <exception cref="A2FException">The track does not know yet, the time was dropped, or the length is wrong.</exception>
    public void Read(long timestamp, Span<float> values)
    {
        if (!TryRead(timestamp, values))
        {
            throw new A2FException(A2FErrorCode.InvalidArgument, _count == 0
                ? "the emotion track has no keys"
                : $"the emotion at sample {timestamp} is not known yet: the last key is at {LastTimestamp}; add keys or close the track");
        }
    }

    private Span<float> Key(int index) => _values.AsSpan(index * EmotionCount, EmotionCount);
}
