using A2F.CudaEmulator.Execution;
using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator;

/// <summary>A GPU that runs on the CPU: its limits, its memory, and synchronous launches.</summary>
public sealed unsafe class EmulatedDevice : IDisposable
{
    /// <param name="architecture">sm_75, sm_80, sm_86, sm_89 or sm_90: which device's limits to keep.</param>
    /// <param name="threads">How many blocks run at once; 0 for one a processor.</param>
    /// <exception cref="EmulatorException">NotFound for another architecture.</exception>
    public EmulatedDevice(string architecture = "sm_86", int threads = 0) : this(architecture, threads, DeviceHeap.FirstAddressOf(0))
    {
    }

    internal EmulatedDevice(string architecture, int threads, ulong firstAddress)
    {
        Heap = new DeviceHeap(firstAddress);
        (int sm, int count, int warps, int sharedOptIn, int sharedTotal) = architecture switch
        {
            "sm_75" => (75, 40, 32, 64, 64),
            "sm_80" => (80, 108, 64, 163, 164),
            "sm_86" => (86, 82, 48, 99, 100),
            "sm_89" => (89, 128, 48, 99, 100),
            "sm_90" => (90, 132, 64, 227, 228),
            _ => throw new EmulatorException(EmulatorErrorKind.NotFound,
                $"no device {architecture}; there are sm_75, sm_80, sm_86, sm_89, sm_90"),
        };
        (ComputeCapability, MultiprocessorCount, MaxWarpsPerMultiprocessor) = (sm, count, warps);
        (MaxSharedBytesPerBlock, MaxSharedBytesPerBlockOptIn, SharedBytesPerMultiprocessor) = (48 * 1024, sharedOptIn * 1024,
            sharedTotal * 1024);
        Threads = threads > 0 ? threads : Environment.ProcessorCount;
    }

    /// <summary>Major times ten plus minor.</summary>
    public int ComputeCapability { get; }

    /// <summary>Streaming multiprocessors of the device that it stands for.</summary>
    public int MultiprocessorCount { get; }

    /// <summary>Resident warps a multiprocessor.</summary>
    public int MaxWarpsPerMultiprocessor { get; }

    /// <summary>Shared memory a block may use without asking.</summary>
    public int MaxSharedBytesPerBlock { get; }

    /// <summary>Shared memory a block may use at most.</summary>
    public int MaxSharedBytesPerBlockOptIn { get; }

    /// <summary>Shared memory of a multiprocessor.</summary>
    public int SharedBytesPerMultiprocessor { get; }

    /// <summary>Threads a block at most.</summary>
    public int MaxThreadsPerBlock => 1024;

    /// <summary>Blocks that run at once on the CPU.</summary>
    public int Threads { get; }

    /// <summary>Bytes allocated and not freed.</summary>
    public long LiveBytes => Heap.LiveBytes;

    /// <summary>Allocations not freed, the variables of modules included.</summary>
    public int LiveAllocations => Heap.LiveCount;

    /// <summary>After how many slices of 65536 instructions a warp is taken to hang.</summary>
    public long TimeSliceLimit { get; set; } = 1 << 20;

    internal DeviceHeap Heap { get; }

