using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>The NuGet package: what is in it, and that a trimmed, natively compiled program runs with it.</summary>
public sealed class PackageTests : IDisposable
{
    private const string Consumer = """
        using A2F.Engine;
        using A2F.Engine.Audio;
        using A2F.Engine.Runtime;

        using RegressionModel model = RegressionModel.Load(args[0], new ModelOptions { Device = "cpu" });
        using CharacterGroup group = CharacterGroup.Create(model);
        Character character = group.Add();
        character.Push(AudioFile.LoadWav(args[1]).Samples.Span);
        character.EndAudio();
        group.Tick();
        System.Console.WriteLine($"{character.FramesMade} frames");
        """;

    private readonly TemporaryFolder _folder = new();

    [NativeFact]
    public void It_holds_the_library_and_a_native_program_runs_with_it()
    {
        string packages = _folder.File("packages"), library = Path.Combine(TestData.Root, "src", "A2F.Engine");
        // tests/run.sh has built it; a version of its own, so that no cache knows the package.
        bool built = ((string[])["net9.0", "net10.0"]).All(f => File.Exists(Path.Combine(library, "bin", "Release", f, "A2F.Engine.dll")));
        NativeBuild.Dotnet(
            ["pack", library, "-c", "Release", "-o", packages, "-v", "quiet", $"-p:PackageVersion=0.1.0-test{Environment.ProcessId}", .. built ? ["--no-build"] : (string[])[]]);
        string package = Assert.Single(Directory.GetFiles(packages, "*.nupkg")), symbols = Assert.Single(Directory.GetFiles(packages, "*.snupkg"));
        CheckEntries(package, symbols);

        string project = Directory.CreateDirectory(_folder.File("consumer")).FullName;
        File.WriteAllText(Path.Combine(project, "Program.cs"), Consumer);
        File.WriteAllText(Path.Combine(project, "Directory.Build.props"), "<Project />"); // none of this repository's
        File.WriteAllText(Path.Combine(project, "consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net9.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <PublishAot>true</PublishAot>
                <TrimMode>full</TrimMode>
                <TrimmerSingleWarn>false</TrimmerSingleWarn>
                <InvariantGlobalization>true</InvariantGlobalization>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <RestoreAdditionalProjectSources>{packages}</RestoreAdditionalProjectSources>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="A2F.Engine" Version="{Path.GetFileNameWithoutExtension(package)["A2F.Engine.".Length..]}" />
              </ItemGroup>
            </Project>
            """);
        string output = _folder.File("out"), cached = CachedPackage(package);
        NativeBuild.Dotnet("publish", project, "-c", "Release", "-r", NativeBuild.Rid, "-o", output, "-v", "quiet");
        Assert.StartsWith(
            "361 frames", NativeBuild.Run(Path.Combine(output, "consumer"), [NativeBuild.DefaultModel, NativeBuild.Speech("hello.wav")]), StringComparison.Ordinal);
        Directory.Delete(cached, recursive: true);
    }

    private static string CachedPackage(string package)
    {
        string home = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return Path.Combine(home, "a2f.engine", Path.GetFileNameWithoutExtension(package)["A2F.Engine.".Length..]);
    }

    private static void CheckEntries(string package, string symbols)
    {
        using ZipArchive archive = ZipFile.OpenRead(package), symbolArchive = ZipFile.OpenRead(symbols);
        string[] frameworks = ["net10.0", "net9.0"];
        Assert.Equal(
            [.. frameworks.SelectMany(f => (string[])[$"lib/{f}/A2F.Engine.dll", $"lib/{f}/A2F.Engine.xml"]).Order(StringComparer.Ordinal)],
            [.. archive.Entries.Select(e => e.FullName).Where(n => n.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)]);
        Assert.NotNull(archive.GetEntry("README.md"));
        foreach (string framework in frameworks)
        {
            Assert.NotNull(symbolArchive.GetEntry($"lib/{framework}/A2F.Engine.pdb"));
            using MemoryStream bytes = new();
            using (Stream entry = archive.GetEntry($"lib/{framework}/A2F.Engine.dll")!.Open()) entry.CopyTo(bytes);
            bytes.Position = 0;
            using PEReader image = new(bytes);
            MetadataReader metadata = image.GetMetadataReader();
            string[] resources = [.. metadata.ManifestResources.Select(h => metadata.GetString(metadata.GetManifestResource(h).Name))];
            foreach (string kernel in Directory.GetFiles(Path.Combine(TestData.Root, "kernels"), "*.cu*")) Assert.Contains("kernels/" + Path.GetFileName(kernel), resources);
            DebugDirectoryEntry[] debug = [.. image.ReadDebugDirectory()];
            Assert.Contains(debug, d => d.Type == DebugDirectoryEntryType.Reproducible); // deterministic
            string path = image.ReadCodeViewDebugDirectoryData(debug.First(d => d.Type == DebugDirectoryEntryType.CodeView)).Path;
            Assert.StartsWith("/_/", path, StringComparison.Ordinal); // no path of the machine that built it
        }
        using StreamReader nuspec = new(archive.GetEntry("A2F.Engine.nuspec")!.Open());
        string text = nuspec.ReadToEnd();
        Assert.Contains("<license type=\"expression\">MIT</license>", text, StringComparison.Ordinal);
        Assert.Contains("<readme>README.md</readme>", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Grpc.Tools", text, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
