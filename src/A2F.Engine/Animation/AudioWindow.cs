namespace A2F.Engine.Animation;

/// <summary>Cuts network windows out of a track's samples.</summary>
public static class AudioWindow
{
    /// <summary>
    /// Copies samples [start, start + window.Length) of a track. Positions before sample 0 are silence, and so are positions past the end
    /// of a closed track.
    /// </summary>
    /// <param name="samples">What is held of the track: its samples from <paramref name="firstHeld"/> on.</param>
    /// <param name="firstHeld">Index in the track of the first held sample; above 0 where older ones were dropped.</param>
    /// <param name="closed">Whether the track ends with the held samples.</param>
    /// <param name="start">Index in the track of the window's first sample.</param>
    /// <param name="inputStrength">Multiplies the real samples.</param>
    /// <param name="window">Receives the window.</param>
    /// <exception cref="A2FException">The window needs samples that were dropped, or that an open track does not have yet.</exception>
    public static void Read(
        ReadOnlySpan<float> samples, long firstHeld, bool closed, long start, float inputStrength, Span<float> window)
    {
        long end = start + window.Length;
        long held = firstHeld + samples.Length;
        if (!closed && end > held)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"samples {start} to {end} were asked for, the open track has {held}; wait for more audio or close it");
        }
        if (firstHeld > 0 && end > 0 && start < firstHeld)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"samples {start} to {end} were asked for, those before {firstHeld} were dropped");
        }
        long from = Math.Clamp(start, firstHeld, held);
        long to = Math.Clamp(end, from, held);
        int head = (int)Math.Clamp(from - start, 0, window.Length);
        int count = (int)(to - from);
        window[..head].Clear();
        window[(head + count)..].Clear();
        ReadOnlySpan<float> source = samples.Slice((int)(from - firstHeld), count);
        Span<float> target = window.Slice(head, count);
        if (inputStrength == 1f)
        {
            source.CopyTo(target);
            return;
        }
        for (int i = 0; i < source.Length; i++) target[i] = source[i] * inputStrength;
    }
}
