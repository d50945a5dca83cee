namespace A2F.Engine.Runtime;

/// <summary>The work of a group's tick: audio to voices, then rounds of windows in batches, as the schedule orders and the budget allows.</summary>
internal sealed class TickLoop(WindowRunner runner, EmotionHearing? hearing, int starvationTicks, TimeProvider clock)
{
    private readonly TickSchedule _schedule = new(starvationTicks);
    private readonly TickCost _faceCost = new(), _hearingCost = new();
    private readonly List<Turn> _turns = [], _order = [], _faces = [], _ears = [];
    private readonly List<Character> _batch = [];
    private TickBudget _budget;
    private long _start;
    private int _done;

    /// <summary>Takes a new character in.</summary>
    public void Add(Character character)
    {
        Add(character.FaceTurn);
        if (character.EarTurn is { } ears) Add(ears);

        void Add(Turn turn)
        {
            _turns.Add(turn);
            _schedule.Join(turn);
        }
    }

    /// <summary>Leaves a character out from now on.</summary>
    public void Remove(Character character)
    {
        _turns.Remove(character.FaceTurn);
        if (character.EarTurn is { } ears) _turns.Remove(ears);
    }

    /// <summary>One tick; windows that ran or were set going.</summary>
    public int Run(List<Character> characters, TickBudget budget)
    {
        (_budget, _start, _done) = (budget, clock.GetTimestamp(), 0);
        hearing?.Collect(wait: false);
        runner.Collect(wait: false);
        for (int i = 0; i < characters.Count; i++) characters[i].Receive();
        for (int i = 0; i < _turns.Count; i++) _turns[i].Character!.Offer(_turns[i]);
        _schedule.BeginTick(_turns);
        while (Round())
        {
        }
        for (int i = 0; i < characters.Count; i++) characters[i].EndTick();
        return _done;
    }

    // Whether there may be another one.
    private bool Round()
    {
        _schedule.NextRound(_turns, _order);
        _faces.Clear();
        _ears.Clear();
        int before = _done;
        bool more = true;
        for (int i = 0; i < _order.Count && more; i++)
        {
            if (_done + _faces.Count + _ears.Count == _budget.WindowLimit) break;
            Turn turn = _order[i];
            List<Turn> batch = turn.Hears ? _ears : _faces;
            if (!(turn.Hears ? hearing!.HasRoom : runner.HasRoom)) continue;
            batch.Add(turn);
            if (batch.Count == (turn.Hears ? hearing!.MostBatch : runner.MostBatch)) more = Flush(batch);
        }
        more = more && Flush(_ears) && Flush(_faces);
        return more && _done > before && _done < _budget.WindowLimit;
    }

    // Runs the turns of a batch that the time allows; whether it allowed all.
    private bool Flush(List<Turn> turns)
    {
        while (turns.Count > 0)
        {
            bool hears = turns[0].Hears;
            if (!(hears ? hearing!.HasRoom : runner.HasRoom)) return true;
            TickCost cost = hears ? _hearingCost : _faceCost;
            int count = turns.Count;
            if (_budget.MostTime > TimeSpan.Zero)
            {
                count = cost.MostWithin((_budget.MostTime - clock.GetElapsedTime(_start)).TotalSeconds, count);
                if (count == 0 && _done == 0) count = 1;
            }
            if (count == 0) return false;
            _batch.Clear();
            for (int i = 0; i < count; i++) _batch.Add(turns[i].Character!);
            long before = clock.GetTimestamp();
            if (hears) hearing!.Run(_batch);
            else runner.Begin(_batch);
            cost.Learn(count, clock.GetElapsedTime(before).TotalSeconds);
            for (int i = 0; i < count; i++)
            {
                _schedule.Ran(turns[i]);
                turns[i].Character!.OfferAll();
            }
            _done += count;
            turns.RemoveRange(0, count);
        }
        return true;
    }
}
