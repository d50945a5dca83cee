using System.Security.Cryptography;
using System.Text;

namespace A2F.Engine.Backends.Cuda;

/// <summary>What decides the content of a compiled module, but for the version of the compiler.</summary>
/// <param name="File">File of kernels/.</param>
/// <param name="Options">Options of NVRTC that change code, space separated; the target is none of them.</param>
/// <param name="Source">SHA-256 of the file's text with its includes in place, lower-case hexadecimal.</param>
/// <param name="Architecture">Compute capability, 86 for 8.6.</param>
/// <param name="Ptx">PTX rather than machine code.</param>
internal sealed record KernelIdentity(string File, string Options, string Source, int Architecture, bool Ptx)
{
    /// <summary>The identity of a module.</summary>
    /// <param name="file">File of kernels/.</param>
    /// <param name="macros">Macros, space separated.</param>
    /// <param name="source">The file's text with its includes in place.</param>
    /// <param name="architecture">Compute capability.</param>
    /// <param name="ptx">PTX rather than machine code.</param>
    internal static KernelIdentity Of(string file, string macros, string source, int architecture, bool ptx)
    {
        IEnumerable<string> defines = macros.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(macro => "-D" + macro);
        return new KernelIdentity(file, string.Join(' ', ["--std=c++17", .. defines]), Hash(source), architecture, ptx);
    }

    /// <summary>"sm_86", or "compute_86" for PTX.</summary>
    internal string Target => TargetOf(Architecture, Ptx);

    /// <summary>The identity as lines of text: what compiled modules are described by on disk.</summary>
    internal string Text => $"file={File}\noptions={Options}\nsource={Source}\ntarget={Target}\n";

    /// <summary>The identity with the compiler that made it.</summary>
    internal string Description(Version nvrtc) => $"{Text}nvrtc={nvrtc}\n";

    /// <summary>What all targets and sources of a module have in common, as a file name: "gemm_f32-" and 32 hexadecimal digits.</summary>
    internal string Stem => $"{Path.GetFileNameWithoutExtension(File)}-{Hash($"{File}\n{Options}")[..32]}";

    /// <summary>"sm_86", or "compute_86" for PTX.</summary>
    internal static string TargetOf(int architecture, bool ptx) => $"{(ptx ? "compute" : "sm")}_{architecture}";

    /// <summary>SHA-256 of a text's UTF-8, lower-case hexadecimal.</summary>
    internal static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
