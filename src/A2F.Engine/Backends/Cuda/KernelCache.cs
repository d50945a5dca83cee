using System.Buffers;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Weights;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// A folder of modules that NVRTC compiled before: one file each, named by the SHA-256 of its description. Any number of processes may use
/// the folder at once. Whatever goes wrong with it is a miss or a module that is not kept, never an error.
/// </summary>
internal sealed class KernelCache
{
    /// <summary>Names the folder; "off" for none.</summary>
    internal const string Variable = "A2F_KERNEL_CACHE";

    /// <summary>What the files of the folder may take together.</summary>
    internal const long DefaultLimitBytes = 256L << 20;

    // The folder is counted after each sixteenth of the limit that this process wrote, so it exceeds the limit by that much at most.
    private const int CountsPerLimit = 16;
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    private static readonly TimeSpan UsedAgain = TimeSpan.FromDays(1), AbandonedAfter = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly long _limit;
    private long _uncounted;

    internal KernelCache(string folder, long limitBytes = DefaultLimitBytes)
    {
        Folder = folder;
        _limit = _uncounted = limitBytes; // so the first module makes it count
    }

    /// <summary>Where the files are.</summary>
    internal string Folder { get; }

    /// <summary>The user's cache; null where it is switched off or the user has no folder for it.</summary>
    internal static KernelCache? Default() =>
        DefaultFolder(Environment.GetEnvironmentVariable, OperatingSystem.IsWindows()) is { } folder ? new KernelCache(folder) : null;

    /// <summary>The folder of <see cref="Default"/> under the given environment.</summary>
    internal static string? DefaultFolder(Func<string, string?> variable, bool windows)
    {
        string? asked = variable(Variable);
        if (!string.IsNullOrEmpty(asked)) return asked == "off" ? null : Path.GetFullPath(asked);
        string? root = variable(windows ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
        // A relative XDG_CACHE_HOME counts as none, as its specification says.
        if (!windows && !Path.IsPathRooted(root)) root = variable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".cache") : null;
        return string.IsNullOrEmpty(root) ? null : Path.Combine(root, "a2f-engine", "kernels");
    }

    /// <summary>The module that this version of NVRTC made of this identity; null if it is not there, or not whole.</summary>
    internal KernelImage? TryRead(KernelIdentity identity, Version nvrtc)
    {
        string description = identity.Description(nvrtc), path = PathOf(description);
        if (KernelFile.TryRead(path) is not { } file || file.Description != description) return null;
        Touch(path);
        return new KernelImage(file.Image, identity.Ptx, identity.Architecture, file.Log, KernelOrigin.Cache);
    }

    /// <summary>Keeps a module, and deletes the oldest ones where there are too many.</summary>
    internal void Store(KernelIdentity identity, Version nvrtc, CompiledKernels compiled)
    {
        string description = identity.Description(nvrtc);
        try
        {
            MakeFolder();
            new KernelFile(description, compiled.Log, compiled.Image).Write(PathOf(description));
            Wrote(compiled.Image.Length);
        }
        catch (Exception e) when (e is A2FException || SafeFile.IsSystemRefusal(e))
        {
            // Read-only, full, or replaced under our hands: the next process compiles again.
        }
    }

    /// <summary>The file of a module.</summary>
    internal string PathOf(string description) => Path.Combine(Folder, KernelIdentity.Hash(description) + KernelFile.Extension);

    private void MakeFolder()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(Folder);
        // What a GPU will execute is nobody else's to write.
        else Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    // A module in use stays young; once a day is enough, and spares the disk.
    private static void Touch(string path)
    {
        try
        {
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > UsedAgain) File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception e) when (SafeFile.IsSystemRefusal(e))
        {
            // It may be pruned earlier than it deserves.
        }
    }

    private void Wrote(long bytes)
    {
        lock (_lock)
        {
            _uncounted += bytes;
            if (_uncounted < _limit / CountsPerLimit) return;
            _uncounted = 0;
            Prune();
        }
    }

    // Other processes may prune at the same time: files that are gone count as deleted.
    private void Prune()
    {
        List<FileInfo> modules = [];
        foreach (FileInfo file in new DirectoryInfo(Folder).EnumerateFiles($"*{KernelFile.Extension}*"))
        {
            if (!IsOurs(file.Name) || !file.Exists) continue;
            if (file.Name.EndsWith(KernelFile.Extension, StringComparison.Ordinal)) modules.Add(file);
            else if (DateTime.UtcNow - file.LastWriteTimeUtc > AbandonedAfter) Delete(file);
        }
        long total = modules.Sum(file => file.Length);
        foreach (FileInfo file in modules.OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal))
        {
            if (total <= _limit) return;
            total -= file.Length;
            Delete(file);
        }
    }

    // The folder may be one that holds other things: A2F_KERNEL_CACHE can name any.
    private static bool IsOurs(string name) =>
        name.Length >= 64 + KernelFile.Extension.Length
        && name.AsSpan(64).StartsWith(KernelFile.Extension, StringComparison.Ordinal)
        && name.AsSpan(0, 64).IndexOfAnyExcept(HexDigits) < 0;

    private static void Delete(FileInfo file)
    {
        try
        {
            file.Delete();
        }
        catch (Exception e) when (SafeFile.IsSystemRefusal(e))
        {
            // In use on a system that forbids it; the next count comes.
        }
    }
}
