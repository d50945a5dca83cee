using System.Runtime.CompilerServices;
using System.Text;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Tests.Backends.Cuda.Kernels;

/// <summary>Compiled modules for tests, without a compiler.</summary>
internal static class KernelFolders
{
    public static readonly Version Nvrtc = new(11, 8);

    /// <summary>Tests leave the cache of whoever runs them alone, and keep their own between runs.</summary>
    [ModuleInitializer]
    internal static void UseOwnCache()
    {
        if (Environment.GetEnvironmentVariable(KernelCache.Variable) is null)
            Environment.SetEnvironmentVariable(KernelCache.Variable, Path.Combine(TestData.Root, "artifacts", "kernel-cache"));
    }

    /// <summary>A module of a file that need not exist.</summary>
    public static KernelIdentity Identity(string macros = "ACT=1", string source = "source", int architecture = 86, bool ptx = false) =>
        KernelIdentity.Of("some.cu", macros, source, architecture, ptx);

    /// <summary>A module of the engine.</summary>
    public static KernelIdentity Real(KernelSpec kernel, int architecture, bool ptx = false) =>
        KernelIdentity.Of(kernel.File, kernel.Macros, KernelSource.Load(kernel.File), architecture, ptx);

    public static CompiledKernels Compiled(string image, string log = "") => new(Encoding.UTF8.GetBytes(image), log);

    /// <summary>Puts a module into a folder of baked kernels.</summary>
    public static BakedKernels Bake(this BakedKernels baked, KernelIdentity identity, string image)
    {
        new KernelFile(identity.Description(Nvrtc), "", Encoding.UTF8.GetBytes(image)).Write(baked.PathOf(identity));
        return baked;
    }

    public static string Text(this KernelImage? image) => image is null ? "none" : Encoding.UTF8.GetString(image.Bytes);
}
