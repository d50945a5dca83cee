namespace A2F.CudaEmulator.Driver;

/// <summary>A stream. Its work is a chain: each piece comes after the last.</summary>
internal sealed class Stream(Context owner, bool blocking, string name) : Resource(owner)
{
    internal string Name { get; } = name;

    /// <summary>Whether it and the default stream wait for each other.</summary>
    internal bool Blocking { get; } = blocking;

    internal bool IsDefault => Owner.Default == this;

    internal int Lane { get; } = owner.NewLane();

    /// <summary>The last work that was queued on it.</summary>
    internal Work? Last { get; set; }

    /// <summary>The capture that records its work, if one does.</summary>
    internal Capture? Capture { get; set; }

    /// <summary>The stream of a handle in the current context; 0 and CU_STREAM_LEGACY are the default one.</summary>
    internal static Stream Of(nint handle)
    {
        Context current = Machine.Current;
        if (handle is 0 or 1) return current.Default;
        Stream found = Machine.Get<Stream>(handle);
        return found.Owner == current ? found : throw new DriverError(400, $"{found.Name} belongs to another context than the current one");
    }

    /// <summary>What new work of this stream comes after.</summary>
    internal List<Work> Before()
    {
        List<Work> before = [];
        if (Last is not null) before.Add(Last);
        if (IsDefault) before.AddRange(Owner.Blocking.Where(s => s.Last is not null).Select(s => s.Last!));
        else if (Blocking && Owner.Default.Last is { } last) before.Add(last);
        return before;
    }

    /// <summary>Records an operation while the stream captures (null is returned), or queues it.</summary>
    internal Work? Submit(Operation operation)
    {
        operation.Check(Owner);
        if (Capture is not null)
        {
            Capture.Add(this, operation);
            return null;
        }
        if (IsDefault) Capture.RefuseImplicit(Owner);
        Work work = Enqueue(operation, []);
        Owner.Queue.Queued();
        return work;
    }

    /// <summary>Puts an operation at the end of the stream, behind other work too.</summary>
    internal Work Enqueue(Operation operation, IEnumerable<Work> also)
    {
        Work work = new(Owner, operation, Lane, Name, [.. Before(), .. also]);
        Owner.Add(work);
        return Last = work;
    }

    /// <summary>Records an event at the end of the stream.</summary>
    internal void Record(Event marked)
    {
        if (marked.Owner != Owner) throw new DriverError(400, $"the event belongs to another context than {Name}");
        if (Capture is not null)
        {
            (marked.Recorded, marked.Captured) = (null, (Capture, Capture.Tail(this)));
            return;
        }
        if (IsDefault) Capture.RefuseImplicit(Owner);
        marked.Captured = null;
        marked.Recorded = Enqueue(new Marker(WorkKind.EventRecord, "record", marked), []);
        Owner.Queue.Queued();
    }

    /// <summary>Lets later work of the stream wait for what an event was recorded behind; inside a capture the stream joins it.</summary>
    internal void WaitFor(Event marked)
    {
        if (marked.Captured is { } captured) captured.In.Join(this, captured.Behind);
        else if (marked.Recorded is not { } recorded) return;
        else if (Capture is not null) Capture.Refuse(905, $"{Name} captures, and the event was recorded outside the capture");
        else
        {
            Enqueue(new Marker(WorkKind.EventWait, "wait", marked), [recorded]);
            Owner.Queue.Queued();
        }
    }

    /// <summary>What is waited for by who waits for the stream.</summary>
    internal List<Work> Awaited()
    {
        Capture?.Refuse(900, $"{Name} captures and cannot be waited for");
        return IsDefault ? Before() : Last is null ? [] : [Last];
    }

    internal void Synchronize()
    {
        foreach (Work work in Awaited()) Owner.Wait(work);
    }

    internal override void Discard()
    {
        base.Discard();
        Capture?.Abort();
    }
}

/// <summary>An event, and the place where it was last recorded.</summary>
internal sealed class Event(Context owner, bool timed) : Resource(owner)
{
    internal bool Timed { get; } = timed;

    internal Work? Recorded { get; set; }

    /// <summary>The capture that it was recorded in, and the nodes it stands behind there.</summary>
    internal (Capture In, GraphNode[] Behind)? Captured { get; set; }

    /// <summary>What is waited for by who waits for the event; null where it was never recorded.</summary>
    internal Work? Awaited() => Captured is null ? Recorded : throw new DriverError(907, "the event was recorded inside a capture");
}
