namespace A2F.CudaEmulator.Memory;

/// <summary>A piece of device memory with one shadow byte for each byte: 1 once it was written.</summary>
internal sealed unsafe class Allocation
{
    public readonly ulong Base;
    public readonly long Bytes;
    public readonly string Name;
    public readonly bool ReadOnly;
    public byte* Data;
    public byte* Shadow;
    /// <summary>True once a write from outside covered all of it: no shadow look-ups from then on.</summary>
    public bool Complete;
    /// <summary>What launches touched, where that was asked for.</summary>
    public AccessMarks? Marks;

    public Allocation(ulong address, long bytes, string name, bool readOnly)
    {
        (Base, Bytes, Name, ReadOnly) = (address, bytes, name, readOnly);
        Data = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
        Shadow = (byte*)NativeMemory.AllocZeroed((nuint)Math.Max(bytes, 1));
        // Poison: an unwritten value that slips through should not look like a plausible one.
        NativeMemory.Fill(Data, (nuint)bytes, 0xFF);
    }

    public bool Live => Data != null;

    public bool Contains(ulong address) => address - Base < (ulong)Math.Max(Bytes, 1);

    public void MarkWritten(long offset, long bytes)
    {
        NativeMemory.Fill(Shadow + offset, (nuint)bytes, 1);
        if (offset == 0 && bytes == Bytes) Complete = true;
    }

    public void Release()
    {
        NativeMemory.AlignedFree(Data);
        NativeMemory.Free(Shadow);
        Data = Shadow = null;
        Marks?.Release();
        Marks = null;
    }
}
