using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace A2F.Engine.Weights;

/// <summary>
/// A whole file mapped for reading. Memory handed out lives until <see cref="Dispose"/>: later use throws, and a span taken before must
/// not be used after. The file must not shrink while it is mapped.
/// </summary>
internal sealed unsafe partial class MappedFile : IDisposable
{
    /// <summary>MADV_DONTNEED: on a shared map of a file it drops this process's use of the pages, never their content.</summary>
    private const int DontNeed = 4;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private MappedFile(string path, FileStream stream)
    {
        Path = path;
        Length = stream.Length;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _start = start + _view.PointerOffset;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Maps a file of at least <paramref name="minimumLength"/> bytes, 1 or more.</summary>
    public static MappedFile Open(string path, int minimumLength)
    {
        FileStream stream = SafeFile.OpenRead(path);
        try
        {
            if (stream.Length < minimumLength)
                throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: expected at least {minimumLength} bytes, found {stream.Length}");
            return new MappedFile(path, stream);
        }
        catch (Exception e)
        {
            stream.Dispose();
            if (SafeFile.IsSystemRefusal(e)) throw SafeFile.Refused(path, "mapped", e);
            throw;
        }
    }

    /// <summary>Bytes of the file.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int length)
    {
        CheckOpen();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, Length);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    /// <summary>A view of values in the file; the range has been checked.</summary>
    public ReadOnlyMemory<T> View<T>(long offset, int count) where T : unmanaged => new Window<T>(this, offset, count).Memory;

    /// <summary>
    /// Tells the system that the pages read so far may leave this process's memory; they come back from the file when they are read
    /// again. On Linux only; elsewhere the system finds out by itself.
    /// </summary>
    public void ReleasePages()
    {
        CheckOpen();
        if (OperatingSystem.IsLinux()) _ = Madvise(_start - _view.PointerOffset, (nuint)(Length + _view.PointerOffset), DontNeed);
    }

    public void Dispose()
    {
        if (_start == null) return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Madvise(void* start, nuint length, int advice);

    private void CheckOpen()
    {
        if (_start == null)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"{Path} has been closed; keep its model or file object alive while its data is used");
        }
    }

    /// <summary>Keeps the map reachable, so that it is not collected while views are.</summary>
    private sealed class Window<T>(MappedFile map, long offset, int count) : MemoryManager<T> where T : unmanaged
    {
        public override Span<T> GetSpan()
        {
            map.CheckOpen();
            return new Span<T>(map._start + offset, count);
        }

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            map.CheckOpen();
            return new MemoryHandle((T*)(map._start + offset) + elementIndex);
        }

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