    /// <summary>Reserves device memory, its contents unwritten; the address is a multiple of 512 and never used again.</summary>
    public ulong Allocate(long bytes, string name = "allocation")
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return Heap.Allocate(bytes, name).Base;
    }

    /// <summary>Gives memory back; any later use of it is an error.</summary>
    /// <exception cref="EmulatorException">NotFound or UseAfterFree.</exception>
    public void Free(ulong address) => Heap.Free(address);

    /// <summary>Copies into device memory.</summary>
    /// <exception cref="EmulatorException">OutOfBounds or UseAfterFree.</exception>
    public void Write(ulong address, ReadOnlySpan<byte> data)
    {
        Allocation a = Range(address, data.Length, "write");
        data.CopyTo(new Span<byte>(a.Data + (address - a.Base), data.Length));
        a.MarkWritten((long)(address - a.Base), data.Length);
    }

    /// <summary>Copies out of device memory.</summary>
    /// <exception cref="EmulatorException">OutOfBounds, UseAfterFree, or UninitialisedRead where nobody wrote.</exception>
    public void Read(ulong address, Span<byte> data)
    {
        Allocation a = Range(address, data.Length, "read");
        long offset = (long)(address - a.Base);
        int unwritten = a.Complete ? -1 : new ReadOnlySpan<byte>(a.Shadow + offset, data.Length).IndexOf((byte)0);
        if (unwritten >= 0)
            throw new EmulatorException(EmulatorErrorKind.UninitialisedRead,
                $"read: byte {unwritten} of {data.Length} at 0x{address:x} in {a.Name} was never written")
            {
                Address = address + (ulong)unwritten,
            };
        new ReadOnlySpan<byte>(a.Data + offset, data.Length).CopyTo(data);
    }

    /// <summary>Runs a kernel to its end.</summary>
    /// <param name="kernel">From a module loaded on this device.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads a block.</param>
    /// <param name="dynamicSharedBytes">Shared memory beyond what the kernel declares.</param>
    /// <param name="parameters">The parameter block, laid out as the kernel declares.</param>
    /// <exception cref="EmulatorException">Whatever the kernel did wrong, or limits that the launch exceeds.</exception>
    public LaunchCounters Launch(PtxKernel kernel, Dim3 grid, Dim3 block, int dynamicSharedBytes, ReadOnlySpan<byte> parameters) =>
        Launch(kernel, grid, block, dynamicSharedBytes, parameters, null);

    internal LaunchCounters Launch(
        PtxKernel kernel, Dim3 grid, Dim3 block, int dynamicSharedBytes, ReadOnlySpan<byte> parameters, AccessRecorder? recorder)
    {
        CheckLaunch(kernel, grid, block, dynamicSharedBytes, parameters.Length);
        byte[] pinned = GC.AllocateUninitializedArray<byte>(parameters.Length, pinned: true);
        parameters.CopyTo(pinned);
        return new Launch
        {
            Device = this,
            Program = kernel.Program,
            GridSize = grid,
            BlockSize = block,
            DynamicSharedBytes = dynamicSharedBytes,
            Parameters = pinned,
            TimeSliceLimit = TimeSliceLimit,
            Recorder = recorder,
        }.Run(Threads);
    }

    /// <summary>Releases all memory.</summary>
    public void Dispose() => Heap.ReleaseAll();

    /// <summary>Refuses a launch that the device can't run.</summary>
    internal void CheckLaunch(PtxKernel kernel, Dim3 grid, Dim3 block, int dynamicSharedBytes, int parameterBytes)
    {
        if (parameterBytes != kernel.ParameterBytes)
            throw Refuse(EmulatorErrorKind.ParameterSize, kernel,
                $"its parameters take {kernel.ParameterBytes} bytes, {parameterBytes} were given");
        if (grid.X < 1 || grid.Y is < 1 or > 65535 || grid.Z is < 1 or > 65535)
            throw Refuse(EmulatorErrorKind.LaunchLimits, kernel, $"a grid of {grid}");
        if (block.X is < 1 or > 1024 || block.Y is < 1 or > 1024 || block.Z is < 1 or > 64 || block.Count > MaxThreadsPerBlock)
            throw Refuse(EmulatorErrorKind.LaunchLimits, kernel, $"a block of {block}; at most {MaxThreadsPerBlock} threads");
        int most = kernel.Program.Function.MaxThreads;
        if (most > 0 && block.Count > most)
            throw Refuse(EmulatorErrorKind.LaunchLimits, kernel, $"{block.Count} threads a block; it declares at most {most}");
        int shared = kernel.StaticSharedBytes + dynamicSharedBytes;
        if (dynamicSharedBytes < 0 || shared > MaxSharedBytesPerBlockOptIn)
            throw Refuse(EmulatorErrorKind.LaunchLimits, kernel,
                $"{shared} bytes of shared memory; a block has at most {MaxSharedBytesPerBlockOptIn}");
    }

    private static EmulatorException Refuse(EmulatorErrorKind kind, PtxKernel kernel, string problem) =>
        new(kind, $"{kind}: launch of {kernel.Name}: {problem}") { Kernel = kernel.Name };

    private Allocation Range(ulong address, long bytes, string what)
    {
        Allocation? a = Heap.Find(address);
        if (a is null || (long)(address - a.Base) + bytes > a.Bytes)
            throw new EmulatorException(EmulatorErrorKind.OutOfBounds,
                $"{what}: {bytes} bytes at 0x{address:x} lie in no allocation")
            { Address = address };
        return a.Live ? a : throw new EmulatorException(EmulatorErrorKind.UseAfterFree,
            $"{what}: 0x{address:x} lies in {a.Name}, which was freed")
        { Address = address };
    }
}
