using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>What install.sh installs is found and linked by the ways in which C programs find libraries.</summary>
public sealed class InstallTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [NativeFact]
    public void CMake_and_pkg_config_find_what_was_installed()
    {
        string prefix = _folder.File("prefix"), build = _folder.File("build"), source = Path.Combine(NativeBuild.Sources, "consumer");
        NativeBuild.Run("bash", [Path.Combine(NativeBuild.Project, "install.sh"), prefix, "--published", NativeBuild.Library]);

        NativeBuild.Run("cmake", ["-S", source, "-B", build, "-DCMAKE_PREFIX_PATH=" + prefix]);
        NativeBuild.Run("cmake", ["--build", build]);
        Assert.StartsWith("a2f 0.1.0, ABI 1", NativeBuild.Run(Path.Combine(build, "consumer"), []), StringComparison.Ordinal);

        string program = _folder.File("consumer");
        (string, string) search = ("PKG_CONFIG_PATH", Path.Combine(prefix, "lib", "pkgconfig"));
        string flags = NativeBuild.Run("pkg-config", ["--cflags", "--libs", "a2f >= 0.1"], search);
        NativeBuild.Run("gcc", [Path.Combine(source, "consumer.c"), .. flags.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries), "-o", program]);
        Assert.StartsWith("a2f 0.1.0, ABI 1", NativeBuild.Run(program, [], ("LD_LIBRARY_PATH", Path.Combine(prefix, "lib"))), StringComparison.Ordinal);
    }

    [NativeFact]
    public void CMake_refuses_a_version_that_is_not_there()
    {
        string prefix = _folder.File("prefix"), source = _folder.File("source");
        NativeBuild.Run("bash", [Path.Combine(NativeBuild.Project, "install.sh"), prefix, "--published", NativeBuild.Library]);
        Directory.CreateDirectory(source);
        File.WriteAllText(Path.Combine(source, "CMakeLists.txt"),
            "cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\n" +
            "find_package(a2f 0.9 QUIET)\nif(a2f_FOUND)\n    message(FATAL_ERROR \"0.9 was found\")\nendif()\n" +
            "find_package(a2f 0.1 REQUIRED)\n");
        NativeBuild.Run("cmake", ["-S", source, "-B", _folder.File("build"), "-DCMAKE_PREFIX_PATH=" + prefix]);
    }

    public void Dispose() => _folder.Dispose();
}
