using System.Numerics;
using A2F.CudaEmulator.Memory;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>ld and st in every space.</summary>
internal static unsafe class MemoryOps
{
    /// <summary>
    /// D.. = X columns, Count elements of Width bytes, sign-extended where Signed; A is the address column (B of 4 or 8 bytes
    /// a lane), Imm the offset. Op2 is the register width in bytes.
    /// </summary>
    public static void Load(Warp w, Instruction* i)
    {
        int bytes = i->Width * i->Count;
        byte** at = stackalloc byte*[32];
        Access.Resolve(w, i, bytes, false, at);
        bool words = i->Width == 4 && i->Op2 == 4;
        for (int k = 0; k < i->Count; k++)
        {
            if (i->X[k] < 0) continue;
            byte* d = w.Registers + i->X[k];
            if (words && w.Mask == uint.MaxValue)
            {
                for (int l = 0; l < 32; l++) ((uint*)d)[l] = ((uint*)at[l])[k];
                continue;
            }
            for (uint m = w.Mask; m != 0; m &= m - 1)
            {
                int l = BitOperations.TrailingZeroCount(m);
                if (words) ((uint*)d)[l] = ((uint*)at[l])[k];
                else ConvertOps.WriteBits(d, l, i->Op2, Extend(at[l] + k * i->Width, i->Width, i->Signed));
            }
        }
    }

    public static void Store(Warp w, Instruction* i)
    {
        int bytes = i->Width * i->Count;
        byte** at = stackalloc byte*[32];
        Access.Resolve(w, i, bytes, true, at);
        for (int k = 0; k < i->Count; k++)
        {
            byte* s = w.Registers + i->X[k];
            for (uint m = w.Mask; m != 0; m &= m - 1)
            {
                int l = BitOperations.TrailingZeroCount(m);
                byte* to = at[l] + k * i->Width;
                switch (i->Width)
                {
                    case 1: *to = (byte)Lanes.Get<uint>(s, l); break;
                    case 2: *(ushort*)to = (ushort)Lanes.Get<uint>(s, l); break;
                    case 4: *(uint*)to = Lanes.Get<uint>(s, l); break;
                    default: *(ulong*)to = Lanes.Get<ulong>(s, l); break;
                }
            }
        }
        if (i->Space is PtxSpace.Shared or PtxSpace.Generic) CheckSameBytes(w, i, bytes, at);
    }

    /// <summary>Two lanes of one store that write different values to the same bytes race.</summary>
    private static void CheckSameBytes(Warp w, Instruction* i, int bytes, byte** at)
    {
        // Ascending, non-overlapping addresses are the common case and need no pairwise look.
        byte* last = null;
        bool ordered = true;
        for (uint m = w.Mask; m != 0 && ordered; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            ordered = at[l] >= last;
            last = at[l] + bytes;
        }
        if (ordered) return;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            for (int k = 0; k < i->Count; k++)
            {
                ulong wrote = i->Width == 8 ? Lanes.Get<ulong>(w.Registers + i->X[k], l) : Lanes.Get<uint>(w.Registers + i->X[k], l);
                if (i->Width < 8) wrote &= (1UL << (8 * i->Width)) - 1;
                if (Extend(at[l] + k * i->Width, i->Width, false) != wrote)
                    throw w.Fault(EmulatorErrorKind.SharedRace, l, Access.Address(w, i, l),
                        "another lane of this store wrote a different value to the same bytes");
            }
        }
    }

    private static ulong Extend(byte* at, int width, bool signed) => width switch
    {
        1 => signed ? (ulong)*(sbyte*)at : *at,
        2 => signed ? (ulong)*(short*)at : *(ushort*)at,
        4 => signed ? (ulong)*(int*)at : *(uint*)at,
        _ => *(ulong*)at,
    };
}
