namespace A2F.CudaEmulator.Driver;

/// <summary>
/// The host's side of a queued copy: page-locked memory that nobody but queued copies may touch until this one has run. What the bytes must
/// look like meanwhile is known, because every copy tells its changes to the watches of the others.
/// </summary>
internal sealed unsafe class HostWatch
{
    private readonly PinnedMemory _memory;
    private readonly long _from;
    private readonly byte[] _expected;
    private readonly byte[]? _data;

    /// <param name="memory">The memory.</param>
    /// <param name="at">Where the copy begins.</param>
    /// <param name="bytes">How much it takes.</param>
    /// <param name="source">
    /// Whether the copy reads. Otherwise the bytes become 0xFF, NaNs as floats, so that who reads them too early sees no plausible values.
    /// </param>
    internal HostWatch(PinnedMemory memory, byte* at, int bytes, bool source)
    {
        (_memory, _from) = (memory, at - memory.Data);
        _expected = new ReadOnlySpan<byte>(at, bytes).ToArray();
        if (source) _data = _expected.AsSpan().ToArray();
        memory.Watches.Add(this);
        if (source) return;
        new Span<byte>(at, bytes).Fill(0xFF);
        foreach (HostWatch watch in memory.Watches) watch.Changed(_from, new ReadOnlySpan<byte>(at, bytes), poison: true);
    }

    /// <summary>The bytes to copy: the host's when the copy was queued, and what copies have brought there since.</summary>
    internal ReadOnlySpan<byte> Data => _data;

    internal void End() => _memory.Watches.Remove(this);

    /// <summary>Fails if the host has changed a byte.</summary>
    /// <exception cref="EmulatorException">HostRace.</exception>
    internal void Check(Work work)
    {
        int same = new ReadOnlySpan<byte>(_memory.Data + _from, _expected.Length).CommonPrefixLength(_expected);
        if (same == _expected.Length) return;
        throw new EmulatorException(EmulatorErrorKind.HostRace,
            $"{work}: the host changed byte {same} of its page-locked {(_data is null ? "target" : "source")} before the copy had run");
    }

    /// <summary>A copy put some bytes into the memory, or poison: that is not copied on, being no value.</summary>
    internal void Changed(long from, ReadOnlySpan<byte> bytes, bool poison)
    {
        long start = Math.Max(from, _from), end = Math.Min(from + bytes.Length, _from + _expected.Length);
        if (start >= end) return;
        ReadOnlySpan<byte> part = bytes[(int)(start - from)..(int)(end - from)];
        part.CopyTo(_expected.AsSpan((int)(start - _from)));
        if (!poison && _data is not null) part.CopyTo(_data.AsSpan((int)(start - _from)));
    }
}
