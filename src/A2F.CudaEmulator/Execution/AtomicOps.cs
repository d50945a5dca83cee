using System.Numerics;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

internal enum AtomicOp : byte
{
    Add, Min, Max, Exchange, CompareSwap, And, Or, Xor, Increment, Decrement,
}

/// <summary>atom and red: lanes act one after another, in lane order.</summary>
internal static unsafe class AtomicOps
{
    /// <summary>Old value to D (or -1), operand X[0], for cas compare X[0] and new value X[1].</summary>
    public static void Atomic(Warp w, Instruction* i)
    {
        byte** at = stackalloc byte*[32];
        Access.Resolve(w, i, i->Width, true, at, read: true);
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            ulong old = i->Width switch { 8 => *(ulong*)at[l], 2 => *(ushort*)at[l], _ => *(uint*)at[l] };
            ulong a = Operand(w, i->X[0], l, i->Width), b = i->X[1] >= 0 ? Operand(w, i->X[1], l, i->Width) : 0;
            ulong v = Apply(i, old, a, b);
            switch (i->Width)
            {
                case 8: *(ulong*)at[l] = v; break;
                case 2: *(ushort*)at[l] = (ushort)v; break;
                default: *(uint*)at[l] = (uint)v; break;
            }
            if (i->D < 0) continue;
            if (i->Width == 8) Lanes.Set(w.Registers + i->D, l, old);
            else Lanes.Set(w.Registers + i->D, l, (uint)old);
        }
    }

    private static ulong Operand(Warp w, int column, int lane, int width) => width switch
    {
        8 => Lanes.Get<ulong>(w.Registers + column, lane),
        2 => (ushort)Lanes.Get<uint>(w.Registers + column, lane),
        _ => Lanes.Get<uint>(w.Registers + column, lane),
    };

    private static ulong Apply(Instruction* i, ulong old, ulong a, ulong b)
    {
        bool wide = i->Width == 8;
        return (AtomicOp)i->Op switch
        {
            AtomicOp.Add => Add(i->Type, old, a),
            AtomicOp.Min => i->Type.IsSigned()
                ? wide ? (ulong)Math.Min((long)old, (long)a) : (uint)Math.Min((int)old, (int)a) : Math.Min(old, a),
            AtomicOp.Max => i->Type.IsSigned()
                ? wide ? (ulong)Math.Max((long)old, (long)a) : (uint)Math.Max((int)old, (int)a) : Math.Max(old, a),
            AtomicOp.Exchange => a,
            AtomicOp.CompareSwap => old == a ? b : old,
            AtomicOp.And => old & a,
            AtomicOp.Or => old | a,
            AtomicOp.Xor => old ^ a,
            AtomicOp.Increment => old >= a ? 0 : old + 1,
            _ => old == 0 || old > a ? a : old - 1,
        };
    }

    private static ulong Add(PtxType type, ulong old, ulong a) => type switch
    {
        PtxType.F32 => BitConverter.SingleToUInt32Bits(
            Round.Flush(Round.Flush(BitConverter.UInt32BitsToSingle((uint)old)) + Round.Flush(BitConverter.UInt32BitsToSingle((uint)a)))),
        PtxType.F64 => BitConverter.DoubleToUInt64Bits(BitConverter.UInt64BitsToDouble(old) + BitConverter.UInt64BitsToDouble(a)),
        PtxType.F16 => HalfAdd((ushort)old, (ushort)a),
        PtxType.F16X2 => (ulong)HalfAdd((ushort)(old >> 16), (ushort)(a >> 16)) << 16 | HalfAdd((ushort)old, (ushort)a),
        PtxType.BF16 => BrainAdd((ushort)old, (ushort)a),
        PtxType.BF16X2 => (ulong)BrainAdd((ushort)(old >> 16), (ushort)(a >> 16)) << 16 | BrainAdd((ushort)old, (ushort)a),
        _ => old + a,
    };

    private static ushort HalfAdd(ushort a, ushort b) =>
        Round.ToHalf((double)BitConverter.UInt16BitsToHalf(a) + (double)BitConverter.UInt16BitsToHalf(b), Rounding.Nearest);

    private static ushort BrainAdd(ushort a, ushort b) =>
        Round.ToBrain(Round.ToSingleOdd(Round.FmaOdd(Round.FromBrain(a), 1, Round.FromBrain(b))), Rounding.Nearest);
}
