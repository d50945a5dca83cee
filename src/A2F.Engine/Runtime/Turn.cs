namespace A2F.Engine.Runtime;

/// <summary>
/// One kind of window of one character, as a <see cref="TickSchedule"/> sees it. The group says what audio came and what is ready, the schedule
/// notes when it ran.
/// </summary>
internal sealed class Turn
{
    private const int Steadiness = 16; // ticks over which the pace of the audio is averaged
    private const int Long = 1_000_000;

    private double _pace, _burst; // samples of audio that come in a tick: on average, and lately at most

    /// <summary>Whose windows they are; null where a test makes turns without characters.</summary>
    public Character? Character { get; init; }

    /// <summary>Whether the windows are the emotion classifier's, not the face network's.</summary>
    public bool Hears { get; init; }

    /// <summary>Higher goes first.</summary>
    public int Priority { get; set; }

    /// <summary>Whether a window can run.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Whether its windows are spread over ticks.</summary>
    public bool Spreads { get; private set; }

    /// <summary>Whether the window must run as soon as budgets allow: it may not wait, or the schedule has let it run before.</summary>
    public bool IsDue => !Spreads || _slack <= 0 || DueSince != long.MaxValue;

    /// <summary>Windows that the audio of a tick makes ready on average, where they are spread.</summary>
    public double Load { get; private set; }

    /// <summary>Ticks, this one included, within which the window must run.</summary>
    public int TicksLeft { get; private set; }

    /// <summary>Tick since which a window could have run and did not; the largest number where there is none.</summary>
    internal long DueSince { get; set; } = long.MaxValue;

    /// <summary>Windows of the track that ran, or were set going.</summary>
    public long Windows { get; internal set; }

    /// <summary>Number of its last window among all that ran.</summary>
    internal long LastRun { get; set; }

    private long _slack;

    /// <summary>Says what audio came since the last tick.</summary>
    public void Hear(long samples)
    {
        _pace = _pace == 0 ? samples : _pace + (samples - _pace) / Steadiness;
        _burst = Math.Max(samples, _burst - _burst / Steadiness);
    }

    /// <summary>Says what can run now, at once.</summary>
    public void Offer(bool ready) => (IsReady, Spreads, _slack, Load, TicksLeft) = (ready, false, 0, 0, 1);

    /// <summary>Says what can run now, and how long it may wait.</summary>
    /// <param name="ready">Whether a window can run.</param>
    /// <param name="slack">Samples of audio that may come before it must; 0 or less: it must run now.</param>
    /// <param name="stride">Samples from window to window. 1 or more.</param>
    public void Offer(bool ready, long slack, long stride)
    {
        (IsReady, Spreads, _slack, Load) = (ready, true, slack, _pace / stride);
        // What comes at once beyond the pace may fall on the deadline, so it is taken off. Where no audio comes, the deadline does not either.
        double last = Math.Max(slack - (_burst - _pace), 0);
        TicksLeft = slack <= 0 ? 1 : _pace <= 0 ? Long : (int)Math.Min(last / _pace, Long) + 1;
    }

    /// <summary>Forgets the audio's pace: a new track.</summary>
    public void Restart() => (_pace, _burst, DueSince, Windows) = (0, 0, long.MaxValue, 0);
}
