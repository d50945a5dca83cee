using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>The published C library, and programs that are compiled against it.</summary>
internal static class NativeBuild
{
    private static readonly string[] Tools = ["clang", "gcc", "g++", "nm", "cmake", "pkg-config", "valgrind"];
    private static readonly Lazy<string> Published = new(Publish);

    public static string Project { get; } = Path.Combine(TestData.Root, "src", "A2F.Engine.Native");

    public static string Include => Path.Combine(Project, "include");

    public static string Header => Path.Combine(Include, "a2f.h");

    /// <summary>Sources of the test programs.</summary>
    public static string Sources => TestData.Path("native");

    /// <summary>The folder that holds liba2f.so.</summary>
    public static string Library => Published.Value;

    public static string DefaultModel => Path.Combine(TestData.Root, "weights", "default");

    public static string Sample(string file) => Path.Combine(Project, "samples", file);

    public static string Speech(string file) => Path.Combine(TestData.Root, "samples", file);

    /// <summary>What to publish for: this machine.</summary>
    public static string Rid { get; } = "linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>Why there can be no library here; null where there can be.</summary>
    public static string? Problem { get; } = FindProblem();

    /// <summary>Compiles C or C++ sources into a program that finds the library beside it.</summary>
    public static string Compile(string folder, string name, string[] sources, params string[] options)
    {
        string program = Path.Combine(folder, name), library = Path.Combine(folder, "liba2f.so");
        if (!File.Exists(library)) File.Copy(Path.Combine(Library, "liba2f.so"), library);
        string compiler = sources[0].EndsWith(".cpp", StringComparison.Ordinal) ? "g++" : "gcc";
        Run(compiler, [
            "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", .. options, "-I", Include, .. sources, "-o", program, "-L", folder, "-la2f", "-lm", "-pthread",
            "-Wl,-rpath,$ORIGIN",
        ]);
        return program;
    }

    /// <summary>Runs a program; its output of both kinds. Fails the test where it does not end with 0.</summary>
    public static string Run(string program, string[] arguments, params (string Name, string Value)[] variables)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = TestData.Root };
        foreach ((string name, string value) in variables) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(9)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end");
        }
        string text = output.Result + error.Result;
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{text}");
        return text;
    }

    /// <summary>Runs dotnet, without servers that would outlive it and keep its output open.</summary>
    public static string Dotnet(params string[] arguments) => Run(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [.. arguments, "-nodeReuse:false", "-p:UseSharedCompilation=false"],
        ("MSBUILDDISABLENODEREUSE", "1"), ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"), ("DOTNET_NOLOGO", "1"));

    private static string Publish()
    {
        string folder = Path.Combine(TestData.Root, "artifacts", "native"), library = Path.Combine(folder, "liba2f.so");
        if (!File.Exists(library) || File.GetLastWriteTimeUtc(library) < NewestSource())
            Dotnet("publish", Project, "-c", "Release", "-r", Rid, "-o", folder, "-v", "quiet");
        return folder;
    }

    private static DateTime NewestSource()
    {
        IEnumerable<string> files = ((string[])[Path.Combine(TestData.Root, "src", "A2F.Engine"), Project, Path.Combine(TestData.Root, "kernels")])
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Where(file => Path.GetExtension(file) is ".cs" or ".csproj" or ".cu" or ".cuh" or ".proto" or ".json");
        return files.Append(Path.Combine(TestData.Root, "Directory.Build.props")).Append(Path.Combine(TestData.Root, "Directory.Packages.props"))
            .Max(File.GetLastWriteTimeUtc);
    }

    private static string? FindProblem()
    {
        if (!Directory.Exists(Project)) return "these tests were packed without sources, from which the C library is built";
        if (!OperatingSystem.IsLinux()) return "the C library's tests are for Linux";
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        string[] missing = [.. Tools.Where(tool => !folders.Any(folder => File.Exists(Path.Combine(folder, tool))))];
        if (!File.Exists("/usr/include/zlib.h")) missing = [.. missing, "zlib.h"];
        return missing.Length == 0 || Backends.Cuda.RealCuda.Required
            ? null
            : $"missing: {string.Join(", ", missing)}; tests/run.sh installs them where it may, or: " +
                "apt-get install clang zlib1g-dev gcc g++ cmake pkg-config valgrind";
    }
}

/// <summary>A test that needs the C library.</summary>
internal sealed class NativeFactAttribute : FactAttribute
{
    public NativeFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line) => Skip = NativeBuild.Problem;
}

/// <summary>Cases that need the C library.</summary>
internal sealed class NativeTheoryAttribute : TheoryAttribute
{
    public NativeTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line) => Skip = NativeBuild.Problem;
}
