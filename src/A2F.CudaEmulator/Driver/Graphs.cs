namespace A2F.CudaEmulator.Driver;

/// <summary>A captured graph.</summary>
internal sealed class Graph(Context owner, GraphNode[] nodes) : Resource(owner)
{
    internal GraphNode[] Nodes { get; } = nodes;
}

/// <summary>A graph that can be launched. Launches of one follow each other, on whatever streams.</summary>
internal sealed class GraphExec(Context owner, GraphNode[] nodes) : Resource(owner)
{
    private readonly List<int> _lanes = [];
    private GraphNode[] _nodes = nodes;
    private Work? _last;

    /// <summary>Queues every node: the roots behind the stream's work, and the stream's later work behind all leaves.</summary>
    internal void Launch(Stream stream)
    {
        if (stream.Owner != Owner) throw new DriverError(400, $"the graph belongs to another context than {stream.Name}");
        if (stream.Capture is not null) stream.Capture.Refuse(900, "launching a graph while capturing is not emulated");
        if (stream.IsDefault) Capture.RefuseImplicit(Owner);
        foreach (GraphNode node in _nodes) node.Operation.Check(Owner);
        List<Work> before = stream.Before();
        if (_last is not null) before.Add(_last);
        Work[] works = new Work[_nodes.Length];
        HashSet<Work> leaves = [.. before];
        foreach (GraphNode node in _nodes)
        {
            IEnumerable<Work> after = node.After.Length == 0 ? before : node.After.Select(n => works[n.Index]);
            leaves.ExceptWith(after);
            Work work = new(Owner, node.Operation, Lane(stream, node.Branch), Branch(stream, node.Branch), after);
            Owner.Add(work);
            leaves.Add(works[node.Index] = work);
        }
        _last = stream.Enqueue(new Marker(WorkKind.GraphEnd, "end of a graph"), leaves);
        Owner.Queue.Queued();
    }

    /// <summary>Takes the operations of another recording of the same shape: 0, or the driver's number for what differs.</summary>
    internal int Update(GraphNode[] nodes)
    {
        if (nodes.Length != _nodes.Length) return 2;
        foreach ((GraphNode mine, GraphNode other) in _nodes.Zip(nodes))
        {
            if (!mine.After.Select(n => n.Index).SequenceEqual(other.After.Select(n => n.Index))) return 2;
            if (mine.Operation.Kind != other.Operation.Kind) return 3;
        }
        _nodes = nodes;
        return 0;
    }

    private int Lane(Stream stream, int branch)
    {
        if (branch == 0) return stream.Lane;
        while (_lanes.Count < branch) _lanes.Add(Owner.NewLane());
        return _lanes[branch - 1];
    }

    private static string Branch(Stream stream, int branch) => branch == 0 ? stream.Name : $"{stream.Name}, branch {branch} of a graph";
}
