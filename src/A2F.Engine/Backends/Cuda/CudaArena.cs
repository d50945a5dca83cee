using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// Device memory that is handed out piece by piece and given back as a whole. The first block has the size that a plan has found, so a model
/// is one allocation; what does not fit gets a block of its own. On the emulator every piece is a block, so that a write beyond one is seen.
/// </summary>
internal sealed class CudaArena(CudaContext context, long firstBlock, bool separate) : IDisposable
{
    private const int Alignment = 256;
    private readonly List<CudaDeviceVariable<byte>> _blocks = [];
    private ulong _next;
    private long _left;

    /// <summary>Bytes allocated.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Allocations made on the device.</summary>
    internal int Blocks => _blocks.Count;

    /// <summary>What a piece takes of a block.</summary>
    internal static long Rounded(long bytes) => (Math.Max(bytes, 1) + Alignment - 1) / Alignment * Alignment;

    /// <summary>Memory of this many bytes, aligned to 256, that holds anything.</summary>
    internal ulong Take(long bytes)
    {
        long rounded = Rounded(bytes);
        if (separate) return Add(bytes).Pointer.Value;
        if (rounded > _left)
        {
            CudaDeviceVariable<byte> block = Add(_blocks.Count == 0 ? Math.Max(firstBlock, rounded) : rounded);
            (_next, _left) = (block.Pointer.Value, block.Length);
        }
        ulong address = _next;
        (_next, _left) = (_next + (ulong)rounded, _left - rounded);
        return address;
    }

    private CudaDeviceVariable<byte> Add(long bytes)
    {
        CudaDeviceVariable<byte> block = new(context, Math.Max(bytes, 1));
        _blocks.Add(block);
        Bytes += block.Length;
        return block;
    }

    public void Dispose()
    {
        foreach (CudaDeviceVariable<byte> block in _blocks) block.Dispose();
        _blocks.Clear();
    }
}
