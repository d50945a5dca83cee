using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>What <see cref="KernelBake"/> wrote.</summary>
/// <param name="Targets">What was compiled for: "sm_86" is machine code, "compute_86" PTX.</param>
/// <param name="Files">Modules of all targets, one file each.</param>
/// <param name="Bytes">Their size.</param>
/// <param name="Nvrtc">The version of NVRTC that compiled them.</param>
public sealed record KernelBakeResult(IReadOnlyList<string> Targets, int Files, long Bytes, Version Nvrtc);

/// <summary>Compiles a model's kernels into a folder to ship with a program, whose users then need the driver only, not NVRTC.</summary>
public static class KernelBake
{
    // Devices that a game meets; kernels may depend on which of them runs them.
    private static readonly int[] Devices = [75, 80, 86, 89, 90, 100, 120];

    /// <summary>Compiles and writes.</summary>
    /// <param name="model">Model folder.</param>
    /// <param name="folder">A new or empty folder, or one of baked kernels, which is replaced.</param>
    /// <param name="architectures">
    /// Compute capabilities, 86 for 8.6. Machine code of each also runs on later minor versions of the same major one; PTX of the highest
    /// one is added, which the driver compiles for anything later.
    /// </param>
    /// <param name="precision">How activations and weights are stored.</param>
    /// <param name="maxBatch">Most windows that run together, 1 to 1024.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two kernels; nothing is written then.</param>
    /// <exception cref="A2FException">The model or an argument is wrong, NVRTC is missing, or the folder cannot be written.</exception>
    public static KernelBakeResult Write(
        string model, string folder, IReadOnlyList<int> architectures, Precision precision = Precision.Float32, int maxBatch = 8,
        IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        if (architectures.Count == 0) throw new A2FException(A2FErrorCode.InvalidArgument, "no architecture to bake for");
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        CheckReplaceable(target);
        int[] asked = [.. architectures.Distinct().Order()];
        CudaRuntimeCompiler nvrtc = ModelKernelReport.FindCompiler(asked);
        (int Architecture, bool Ptx)[] targets = [.. asked.Select(architecture => (architecture, false)), (asked[^1], true)];
        Dictionary<string, KernelFile> files = [];
        foreach ((int architecture, bool ptx) in targets)
        {
            KernelCompiler compiler = new(nvrtc, architecture, ptx, KernelCache.Default());
            KernelSpec[] kernels = [.. DevicesOf(architecture, ptx, asked)
                .SelectMany(device => ModelKernels.Of(model, device, precision, maxBatch)).Select(use => use.Kernel).Distinct()];
            compiler.CompileAll(kernels, null, cancel);
            foreach (KernelSpec kernel in kernels)
            {
                KernelIdentity identity = compiler.IdentityOf(kernel);
                KernelImage image = compiler.Get(kernel);
                files[BakedKernels.FileName(identity)] = new KernelFile(identity.Description(nvrtc.Version), image.Log, image.Bytes);
            }
            progress?.Report((double)(Array.IndexOf(targets, (architecture, ptx)) + 1) / targets.Length);
        }
        long bytes = Replace(target, files);
        return new KernelBakeResult(
            [.. targets.Select(t => KernelIdentity.TargetOf(t.Architecture, t.Ptx))], files.Count, bytes, nvrtc.Version);
    }

    // Devices that will run what is compiled for this target, itself included; see BakedKernels.Targets.
    private static IEnumerable<int> DevicesOf(int architecture, bool ptx, int[] asked) => Devices
        .Where(device => device > architecture && !asked.Contains(device)
            && BakedKernels.Targets(device, onlyPtx: false)
                .FirstOrDefault(t => t.Ptx ? t.Architecture == asked[^1] : asked.Contains(t.Architecture)) == (architecture, ptx))
        .Prepend(architecture);

    private static void CheckReplaceable(string target)
    {
        if (File.Exists(target)) throw new A2FException(A2FErrorCode.Io, $"'{target}' is a file; baked kernels are a folder");
        if (!Directory.Exists(target)) return;
        IEnumerable<string> entries = Directory.EnumerateFileSystemEntries(target);
        if (entries.All(entry => entry.EndsWith(KernelFile.Extension, StringComparison.Ordinal))) return;
        throw new A2FException(A2FErrorCode.Io,
            $"'{target}' holds other files; name a new or empty folder, or one of baked kernels to replace");
    }

    // A new folder appears whole. In an existing one each file is whole at any time, and goes last if it is not among the new ones.
    private static long Replace(string target, Dictionary<string, KernelFile> files)
    {
        string temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            foreach ((string name, KernelFile file) in files) file.Write(Path.Combine(temporary, name));
            long bytes = new DirectoryInfo(temporary).EnumerateFiles().Sum(file => file.Length);
            if (!Directory.Exists(target))
            {
                Directory.Move(temporary, target);
                return bytes;
            }
            foreach (string name in files.Keys) File.Move(Path.Combine(temporary, name), Path.Combine(target, name), overwrite: true);
            foreach (string path in Directory.GetFiles(target).Where(path => !files.ContainsKey(Path.GetFileName(path)))) File.Delete(path);
            return bytes;
        }
        catch (Exception e) when (SafeFile.IsSystemRefusal(e))
        {
            throw SafeFile.Refused(target, "written", e);
        }
        finally
        {
            SafeFile.TryDeleteFolder(temporary);
        }
    }
}
