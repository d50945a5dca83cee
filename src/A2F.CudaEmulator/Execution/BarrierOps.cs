using System.Numerics;

namespace A2F.CudaEmulator.Execution;

/// <summary>bar.sync, bar.arrive, bar.red; <see cref="Instruction.Op"/>: 0 sync, 1 arrive, 2 popc, 3 and, 4 or.</summary>
internal static unsafe class BarrierOps
{
    public static void Barrier(Warp w, Instruction* i)
    {
        int lane = BitOperations.TrailingZeroCount(w.Mask);
        int id = Lanes.Get<int>(w.Registers + i->A, lane), count = i->B >= 0 ? Lanes.Get<int>(w.Registers + i->B, lane) : 0;
        if (id is < 0 or > 15) throw w.Fault(EmulatorErrorKind.BarrierMismatch, lane, 0, $"barrier {id} does not exist; there are 0 to 15");
        if (count % 32 != 0)
            throw w.Fault(EmulatorErrorKind.BarrierMismatch, lane, 0, $"a count of {count} threads is no multiple of the warp size");
        w.Block.Counters.Barriers++;
        if (i->Op == 1)
        {
            w.Block.Arrive(id, 32);
            return;
        }
        (w.BarrierId, w.BarrierCount) = (id, count);
        if (i->Op > 1) w.BarrierPredicate = w.Predicates[i->C];
        w.State = WarpState.Waiting;
    }

    /// <summary>The reduced value, when the barrier completes.</summary>
    public static void Deliver(Warp w, Instruction* i, int population, bool all, bool any)
    {
        w.Mask = w.Alive;
        if (i->Op == 2)
            for (int l = 0; l < 32; l++) Lanes.Set(w.Registers + i->D, l, (uint)population);
        else if (i->Op == 3) CompareOps.Write(w, i->D, all ? uint.MaxValue : 0);
        else if (i->Op == 4) CompareOps.Write(w, i->D, any ? uint.MaxValue : 0);
    }
}
