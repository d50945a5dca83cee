using System.Numerics;
using A2F.CudaEmulator.Memory;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>A warp's cp.async copies: read at once, but landing in shared memory only when waited for.</summary>
internal sealed unsafe class AsyncCopies
{
    private readonly record struct Copy(int Group, int At, int Lane, int Bytes, Vector128<byte> Data);

    private readonly List<Copy> _copies = [];
    private int _open;

    public void Clear()
    {
        _copies.Clear();
        _open = 0;
    }

    /// <summary>cp.async: destination address column A (B its width), source X[0] (X[1] its width), Width bytes, source size X[2] or
    /// -1.</summary>
    public static void Issue(Warp w, Instruction* i)
    {
        ulong* from = stackalloc ulong[32];
        ulong* to = stackalloc ulong[32];
        ulong low = ulong.MaxValue, high = 0;
        uint reading = 0, mask = w.Mask;
        for (uint m = mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            to[l] = Access.Address(w, i, l);
            from[l] = (i->X[1] == 8 ? Lanes.Get<ulong>(w.Registers + i->X[0], l) : Lanes.Get<uint>(w.Registers + i->X[0],
                l)) + (ulong)i->X[3];
            int size = i->X[2] < 0 ? i->Width : Lanes.Get<int>(w.Registers + i->X[2], l);
            if (size < 0 || size > i->Width)
                throw w.Fault(EmulatorErrorKind.OutOfBounds, l, from[l], $"a source size of {size} for a copy of {i->Width} bytes");
            if ((to[l] & (ulong)(i->Width - 1)) != 0 || (from[l] & (ulong)(i->Width - 1)) != 0)
                throw w.Fault(EmulatorErrorKind.Misaligned, l, to[l], $"0x{from[l]:x} or 0x{to[l]:x} is no multiple of {i->Width} bytes");
            Vector128<byte> data = Vector128<byte>.Zero;
            if (size > 0)
            {
                byte* source = Access.Global(w, l, from[l], size, false, true);
                if (size == 16) data = Vector128.Load(source);
                else new ReadOnlySpan<byte>(source, size).CopyTo(new Span<byte>(&data, 16));
                reading |= 1u << l;
                (low, high) = (Math.Min(low, from[l]), Math.Max(high, from[l]));
            }
            SharedMemory shared = w.Block.Shared;
            if (to[l] + (ulong)i->Width > (ulong)shared.Bytes)
                throw w.Fault(EmulatorErrorKind.OutOfBounds, l, to[l],
                    $"{i->Width} bytes at 0x{to[l]:x} of {shared.Bytes} bytes of shared memory");
            SharedFault fault = shared.Begin((int)to[l], i->Width, w.Index);
            if (fault != SharedFault.None) throw Access.SharedError(w, l, to[l], i->Width, fault);
            w.Copies._copies.Add(new Copy(w.Copies._open, (int)to[l], l, i->Width, data));
        }
        Access.CountShared(w, to, mask, i->Width);
        if (reading == 0) return;
        w.Mask = reading;
        Access.CountSectors(w, from, low, high, i->Width, false);
        w.Mask = mask;
    }

    public static void Commit(Warp w, Instruction* i) => w.Copies._open++;

    /// <summary>Waits until at most Imm committed groups are pending; Imm -1 waits for everything, committed or not.</summary>
    public static void Wait(Warp w, Instruction* i)
    {
        AsyncCopies c = w.Copies;
        int until = i->Imm < 0 ? int.MaxValue : c._open - (int)i->Imm;
        int kept = 0;
        Span<Copy> copies = CollectionsMarshal.AsSpan(c._copies);
        for (int n = 0; n < copies.Length; n++)
        {
            Copy copy = copies[n];
            if (copy.Group >= until)
            {
                copies[kept++] = copy;
                continue;
            }
            Vector128<byte> data = copy.Data;
            SharedFault fault = w.Block.Shared.Land(copy.At, new ReadOnlySpan<byte>(&data, copy.Bytes), w.Index);
            if (fault != SharedFault.None) throw Access.SharedError(w, copy.Lane, (ulong)copy.At, copy.Bytes, fault);
        }
        c._copies.RemoveRange(kept, copies.Length - kept);
    }
}
