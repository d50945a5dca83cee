using System.Diagnostics;
using System.Text.Json;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Cli;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends.Cuda;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

public sealed class KernelsCommandTests : IDisposable
{
    private static readonly string Model = Tool.Fixture("reg_autocorr");
    private readonly TemporaryFolder _folder = new();

    private static KernelSpec[] Kernels(int architecture) =>
        [.. ModelKernels.Of(Model, architecture, Precision.Float32, 8).Select(use => use.Kernel)];

    // The tool in a process of its own, with changed environment variables.
    private static Process Start(string[] args, params (string Name, string Value)[] variables)
    {
        string tool = Path.Combine(AppContext.BaseDirectory, "a2f");
        // Tests that carry their own runtime may run where no dotnet is installed.
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location) + Path.DirectorySeparatorChar;
        bool selfContained = runtime == AppContext.BaseDirectory;
        ProcessStartInfo start = selfContained
            ? new ProcessStartInfo(tool, args)
            : new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [tool + ".dll", .. args]);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        foreach ((string name, string value) in variables) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static (int Code, string Out, string Error) Finish(Process process)
    {
        using Process ended = process;
        Task<string> error = ended.StandardError.ReadToEndAsync();
        string output = ended.StandardOutput.ReadToEnd();
        ended.WaitForExit();
        return (ended.ExitCode, output, error.GetAwaiter().GetResult());
    }

    [NvrtcFact]
    public void The_table_has_a_row_for_each_kernel_and_a_count()
    {
        string[] lines = Tool.Succeed("kernels", Model, "--arch", "sm_80").ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        Assert.StartsWith("sm_80, NVRTC ", lines[0], StringComparison.Ordinal);
        Assert.Equal(["kernel", "macros", "registers", "spills", "shared", "threads", "occupancy"],
            lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        KernelSpec[] kernels = Kernels(80);
        Assert.Equal($"{kernels.Length} kernels, 0 with spills", lines[^1]);
        Assert.Equal(kernels.Length + 3, lines.Length);
        Assert.All(kernels, kernel =>
            Assert.Contains(lines, line => line.StartsWith(kernel.Function, StringComparison.Ordinal)
                && line.Contains(kernel.Macros, StringComparison.Ordinal) && line.EndsWith('%')));
        Assert.All(lines, line => Assert.Equal(line.TrimEnd(), line));
    }

    [NvrtcFact]
    public void As_json_it_says_the_same_and_more()
    {
        using JsonDocument json = JsonDocument.Parse(Tool.Succeed("kernels", Model, "--batch", "1", "--json"));
        ModelKernelReport report = ModelKernelReport.Compile(Model, 86, maxBatch: 1);
        Assert.Equal("sm_86", json.RootElement.GetProperty("architecture").GetString());
        Assert.Equal(0, json.RootElement.GetProperty("spilling").GetInt32());
        Assert.Equal(1, json.RootElement.GetProperty("batch").GetInt32());
        JsonElement[] kernels = [.. json.RootElement.GetProperty("kernels").EnumerateArray()];
        Assert.Equal(
            report.Kernels.Select(k => (k.Function, k.Macros, k.Registers, k.SharedBytes, k.DynamicSharedBytes, k.Threads, k.Blocks)),
            kernels.Select(k => (k.GetProperty("function").GetString()!, k.GetProperty("macros").GetString()!, Number(k, "registers"),
                Number(k, "shared_bytes"), Number(k, "dynamic_shared_bytes"), Number(k, "threads"), (int?)Number(k, "blocks"))));

        static int Number(JsonElement kernel, string name) => kernel.GetProperty(name).GetInt32();
    }

    [NvrtcFact]
    public void Baked_kernels_are_all_that_a_load_without_NVRTC_needs()
    {
        string text = Tool.Succeed("kernels", "bake", Model, "-o", _folder.File("baked"), "--arch", "sm_80,sm_86");
        Assert.Contains("targets sm_80 sm_86 compute_86", text, StringComparison.Ordinal);
        (int, int, bool)[] expected = [(80, 80, false), (86, 86, false), (89, 86, false), (120, 86, true)];
        foreach ((int device, int architecture, bool ptx) in expected)
        {
            KernelCompiler compiler = new(null, device, ptx: false, null, new BakedKernels(_folder.File("baked")));
            compiler.CompileAll(Kernels(device));
            Assert.All(Kernels(device), kernel => Assert.Equal((architecture, ptx, KernelOrigin.Baked),
                (compiler.Get(kernel).Architecture, compiler.Get(kernel).Ptx, compiler.Get(kernel).Origin)));
        }
        KernelCompiler older = new(null, 75, ptx: false, null, new BakedKernels(_folder.File("baked")));
        Assert.Contains("none runs on sm_75",
            Assert.Throws<A2FException>(() => older.CompileAll(Kernels(75))).Message, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void Baking_replaces_baked_kernels_and_leaves_other_folders_alone()
    {
        string baked = _folder.File("baked");
        Tool.Succeed("kernels", "bake", Model, "-o", baked, "--arch", "sm_80,sm_86");
        string[] first = Directory.GetFiles(baked);
        string stray = Path.Combine(baked, "gemm_f32-0.sm_86.a2fk");
        File.WriteAllBytes(stray, [1]);
        Tool.Succeed("kernels", "bake", Model, "-o", baked, "--arch", "sm_86");
        string[] second = Directory.GetFiles(baked);
        Assert.All(second, path => Assert.NotNull(KernelFile.TryRead(path)));
        Assert.DoesNotContain(stray, second);
        Assert.Equal(first.Length / 3 * 2, second.Length);
        Tool.Fail(1, ["kernels", "bake", Model, "-o", _folder.Path], "holds other files");
        Assert.Equal([baked], Directory.GetFileSystemEntries(_folder.Path));
    }

    [NvrtcFact]
    public void Two_processes_fill_one_cache_and_a_third_compiles_nothing()
    {
        (string, string) cache = (KernelCache.Variable, _folder.File("cache"));
        string[] args = ["kernels", Model, "--batch", "1"];
        Process one = Start(args, cache), two = Start(args, cache);
        (int Code, string Out, string Error) first = Finish(one), second = Finish(two);
        Assert.Equal((0, ""), (first.Code, first.Error));
        Assert.Equal(first, second);
        Assert.All(Directory.GetFiles(_folder.File("cache")), path => Assert.NotNull(KernelFile.TryRead(path)));

        KernelCompiler third = new(RealCuda.Compiler("default"), 86, ptx: false, new KernelCache(_folder.File("cache")));
        Assert.All(ModelKernels.Of(Model, 86, Precision.Float32, 1), use => Assert.Equal(KernelOrigin.Cache, third.Get(use.Kernel).Origin));
    }

    [NvrtcFact]
    public void Without_NVRTC_the_exit_code_is_3()
    {
        (_, string machine, _) = Finish(Start(["doctor"], (CudaLibraries.PathVariable, "")));
        bool none = machine.Contains("NVRTC was not found", StringComparison.Ordinal);
        Assert.SkipUnless(none, "NVRTC is installed here: no process can be without");
        (int code, string output, string error) = Finish(Start(["kernels", Model], (CudaLibraries.PathVariable, "")));
        Assert.Equal((ExitCode.Device, ""), (code, output));
        Assert.StartsWith("error: NVRTC was not found", error, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void An_architecture_that_NVRTC_does_not_know_is_exit_code_3()
    {
        Tool.Fail(ExitCode.Device, ["kernels", Model, "--arch", "sm_999"], "sm_86", "sm_999 needs another version");
        Tool.Fail(ExitCode.Device, ["kernels", "bake", Model, "-o", _folder.File("x"), "--arch", "sm_86,sm_999"], "sm_999 needs");
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Wrong_words_are_usage_errors()
    {
        Tool.Fail(2, ["kernels"], "a2f kernels --help");
        Tool.Fail(2, ["kernels", "bake", Model], "--output", "a2f kernels bake --help");
        Tool.Fail(2, ["kernels", "bake", Model, "-o", ""], "output's path is empty");
        Tool.Fail(2, ["kernels", Model, "--arch", "86"], "--arch", "sm_86", "'86'");
        Tool.Fail(2, ["kernels", Model, "--arch", "sm_70"], "sm_75 or later", "'sm_70'");
        Tool.Fail(2, ["kernels", Model, "--arch", "sm_80,sm_86"], "'a2f kernels bake' takes several");
        Tool.Fail(2, ["kernels", Model, "--precision", "int8"], "--precision", "fp32", "'int8'");
        Tool.Fail(2, ["kernels", Model, "--batch", "0"], "--batch", "1 to 1024", "'0'");
    }

    [Fact]
    public void Models_that_have_no_network_or_do_not_exist_are_bad_input()
    {
        Tool.Fail(1, ["kernels", TestData.Path("golden/model_regression")], "holds no network");
        Tool.Fail(1, ["kernels", _folder.File("none")], "none", "does not exist");
    }

    [Fact]
    public void The_help_of_the_subcommand_shows_its_own_usage()
    {
        string help = Tool.Succeed("kernels", "bake", "--help");
        Assert.Contains(" kernels bake <MODEL> [options]", help, StringComparison.Ordinal);
        Assert.Contains("Examples:", help, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
