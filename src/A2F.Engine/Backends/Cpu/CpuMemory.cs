using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cpu;

/// <summary>
/// Aligned, zeroed float buffers with a guard band on either side, freed together. <see cref="VerifyGuards"/> finds writes outside a buffer.
/// </summary>
internal sealed unsafe partial class CpuMemory : IDisposable
{
    /// <summary>Buffers of at least this many bytes ask Linux for huge pages: fewer faults while loading, fewer TLB misses after.</summary>
    private const nuint HugeBytes = 4 << 20;
    private const nuint HugePage = 2 << 20;
    private const int AdviseHugePages = 14; // MADV_HUGEPAGE

    private const int GuardFloats = 16; // one cache line, so buffers stay 64-byte aligned
    private const uint GuardBits = 0x7FA5A5A5; // a NaN: reading it shows in results
    private readonly List<(NativeBlock Block, long Floats)> _blocks = [];

    /// <summary>Bytes in use, guards included.</summary>
    internal long Bytes { get; private set; }

    /// <summary>A zeroed buffer of at least one element, 64-byte aligned.</summary>
    /// <exception cref="A2FException">Memory ran out.</exception>
    internal float* Allocate(long floats)
    {
        long padded = (Math.Max(floats, 1) + 15) / 16 * 16;
        nuint bytes = (nuint)((padded + 2 * GuardFloats) * sizeof(float));
        NativeBlock memory = NativeHeap.Allocate(bytes, bytes < HugeBytes ? 64 : HugePage);
        float* block = (float*)memory.Address;
        // Only advice: where the system does not take it, pages are small. Memory of a program's own allocator is left as it is.
        if (bytes >= HugeBytes && memory.Hook is null && OperatingSystem.IsLinux()) _ = Madvise(block, bytes / HugePage * HugePage, AdviseHugePages);
        float* data = block + GuardFloats;
        NativeMemory.Clear(data, (nuint)(padded * sizeof(float)));
        new Span<uint>(block, GuardFloats).Fill(GuardBits);
        new Span<uint>(data + padded, GuardFloats).Fill(GuardBits);
        _blocks.Add((memory, padded));
        Bytes += (long)bytes;
        return data;
    }

    /// <summary>Throws if anything was written outside a buffer.</summary>
    internal void VerifyGuards()
    {
        foreach ((NativeBlock block, long floats) in _blocks)
        {
            uint* before = (uint*)block.Address;
            uint* after = before + GuardFloats + floats;
            for (int i = 0; i < GuardFloats; i++)
            {
                if (before[i] != GuardBits || after[i] != GuardBits)
                    throw new A2FException(A2FErrorCode.Internal, $"a buffer of {floats:N0} floats was overrun near element {i}");
            }
        }
    }

    /// <summary>Frees every buffer.</summary>
    public void Dispose()
    {
        foreach ((NativeBlock block, _) in _blocks) block.Free();
        _blocks.Clear();
        Bytes = 0;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Madvise(void* start, nuint length, int advice);
}
