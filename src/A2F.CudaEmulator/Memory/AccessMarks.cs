namespace A2F.CudaEmulator.Memory;

/// <summary>
/// Which bytes of an allocation a launch read, and which it wrote. A mark is a byte that stands for four of memory, one bit each, and a
/// page of marks that holds any is noted, so that little is searched afterwards. Threads mark at once: plain stores of whole words agree,
/// only parts of a word take an atomic operation.
/// </summary>
internal sealed unsafe class AccessMarks
{
    private const byte Word = 0x0F;
    private const int PageShift = 10, PageBytes = 1 << PageShift, PageMarks = PageBytes / 4;
    private readonly long _pages;
    private byte* _reads, _writes, _touched;

    public AccessMarks(long bytes)
    {
        _pages = (bytes + PageBytes - 1) / PageBytes;
        _reads = (byte*)NativeMemory.AllocZeroed((nuint)(_pages * PageMarks));
        _writes = (byte*)NativeMemory.AllocZeroed((nuint)(_pages * PageMarks));
        _touched = (byte*)NativeMemory.AllocZeroed((nuint)_pages);
    }

    /// <summary>The recorder of the launch that marks now.</summary>
    public AccessRecorder? Owner { get; set; }

    public void Release()
    {
        NativeMemory.Free(_reads);
        NativeMemory.Free(_writes);
        NativeMemory.Free(_touched);
        _reads = _writes = _touched = null;
    }

    public void Mark(long at, long bytes, bool write)
    {
        byte* marks = write ? _writes : _reads;
        long last = at + bytes - 1 >> PageShift;
        for (long page = at >> PageShift; page <= last; page++) _touched[page] = 1;
        if (((at | bytes) & 3) == 0)
        {
            byte* first = marks + (at >> 2);
            if (bytes == 4) *first = Word;
            else if (bytes == 128) Vector256.Store(Vector256.Create(Word), first);
            else new Span<byte>(first, (int)(bytes >> 2)).Fill(Word);
            return;
        }
        for (long i = at; i < at + bytes; i++)
        {
            uint bit = 1u << (int)(i & 3), group = bit << (int)(8 * (i >> 2 & 3));
            if ((marks[i >> 2] & bit) == 0) Interlocked.Or(ref *(uint*)(marks + (i >> 4 << 2)), group);
        }
    }

    /// <summary>What was marked; afterwards nothing is.</summary>
    public (Ranges Reads, Ranges Writes) Take()
    {
        Ranges reads = new(), writes = new();
        ReadOnlySpan<byte> touched = new(_touched, checked((int)_pages));
        for (int page = touched.IndexOf((byte)1); page >= 0;)
        {
            Take(_reads, page, reads);
            Take(_writes, page, writes);
            _touched[page] = 0;
            int next = touched[(page + 1)..].IndexOf((byte)1);
            page = next < 0 ? -1 : page + 1 + next;
        }
        return (reads, writes);
    }

    private static void Take(byte* plane, long page, Ranges found)
    {
        Span<byte> marks = new(plane + page * PageMarks, PageMarks);
        long first = page * PageBytes;
        for (int i = 0; i < PageMarks;)
        {
            int empty = marks[i..].IndexOfAnyExcept((byte)0);
            if (empty < 0) break;
            i += empty;
            int whole = marks[i..].IndexOfAnyExcept(Word);
            if (whole < 0) whole = PageMarks - i;
            if (whole > 0) found.Add(first + 4L * i, first + 4L * (i + whole));
            i += whole;
            if (i == PageMarks || marks[i] == 0) continue;
            for (int bit = 0; bit < 4; bit++)
                if ((marks[i] >> bit & 1) != 0) found.Add(first + 4L * i + bit, first + 4L * i + bit + 1);
            i++;
        }
        marks.Clear();
    }
}

/// <summary>Records what one launch does to device memory.</summary>
internal sealed unsafe class AccessRecorder
{
    private readonly List<Allocation> _touched = [];

    /// <summary>The accesses of a warp's active lanes, all inside one allocation.</summary>
    public void Mark(Allocation home, ulong* addresses, uint lanes, ulong low, ulong high, int bytes, bool write)
    {
        if (home.ReadOnly) return;
        AccessMarks marks = MarksOf(home);
        int count = System.Numerics.BitOperations.PopCount(lanes);
        if (low == high || high - low == (ulong)(count - 1) * (ulong)bytes && Contiguous(addresses, lanes, low, bytes))
        {
            marks.Mark((long)(low - home.Base), (long)(high - low) + bytes, write);
            return;
        }
        for (uint m = lanes; m != 0; m &= m - 1)
            marks.Mark((long)(addresses[System.Numerics.BitOperations.TrailingZeroCount(m)] - home.Base), bytes, write);
    }

    public void Mark(Allocation home, long at, int bytes, bool write)
    {
        if (!home.ReadOnly) MarksOf(home).Mark(at, bytes, write);
    }

    /// <summary>What the launch touched.</summary>
    public IEnumerable<(Allocation Memory, Ranges Reads, Ranges Writes)> Take()
    {
        foreach (Allocation home in _touched)
        {
            (Ranges reads, Ranges writes) = home.Marks!.Take();
            home.Marks.Owner = null;
            yield return (home, reads, writes);
        }
    }

    private static bool Contiguous(ulong* addresses, uint lanes, ulong next, int bytes)
    {
        if (lanes == uint.MaxValue)
        {
            ulong step = (ulong)bytes;
            Vector256<ulong> expected = Vector256.Create(next, next + step, next + 2 * step, next + 3 * step), differ = default;
            for (int i = 0; i < 32; i += 4)
            {
                differ |= Vector256.Load(addresses + i) ^ expected;
                expected += Vector256.Create(4 * step);
            }
            return differ == default;
        }
        for (uint m = lanes; m != 0; m &= m - 1)
        {
            if (addresses[System.Numerics.BitOperations.TrailingZeroCount(m)] != next) return false;
            next += (ulong)bytes;
        }
        return true;
    }

    private AccessMarks MarksOf(Allocation home)
    {
        if (home.Marks is { } known && known.Owner == this) return known;
        lock (_touched)
        {
            AccessMarks marks = home.Marks ??= new AccessMarks(home.Bytes);
            if (marks.Owner == this) return marks;
            marks.Owner = this;
            _touched.Add(home);
            return marks;
        }
    }
}
