using System.Numerics;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>ldmatrix and mma.sync, with the fragment layouts of the PTX ISA (m16n8 shapes).</summary>
internal static unsafe partial class TensorOps
{
    /// <summary>
    /// ldmatrix: Count matrices of 8x8 16-bit elements into X; lane 8*m + r names row r of matrix m. Flag transposes.
    /// Lane l receives elements 2*(l%4), 2*(l%4)+1 of row l/4.
    /// </summary>
    public static void LoadMatrix(Warp w, Instruction* i)
    {
        FullWarp(w);
        byte* r = w.Registers;
        ulong* address = stackalloc ulong[32];
        byte** row = stackalloc byte*[32];
        for (int l = 0; l < 8 * i->Count; l++)
        {
            address[l] = Access.Address(w, i, l);
            if (i->Space == PtxSpace.Generic) address[l] -= Memory.SharedMemory.Window;
            if ((address[l] & 15) != 0)
                throw w.Fault(EmulatorErrorKind.Misaligned, l, address[l], $"row address 0x{address[l]:x} is no multiple of 16 bytes");
            Memory.SharedMemory shared = w.Block.Shared;
            row[l] = address[l] + 16 <= (ulong)shared.Bytes && shared.ReadQuick((int)address[l], 16, w.Index) ? shared.Data + address[l]
                : Access.Shared(w, l, address[l], 16, false, false);
        }
        // Eight rows of 16 bytes are one phase.
        Access.CountShared(w, address, i->Count == 4 ? uint.MaxValue : (1u << 8 * i->Count) - 1, 16);
        for (int m = 0; m < i->Count; m++)
        {
            uint* d = (uint*)(r + i->X[m]);
            if (!i->Flag)
            {
                // A row's four words go to four neighbouring lanes.
                for (int a = 0; a < 8; a++) Vector128.Load((uint*)row[8 * m + a]).Store(d + 4 * a);
                continue;
            }
            for (int l = 0; l < 32; l++)
                d[l] = (uint)((ushort*)row[8 * m + 2 * (l % 4) + 1])[l / 4] << 16 | ((ushort*)row[8 * m + 2 * (l % 4)])[l / 4];
        }
    }

    /// <summary>s8 and u8 with s32 accumulators; Flag: A signed, Signed: B signed, Sat: saturate.</summary>
    public static void MultiplyInteger(Warp w, Instruction* i)
    {
        FullWarp(w);
        int k = i->Width;
        int* a = stackalloc int[16 * 32];
        int* b = stackalloc int[32 * 8];
        for (int l = 0; l < 32; l++)
        {
            int group = l >> 2, inGroup = l & 3;
            for (int reg = 0; reg < i->Count; reg++)
                for (int e = 0; e < 4; e++)
                {
                    uint v = Lanes.Get<uint>(w.Registers + i->X[4 + reg], l) >> 8 * e;
                    a[(group + 8 * (reg & 1)) * k + 4 * inGroup + (reg >> 1) * 16 + e] = i->Flag ? (sbyte)v : (byte)v;
                }
            for (int reg = 0; reg < i->Count2; reg++)
                for (int e = 0; e < 4; e++)
                {
                    uint v = Lanes.Get<uint>(w.Registers + i->X[8 + reg], l) >> 8 * e;
                    b[(4 * inGroup + reg * 16 + e) * 8 + group] = i->Signed ? (sbyte)v : (byte)v;
                }
        }
        for (int l = 0; l < 32; l++)
            for (int reg = 0; reg < 4; reg++)
            {
                int row = (l >> 2) + 8 * (reg >> 1), column = 2 * (l & 3) + (reg & 1);
                long sum = Lanes.Get<int>(w.Registers + i->X[10 + reg], l);
                for (int n = 0; n < k; n++) sum += a[row * k + n] * b[n * 8 + column];
                Lanes.Set(w.Registers + i->X[reg], l, i->Sat ? (int)Math.Clamp(sum, int.MinValue, int.MaxValue) : unchecked((int)sum));
            }
    }

    private static void FullWarp(Warp w)
    {
        if (w.Mask == uint.MaxValue) return;
        throw w.Fault(EmulatorErrorKind.WarpSyncMask, BitOperations.TrailingZeroCount(~w.Mask), 0,
            $"all 32 lanes must execute this, only {w.Mask:x8} do; the first missing lane is named");
    }
}
