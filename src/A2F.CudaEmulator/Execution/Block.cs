using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Execution;

/// <summary>Runs blocks one after another on one thread: its warps take turns until each waits at a barrier or ends.</summary>
internal sealed unsafe class Block
{
    private const int Slice = 1 << 16;
    public readonly Launch Launch;
    public readonly LaunchCounters Counters = new();
    public readonly SharedMemory Shared = new();
    public long Number;
    public Dim3 Position;
    private readonly Warp[] _warps;
    private readonly int[] _arrived = new int[16];

    public Block(Launch launch)
    {
        Launch = launch;
        int threads = (int)launch.BlockSize.Count;
        _warps = new Warp[(threads + 31) / 32];
        for (int i = 0; i < _warps.Length; i++) _warps[i] = new Warp(this, i, Math.Min(32, threads - 32 * i));
    }

    public void Release()
    {
        foreach (Warp w in _warps) w.Release();
        Shared.Release();
    }

    public void Run(long number)
    {
        Number = number;
        Position = Launch.GridSize.At(number);
        Shared.Reset(Launch.SharedBytes);
        Array.Clear(_arrived);
        foreach (Warp w in _warps) w.Restart();
        while (true)
        {
            bool ran = false, left = false;
            foreach (Warp w in _warps)
            {
                if (w.State == WarpState.Ready)
                {
                    w.Run(Slice);
                    ran = true;
                }
                left |= w.State != WarpState.Done;
            }
            if (!left) return;
            if (!ReleaseBarriers() && !ran) throw Stuck();
        }
    }

    /// <summary>bar.arrive: counts without waiting.</summary>
    public void Arrive(int id, int threads) => _arrived[id] += threads;

    private bool ReleaseBarriers()
    {
        bool released = false;
        for (int id = 0; id < 16; id++)
        {
            int waiting = 0, alive = 0, count = -1;
            foreach (Warp w in _warps)
            {
                if (w.State != WarpState.Done) alive++;
                if (w.State != WarpState.Waiting || w.BarrierId != id) continue;
                waiting++;
                if (count >= 0 && count != w.BarrierCount)
                    throw w.Fault(EmulatorErrorKind.BarrierMismatch, -1, 0,
                        $"warps give barrier {id} counts of {count} and {w.BarrierCount} threads");
                count = w.BarrierCount;
            }
            if (waiting == 0) continue;
            bool complete = count == 0 ? waiting == alive : waiting * 32 + _arrived[id] >= count;
            if (!complete) continue;
            _arrived[id] = 0;
            Complete(id);
            released = true;
        }
        return released;
    }

    private void Complete(int id)
    {
        int population = 0;
        bool all = true, any = false;
        foreach (Warp w in _warps)
        {
            if (w.State != WarpState.Waiting || w.BarrierId != id) continue;
            population += System.Numerics.BitOperations.PopCount(w.BarrierPredicate & w.Alive);
            all &= (w.BarrierPredicate & w.Alive) == w.Alive;
            any |= (w.BarrierPredicate & w.Alive) != 0;
        }
        foreach (Warp w in _warps)
        {
            if (w.State != WarpState.Waiting || w.BarrierId != id) continue;
            w.State = WarpState.Ready;
            BarrierOps.Deliver(w, w.Current, population, all, any);
        }
        // A barrier of some warps only orders those; forgetting more than that misses races but never invents one.
        Shared.NextEpoch();
    }

    private EmulatorException Stuck()
    {
        Warp first = _warps.First(w => w.State == WarpState.Waiting);
        string waits = string.Join(", ", _warps.Where(w => w.State == WarpState.Waiting).GroupBy(w => (w.BarrierId, w.BarrierCount))
            .Select(g => $"{g.Count()} warp(s) at barrier {g.Key.BarrierId}" + (g.Key.BarrierCount > 0
                ? $" for {g.Key.BarrierCount} threads" : "")));
        return first.Fault(EmulatorErrorKind.BarrierMismatch, -1, 0, $"the block can't go on: {waits}");
    }
}
