using System.Text;

namespace A2F.Engine.Backends.Cuda;

/// <summary>The CUDA C++ of kernels/, which the library carries along. An include names another of its files.</summary>
internal static class KernelSource
{
    private const string Include = "#include \"", Folder = "kernels/";

    /// <summary>The files that hold kernels.</summary>
    internal static IEnumerable<string> Files => typeof(KernelSource).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal) && name.EndsWith(".cu", StringComparison.Ordinal))
        .Select(name => name[Folder.Length..]);

    /// <summary>A file with its includes in place, each once.</summary>
    internal static string Load(string file)
    {
        StringBuilder text = new();
        Append(file, text, []);
        return text.ToString();
    }

    private static void Append(string file, StringBuilder text, HashSet<string> seen)
    {
        if (!seen.Add(file)) return;
        using Stream stream = typeof(KernelSource).Assembly.GetManifestResourceStream(Folder + file)
            ?? throw new A2FException(A2FErrorCode.Internal, $"the kernel file {file} is not in the library");
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith(Include, StringComparison.Ordinal)) Append(line[Include.Length..].TrimEnd('"', ' '), text, seen);
            else if (line != "#pragma once") text.Append(line).Append('\n');
        }
    }
}
