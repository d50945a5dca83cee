namespace A2F.Engine.Runtime;

/// <summary>
/// Decides whose windows run in a tick. Pure: it knows turns, and no clock but the audio that they hear.
/// <list type="bullet">
/// <item>A tick has rounds. In a round each turn runs once at most, so nobody has a second window before all that are ready had one.</item>
/// <item>Within a round: those that starve, the longest first; then higher priority; then the one whose last window is longest ago.</item>
/// <item>A turn starves that could have run and did not for S ticks. Each tick runs those that starve first, in the order in which they became due, so
/// of N turns, where ticks run at least W windows, each runs within S + ceil(N / W) ticks of becoming due.</item>
/// <item>Windows with slack are spread: a tick makes so many of them due, by deadline, as would meet each deadline if every tick to come ran that
/// many, max over k of ceil(k / ticks left of the k-th), and no fewer than come on average, rounded up.</item>
/// </list>
/// </summary>
/// <param name="starvationTicks">S: 0 or more.</param>
internal sealed class TickSchedule(int starvationTicks)
{
    private static readonly Comparison<Turn> Deadlines = ByDeadline;
    private readonly List<Turn> _spread = [];
    private Comparison<Turn>? _byRank;
    private long _tick, _runs;
    private int _share;

    /// <summary>Takes a turn in: it goes behind those that have waited.</summary>
    public void Join(Turn turn) => turn.LastRun = ++_runs;

    /// <summary>Begins a tick. Turns have heard their audio and offered what is ready.</summary>
    public void BeginTick(List<Turn> turns)
    {
        _tick++;
        double load = 0;
        _spread.Clear();
        for (int i = 0; i < turns.Count; i++)
        {
            Turn turn = turns[i];
            load += turn.Load;
            if (!turn.IsReady) turn.DueSince = long.MaxValue;
            else if (turn.Spreads) _spread.Add(turn);
        }
        _share = Math.Max(1, (int)Math.Ceiling(Math.Min(load, 1e6) - 1e-6));
        if (_spread.Count > 1) _spread.Sort(Deadlines);
        for (int i = 0; i < _spread.Count; i++)
        {
            int ticks = _spread[i].IsDue ? 1 : _spread[i].TicksLeft;
            _share = Math.Max(_share, (i + ticks) / ticks);
        }
    }

    /// <summary>Who runs in the next round of the tick. Turns have offered what is ready after the last one.</summary>
    /// <param name="turns">All turns.</param>
    /// <param name="order">
    /// Receives those that run, in order. <see cref="Ran"/> must be told of each that does; the others keep their places.
    /// </param>
    public void NextRound(List<Turn> turns, List<Turn> order)
    {
        order.Clear();
        _spread.Clear();
        for (int i = 0; i < turns.Count; i++)
        {
            if (turns[i].IsReady) (turns[i].Spreads ? _spread : order).Add(turns[i]);
        }
        if (_spread.Count > 1) _spread.Sort(Deadlines);
        for (int i = 0; i < _spread.Count && (_spread[i].IsDue || i < _share); i++) order.Add(_spread[i]);
        for (int i = 0; i < order.Count; i++) order[i].DueSince = Math.Min(order[i].DueSince, _tick);
        if (order.Count > 1) order.Sort(_byRank ??= ByRank);
    }

    /// <summary>Says that a turn's window ran, or was set going.</summary>
    public void Ran(Turn turn)
    {
        (turn.LastRun, turn.DueSince) = (++_runs, long.MaxValue);
        turn.Windows++;
        if (turn.Spreads) _share--;
    }

    private static int ByDeadline(Turn a, Turn b)
    {
        int order = b.IsDue.CompareTo(a.IsDue);
        if (order == 0) order = a.TicksLeft.CompareTo(b.TicksLeft);
        if (order == 0) order = b.Priority.CompareTo(a.Priority);
        return order != 0 ? order : a.LastRun.CompareTo(b.LastRun);
    }

    private int ByRank(Turn a, Turn b)
    {
        bool starves = _tick - a.DueSince >= starvationTicks;
        int order = (_tick - b.DueSince >= starvationTicks).CompareTo(starves);
        if (order == 0 && starves) order = a.DueSince.CompareTo(b.DueSince);
        if (order == 0) order = b.Priority.CompareTo(a.Priority);
        return order != 0 ? order : a.LastRun.CompareTo(b.LastRun);
    }
}
