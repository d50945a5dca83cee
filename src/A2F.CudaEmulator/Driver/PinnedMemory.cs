namespace A2F.CudaEmulator.Driver;

/// <summary>A piece of page-locked host memory. Its handle is its address; it holds 0xFF, NaNs as floats, until somebody writes.</summary>
internal sealed unsafe class PinnedMemory : Resource
{
    private static readonly List<PinnedMemory> All = [];

    internal PinnedMemory(Context owner, long bytes) : base(owner)
    {
        Bytes = bytes;
        Data = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        NativeMemory.Fill(Data, (nuint)bytes, 0xFF);
        Machine.Add(this);
        All.Add(this);
    }

    internal long Bytes { get; }

    internal byte* Data { get; private set; }

    /// <summary>Queued copies that read or write a part of it.</summary>
    internal List<HostWatch> Watches { get; } = [];

    protected override string Title => "page-locked memory";

    /// <summary>The piece that holds an address, or null where the address is ordinary memory.</summary>
    internal static PinnedMemory? Find(byte* address) => All.Find(p => address >= p.Data && address < p.Data + p.Bytes);

    internal void CheckRange(byte* address, long bytes, string what)
    {
        if (!Live) throw new DriverError(1, $"{what}: the page-locked memory was freed");
        if (address + bytes > Data + Bytes)
            throw new DriverError(1, $"{what}: {bytes} bytes, {address + bytes - Data - Bytes} of them past the end of page-locked memory");
    }

    /// <summary>A copy brought bytes here: those who watch must know.</summary>
    internal void Changed(byte* at, int bytes)
    {
        foreach (HostWatch watch in Watches) watch.Changed(at - Data, new ReadOnlySpan<byte>(at, bytes), poison: false);
    }

    internal override void Discard()
    {
        base.Discard();
        All.Remove(this);
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}
