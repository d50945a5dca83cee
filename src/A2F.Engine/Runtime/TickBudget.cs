namespace A2F.Engine.Runtime;

/// <summary>
/// What one <see cref="CharacterGroup.Tick(TickBudget)"/> may take. The default value has no limits. Whatever it says, a tick runs a window where
/// one is ready, so nothing stalls.
/// </summary>
public readonly record struct TickBudget
{
    /// <summary>Most windows, of face networks and of the emotion classifier together. 1 or more; 0 for no limit.</summary>
    public int MostWindows { get; init; }

    /// <summary>
    /// Time after which the tick should have ended: no batch is begun that would take longer than what is left, as far as batches before it tell.
    /// Above 0; <see cref="TimeSpan.Zero"/> for no limit.
    /// </summary>
    public TimeSpan MostTime { get; init; }

    /// <summary>Most windows of a tick, with 0 made a number.</summary>
    internal int WindowLimit => MostWindows == 0 ? int.MaxValue : MostWindows;

    /// <exception cref="A2FException">A limit is negative.</exception>
    internal void Check()
    {
        if (MostWindows < 0)
            throw new A2FException(A2FErrorCode.OutOfRange, $"windows of a tick: expected 1 or more, or 0 for no limit, found {MostWindows}");
        if (MostTime < TimeSpan.Zero)
            throw new A2FException(A2FErrorCode.OutOfRange, $"time of a tick: expected more than 0, or 0 for no limit, found {MostTime.TotalMilliseconds} ms");
    }
}
