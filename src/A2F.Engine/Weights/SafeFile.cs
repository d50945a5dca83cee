using System.Security;

namespace A2F.Engine.Weights;

/// <summary>File access whose failures are <see cref="A2FException"/>s, and writing that leaves a whole file or none.</summary>
internal static class SafeFile
{
    /// <summary>Opens an existing file for shared reading.</summary>
    public static FileStream OpenRead(string path)
    {
        if (Directory.Exists(path)) throw new A2FException(A2FErrorCode.FileNotFound, $"'{path}' is a folder, a file was expected");
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (IsSystemRefusal(e))
        {
            throw Refused(path, "read", e);
        }
    }

    /// <summary>Reads a text-sized file; more than <paramref name="limit"/> bytes are refused before any are read.</summary>
    public static byte[] ReadSmall(string path, int limit)
    {
        using FileStream stream = OpenRead(path);
        try
        {
            if (stream.Length > limit)
                throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: expected at most {limit} bytes, found {stream.Length}");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (IsSystemRefusal(e))
        {
            throw Refused(path, "read", e);
        }
    }

    /// <summary>
    /// Writes a temporary neighbour of <paramref name="path"/> and moves it into place: readers see the old file or the whole new one.
    /// </summary>
    public static void WriteWhole(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            TryDelete(temporary);
            if (IsSystemRefusal(e)) throw Refused(path, "written", e);
            throw;
        }
    }

    /// <summary>Whether the operating system, not our code, said no.</summary>
    public static bool IsSystemRefusal(Exception e) =>
        e is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException;

    /// <summary>The exception for a file that the system would not read or write.</summary>
    public static A2FException Refused(string path, string verb, Exception e) =>
        e is FileNotFoundException or DirectoryNotFoundException && verb != "written"
            ? new A2FException(A2FErrorCode.FileNotFound, $"'{path}' does not exist", e)
            : new A2FException(A2FErrorCode.Io, $"'{path}' could not be {verb}: {e.Message}", e);

    /// <summary>Deletes a temporary folder, when it is still there and the system lets go of it.</summary>
    public static void TryDeleteFolder(string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (IsSystemRefusal(e))
        {
            // Left over files harm nobody; what happened before is the one to report.
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (IsSystemRefusal(e))
        {
            // The first failure is the one to report.
        }
    }
}
