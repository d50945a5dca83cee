using System.Numerics;
using A2F.CudaEmulator.Memory;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>Turns lane addresses into pointers, after every check.</summary>
internal static unsafe class Access
{
    /// <summary>The address a lane uses, in the instruction's own space.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(Warp w, Instruction* i, int lane)
    {
        ulong a = i->A < 0 ? 0 : i->B == 8 ? Lanes.Get<ulong>(w.Registers + i->A, lane) : Lanes.Get<uint>(w.Registers + i->A, lane);
        return a + (ulong)i->Imm;
    }

    /// <summary>Checks the accesses of <paramref name="bytes"/> bytes by all active lanes and fills <paramref name="at"/>.</summary>
    public static void Resolve(Warp w, Instruction* i, int bytes, bool write, byte** at, bool read = false)
    {
        if (i->Space is PtxSpace.Global or PtxSpace.Const && Uniform(w, i, bytes, write, read, at)) return;
        if (i->Space == PtxSpace.Shared && bytes is 4 or 8 or 16 && !(write && read) && SharedWords(w, i, bytes, write, at)) return;
        ulong* shared = stackalloc ulong[32];
        uint sharedLanes = 0;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            ulong address = Address(w, i, l);
            PtxSpace space = i->Space;
            if (space == PtxSpace.Generic)
            {
                space = address >= Warp.LocalWindow ? PtxSpace.Local : address >= SharedMemory.Window ? PtxSpace.Shared : PtxSpace.Global;
                if (space == PtxSpace.Local) address -= Warp.LocalWindow;
                else if (space == PtxSpace.Shared) address -= SharedMemory.Window;
            }
            if ((address & (ulong)(bytes - 1)) != 0)
                throw w.Fault(EmulatorErrorKind.Misaligned, l, address,
                    $"address 0x{address:x} is no multiple of the access's {bytes} bytes");
            switch (space)
            {
                case PtxSpace.Shared:
                    at[l] = Shared(w, l, address, bytes, write, read);
                    shared[l] = address;
                    sharedLanes |= 1u << l;
                    break;
                case PtxSpace.Local:
                    at[l] = Local(w, l, address, bytes, write, read);
                    break;
                case PtxSpace.Param:
                    at[l] = Parameter(w, l, address, bytes, write);
                    break;
                default:
                    at[l] = Global(w, l, address, bytes, write, read);
                    break;
            }
        }
        if (sharedLanes != 0) CountShared(w, shared, sharedLanes, bytes);
        if (sharedLanes != w.Mask && i->Space is PtxSpace.Generic or PtxSpace.Global or PtxSpace.Const) CountGlobal(w, i, bytes, write);
    }

    /// <summary>The quick way: all lanes inside one live allocation.</summary>
    private static bool Uniform(Warp w, Instruction* i, int bytes, bool write, bool read, byte** at)
    {
        ulong low = ulong.MaxValue, high = 0, bits = 0;
        ulong* addresses = stackalloc ulong[32];
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            ulong a = Address(w, i, l);
            addresses[l] = a;
            low = Math.Min(low, a);
            high = Math.Max(high, a);
            bits |= a;
        }
        Allocation? home = w.LastAllocation;
        if (home is null || !home.Contains(low))
        {
            home = w.Block.Launch.Device.Heap.Find(low);
            w.LastAllocation = home;
        }
        if (home is null || !home.Live || (bits & (ulong)(bytes - 1)) != 0 || (write && home.ReadOnly)) return false;
        if (high + (ulong)bytes > home.Base + (ulong)home.Bytes) return false;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            long offset = (long)(addresses[l] - home.Base);
            at[l] = home.Data + offset;
            if (home.Complete) continue;
            byte* shadow = home.Shadow + offset;
            if (!write || read) CheckWritten(w, l, addresses[l], shadow, bytes, home.Name);
            if (write) Mark(shadow, bytes);
        }
        w.Block.Launch.Recorder?.Mark(home, addresses, w.Mask, low, high, bytes, write);
        CountSectors(w, addresses, low, high, bytes, write);
        return true;
    }

    /// <summary>The quick way for loads and stores of shared words; what is unusual it leaves to the general one.</summary>
    private static bool SharedWords(Warp w, Instruction* i, int bytes, bool write, byte** at)
    {
        SharedMemory shared = w.Block.Shared;
        ulong last = (ulong)shared.Bytes - (ulong)bytes, before = ulong.MaxValue;
        ulong* addresses = stackalloc ulong[32];
        if (shared.Bytes < bytes) return false;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            ulong address = Address(w, i, l);
            // Neighbouring lanes often share an address; what was checked for one holds for the next.
            if (address != before)
            {
                if (address > last || (address & (ulong)(bytes - 1)) != 0) return false;
                bool sure = write ? shared.WriteQuick((int)address, bytes, w.Index) : shared.ReadQuick((int)address, bytes, w.Index);
                if (!sure) return false;
                before = address;
            }
            addresses[l] = address;
            at[l] = shared.Data + address;
        }
        CountShared(w, addresses, w.Mask, bytes);
        return true;
    }

    private static void Mark(byte* shadow, int bytes)
    {
        switch (bytes)
        {
            case 4: *(uint*)shadow = 0x01010101; break;
            case 8: *(ulong*)shadow = 0x0101010101010101; break;
            default: NativeMemory.Fill(shadow, (nuint)bytes, 1); break;
        }
    }

    private static void CheckWritten(Warp w, int lane, ulong address, byte* shadow, int bytes, string name)
    {
        if (bytes == 4 && *(uint*)shadow == 0x01010101) return;
        for (int k = 0; k < bytes; k++)
            if (shadow[k] == 0)
                throw w.Fault(EmulatorErrorKind.UninitialisedRead, lane, address,
                    $"byte {k} of the {bytes} at 0x{address:x} in {name} was never written");
    }

    public static byte* Global(Warp w, int lane, ulong address, int bytes, bool write, bool read)
    {
        DeviceHeap heap = w.Block.Launch.Device.Heap;
        Allocation? a = heap.Find(address);
        if (a is null || address + (ulong)bytes > a.Base + (ulong)a.Bytes)
        {
            Allocation? near = heap.Nearest(address);
            string where = near is null ? "below every allocation"
                : $"{(long)(address + (ulong)bytes - near.Base) - near.Bytes} bytes past the end of {near.Name} (0x{near.Base:x}, {near.Bytes} bytes)";
            throw w.Fault(EmulatorErrorKind.OutOfBounds, lane, address, $"{bytes} bytes at 0x{address:x} end {where}");
        }
        if (!a.Live) throw w.Fault(EmulatorErrorKind.UseAfterFree, lane, address, $"0x{address:x} lies in {a.Name}, which was freed");
        if (write && a.ReadOnly) throw w.Fault(EmulatorErrorKind.ReadOnlyWrite, lane, address, $"a write to constant {a.Name}");
        byte* shadow = a.Shadow + (address - a.Base);
        if ((!write || read) && !a.Complete) CheckWritten(w, lane, address, shadow, bytes, a.Name);
        if (write) Mark(shadow, bytes);
        w.Block.Launch.Recorder?.Mark(a, (long)(address - a.Base), bytes, write);
        return a.Data + (address - a.Base);
    }

    public static byte* Shared(Warp w, int lane, ulong address, int bytes, bool write, bool read)
    {
        SharedMemory shared = w.Block.Shared;
        if (address + (ulong)bytes > (ulong)shared.Bytes || address > (ulong)shared.Bytes)
            throw w.Fault(EmulatorErrorKind.OutOfBounds, lane, address,
                $"{bytes} bytes at 0x{address:x} of {shared.Bytes} bytes of shared memory");
        SharedFault fault = SharedFault.None;
        if (!write || read) fault = shared.Read((int)address, bytes, w.Index, read);
        if (write && fault == SharedFault.None) fault = shared.Write((int)address, bytes, w.Index, read);
        if (fault != SharedFault.None) throw SharedError(w, lane, address, bytes, fault);
        return shared.Data + address;
    }

    public static EmulatorException SharedError(Warp w, int lane, ulong address, int bytes, SharedFault fault) => fault switch
    {
        SharedFault.Uninitialised => w.Fault(EmulatorErrorKind.UninitialisedRead, lane, address,
            $"some of the {bytes} bytes at shared address 0x{address:x} were never written"),
        SharedFault.Pending => w.Fault(EmulatorErrorKind.PendingCopy, lane, address,
            $"an asynchronous copy into shared address 0x{address:x} has not been waited for"),
        _ => w.Fault(EmulatorErrorKind.SharedRace, lane, address,
            $"another warp touched shared address 0x{address:x} since the last barrier, and one of the two accesses is a write"),
    };

    private static byte* Local(Warp w, int lane, ulong address, int bytes, bool write, bool read)
    {
        int size = w.Program.Function.LocalBytes;
        if (address + (ulong)bytes > (ulong)size || address > (ulong)size)
            throw w.Fault(EmulatorErrorKind.OutOfBounds, lane, address, $"{bytes} bytes at 0x{address:x} of {size} bytes of local memory");
        byte* shadow = w.LocalShadow + (long)lane * size + (long)address;
        if (!write || read) CheckWritten(w, lane, address, shadow, bytes, "local memory");
        if (write) NativeMemory.Fill(shadow, (nuint)bytes, 1);
        return w.Local + (long)lane * size + (long)address;
    }

    private static byte* Parameter(Warp w, int lane, ulong address, int bytes, bool write)
    {
        byte[] block = w.Block.Launch.Parameters;
        if (write) throw w.Fault(EmulatorErrorKind.ReadOnlyWrite, lane, address, "a write to a kernel parameter");
        if (address + (ulong)bytes > (ulong)block.Length || address > (ulong)block.Length)
            throw w.Fault(EmulatorErrorKind.OutOfBounds, lane, address,
                $"{bytes} bytes at 0x{address:x} of {block.Length} bytes of parameters");
        // Pinned for its lifetime: allocated on the pinned heap.
        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(block)) + address;
    }

    private static void CountGlobal(Warp w, Instruction* i, int bytes, bool write)
    {
        ulong* addresses = stackalloc ulong[32];
        ulong low = ulong.MaxValue, high = 0;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            addresses[l] = Address(w, i, l);
            if (addresses[l] >= SharedMemory.Window) return;
            (low, high) = (Math.Min(low, addresses[l]), Math.Max(high, addresses[l]));
        }
        CountSectors(w, addresses, low, high, bytes, write);
    }

    public static void CountSectors(Warp w, ulong* addresses, ulong low, ulong high, int bytes, bool write)
    {
        LaunchCounters c = w.Block.Counters;
        int lanes = BitOperations.PopCount(w.Mask), sectors = 0;
        if (write) c.GlobalBytesWritten += (long)lanes * bytes;
        else c.GlobalBytesRead += (long)lanes * bytes;
        c.GlobalRequests++;
        ulong first = low >> 5;
        if ((high >> 5) - first < 64)
        {
            ulong seen = 0;
            for (uint m = w.Mask; m != 0; m &= m - 1) seen |= 1UL << (int)((addresses[BitOperations.TrailingZeroCount(m)] >> 5) - first);
            sectors = BitOperations.PopCount(seen);
        }
        else
        {
            ulong* unique = stackalloc ulong[32];
            for (uint m = w.Mask; m != 0; m &= m - 1)
            {
                ulong sector = addresses[BitOperations.TrailingZeroCount(m)] >> 5;
                if (!new ReadOnlySpan<ulong>(unique, sectors).Contains(sector)) unique[sectors++] = sector;
            }
        }
        c.GlobalSectors += sectors;
    }

    /// <summary>
    /// Banks are 4 bytes wide, 32 of them. Accesses of 8 and 16 bytes go in halves and quarters of a warp; each such
    /// phase takes as many cycles as the bank with the most distinct words.
    /// </summary>
    public static void CountShared(Warp w, ulong* addresses, uint mask, int bytes)
    {
        // As wide as a lane's access, 128 bytes hold one place for each lane of a phase.
        int wordsPerLane = Math.Max(1, bytes / 4), lanesPerPhase = 32 / wordsPerLane, shift = BitOperations.Log2((uint)wordsPerLane) + 2;
        uint* holds = stackalloc uint[32];
        w.Block.Counters.SharedRequests++;
        for (int phase = 0; phase < 32; phase += lanesPerPhase)
        {
            uint seen = 0;
            bool conflict = false;
            for (int l = phase; l < phase + lanesPerPhase; l++)
            {
                if ((mask >> l & 1) == 0) continue;
                uint at = (uint)(addresses[l] >> shift);
                int place = (int)(at & (uint)(lanesPerPhase - 1));
                if ((seen >> place & 1) != 0) conflict |= holds[place] != at;
                holds[place] = at;
                seen |= 1u << place;
            }
            if (conflict) w.Block.Counters.SharedBankConflicts += WorstBank(addresses, mask, phase, lanesPerPhase, wordsPerLane) - 1;
        }
    }

    /// <summary>The most distinct words that one bank is asked for.</summary>
    private static int WorstBank(ulong* addresses, uint mask, int phase, int lanes, int wordsPerLane)
    {
        uint* word = stackalloc uint[32];
        int* next = stackalloc int[32];
        int* head = stackalloc int[32];
        int* length = stackalloc int[32];
        new Span<int>(head, 32).Fill(-1);
        new Span<int>(length, 32).Clear();
        int count = 0, worst = 1;
        for (int l = phase; l < phase + lanes; l++)
        {
            if ((mask >> l & 1) == 0) continue;
            for (int k = 0; k < wordsPerLane; k++)
            {
                uint at = (uint)(addresses[l] >> 2) + (uint)k;
                int bank = (int)(at & 31), e = head[bank];
                while (e >= 0 && word[e] != at) e = next[e];
                if (e >= 0) continue;
                word[count] = at;
                next[count] = head[bank];
                head[bank] = count++;
                worst = Math.Max(worst, ++length[bank]);
            }
        }
        return worst;
    }
}
