using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

public sealed class CudaLibrariesTests
{
    [Fact]
    public void A_library_that_is_nowhere_is_named_with_how_to_get_it()
    {
        LibraryNames names = new("a thing", [(12, "libnothing-at-all.so.12"), (11, "libnothing-at-all.so.11")], []);
        LibrarySearch search = CudaLibraries.Find(names, 0, [], []);
        A2FException error = Assert.Throws<A2FException>(() => search.Require());
        Assert.Equal(A2FErrorCode.DeviceUnavailable, error.Code);
        Assert.StartsWith(
            "a thing was not found (looked for libnothing-at-all.so.12, libnothing-at-all.so.11); install ", error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_library_is_reported_and_the_next_folder_tried()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("libnothing-at-all.so.12");
        File.WriteAllText(path, "not a library");
        LibraryNames names = new("a thing", [(12, "libnothing-at-all.so.12")], []);
        LibrarySearch search = CudaLibraries.Find(names, 0, [Path.GetDirectoryName(path)!], []);
        Assert.StartsWith($"a thing was found, but does not load: {path}: ", search.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Versions_newer_than_the_driver_come_last()
    {
        LibraryNames names = new("a thing", [(13, "libnone.so.13"), (12, "libnone.so.12"), (11, "libnone.so.11"), (0, "libnone.so")], []);
        Assert.Contains("(looked for libnone.so.12, libnone.so.11, libnone.so, libnone.so.13)",
            CudaLibraries.Find(names, 12, [], []).Problem, StringComparison.Ordinal);
        Assert.Contains("(looked for libnone.so.13, libnone.so.12, libnone.so.11, libnone.so)",
            CudaLibraries.Find(names, 0, [], []).Problem, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void A_library_that_fits_the_driver_wins_over_a_newer_one_in_a_nearer_folder()
    {
        using TemporaryFolder folder = new();
        string near = Directory.CreateDirectory(folder.File("near")).FullName, far = Directory.CreateDirectory(folder.File("far")).FullName;
        string real = RealCuda.Nvrtc.Require().FileOf("nvrtcVersion");
        File.CreateSymbolicLink(Path.Combine(near, "libthing.so.12"), real);
        File.CreateSymbolicLink(Path.Combine(far, "libthing.so.11"), real);
        LibraryNames names = new("a thing", [(12, "libthing.so.12"), (11, "libthing.so.11")], []);
        Assert.Equal(Path.Combine(far, "libthing.so.11"), CudaLibraries.Find(names, 11, [near, far], []).Require().Name);
        Assert.Equal(Path.Combine(near, "libthing.so.12"), CudaLibraries.Find(names, 12, [near, far], []).Require().Name);
        Assert.Equal(Path.Combine(near, "libthing.so.12"), CudaLibraries.Find(names, 11, [near], []).Require().Name);
    }

    [DriverFact]
    public void A_library_tells_its_file() =>
        Assert.Contains("libcuda.so", RealCuda.Driver.Require().FileOf("cuInit"), StringComparison.Ordinal);

    [DriverFact]
    public void The_real_driver_starts_or_says_that_there_is_no_device()
    {
        CudaLibrary library = RealCuda.Driver.Require();
        Assert.True(CudaDriver.VersionOf(new DriverTable(library)) >= 11040);
        try
        {
            Assert.NotEmpty(CudaDriver.Start(library).Devices);
        }
        catch (A2FException e)
        {
            Assert.Equal(A2FErrorCode.DeviceUnavailable, e.Code);
            Assert.StartsWith("cuInit: CUDA_ERROR_", e.Message, StringComparison.Ordinal);
            if (e.Message.Contains("(100,", StringComparison.Ordinal))
                Assert.Contains("CUDA_ERROR_NO_DEVICE (100, no CUDA-capable device is detected); this machine has no NVIDIA GPU", e.Message,
                    StringComparison.Ordinal);
        }
    }
}
