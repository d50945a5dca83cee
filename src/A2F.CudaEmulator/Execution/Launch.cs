using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Execution;

/// <summary>One kernel launch: what every block of it shares.</summary>
internal sealed unsafe class Launch
{
    private const int BlocksWorthAThread = 8;

    public required EmulatedDevice Device { get; init; }
    public required Program Program { get; init; }
    public required Dim3 GridSize { get; init; }
    public required Dim3 BlockSize { get; init; }
    public required int DynamicSharedBytes { get; init; }
    public required byte[] Parameters { get; init; }
    /// <summary>A warp that runs this many slices is taken to hang.</summary>
    public long TimeSliceLimit { get; init; } = 1 << 20;
    /// <summary>Who wants to know what the launch does to device memory, or null.</summary>
    public AccessRecorder? Recorder { get; init; }
    public Instruction* Code;

    public int SharedBytes => Program.StaticSharedBytes + DynamicSharedBytes;

    /// <summary>
    /// Runs every block. Blocks are handed out in order, so the fault of the lowest failing block is always the one
    /// reported; kernels with atomics on global memory run on one thread, so that their results never depend on timing.
    /// </summary>
    public LaunchCounters Run(int threads)
    {
        long blocks = GridSize.Count, next = -1, failedAt = long.MaxValue;
        EmulatorException? failure = null;
        if (Program.UsesGlobalAtomics) threads = 1;
        threads = (int)Math.Clamp(blocks / BlocksWorthAThread, 1, threads); // a thread costs as much as some small blocks
        LaunchCounters total = new();
        object gate = new();
        Code = (Instruction*)NativeMemory.AlignedAlloc((nuint)(Program.Code.Length * sizeof(Instruction)), 64);
        Program.Code.CopyTo(new Span<Instruction>(Code, Program.Code.Length));
        try
        {
            if (threads == 1) Work();
            else
            {
                Thread[] workers = new Thread[threads - 1];
                for (int i = 0; i < workers.Length; i++)
                {
                    workers[i] = new Thread(Work) { IsBackground = true, Name = "emulated multiprocessor" };
                    workers[i].Start();
                }
                Work();
                foreach (Thread t in workers) t.Join();
            }
        }
        finally
        {
            NativeMemory.AlignedFree(Code);
            Code = null;
        }
        return failure is null ? total : throw failure;

        void Work()
        {
            Block block = new(this);
            try
            {
                while (true)
                {
                    long number = Interlocked.Increment(ref next);
                    if (number >= blocks || number > Volatile.Read(ref failedAt)) break;
                    try
                    {
                        block.Run(number);
                    }
                    catch (EmulatorException e)
                    {
                        lock (gate)
                        {
                            if (number >= failedAt) continue;
                            failedAt = number;
                            failure = e;
                        }
                    }
                }
                lock (gate) total.Add(block.Counters);
            }
            finally
            {
                block.Release();
            }
        }
    }
}
