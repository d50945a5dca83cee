namespace A2F.CudaEmulator.Memory;

/// <summary>
/// Device memory. Addresses only grow and are never handed out twice; a gap behind each allocation catches overruns, and
/// freed ones leave their range behind so that a late access can be named.
/// </summary>
internal sealed unsafe class DeviceHeap(ulong firstAddress)
{
    private const ulong Guard = 4096;
    private readonly List<Allocation> _all = [];
    private ulong _next = firstAddress;

    /// <summary>Where the addresses of a device begin, by its number: no two devices share one.</summary>
    public static ulong FirstAddressOf(int device) => 0x7000_0000_0000 + ((ulong)device << 40);

    public long LiveBytes { get; private set; }

    public int LiveCount { get; private set; }

    public Allocation Allocate(long bytes, string name, bool readOnly = false)
    {
        Allocation a = new(_next, bytes, name, readOnly);
        _all.Add(a);
        _next += ((ulong)bytes + 511) / 512 * 512 + Guard;
        LiveBytes += bytes;
        LiveCount++;
        return a;
    }

    public void Free(ulong address)
    {
        Allocation? a = Find(address);
        if (a is null || a.Base != address)
            throw new EmulatorException(EmulatorErrorKind.NotFound, $"free: 0x{address:x} is no address that an allocation returned");
        if (!a.Live) throw new EmulatorException(EmulatorErrorKind.UseAfterFree,
            $"free: {a.Name} at 0x{address:x} was freed before")
        { Address = address };
        a.Release();
        LiveBytes -= a.Bytes;
        LiveCount--;
    }

    /// <summary>The allocation that holds <paramref name="address"/>, live or freed, or null.</summary>
    public Allocation? Find(ulong address)
    {
        int i = LastAtOrBelow(address);
        return i >= 0 && _all[i].Contains(address) ? _all[i] : null;
    }

    /// <summary>The allocation that begins at or below <paramref name="address"/>: the one an overrun came from.</summary>
    public Allocation? Nearest(ulong address)
    {
        int i = LastAtOrBelow(address);
        return i >= 0 ? _all[i] : null;
    }

    public void ReleaseAll()
    {
        foreach (Allocation a in _all)
            if (a.Live) a.Release();
        _all.Clear();
        (LiveBytes, LiveCount) = (0, 0);
    }

    private int LastAtOrBelow(ulong address)
    {
        int low = 0, high = _all.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_all[middle].Base <= address) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }
}
