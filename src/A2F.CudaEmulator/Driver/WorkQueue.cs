namespace A2F.CudaEmulator.Driver;

/// <summary>The work of a context that is queued and not done, and the choice of what runs next.</summary>
internal sealed class WorkQueue(Context context)
{
    private static WorkOrder s_order = WorkOrder.Eager;
    private static Random s_random = new(0);
    /// <summary>In the order of queueing: what a piece waits for stands before it.</summary>
    private readonly List<Work> _pending = [];
    private int _favourite;

    internal static WorkOrder Order
    {
        get => s_order;
        // The first numbers of neighbouring seeds are alike; far apart they are not.
        set => (s_order, s_random) = (value, new Random(unchecked((value.Seed ?? 0) * (int)2654435761)));
    }

    internal bool IsEmpty => _pending.Count == 0;

    internal void Add(Work work) => _pending.Add(work);

    /// <summary>Something was queued: eager work runs.</summary>
    internal void Queued()
    {
        if (s_order == WorkOrder.Eager) RunAll();
    }

    /// <summary>In adversarial order, runs some work or none.</summary>
    internal void Stir()
    {
        if (s_order.Seed is null || _pending.Count == 0 || s_random.Next(2) == 0) return;
        for (int n = s_random.Next(1, 5); n > 0 && _pending.Count > 0; n--) Run(Pick(_pending));
    }

    /// <summary>Runs what is needed until a piece of work is done, in adversarial order perhaps other work too.</summary>
    internal void RunUntil(Work target)
    {
        bool others = s_order.Seed is not null && s_random.Next(2) == 0;
        while (!target.Done) Run(Pick(others ? _pending : Needed(target)));
    }

    /// <summary>Brings work nearer to its end, as time that passes between two queries does.</summary>
    internal void Step(Work target)
    {
        if (!target.Done) Run(Pick(Needed(target)));
    }

    internal void RunAll()
    {
        while (_pending.Count > 0) Run(Pick(_pending));
    }

    /// <summary>The first queued work that uses an object, or null.</summary>
    internal Work? UserOf(object used) => _pending.Find(w => w.Uses.Contains(used));

    /// <summary>Nothing that is queued will run any more.</summary>
    internal void Abandon()
    {
        foreach (Work work in _pending) work.Finish();
        _pending.Clear();
    }

    private List<Work> Needed(Work target)
    {
        HashSet<Work> needed = [target];
        Stack<Work> open = new([target]);
        while (open.TryPop(out Work? work))
        {
            foreach (Work before in work.Missing)
                if (needed.Add(before)) open.Push(before);
        }
        return _pending.FindAll(needed.Contains);
    }

    /// <summary>
    /// The next of some work. Adversarial order likes to go on in one lane, so that one stream gets far ahead of another now and then.
    /// </summary>
    private Work Pick(List<Work> among)
    {
        if (s_order.Seed is null) return among[0];
        List<Work> ready = among.FindAll(w => w.Ready);
        Work? same = s_random.Next(2) == 0 ? null : ready.Find(w => w.Lane == _favourite);
        Work next = same ?? ready[s_random.Next(ready.Count)];
        _favourite = next.Lane;
        return next;
    }

    private void Run(Work work)
    {
        _pending.Remove(work);
        try
        {
            work.Operation.Run(work);
            if (context.ChecksRaces) context.Races.Add(work, work.Operation.Touches(work));
            EmulatedDriver.Recorded?.Add(work);
        }
        catch (EmulatorException e)
        {
            int result = Machine.ResultOf(e);
            context.Break(Context.Breaks(result) ? result : 719, e.Message);
            throw;
        }
        finally
        {
            work.Finish();
        }
    }
}
