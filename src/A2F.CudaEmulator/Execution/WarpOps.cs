using System.Numerics;

namespace A2F.CudaEmulator.Execution;

internal enum ShuffleMode : byte
{
    Up, Down, Butterfly, Index,
}

/// <summary>Operations across the lanes of a warp.</summary>
internal static unsafe class WarpOps
{
    /// <summary>
    /// shfl: D from A, lane or offset B, clamp and segment mask C, member mask X[1] (or -1 for the old form); X[0] is the
    /// "in range" predicate or -1.
    /// </summary>
    public static void Shuffle(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        if (i->X[1] >= 0) CheckMembers(w, r + i->X[1]);
        uint* source = stackalloc uint[32];
        for (int l = 0; l < 32; l++) source[l] = Lanes.Get<uint>(r + i->A, l);
        uint inRange = 0;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            int b = Lanes.Get<int>(r + i->B, l) & 31;
            int c = Lanes.Get<int>(r + i->C, l), clamp = c & 31, segment = c >> 8 & 31;
            int top = (l & segment) | (clamp & ~segment), bottom = l & segment, from;
            bool ok;
            switch ((ShuffleMode)i->Op)
            {
                case ShuffleMode.Up: from = l - b; ok = from >= top; break;
                case ShuffleMode.Down: from = l + b; ok = from <= top; break;
                case ShuffleMode.Butterfly: from = l ^ b; ok = from <= top; break;
                default: from = bottom | (b & ~segment); ok = from <= top; break;
            }
            if (!ok) from = l;
            else inRange |= 1u << l;
            if ((w.Mask >> from & 1) == 0)
                throw w.Fault(EmulatorErrorKind.WarpSyncMask, l, 0, $"shfl reads lane {from}, which does not execute it");
            Lanes.Set(r + i->D, l, source[from]);
        }
        if (i->X[0] >= 0) CompareOps.Write(w, i->X[0], inRange);
    }

    /// <summary>Every executing lane must be a member, and every living member must execute.</summary>
    public static void CheckMembers(Warp w, byte* column)
    {
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            uint members = Lanes.Get<uint>(column, l) & w.Alive;
            if (members == w.Mask) continue;
            // Lanes may name disjoint groups, as long as each group is complete.
            if ((members >> l & 1) == 0 || (members & ~w.Mask) != 0)
                throw w.Fault(EmulatorErrorKind.WarpSyncMask, l, 0, $"member mask {members:x8}, but lanes {w.Mask:x8} execute");
        }
    }

    public static void Sync(Warp w, Instruction* i) => CheckMembers(w, w.Registers + i->A);

    /// <summary>vote: Op 0 all, 1 any, 2 uni, 3 ballot; the predicate is A, members X[1] or -1.</summary>
    public static void Vote(Warp w, Instruction* i)
    {
        if (i->X[1] >= 0) CheckMembers(w, w.Registers + i->X[1]);
        uint p = w.Predicates[i->A] & w.Mask;
        switch (i->Op)
        {
            case 0: CompareOps.Write(w, i->D, p == w.Mask ? uint.MaxValue : 0); break;
            case 1: CompareOps.Write(w, i->D, p != 0 ? uint.MaxValue : 0); break;
            case 2: CompareOps.Write(w, i->D, p == w.Mask || p == 0 ? uint.MaxValue : 0); break;
            default: Broadcast(w, i->D, p); break;
        }
    }

    public static void ActiveMask(Warp w, Instruction* i) => Broadcast(w, i->D, w.Mask);

    /// <summary>match: the lanes that hold the same value (any), or all of them if every value is equal (all, Flag).</summary>
    public static void Match(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        CheckMembers(w, r + i->X[1]);
        uint same = 0;
        bool every = true;
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            ulong v = i->Width == 8 ? Lanes.Get<ulong>(r + i->A, l) : Lanes.Get<uint>(r + i->A, l);
            same = 0;
            for (int k = 0; k < 32; k++)
                if ((w.Mask >> k & 1) != 0 && (i->Width == 8 ? Lanes.Get<ulong>(r + i->A, k) : Lanes.Get<uint>(r + i->A,
                    k)) == v) same |= 1u << k;
            every &= same == w.Mask;
            if (!i->Flag) Lanes.Set(r + i->D, l, same);
        }
        if (!i->Flag) return;
        Broadcast(w, i->D, every ? w.Mask : 0);
        if (i->X[0] >= 0) CompareOps.Write(w, i->X[0], every ? uint.MaxValue : 0);
    }

    /// <summary>redux.sync: Op 0 add, 1 min, 2 max, 3 and, 4 or, 5 xor; Signed for s32.</summary>
    public static void Redux(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        CheckMembers(w, r + i->X[1]);
        bool first = true;
        uint v = 0;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            uint x = Lanes.Get<uint>(r + i->A, BitOperations.TrailingZeroCount(m));
            v = first ? x : i->Op switch
            {
                0 => v + x,
                1 => i->Signed ? (uint)Math.Min((int)v, (int)x) : Math.Min(v, x),
                2 => i->Signed ? (uint)Math.Max((int)v, (int)x) : Math.Max(v, x),
                3 => v & x,
                4 => v | x,
                _ => v ^ x,
            };
            first = false;
        }
        Broadcast(w, i->D, v);
    }

    private static void Broadcast(Warp w, int column, uint value)
    {
        for (uint m = w.Mask; m != 0; m &= m - 1) Lanes.Set(w.Registers + column, BitOperations.TrailingZeroCount(m), value);
    }

    public static void Clock(Warp w, Instruction* i)
    {
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = BitOperations.TrailingZeroCount(m);
            if (i->Width == 8) Lanes.Set(w.Registers + i->D, l, w.Clock);
            else Lanes.Set(w.Registers + i->D, l, (uint)w.Clock);
        }
    }

    public static void Trap(Warp w, Instruction* i) =>
        throw w.Fault(EmulatorErrorKind.Trap, BitOperations.TrailingZeroCount(w.Mask), 0, "the kernel gave up");

    public static void Nothing(Warp w, Instruction* i)
    {
    }
}
