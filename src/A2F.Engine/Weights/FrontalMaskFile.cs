using System.Buffers.Text;

namespace A2F.Engine.Weights;

/// <summary>Reads which vertices a blendshape solve looks at.</summary>
public static class FrontalMaskFile
{
    private const int MaxBytes = 64 << 20;

    /// <summary>
    /// Loads a mask: npz with an array of integers <c>frontalMask</c>, a JSON array of whole numbers, or text: vertex indices between white space or
    /// commas. A vertex that is named twice counts twice.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="vertexCount">Vertices of the skin (or tongue) that it is for.</param>
    /// <returns>Vertex indices in the file's order, 0 to <paramref name="vertexCount"/> - 1, at least one.</returns>
    /// <exception cref="A2FException">The file is missing or of none of these formats, or an index is out of range.</exception>
    public static IReadOnlyList<int> Load(string path, int vertexCount)
    {
        if (BlendshapeFile.Start(path).AsSpan().StartsWith("PK"u8))
        {
            using ArrayReader arrays = new(path);
            return arrays.Ints(BlendshapeNpz.Mask, ArrayReader.Any, 0, vertexCount - 1);
        }
        byte[] bytes = SafeFile.ReadSmall(path, MaxBytes);
        int first = bytes.AsSpan().IndexOfAnyExcept(" \t\r\n\uFEFF"u8);
        int[] mask = first >= 0 && bytes[first] == (byte)'[' ? ReadJson(path, bytes, vertexCount) : ReadText(path, bytes, vertexCount);
        return mask.Length > 0 ? mask : throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: expected vertex indices, found none");
    }

    private static int[] ReadJson(string path, byte[] bytes, int vertexCount)
    {
        using JsonFile file = JsonFile.Parse(path, bytes);
        return file.Root.Ints(0, vertexCount - 1);
    }

    private static int[] ReadText(string path, ReadOnlySpan<byte> rest, int vertexCount)
    {
        List<int> mask = [];
        if (rest.StartsWith("\uFEFF"u8)) rest = rest[3..];
        for (int line = 1; !rest.IsEmpty;)
        {
            if (rest[0] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)',' or (byte)'\n')
            {
                if (rest[0] == (byte)'\n') line++;
                rest = rest[1..];
                continue;
            }
            int length = rest.IndexOfAny(" \t\r\n,"u8);
            ReadOnlySpan<byte> word = length < 0 ? rest : rest[..length];
            if (!Utf8Parser.TryParse(word, out int vertex, out int used) || used != word.Length || vertex < 0 || vertex >= vertexCount)
            {
                string shown = System.Text.Encoding.UTF8.GetString(word[..Math.Min(word.Length, 30)]);
                throw new A2FException(used == word.Length && used > 0 ? A2FErrorCode.OutOfRange : A2FErrorCode.InvalidFile,
                    $"{path}: line {line}: expected vertex indices from 0 to {vertexCount - 1}, found '{shown}'");
            }
            mask.Add(vertex);
            rest = rest[word.Length..];
        }
        return [.. mask];
    }
}
