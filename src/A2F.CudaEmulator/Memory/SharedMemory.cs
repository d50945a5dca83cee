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
        if (!atomic && Repeated(at, bytes, head | me)) return SharedFault.None;
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

    /// <summary>The quick way for whole words that are written and new in this epoch, or only read by this warp in it.</summary>
    private bool Repeated(int at, int bytes, uint mine)
    {
        if ((bytes & 3) != 0) return false;
        for (int i = at; i < at + bytes; i += 4)
        {
            if (*(uint*)(_state + i) != 0x01010101) return false;
            Vector128<uint> t = Vector128.Load(_touched + i);
            if (t == Vector128.Create(mine)) continue;
            if (Vector128.EqualsAny(t >>> 16, Vector128.Create(_epoch))) return false;
            Vector128.Store(Vector128.Create(mine), _touched + i);
        }
        return true;
    }

    /// <summary>What <see cref="ReadWord"/> compares with: read by <paramref name="warp"/> alone since the last barrier.</summary>
    public uint Mine(int warp) => _epoch << 16 | ((uint)warp + 1);

    /// <summary>A read of one aligned word in bounds, where the quick way decides; else false and nothing changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool ReadWord(int at, uint mine)
    {
        if (*(uint*)(_state + at) != 0x01010101) return false;
        Vector128<uint> t = Vector128.Load(_touched + at);
        if (t == Vector128.Create(mine)) return true;
        if (Vector128.EqualsAny(t >>> 16, Vector128.Create(_epoch))) return false;
        Vector128.Store(Vector128.Create(mine), _touched + at);
        return true;
    }

    public SharedFault Write(int at, int bytes, int warp, bool atomic = false)
    {
        uint me = (uint)warp + 1, head = _epoch << 16;
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
