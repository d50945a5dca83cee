namespace A2F.Engine.Tests;

/// <summary>Paths of the repository and of recorded test data.</summary>
internal static class TestData
{
    /// <summary>The repository root: the nearest folder above the test binaries that holds A2F.Engine.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The full path of something under tests/data.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, "tests", "data", relative);

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "A2F.Engine.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"no A2F.Engine.sln above {AppContext.BaseDirectory}");
    }
}
