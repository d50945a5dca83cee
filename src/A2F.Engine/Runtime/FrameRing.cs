using A2F.Engine.Animation;

namespace A2F.Engine.Runtime;

/// <summary>What happens to a character's frames that nobody has read when there is no room for the next.</summary>
public enum WhenFull
{
    /// <summary>The oldest is dropped: what a renderer wants that looks at the latest ones.</summary>
    DropOldest,

    /// <summary>The character waits, and costs nothing, until one is read.</summary>
    Wait,

    /// <summary>Room doubles; the only way in which a tick takes memory.</summary>
    Grow,
}

/// <summary>
/// The latest frames of a character: one writer, any number of readers, each call under one short lock. Frames stay for <see cref="Sample"/> after
/// they were read, until their room is needed.
/// </summary>
internal sealed class FrameRing(Func<int, FaceFrames> create, int room, WhenFull policy)
{
    private readonly object _gate = new();
    private FaceFrames _frames = create(room);
    private long[] _timestamps = new long[room];
    private TimeSpan[] _latencies = new TimeSpan[room];
    private long _oldest, _written, _read, _dropped; // frames held: [_oldest, _written)

    /// <summary>Frames written since the start.</summary>
    public long Written
    {
        get
        {
            lock (_gate) return _written;
        }
    }

    /// <summary>Frames that wait to be read.</summary>
    public int Unread
    {
        get
        {
            lock (_gate) return (int)(_written - _read);
        }
    }

    /// <summary>Frames that were dropped before anybody read them, since the start.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate) return _dropped;
        }
    }

    /// <summary>Whether so many frames may be written.</summary>
    public bool HasRoomFor(int count) => policy != WhenFull.Wait || Unread + count <= room;

    /// <summary>Where vertices stay on a GPU.</summary>
    public DeviceVertices Device { get; init; }

    /// <summary>Forgets all frames, and those that were dropped; numbers start at 0 again.</summary>
    public void Clear()
    {
        lock (_gate) (_oldest, _written, _read, _dropped) = (0, 0, 0, 0);
    }

    /// <summary>Appends a frame of <paramref name="source"/>.</summary>
    public void Write(FaceFrames source, int frame, long timestamp, TimeSpan latency)
    {
        lock (_gate)
        {
            if (_written - _read == _timestamps.Length)
            {
                if (policy == WhenFull.Grow) Grow();
                else (_read, _dropped) = (_read + 1, _dropped + 1);
            }
            if (_written - _oldest == _timestamps.Length) _oldest++;
            int place = Place(_written);
            _frames.CopyFrom(place, source, frame);
            (_timestamps[place], _latencies[place]) = (timestamp, latency);
            _written++;
        }
    }

    /// <summary>Takes the oldest frame that was not read; false where there is none.</summary>
    public bool TryRead(CharacterFrame target)
    {
        lock (_gate)
        {
            if (_read == _written) return false;
            Fill(target, _read++);
            return true;
        }
    }

    /// <summary>The face at a time between frames, linear between them; false where the first or the last frame stands in.</summary>
    public bool Sample(double time, CharacterFrame target)
    {
        lock (_gate)
        {
            if (_written == 0) return false;
            long low = _oldest, high = _written - 1;
            while (low < high) // the last frame at or before the time
            {
                long middle = (low + high + 1) / 2;
                if (_timestamps[Place(middle)] <= time) low = middle;
                else high = middle - 1;
            }
            Fill(target, low);
            long before = target.Timestamp;
            bool inside = before <= time && (low + 1 < _written || before == time);
            if (!inside || before == time) return inside;
            int next = Place(low + 1);
            target.Room.Mix(0, _frames, next, (float)((time - before) / (_timestamps[next] - before)));
            target.Timestamp = (long)Math.Floor(time);
            return true;
        }
    }

    private void Fill(CharacterFrame target, long frame)
    {
        int place = Place(frame);
        target.Room.CopyFrom(0, _frames, place);
        (target.DeviceSkinVertices, target.DeviceTongueVertices) = Device.At(frame);
        (target.Sequence, target.Timestamp, target.Latency) = (frame, _timestamps[place], _latencies[place]);
    }

    private int Place(long frame) => (int)(frame % _timestamps.Length);

    private void Grow()
    {
        int old = _timestamps.Length, more = checked(2 * old);
        FaceFrames frames = create(more);
        long[] timestamps = new long[more];
        TimeSpan[] latencies = new TimeSpan[more];
        for (long frame = _oldest; frame < _written; frame++)
        {
            int from = Place(frame), to = (int)(frame % more);
            frames.CopyFrom(to, _frames, from);
            (timestamps[to], latencies[to]) = (_timestamps[from], _latencies[from]);
        }
        (_frames, _timestamps, _latencies) = (frames, timestamps, latencies);
    }
}
