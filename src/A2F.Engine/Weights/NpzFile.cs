namespace A2F.Engine.Weights;

/// <summary>A numpy .npz archive opened for reading; entries are decoded when asked for.</summary>
public sealed class NpzFile : IDisposable
{
    /// <summary>Opens an archive and reads its directory.</summary>
    /// <exception cref="A2FException">The file is missing, unreadable or no zip archive.</exception>
    public static NpzFile Open(string path) => throw new NotImplementedException(path);

    /// <summary>Array names, without ".npy", in file order.</summary>
    public IReadOnlyList<string> Names => throw new NotImplementedException();

    /// <summary>Whether the archive holds an array of this name.</summary>
    public bool Contains(string name) => throw new NotImplementedException(name);

    /// <summary>Decodes one array into C order.</summary>
    /// <exception cref="A2FException">No such array, a corrupt entry, or an element type that is not supported.</exception>
    public NdArray Read(string name) => throw new NotImplementedException(name);

    /// <summary>Writes an archive; the file appears whole or not at all.</summary>
    public static void Write(string path, IEnumerable<KeyValuePair<string, NdArray>> arrays, bool compress = false) =>
        throw new NotImplementedException(path);

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
