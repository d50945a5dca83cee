using A2F.Engine.Cli;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

/// <summary>The tool, called in this process.</summary>
internal static class Tool
{
    public static string Fixture(string name) => TestData.Path($"fixtures/{name}");

    public static string Sample(string name) => Path.Combine(TestData.Root, "samples", name);

    public static (int Code, string Out, string Error) Run(params string[] args) => RunUntil(TestContext.Current.CancellationToken, args);

    public static (int Code, string Out, string Error) RunUntil(CancellationToken cancel, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = CommandLine.Run(args, output, error, interactive: false, cancel);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>A call that must succeed in silence; gives standard output.</summary>
    public static string Succeed(params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.True(code == 0 && error.Length == 0, $"a2f {string.Join(' ', args)}: exit code {code}, {error}");
        return output;
    }

    /// <summary>A call that must fail with this code and one line, which holds all of the given texts.</summary>
    public static void Fail(int code, string[] args, params string[] texts)
    {
        (int found, string output, string error) = Run(args);
        Assert.True(code == found, $"a2f {string.Join(' ', args)}: expected exit code {code}, found {found}: {error}");
        Assert.Equal("", output);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Equal(error.Length - Environment.NewLine.Length, error.IndexOf(Environment.NewLine, StringComparison.Ordinal));
        foreach (string text in texts) Assert.Contains(text, error, StringComparison.Ordinal);
    }

    public static NdArray Read(string path, string array)
    {
        using NpzFile file = NpzFile.Open(path);
        return file.Read(array);
    }
}
