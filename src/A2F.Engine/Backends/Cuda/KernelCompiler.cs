using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// Compiled modules for one architecture: from memory, from a folder shipped with the program, from the user's cache, or from NVRTC, in
/// this order. A module is a file of kernels/ under a set of macros. Calls may come from several threads.
/// </summary>
internal sealed class KernelCompiler
{
    // Verified with 11.8 and 12.4: the option changes the log only. Reports from older versions know frames, but not spills.
    private static readonly Version ReportsSince = new(11, 8);

    private readonly CudaRuntimeCompiler? _compiler;
    private readonly KernelCache? _cache;
    private readonly BakedKernels? _baked;
    private readonly ConcurrentDictionary<(string File, string Macros), KernelImage> _images = new();
    private readonly ConcurrentDictionary<string, string> _sources = new(StringComparer.Ordinal);

    /// <summary>A compiler for an architecture.</summary>
    /// <param name="compiler">NVRTC; null where there is none: then only baked kernels are found.</param>
    /// <param name="architecture">Compute capability of the device, 86 for 8.6.</param>
    /// <param name="ptx">
    /// Whether PTX is wanted: by the emulator. Where this NVRTC does not know the architecture, there is PTX of the newest one that it
    /// knows and the device runs.
    /// </param>
    /// <param name="cache">Modules compiled before; null for none.</param>
    /// <param name="baked">Modules shipped with the program; null for none.</param>
    internal KernelCompiler(
        CudaRuntimeCompiler? compiler, int architecture, bool ptx, KernelCache? cache = null, BakedKernels? baked = null)
    {
        (_compiler, Architecture, Ptx, _cache, _baked) = (compiler, architecture, ptx, cache, baked);
    }

    /// <summary>A compiler with what there is on this machine: NVRTC, the user's cache, baked kernels.</summary>
    /// <param name="driverMajor">Major version of the driver, 0 where unknown.</param>
    /// <param name="architecture">Compute capability of the device, 86 for 8.6.</param>
    /// <param name="ptx">Whether PTX is wanted.</param>
    /// <param name="bakedFolder">Baked kernels; null for the folders of <see cref="BakedKernels.Find(string?)"/>.</param>
    /// <exception cref="A2FException">The folder that was named does not exist. A missing NVRTC is an error where it is needed.</exception>
    internal static KernelCompiler Open(int driverMajor, int architecture, bool ptx, string? bakedFolder = null)
    {
        BakedKernels? baked = BakedKernels.Find(bakedFolder);
        try
        {
            CudaRuntimeCompiler compiler = new(CudaLibraries.Find(CudaLibraries.NvrtcNames, driverMajor).Require());
            return new KernelCompiler(compiler, architecture, ptx, KernelCache.Default(), baked);
        }
        catch (A2FException e)
        {
            return new KernelCompiler(null, architecture, ptx, null, baked) { MissingCompiler = e.Message };
        }
    }

    /// <summary>Compute capability of the device.</summary>
    internal int Architecture { get; }

    /// <summary>Whether PTX is wanted.</summary>
    internal bool Ptx { get; }

    /// <summary>Why there is no NVRTC, for messages.</summary>
    internal string MissingCompiler { get; init; } = "there is no NVRTC to compile it";

    /// <summary>Modules that a load needs, compiled where they are missing, on all processors.</summary>
    /// <param name="kernels">Kernels; several may share a module.</param>
    /// <param name="progress">Told the part that is done, 0 to 1, from any thread.</param>
    /// <param name="cancel">Checked before each module.</param>
    /// <exception cref="A2FException">A kernel does not compile, or is nowhere and there is no NVRTC; the message names it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal void CompileAll(IEnumerable<KernelSpec> kernels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        KernelSpec[] missing = [.. kernels.DistinctBy(k => (k.File, k.Macros)).Where(k => !_images.ContainsKey((k.File, k.Macros)))];
        A2FException?[] failures = new A2FException?[missing.Length];
        ParallelOptions options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancel };
        int done = 0;
        Parallel.For(0, missing.Length, options, (i, loop) =>
        {
            try
            {
                Get(missing[i]);
                progress?.Report((double)Interlocked.Increment(ref done) / missing.Length);
            }
            catch (A2FException e)
            {
                failures[i] = e;
                loop.Stop();
            }
        });
        if (Array.Find(failures, failure => failure is not null) is { } first) ExceptionDispatchInfo.Throw(first);
    }

    /// <summary>The module of a kernel.</summary>
    /// <exception cref="A2FException">It does not compile, or is nowhere and there is no NVRTC.</exception>
    internal KernelImage Get(KernelSpec kernel)
    {
        if (_images.TryGetValue((kernel.File, kernel.Macros), out KernelImage? image)) return image;
        return _images.GetOrAdd((kernel.File, kernel.Macros), Load(kernel));
    }

    /// <summary>What the module of a kernel is, on this architecture.</summary>
    internal KernelIdentity IdentityOf(KernelSpec kernel) =>
        KernelIdentity.Of(kernel.File, kernel.Macros, SourceOf(kernel), Architecture, Ptx);

    private string SourceOf(KernelSpec kernel) => _sources.GetOrAdd(kernel.File, KernelSource.Load);

    private KernelImage Load(KernelSpec kernel)
    {
        KernelIdentity identity = IdentityOf(kernel);
        if (_baked?.Exact(identity) is { } exact) return exact;
        bool known = _compiler?.Architectures.Contains(Architecture) ?? false;
        if (!known && _baked?.Compatible(identity) is { } compatible) return compatible;
        if (_compiler is null)
        {
            string why = _baked is null ? "there are no baked kernels either (see 'a2f kernels bake')" : _baked.Explain(identity);
            throw new A2FException(A2FErrorCode.DeviceUnavailable, $"kernel {kernel}: {MissingCompiler}; {why}");
        }
        if (!known) identity = identity with { Architecture = NewestKnown(_compiler, kernel), Ptx = true };
        return _cache?.TryRead(identity, _compiler.Version) ?? Compile(_compiler, kernel, identity);
    }

    private int NewestKnown(CudaRuntimeCompiler compiler, KernelSpec kernel)
    {
        int newest = compiler.Architectures.LastOrDefault(known => known <= Architecture);
        if (newest > 0) return newest;
        throw new A2FException(A2FErrorCode.DeviceUnavailable,
            $"kernel {kernel}: NVRTC {compiler.Version} compiles for {string.Join(", ", compiler.Architectures.Select(a => $"sm_{a}"))}, " +
            $"the device is sm_{Architecture}: it needs an older NVRTC");
    }

    private KernelImage Compile(CudaRuntimeCompiler compiler, KernelSpec kernel, KernelIdentity identity)
    {
        string source = SourceOf(kernel);
        string[] options = identity.Options.Split(' ');
        try
        {
            if (!identity.Ptx && compiler.Version >= ReportsSince) options = [.. options, "--ptxas-options=-v"];
            CompiledKernels compiled = identity.Ptx
                ? compiler.CompileToPtx(identity.File, source, identity.Architecture, options)
                : compiler.CompileToCubin(identity.File, source, identity.Architecture, options);
            _cache?.Store(identity, compiler.Version, compiled);
            return new KernelImage(compiled.Image, identity.Ptx, identity.Architecture, compiled.Log, KernelOrigin.Compiled);
        }
        catch (A2FException e)
        {
            throw new A2FException(e.Code, $"kernel {kernel}: {e.Message}", e);
        }
    }
}
