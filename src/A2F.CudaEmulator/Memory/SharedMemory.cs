namespace A2F.CudaEmulator.Memory;

/// <summary>What a check of shared memory found.</summary>
internal enum SharedFault
{
    None, Uninitialised, Race, Pending,
}

/// <summary>
/// One block's shared memory. Every byte knows whether it was written, whether an asynchronous copy owns it, and which
/// warps touched it since the last barrier.
/// </summary>
internal sealed unsafe class SharedMemory
{
    /// <summary>Where the generic address window of shared memory begins.</summary>
    public const ulong Window = 0x1_0000_0000_0000;
    private const uint Many = 63;
    /// <summary>Beside a writer: it wrote by atomic operations alone, which other warps' may join.</summary>
    private const uint ByAtomics = 0x80;
    private const byte Written = 1, Pending = 2;

    public byte* Data;
    public int Bytes;
    private byte* _state;
    /// <summary>Per byte: epoch (16 bits), writer warp + 1 (8 bits), reader warp + 1 or Many (8 bits).</summary>
    private uint* _touched;
    private int _capacity;
    private uint _epoch = 1;

    public void Reset(int bytes)
    {
        if (bytes > _capacity)
        {
            Release();
            _capacity = (bytes + 63) / 64 * 64;
            Data = (byte*)NativeMemory.AlignedAlloc((nuint)_capacity, 64);
            _state = (byte*)NativeMemory.AllocZeroed((nuint)_capacity);
            _touched = (uint*)NativeMemory.AllocZeroed((nuint)_capacity, 4);
        }
        Bytes = bytes;
        if (bytes == 0) return;
        NativeMemory.Fill(Data, (nuint)bytes, 0xFF);
        NativeMemory.Clear(_state, (nuint)bytes);
        NextEpoch();
    }

    public void Release()
    {
        if (_capacity == 0) return;
        NativeMemory.AlignedFree(Data);
        NativeMemory.Free(_state);
        NativeMemory.Free(_touched);
        Data = _state = null;
        _touched = null;
        _capacity = 0;
    }

    /// <summary>A barrier passed: what was touched before is in order with what follows.</summary>
    public void NextEpoch()
    {
        if (++_epoch <= 0xFFFF) return;
        _epoch = 1;
        NativeMemory.Clear(_touched, (nuint)_capacity * 4);
    }

    public SharedFault Read(int at, int bytes, int warp, bool atomic = false)
    {
        uint me = (uint)warp + 1, head = _epoch << 16;
        if (!atomic && bytes is 4 or 8 or 16 && ReadQuick(at, bytes, warp)) return SharedFault.None;
        for (int i = at; i < at + bytes; i++)
        {
            if (_state[i] != Written) return _state[i] == 0 ? SharedFault.Uninitialised : SharedFault.Pending;
            uint t = _touched[i];
            if (t >> 16 != _epoch)
            {
                _touched[i] = head | (atomic ? (ByAtomics | me) << 8 : me);
                continue;
            }
            uint writer = t >> 8 & 0xFF, reader = t & 0xFF;
            if (atomic)
            {
                if ((writer != 0 && (writer & ByAtomics) == 0 && writer != me) || (reader != 0 && reader != me)) return SharedFault.Race;
                _touched[i] = head | Joined(writer, me) << 8 | reader;
                continue;
            }
            if (writer != 0 && (writer & ~ByAtomics) != me) return SharedFault.Race;
            _touched[i] = head | writer << 8 | (reader == 0 || reader == me ? me : Many);
        }
        return SharedFault.None;
    }

    /// <summary>
    /// A read of 4, 8 or 16 aligned bytes in bounds, where all of them are written and no warp wrote them since the last barrier: the
    /// common case, decided a vector at a time. False decides nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool ReadQuick(int at, int bytes, int warp)
    {
        uint head = _epoch << 16, mine = head | ((uint)warp + 1);
        if (bytes == 16)
        {
            if (Vector128.Load(_state + at) != Vector128.Create(Written)) return false;
            Vector512<uint> t = Vector512.Load(_touched + at);
            if (t == Vector512.Create(mine) || t == Vector512.Create(head | Many)) return true;
            Vector512<uint> stale = ~Vector512.Equals(t & Vector512.Create(0xFFFF0000u), Vector512.Create(head));
            if ((t & Vector512.Create(0xFF00u) & ~stale) != Vector512<uint>.Zero) return false;
            Vector512<uint> alone = stale | Vector512.Equals(t, Vector512.Create(mine));
            Vector512.ConditionalSelect(alone, Vector512.Create(mine), Vector512.Create(head | Many)).Store(_touched + at);
            return true;
        }
        return ReadWord(at, head, mine) && (bytes == 4 || ReadWord(at + 4, head, mine));
    }

