using System.Numerics;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>ldmatrix and mma.sync, with the fragment layouts of the PTX ISA (m16n8 shapes).</summary>
internal static unsafe class TensorOps
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
            row[l] = Access.Shared(w, l, address[l], 16, false, false);
        }
        // Eight rows of 16 bytes are one phase.
        Access.CountShared(w, address, i->Count == 4 ? uint.MaxValue : (1u << 8 * i->Count) - 1, 16);
        for (int m = 0; m < i->Count; m++)
            for (int l = 0; l < 32; l++)
            {
                int a = l / 4, b = 2 * (l % 4);
                ushort low = i->Flag ? ((ushort*)row[8 * m + b])[a] : ((ushort*)row[8 * m + a])[b];
                ushort high = i->Flag ? ((ushort*)row[8 * m + b + 1])[a] : ((ushort*)row[8 * m + a])[b + 1];
                Lanes.Set(r + i->X[m], l, (uint)high << 16 | low);
            }
    }

    /// <summary>
    /// mma.m16n8kK: X[0..3] D, X[4..7] A, X[8..9] B, X[10..13] C; Width is K, Type the element type, Type2 the accumulator's.
    /// Products are exact and accumulate in float, k ascending.
    /// </summary>
    public static void Multiply(Warp w, Instruction* i)
    {
        FullWarp(w);
        int k = i->Width;
        float* a = stackalloc float[16 * 16];
        float* b = stackalloc float[16 * 8];
        float* c = stackalloc float[16 * 8];
        int bits = i->Type == PtxType.TF32 ? 32 : 16, perRegister = 32 / bits;
        for (int l = 0; l < 32; l++)
        {
            int group = l >> 2, inGroup = l & 3;
            for (int reg = 0; reg < i->Count; reg++)
            {
                uint v = Lanes.Get<uint>(w.Registers + i->X[4 + reg], l);
                int at = (group + 8 * (reg & 1)) * k + perRegister * inGroup + (reg >> 1) * 4 * perRegister;
                Unpack(i->Type, v, a + at, 1);
            }
            for (int reg = 0; reg < i->Count2; reg++)
            {
                uint v = Lanes.Get<uint>(w.Registers + i->X[8 + reg], l);
                int at = (perRegister * inGroup + reg * 4 * perRegister) * 8 + group;
                Unpack(i->Type, v, b + at, 8);
            }
        }
        Accumulators(w, i, 10, c, load: true);
        for (int row = 0; row < 16; row++)
        {
            Vector256<float> sum = Vector256.Load(c + row * 8);
            for (int n = 0; n < k; n++) sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[row * k + n]), Vector256.Load(b + n * 8), sum);
            sum.Store(c + row * 8);
        }
        Accumulators(w, i, 0, c, load: false);
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

    /// <summary>C and D: lane l holds columns 2*(l%4), +1 of rows l/4 and l/4 + 8; as four f32, or two pairs of f16.</summary>
    private static void Accumulators(Warp w, Instruction* i, int first, float* c, bool load)
    {
        bool narrow = i->Type2 == PtxType.F16;
        for (int l = 0; l < 32; l++)
            for (int half = 0; half < 2; half++)
            {
                float* at = c + ((l >> 2) + 8 * half) * 8 + 2 * (l & 3);
                if (narrow)
                {
                    byte* column = w.Registers + i->X[first + half];
                    if (load) Unpack(PtxType.F16, Lanes.Get<uint>(column, l), at, 1);
                    else Lanes.Set(column, l, (uint)Round.ToHalf(at[1], Rounding.Nearest) << 16 | Round.ToHalf(at[0], Rounding.Nearest));
                    continue;
                }
                for (int e = 0; e < 2; e++)
                {
                    byte* column = w.Registers + i->X[first + 2 * half + e];
                    if (load) at[e] = Lanes.Get<float>(column, l);
                    else Lanes.Set(column, l, at[e]);
                }
            }
    }

    private static void Unpack(PtxType type, uint v, float* at, int stride)
    {
        switch (type)
        {
            case PtxType.TF32:
                at[0] = BitConverter.UInt32BitsToSingle(v & 0xFFFFE000); // the hardware ignores the low 13 bits
                break;
            case PtxType.BF16:
                at[0] = Round.FromBrain((ushort)v);
                at[stride] = Round.FromBrain((ushort)(v >> 16));
                break;
            default:
                at[0] = ConvertOps.HalfToSingle.Do((ushort)v);
                at[stride] = ConvertOps.HalfToSingle.Do((ushort)(v >> 16));
                break;
        }
    }

    private static void FullWarp(Warp w)
    {
        if (w.Mask == uint.MaxValue) return;
        throw w.Fault(EmulatorErrorKind.WarpSyncMask, BitOperations.TrailingZeroCount(~w.Mask), 0,
            $"all 32 lanes must execute this, only {w.Mask:x8} do; the first missing lane is named");
    }
}
