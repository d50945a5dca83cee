using System.Globalization;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda.Kernels;

[Collection(EmulatedCuda.Collection)]
public sealed class BakedKernelsTests : IDisposable
{
    private static readonly KernelSpec Kernel = new("rows.cu", "layer_norm", "HALF=0");
    private readonly TemporaryFolder _folder = new();

    // A folder with modules for these targets, such as "sm_80" and "compute_86"; the image of each is its target.
    private BakedKernels With(params string[] targets)
    {
        BakedKernels baked = new(_folder.Path);
        foreach (string target in targets)
        {
            string[] parts = target.Split('_');
            int architecture = int.Parse(parts[1], CultureInfo.InvariantCulture);
            baked.Bake(KernelFolders.Real(Kernel, architecture, ptx: parts[0] == "compute"), target);
        }
        return baked;
    }

    private static string Load(BakedKernels? baked, int architecture, bool ptx = false) =>
        new KernelCompiler(null, architecture, ptx, null, baked).Get(Kernel).Text();

    private static string Error(BakedKernels? baked, int architecture)
    {
        KernelCompiler compiler = new(null, architecture, ptx: false, null, baked) { MissingCompiler = "NVRTC was not found" };
        A2FException error = Assert.Throws<A2FException>(() => compiler.CompileAll([Kernel]));
        Assert.Equal(A2FErrorCode.DeviceUnavailable, error.Code);
        Assert.StartsWith("kernel layer_norm of rows.cu (HALF=0): NVRTC was not found; ", error.Message, StringComparison.Ordinal);
        return error.Message;
    }

    [Theory]
    [InlineData(86, "sm_86", "sm_75", "sm_80", "sm_86", "compute_86")] // its own
    [InlineData(86, "sm_80", "sm_75", "sm_80", "sm_89", "compute_89")] // lower minor version of the same major one
    [InlineData(89, "sm_86", "sm_80", "sm_86", "compute_86")] // the nearest of several
    [InlineData(80, "compute_75", "sm_75", "sm_86", "compute_75", "compute_86")] // machine code of neither runs there
    [InlineData(90, "compute_89", "sm_80", "sm_89", "compute_80", "compute_89")] // the newest PTX
    [InlineData(120, "compute_90", "sm_90", "compute_90")]
    [InlineData(87, "compute_80", "sm_80", "sm_86", "compute_80")] // Jetson takes no machine code of other chips
    [InlineData(89, "compute_80", "sm_87", "compute_80")]
    public void Without_a_compiler_the_best_module_that_runs_is_taken(int architecture, string expected, params string[] targets) =>
        Assert.Equal(expected, Load(With(targets), architecture));

    [Fact]
    public void Who_wants_PTX_gets_PTX() => Assert.Equal("compute_75", Load(With("sm_86", "compute_75"), 86, ptx: true));

    [NvrtcFact]
    public void Baked_PTX_loads_on_a_device_without_a_compiler()
    {
        KernelIdentity identity = KernelFolders.Real(Kernel, 75, ptx: true);
        KernelImage image = new KernelCompiler(RealCuda.Compiler("default"), 75, ptx: true).Get(Kernel);
        BakedKernels baked = new(_folder.Path);
        new KernelFile(identity.Description(KernelFolders.Nvrtc), "", image.Bytes).Write(baked.PathOf(identity));

        using CudaContext context = new(EmulatedCuda.Device("sm_86"));
        using CudaModule module = new(context, "baked", new KernelCompiler(null, 86, ptx: true, null, baked).Get(Kernel).Bytes);
        Assert.Equal(Kernel.Function, module.Kernel(Kernel.Function).Name);
    }

    [Fact]
    public void The_version_of_NVRTC_is_recorded_and_does_not_matter()
    {
        BakedKernels baked = With();
        KernelIdentity identity = KernelFolders.Real(Kernel, 86);
        new KernelFile(identity.Description(new Version(99, 9)), "", "x"u8.ToArray()).Write(baked.PathOf(identity));
        Assert.Equal("x", Load(baked, 86));
        Assert.Contains("nvrtc=99.9\n", KernelFile.TryRead(baked.PathOf(identity))!.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernels_of_other_sources_are_not_run_but_reported_as_stale()
    {
        KernelIdentity identity = KernelFolders.Real(Kernel, 86);
        BakedKernels baked = With().Bake(identity with { Source = KernelIdentity.Hash("older") }, "old");
        Assert.EndsWith(
            $"the baked kernels in '{_folder.Path}' are stale, made from other kernel sources than this version of the engine has; " +
            "bake again with 'a2f kernels bake' of this version", Error(baked, 86), StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_say_what_the_folder_lacks()
    {
        Assert.Contains("there are no baked kernels either", Error(null, 86), StringComparison.Ordinal);
        Assert.Contains("does not have it; bake the model that is loaded", Error(With(), 86), StringComparison.Ordinal);
        Assert.Contains("are for compute_86, sm_86: none runs on sm_75; bake for it too",
            Error(With("sm_86", "compute_86"), 75), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_module_is_named()
    {
        BakedKernels baked = With("sm_86");
        string path = baked.PathOf(KernelFolders.Real(Kernel, 86));
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^1]);
        Assert.Contains($"{path} is damaged", Error(baked, 86), StringComparison.Ordinal);
    }

    [Fact]
    public void The_folder_is_the_one_that_is_named_else_the_one_beside_the_program()
    {
        string program = _folder.Path, beside = _folder.File(BakedKernels.BesideProgram);
        string option = _folder.File("option"), variable = _folder.File("variable");
        Assert.Null(BakedKernels.Find(null, null, program));
        foreach (string folder in (string[])[beside, option, variable]) Directory.CreateDirectory(folder);
        Assert.Equal(option, BakedKernels.Find(option, variable, program)!.Folder);
        Assert.Equal(variable, BakedKernels.Find(null, variable, program)!.Folder);
        Assert.Equal(beside, BakedKernels.Find(null, "", program)!.Folder);
        A2FException error = Assert.Throws<A2FException>(() => BakedKernels.Find(null, _folder.File("none"), program));
        Assert.Equal(A2FErrorCode.FileNotFound, error.Code);
        Assert.Contains("A2F_KERNELS", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