    private bool ReadWord(int at, uint head, uint mine)
    {
        if (*(uint*)(_state + at) != 0x01010101) return false;
        Vector128<uint> t = Vector128.Load(_touched + at);
        if (t == Vector128.Create(mine) || t == Vector128.Create(head | Many)) return true;
        Vector128<uint> stale = ~Vector128.Equals(t & Vector128.Create(0xFFFF0000u), Vector128.Create(head));
        if ((t & Vector128.Create(0xFF00u) & ~stale) != Vector128<uint>.Zero) return false;
        Vector128<uint> alone = stale | Vector128.Equals(t, Vector128.Create(mine));
        Vector128.ConditionalSelect(alone, Vector128.Create(mine), Vector128.Create(head | Many)).Store(_touched + at);
        return true;
    }

    /// <summary>
    /// A write of whole aligned words in bounds that no copy owns and that no other warp touched since the last barrier. False decides
    /// nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool WriteQuick(int at, int bytes, int warp)
    {
        uint head = _epoch << 16, me = (uint)warp + 1;
        for (int i = at; i < at + bytes; i += 4)
        {
            if ((*(uint*)(_state + i) & 0x02020202) != 0) return false;
            Vector128<uint> t = Vector128.Load(_touched + i);
            Vector128<uint> fresh = Vector128.Equals(t & Vector128.Create(0xFFFF0000u), Vector128.Create(head));
            Vector128<uint> writer = t & Vector128.Create(0xFF00u), reader = t & Vector128.Create(0xFFu);
            Vector128<uint> free = Vector128.Equals(writer, Vector128<uint>.Zero) | Vector128.Equals(writer, Vector128.Create(me << 8));
            Vector128<uint> unread = Vector128.Equals(reader, Vector128<uint>.Zero) | Vector128.Equals(reader, Vector128.Create(me));
            if ((fresh & ~(free & unread)) != Vector128<uint>.Zero) return false;
            (Vector128.Create(head | me << 8) | (fresh & reader)).Store(_touched + i);
            *(uint*)(_state + i) = 0x01010101;
        }
        return true;
    }

    public SharedFault Write(int at, int bytes, int warp, bool atomic = false)
    {
        uint me = (uint)warp + 1, head = _epoch << 16;
        if (!atomic && (bytes & 3) == 0 && WriteQuick(at, bytes, warp)) return SharedFault.None;
        for (int i = at; i < at + bytes; i++)
        {
            if (_state[i] == Pending) return SharedFault.Pending;
            uint t = _touched[i], writer = 0, reader = 0;
            if (t >> 16 == _epoch)
            {
                (writer, reader) = (t >> 8 & 0xFF, t & 0xFF);
                bool other = writer != 0 && (writer & ~ByAtomics) != me && !(atomic && (writer & ByAtomics) != 0);
                if (other || (reader != 0 && reader != me)) return SharedFault.Race;
            }
            _touched[i] = head | (atomic ? Joined(writer, me) : me) << 8 | reader;
            _state[i] = Written;
        }
        return SharedFault.None;
    }

    /// <summary>The writer after an atomic operation of <paramref name="me"/>: a plain write of its own still counts as one.</summary>
    private static uint Joined(uint writer, uint me) =>
        writer == me ? me : ByAtomics | (writer == 0 || writer == (ByAtomics | me) ? me : Many);

    /// <summary>An asynchronous copy took these bytes.</summary>
    public SharedFault Begin(int at, int bytes, int warp)
    {
        SharedFault fault = Write(at, bytes, warp);
        if (fault == SharedFault.None) NativeMemory.Fill(_state + at, (nuint)bytes, Pending);
        return fault;
    }

    /// <summary>It landed, as a write of <paramref name="warp"/> at this moment.</summary>
    public SharedFault Land(int at, ReadOnlySpan<byte> data, int warp)
    {
        NativeMemory.Fill(_state + at, (nuint)data.Length, Written);
        data.CopyTo(new Span<byte>(Data + at, data.Length));
        return Write(at, data.Length, warp);
    }
}
