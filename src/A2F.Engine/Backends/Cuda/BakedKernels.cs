namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// A folder of compiled modules that is shipped with a program, so that its users need only the driver. Looked up without a compiler: by
/// file, options, source and target, whatever version of NVRTC made them. 'a2f kernels bake' writes such folders.
/// </summary>
internal sealed class BakedKernels(string folder)
{
    /// <summary>Names the folder.</summary>
    internal const string Variable = "A2F_KERNELS";

    /// <summary>The folder beside the program.</summary>
    internal const string BesideProgram = "kernels-baked";

    private const int OldestArchitecture = 50;

    /// <summary>Where the files are.</summary>
    internal string Folder { get; } = folder;

    /// <summary>The given folder, else that of A2F_KERNELS, else kernels-baked beside the program, else null.</summary>
    /// <exception cref="A2FException">The folder that was named does not exist.</exception>
    internal static BakedKernels? Find(string? folder = null) =>
        Find(folder, Environment.GetEnvironmentVariable(Variable), AppContext.BaseDirectory);

    internal static BakedKernels? Find(string? folder, string? variable, string program)
    {
        (string? named, string by) = string.IsNullOrEmpty(folder) ? (variable, Variable) : (folder, "the caller");
        if (string.IsNullOrEmpty(named))
        {
            string beside = Path.Combine(program, BesideProgram);
            return Directory.Exists(beside) ? new BakedKernels(beside) : null;
        }
        if (Directory.Exists(named)) return new BakedKernels(named);
        throw new A2FException(A2FErrorCode.FileNotFound,
            $"baked kernels: {by} names the folder '{named}', which does not exist; make it with 'a2f kernels bake'");
    }

    /// <summary>The file of a module.</summary>
    internal string PathOf(KernelIdentity identity) => Path.Combine(Folder, FileName(identity));

    /// <summary>Name of a module's file.</summary>
    internal static string FileName(KernelIdentity identity) => $"{identity.Stem}.{identity.Target}{KernelFile.Extension}";

    /// <summary>The module, compiled for exactly this target; null if it is not there, whole and from this source.</summary>
    internal KernelImage? Exact(KernelIdentity identity) =>
        KernelFile.TryRead(PathOf(identity)) is { } file && file.Description.StartsWith(identity.Text, StringComparison.Ordinal)
            ? new KernelImage(file.Image, identity.Ptx, identity.Architecture, file.Log, KernelOrigin.Baked)
            : null;

    /// <summary>The module for the best target that runs on the architecture of <paramref name="identity"/>; null if none does.</summary>
    internal KernelImage? Compatible(KernelIdentity identity) =>
        Targets(identity.Architecture, identity.Ptx)
            .Select(target => Exact(identity with { Architecture = target.Architecture, Ptx = target.Ptx }))
            .FirstOrDefault(image => image is not null);

    /// <summary>
    /// What runs on an architecture, best first: machine code of the same major version up to its minor one, then PTX of anything older,
    /// which the driver compiles.
    /// </summary>
    internal static IEnumerable<(int Architecture, bool Ptx)> Targets(int architecture, bool onlyPtx)
    {
        if (!onlyPtx)
        {
            yield return (architecture, false);
            for (int older = architecture - 1; older >= architecture / 10 * 10; older--)
            {
                // Machine code is not exchanged with embedded chips (Jetson).
                if (!IsEmbedded(architecture) && !IsEmbedded(older)) yield return (older, false);
            }
        }
        for (int older = architecture; older >= OldestArchitecture; older--) yield return (older, true);
    }

    /// <summary>Why <see cref="Compatible"/> found nothing, and what to do.</summary>
    internal string Explain(KernelIdentity identity)
    {
        const string again = "bake again with 'a2f kernels bake' of this version";
        KernelIdentity[] there =
        [
            .. Targets(identity.Architecture, identity.Ptx)
                .Select(target => identity with { Architecture = target.Architecture, Ptx = target.Ptx })
                .Where(candidate => File.Exists(PathOf(candidate))),
        ];
        if (there.Length > 0)
        {
            return KernelFile.TryRead(PathOf(there[0])) is null
                ? $"{PathOf(there[0])} is damaged or of another version; {again}"
                : $"the baked kernels in '{Folder}' are stale, made from other kernel sources than this version of the engine has; {again}";
        }
        string[] others = Directory.Exists(Folder) ? TargetsThere(identity) : [];
        return others.Length > 0
            ? $"the baked kernels in '{Folder}' are for {string.Join(", ", others)}: none runs on {identity.Target}; bake for it too"
            : $"the folder '{Folder}' does not have it; bake the model that is loaded";
    }

    private string[] TargetsThere(KernelIdentity identity) =>
    [
        .. Directory.EnumerateFiles(Folder, $"{identity.Stem}.*{KernelFile.Extension}")
            .Select(path => Path.GetFileName(path)[(identity.Stem.Length + 1)..^KernelFile.Extension.Length])
            .Order(StringComparer.Ordinal),
    ];

    private static bool IsEmbedded(int architecture) => architecture is 53 or 62 or 72 or 87;
}
