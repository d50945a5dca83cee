namespace A2F.Engine.Cli.Output;

/// <summary>Result files: they appear whole or not at all.</summary>
internal static class OutputFile
{
    /// <summary>Finds out, before long work, that a file could not be written.</summary>
    /// <exception cref="A2FException">The path is a folder, in no folder, or one of the inputs.</exception>
    public static void CheckWritable(string path, params string[] inputs)
    {
        if (path.Length == 0) throw new UsageException("the output's path is empty");
        if (Directory.Exists(path)) throw new A2FException(A2FErrorCode.Io, $"'{path}' is a folder; a file to write was expected");
        string full = Path.GetFullPath(path), folder = Path.GetDirectoryName(full) ?? full;
        if (!Directory.Exists(folder))
            throw new A2FException(A2FErrorCode.FileNotFound, $"'{path}' cannot be written: there is no folder '{folder}'");
        if (inputs.Any(input => Path.GetFullPath(input) == full))
            throw new A2FException(A2FErrorCode.InvalidArgument, $"'{path}' is the input; name another file to write");
    }

    /// <summary>Writes a neighbour of the file, then moves it into place.</summary>
    /// <exception cref="A2FException">The system refused.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write)) write(stream);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new A2FException(A2FErrorCode.Io, $"'{path}' could not be written: {e.Message}", e);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
