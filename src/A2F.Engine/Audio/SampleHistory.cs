namespace A2F.Engine.Audio;

/// <summary>The samples of a growing track that may still be needed: the oldest are dropped, the newest appended.</summary>
internal sealed class SampleHistory
{
    private float[] _samples = [];
    private int _start;
    private int _count;

    /// <summary>Index in the track of the first held sample.</summary>
    public long First { get; private set; }

    /// <summary>Samples that the track has had, dropped ones included.</summary>
    public long Received => First + _count;

    /// <summary>The held samples.</summary>
    public ReadOnlySpan<float> Held => _samples.AsSpan(_start, _count);

    /// <summary>Appends samples.</summary>
    public void Push(ReadOnlySpan<float> samples)
    {
        if (_start + _count + samples.Length > _samples.Length)
        {
            // Room for at least twice what is held, so that moving costs a constant part of a sample; three times where it is new, so that a little
            // more does not take new room each time.
            int needed = checked(_count + samples.Length);
            float[] target = 2L * needed > _samples.Length ? new float[Math.Min(3L * needed, Array.MaxLength)] : _samples;
            Held.CopyTo(target);
            (_samples, _start) = (target, 0);
        }
        samples.CopyTo(_samples.AsSpan(_start + _count));
        _count += samples.Length;
    }

    /// <summary>Drops samples before an index of the track; those that have not come yet stay to come.</summary>
    public void DropBefore(long sample)
    {
        int drop = (int)Math.Clamp(sample - First, 0, _count);
        First += drop;
        _start += drop;
        _count -= drop;
    }

    /// <summary>Takes the place of what is held.</summary>
    public void Restore(long first, ReadOnlySpan<float> held)
    {
        (First, _start, _count) = (first, 0, 0);
        Push(held);
    }
}
