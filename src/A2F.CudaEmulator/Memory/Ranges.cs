namespace A2F.CudaEmulator.Memory;

/// <summary>Bytes of an allocation as disjoint ranges in ascending order.</summary>
internal sealed class Ranges
{
    public static readonly Ranges None = new();
    private readonly List<(long From, long To)> _list = [];

    public static Ranges Of(long from, long bytes)
    {
        Ranges one = new();
        one.Add(from, from + bytes);
        return one;
    }

    /// <summary>Adds a range that begins where the last one ends, or later.</summary>
    public void Add(long from, long to)
    {
        if (_list.Count > 0 && _list[^1].To == from) _list[^1] = (_list[^1].From, to);
        else if (to > from) _list.Add((from, to));
    }

    /// <summary>The first bytes that two sets share, or null.</summary>
    public (long From, long To)? Shared(Ranges other)
    {
        int i = 0, k = 0;
        while (i < _list.Count && k < other._list.Count)
        {
            long from = Math.Max(_list[i].From, other._list[k].From), to = Math.Min(_list[i].To, other._list[k].To);
            if (from < to) return (from, to);
            if (_list[i].To <= other._list[k].To) i++;
            else k++;
        }
        return null;
    }

    /// <summary>Whether all bytes of another set are in this one.</summary>
    public bool Covers(Ranges other)
    {
        int i = 0;
        foreach ((long from, long to) in other._list)
        {
            while (i < _list.Count && _list[i].To < to) i++;
            if (i == _list.Count || _list[i].From > from) return false;
        }
        return true;
    }
}
