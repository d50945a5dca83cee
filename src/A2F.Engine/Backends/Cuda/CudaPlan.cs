namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// Takes note of the memory and the launches of a network without a device: what its kernels are, how much memory it takes, what a run
/// costs. Addresses are made up.
/// </summary>
internal sealed unsafe class CudaPlan(int architecture, int multiprocessors) : CudaWorker
{
    private const ulong FirstAddress = 1 << 20;
    private readonly List<KernelLaunch> _launches = [];
    private readonly HashSet<KernelSpec> _kernels = [];
    private int _multiprocessors = multiprocessors;
    private float[] _fetched = []; // zeros

    internal override string Name => $"plan for sm_{Architecture}";

    internal override int Architecture => architecture;

    internal override int Multiprocessors => _multiprocessors;

    /// <summary>Goes on as if the device had so many multiprocessors.</summary>
    internal void Assume(int count) => _multiprocessors = count;

    internal override long Bytes => ArenaBytes;

    /// <summary>Bytes of all memory, each piece rounded up as <see cref="CudaArena"/> does.</summary>
    internal long ArenaBytes { get; private set; }

    /// <summary>Launches noted since <see cref="Forget"/>, in order.</summary>
    internal IReadOnlyList<KernelLaunch> Launches => _launches;

    /// <summary>Every kernel that was launched, once.</summary>
    internal IReadOnlyCollection<KernelSpec> Kernels => _kernels;

    /// <summary>Forgets the launches, not the kernels.</summary>
    internal void Forget() => _launches.Clear();

    internal override ulong Allocate(long bytes, bool zeroed)
    {
        ulong address = FirstAddress + (ulong)ArenaBytes;
        ArenaBytes += CudaArena.Rounded(bytes);
        return address;
    }

    internal override ulong AllocateExchange(long floats) => Allocate(floats * sizeof(float), zeroed: true);

    internal override void Upload(ulong target, ReadOnlySpan<byte> data)
    {
    }

    internal override void Download(ulong source, Span<byte> data) => data.Clear();

    internal override void Write(ulong target, ReadOnlySpan<float> values)
    {
    }

    internal override void Read(ulong source, Span<float> values) => values.Clear();

    internal override ReadOnlySpan<float> Fetch(ulong source, int floats)
    {
        if (_fetched.Length < floats) _fetched = new float[floats];
        return _fetched.AsSpan(0, floats);
    }

    internal override void Launch(in KernelLaunch launch, void** arguments)
    {
        _launches.Add(launch);
        _kernels.Add(launch.Kernel);
    }

    internal override bool HasBlas => true;

    internal override void Product(in BlasProduct product)
    {
    }

    internal override float Time(Action work)
    {
        work();
        return 0;
    }

    internal override void Replay(int key, Action body) => body();

    internal override void BeginBranch()
    {
    }

    internal override void EndBranch()
    {
    }

    internal override void JoinBranch()
    {
    }

    public override void Dispose()
    {
    }
}
