namespace A2F.CudaEmulator.Driver;

/// <summary>
/// The CUDA driver's exports, run by the emulator: what a driver table is filled with where there is no GPU. Five devices, one of each
/// architecture from sm_75 to sm_90. Modules are PTX only. After an error, cuGetErrorString says what the emulator found: kernel, PTX
/// line, lane. Its settings and books belong to the process: tests that use them run one at a time.
/// </summary>
public static unsafe partial class EmulatedDriver
{
    private const int Version = 12020;
    private static readonly Dictionary<string, nint> Exports = new(StringComparer.Ordinal);

    static EmulatedDriver()
    {
        AddDevices();
        AddContexts();
        AddMemory();
        AddStreams();
        AddGraphs();
        AddModules();
    }

    /// <summary>The address of a driver function, or 0 where the emulator does not have it.</summary>
    public static nint Find(string symbol) => Exports.GetValueOrDefault(symbol);

    /// <summary>The architectures of the devices, by number.</summary>
    public static IReadOnlyList<string> Architectures => Machine.Architectures;

    /// <summary>The number of the device of an architecture such as sm_86, or -1.</summary>
    public static int DeviceOf(string architecture) => Array.IndexOf(Machine.Architectures, architecture);

    /// <summary>When queued work runs. To be changed when nothing is queued; eager at first.</summary>
    public static WorkOrder Order
    {
        get
        {
            lock (Machine.Gate) return WorkQueue.Order;
        }
        set
        {
            lock (Machine.Gate) WorkQueue.Order = value;
        }
    }

    /// <summary>Where work that runs is noted down; null, as at first, for nowhere.</summary>
    public static Timeline? Trace
    {
        get => Recorded;
        set
        {
            lock (Machine.Gate) Recorded = value;
        }
    }

    internal static Timeline? Recorded { get; private set; }

    /// <summary>Driver calls of all threads so far. cuGetErrorName and cuGetErrorString are not counted, and never fail.</summary>
    public static long Calls
    {
        get
        {
            lock (Machine.Gate) return Faults.Calls;
        }
    }

    /// <summary>The function whose call was made to fail last since the last <see cref="FailCall"/> or <see cref="FailEvery"/>.</summary>
    public static string? FailedCall
    {
        get
        {
            lock (Machine.Gate) return Faults.LastFailed;
        }
    }

    /// <summary>
    /// Makes one driver call fail. It has no effect, except that functions which release something do that all the same. An error that
    /// breaks a context on a GPU, such as 700, breaks the current one.
    /// </summary>
    /// <param name="n">The call that fails, counted from now: 1 is the next.</param>
    /// <param name="result">The CUresult that it returns.</param>
    /// <param name="function">Counts only calls of this function, named without version suffix: cuMemAlloc.</param>
    public static void FailCall(long n, int result, string? function = null)
    {
        lock (Machine.Gate) Faults.Set(n, true, result, function);
    }

    /// <summary>Makes every n-th driver call fail, until <see cref="FailNone"/>; else as <see cref="FailCall"/>.</summary>
    public static void FailEvery(long n, int result, string? function = null)
    {
        lock (Machine.Gate) Faults.Set(n, false, result, function);
    }

    /// <summary>No further call is made to fail.</summary>
    public static void FailNone()
    {
        lock (Machine.Gate) Faults.Clear();
    }

    /// <summary>What is alive on a device, by its number.</summary>
    public static EmulatorBooks Books(int device)
    {
        lock (Machine.Gate)
        {
            EmulatedDevice memory = Machine.Device(device);
            int Count<T>()
                where T : Resource => Machine.On<T>(device).Count();
            return new EmulatorBooks(memory.LiveBytes, memory.LiveAllocations, Machine.On<PinnedMemory>(device).Sum(p => p.Bytes),
                Count<PinnedMemory>(), Count<Stream>(), Count<Event>(), Count<Module>(), Count<Graph>(), Count<GraphExec>(),
                Machine.On<Context>(device).Sum(c => Math.Max(c.Retained, 1)), Machine.Depth);
        }
    }
}
