namespace A2F.Engine.Animation;

/// <summary>Finds the shapes of a face that a rig map names, and keeps what it did not find.</summary>
internal sealed class ShapeIndex
{
    private const int MostNamed = 10;

    private readonly RigMap _map;
    private readonly Dictionary<string, int> _exact = new(StringComparer.Ordinal), _anyCase = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _unknown = [], _missing = [];
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    public ShapeIndex(RigMap map, IReadOnlyList<string> skinNames, IReadOnlyList<string> tongueNames)
    {
        _map = map;
        Names = [.. skinNames, .. tongueNames];
        for (int i = 0; i < Names.Length; i++) _exact.TryAdd(Names[i], i);
        // Names that differ only in capitals are found by their own spelling alone.
        foreach (IGrouping<string, string> same in _exact.Keys.GroupBy(n => n, StringComparer.OrdinalIgnoreCase))
            _anyCase.Add(same.Key, same.Count() == 1 ? _exact[same.Key] : -1);
    }

    /// <summary>Names of all shapes: skin, then tongue.</summary>
    public string[] Names { get; }

    /// <summary>Optional shapes that were asked for and are not there.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>The place of a shape in <see cref="Names"/>, or -1.</summary>
    public int Find(string name, bool optional)
    {
        if (_exact.TryGetValue(name, out int index)) return index;
        if (_anyCase.TryGetValue(name, out index) && index >= 0) return index;
        if (_reported.Add(name)) (optional || _map.IgnoreMissing ? _missing : _unknown).Add(name);
        else if (!optional && !_map.IgnoreMissing && _missing.Remove(name)) _unknown.Add(name);
        return -1;
    }

    /// <summary>Throws when a shape was asked for that is not there and is not optional.</summary>
    public void ThrowIfUnknown()
    {
        if (_unknown.Count == 0) return;
        IEnumerable<string> shown = _unknown.Take(MostNamed)
            .Select(name => NearestName.Find(name, Names) is { } near ? $"'{name}' (nearest: '{near}')" : $"'{name}'");
        string more = _unknown.Count > MostNamed ? $" and {_unknown.Count - MostNamed} more" : "";
        throw new A2FException(A2FErrorCode.InvalidModel,
            $"{_map.Source}: the face has no shapes {string.Join(", ", shown)}{more}; correct the names, or mark the terms \"optional\": true");
    }
}
