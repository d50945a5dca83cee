using System.Text;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda.Kernels;

public sealed class KernelCompilerTests : IDisposable
{
    private static readonly KernelSpec LayerNorm = new("rows.cu", "layer_norm", "HALF=0"),
        Subtract = new("rows.cu", "subtract", "HALF=0"), Reduce = new("reduce.cu", "reduce_norm", "HALF=0");

    private readonly TemporaryFolder _folder = new();

    private static CudaRuntimeCompiler Nvrtc => RealCuda.Compiler("default");

    private static bool IsCubin(KernelImage image) => image.Bytes.AsSpan().StartsWith("\u007fELF"u8);

    [NvrtcFact]
    public void Kernels_of_one_module_share_its_image()
    {
        KernelCompiler compiler = new(Nvrtc, 86, ptx: false);
        compiler.CompileAll([LayerNorm, Subtract, Reduce]);
        KernelImage image = compiler.Get(LayerNorm);
        Assert.Same(image, compiler.Get(Subtract));
        Assert.NotSame(image, compiler.Get(Reduce));
        Assert.Equal((KernelOrigin.Compiled, 86, false, true), (image.Origin, image.Architecture, image.Ptx, IsCubin(image)));
    }

    [NvrtcFact]
    public void The_second_load_comes_from_the_cache_and_is_the_same()
    {
        KernelCache cache = new(_folder.Path);
        KernelImage first = Load(), second = Load();
        Assert.Equal((KernelOrigin.Compiled, KernelOrigin.Cache), (first.Origin, second.Origin));
        Assert.Equal(first.Bytes, second.Bytes);
        Assert.Equal(first.Log, second.Log);

        KernelImage Load() => new KernelCompiler(Nvrtc, 86, ptx: false, cache).Get(LayerNorm);
    }

    [NvrtcFact]
    public void A_cache_that_cannot_be_written_does_not_matter()
    {
        KernelCache cache = new(Path.Combine(_folder.Write("file", [1]), "below"));
        Assert.True(IsCubin(new KernelCompiler(Nvrtc, 86, ptx: false, cache).Get(LayerNorm)));
    }

    [NvrtcFact]
    public void Who_wants_PTX_gets_PTX_that_ends_with_a_zero_byte()
    {
        KernelImage image = new KernelCompiler(Nvrtc, 86, ptx: true).Get(LayerNorm);
        Assert.True(image.Ptx);
        Assert.Equal(0, image.Bytes[^1]);
        Assert.Contains(".target sm_86", Encoding.ASCII.GetString(image.Bytes), StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void A_device_newer_than_NVRTC_gets_PTX_of_the_newest_architecture_that_NVRTC_knows()
    {
        int newest = Nvrtc.Architectures[^1];
        KernelImage image = new KernelCompiler(Nvrtc, 999, ptx: false, new KernelCache(_folder.Path)).Get(LayerNorm);
        Assert.Equal((true, newest), (image.Ptx, image.Architecture));
        Assert.Contains($".target sm_{newest}", Encoding.ASCII.GetString(image.Bytes), StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void A_device_older_than_NVRTC_knows_is_refused()
    {
        A2FException error = Assert.Throws<A2FException>(() => new KernelCompiler(Nvrtc, 20, ptx: false).Get(LayerNorm));
        Assert.Equal(A2FErrorCode.DeviceUnavailable, error.Code);
        Assert.Contains("the device is sm_20: it needs an older NVRTC", error.Message, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void With_NVRTC_baked_kernels_serve_for_their_own_architecture_only()
    {
        BakedKernels baked = new BakedKernels(_folder.Path).Bake(KernelFolders.Real(LayerNorm, 80), "baked");
        Assert.Equal(KernelOrigin.Baked, new KernelCompiler(Nvrtc, 80, ptx: false, null, baked).Get(LayerNorm).Origin);
        Assert.Equal(KernelOrigin.Compiled, new KernelCompiler(Nvrtc, 86, ptx: false, null, baked).Get(LayerNorm).Origin);
    }

    [NvrtcFact]
    public void A_kernel_that_does_not_compile_is_named_with_the_compilers_words()
    {
        KernelSpec wrong = new("attention.cu", "attention", "HALF=0 SIZE=undeclared");
        KernelCompiler compiler = new(Nvrtc, 86, ptx: false);
        A2FException error = Assert.Throws<A2FException>(() => compiler.CompileAll([LayerNorm, wrong, Reduce]));
        Assert.StartsWith("kernel attention of attention.cu (HALF=0 SIZE=undeclared): ", error.Message, StringComparison.Ordinal);
        Assert.Contains("identifier \"undeclared\" is undefined", error.Message, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void Opening_takes_what_the_machine_has()
    {
        KernelImage image = KernelCompiler.Open(0, 86, ptx: false).Get(LayerNorm);
        Assert.Equal(new KernelCompiler(Nvrtc, 86, ptx: false).Get(LayerNorm).Bytes, image.Bytes);
        Assert.Throws<A2FException>(() => KernelCompiler.Open(0, 86, ptx: false, _folder.File("none")));
        Assert.Equal(KernelOrigin.Baked, Baked().Origin);

        KernelImage Baked()
        {
            new BakedKernels(_folder.Path).Bake(KernelFolders.Real(LayerNorm, 86), "baked");
            return KernelCompiler.Open(0, 86, ptx: false, _folder.Path).Get(LayerNorm);
        }
    }

    [NvrtcFact]
    public void Compiling_tells_its_progress_and_can_be_cancelled()
    {
        KernelCompiler compiler = new(Nvrtc, 86, ptx: false);
        using CancellationTokenSource cancel = new();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => compiler.CompileAll([LayerNorm], null, cancel.Token));
        Recorder recorder = new();
        compiler.CompileAll([LayerNorm, Reduce], recorder);
        Assert.Equal([0.5, 1], recorder.Values.Order());
        compiler.CompileAll([LayerNorm, Reduce], recorder);
        Assert.Equal(2, recorder.Values.Count);
    }

    private sealed class Recorder : IProgress<double>
    {
        public List<double> Values { get; } = [];

        public void Report(double value)
        {
            lock (Values) Values.Add(value);
        }
    }

    public void Dispose() => _folder.Dispose();
}
