namespace A2F.CudaEmulator.Driver;

/// <summary>A node of a graph: an operation, what it comes after, and the branch (the captured stream) that it was recorded in.</summary>
internal sealed record GraphNode(int Index, Operation Operation, GraphNode[] After, int Branch);

/// <summary>A recording of the work of one stream and of those that join it through events.</summary>
internal sealed class Capture
{
    private const int GlobalMode = 0, RelaxedMode = 2;
    private static readonly List<Capture> Active = [];
    private readonly List<GraphNode> _nodes = [];
    private readonly List<Stream> _streams = [];
    private readonly List<GraphNode[]> _tails = [];
    private readonly int _mode;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private string? _invalid;

    private Capture(int mode) => _mode = mode;

    internal static void Begin(Stream origin, int mode)
    {
        if (origin.IsDefault) throw new DriverError(900, "the default stream cannot capture");
        if (origin.Capture is not null) throw new DriverError(401, $"{origin.Name} captures already");
        if (mode is < GlobalMode or > RelaxedMode) throw new DriverError(1, $"a capture mode of {mode}");
        Capture capture = new(mode);
        capture.Enter(origin, []);
        Active.Add(capture);
    }

    /// <summary>Refuses what may not happen while a capture runs that concerns this thread, and spoils that capture.</summary>
    internal static void Forbid(string what)
    {
        int thread = Environment.CurrentManagedThreadId;
        List<Capture> concerned = Active.FindAll(c => c._mode == GlobalMode || c._mode != RelaxedMode && c._thread == thread);
        if (concerned.Count == 0) return;
        string text = $"{what} is not permitted while {concerned[0]._streams[0].Name} captures";
        foreach (Capture capture in concerned) capture._invalid ??= text;
        throw new DriverError(900, text);
    }

    /// <summary>Refuses work on the default stream while a stream captures that it would wait for.</summary>
    internal static void RefuseImplicit(Context context)
    {
        if (context.Blocking.Find(s => s.Capture is not null) is { } stream)
            stream.Capture!.Refuse(906, $"work on the default stream would wait for {stream.Name}, which captures");
    }

    /// <summary>Spoils the capture, and throws.</summary>
    internal void Refuse(int result, string text)
    {
        _invalid ??= text;
        throw new DriverError(result, text);
    }

    internal void Add(Stream stream, Operation operation)
    {
        if (_invalid is not null) throw new DriverError(901, $"the capture is spoilt: {_invalid}");
        if (operation is Upload { Pageable: true } or Download { Pageable: true })
            Refuse(900, $"{operation.Name} from or to memory that is not page-locked cannot be captured");
        int branch = _streams.IndexOf(stream);
        GraphNode node = new(_nodes.Count, operation, _tails[branch], branch);
        _nodes.Add(node);
        _tails[branch] = [node];
    }

    /// <summary>The nodes that the next one of a stream comes after.</summary>
    internal GraphNode[] Tail(Stream stream) => _tails[_streams.IndexOf(stream)];

    /// <summary>Later work of a stream comes after some nodes; a stream that does not capture is drawn in.</summary>
    internal void Join(Stream stream, GraphNode[] behind)
    {
        if (_invalid is not null) throw new DriverError(901, $"the capture is spoilt: {_invalid}");
        if (!Active.Contains(this)) throw new DriverError(907, "the event was recorded inside a capture that has ended");
        if (stream.IsDefault) Refuse(906, "the default stream cannot join a capture");
        if (stream.Capture is null) Enter(stream, behind);
        else if (stream.Capture != this) Refuse(902, $"{stream.Name} belongs to another capture");
        else
        {
            int branch = _streams.IndexOf(stream);
            _tails[branch] = [.. _tails[branch].Union(behind)];
        }
    }

    private void Enter(Stream stream, GraphNode[] tail)
    {
        _streams.Add(stream);
        _tails.Add(tail);
        stream.Capture = this;
    }

    /// <summary>Ends the capture that began on a stream; its nodes, each behind those that it comes after.</summary>
    internal static GraphNode[] End(Stream origin)
    {
        Capture capture = origin.Capture ?? throw new DriverError(401, $"{origin.Name} does not capture");
        if (capture._streams[0] != origin)
            throw new DriverError(903, $"the capture began on {capture._streams[0].Name}, not on {origin.Name}");
        if (capture._mode != RelaxedMode && capture._thread != Environment.CurrentManagedThreadId)
            throw new DriverError(908, "a capture ends on the thread that began it");
        capture.Abort();
        if (capture._invalid is { } reason) throw new DriverError(901, $"the capture is spoilt: {reason}");
        capture.CheckJoined();
        return [.. capture._nodes];
    }

    /// <summary>Ends the capture without a result.</summary>
    internal void Abort()
    {
        Active.Remove(this);
        foreach (Stream stream in _streams) stream.Capture = null;
    }

    private void CheckJoined()
    {
        HashSet<GraphNode> joined = [.. _tails[0]];
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            if (joined.Contains(_nodes[i])) joined.UnionWith(_nodes[i].After);
        }
        for (int branch = 1; branch < _streams.Count; branch++)
        {
            if (!joined.IsSupersetOf(_tails[branch]))
            {
                throw new DriverError(904,
                    $"{_streams[branch].Name} joined the capture, and {_streams[0].Name} did not wait for it at the end");
            }
        }
    }
}
