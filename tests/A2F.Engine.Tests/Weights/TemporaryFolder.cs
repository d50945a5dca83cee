namespace A2F.Engine.Tests.Weights;

/// <summary>A folder that vanishes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("a2f-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, byte[] bytes)
    {
        System.IO.File.WriteAllBytes(File(name), bytes);
        return File(name);
    }

    /// <summary>Copies the files of a folder into this one.</summary>
    public TemporaryFolder With(string source)
    {
        foreach (string file in Directory.GetFiles(source)) System.IO.File.Copy(file, File(System.IO.Path.GetFileName(file)));
        return this;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
