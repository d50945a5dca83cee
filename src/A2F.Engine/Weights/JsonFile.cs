using System.Buffers;
using System.Text;
using System.Text.Json;

namespace A2F.Engine.Weights;

/// <summary>A JSON file, or the JSON part of one; at most 8 MiB and 32 levels deep.</summary>
internal sealed class JsonFile : IDisposable
{
    private const int MaxBytes = 8 * 1024 * 1024;
    private const int MaxDepth = 32;

    private readonly JsonDocument _document;

    private JsonFile(string path, JsonDocument document)
    {
        _document = document;
        Root = new JsonItem(path, "", document.RootElement);
    }

    /// <summary>The outermost value.</summary>
    public JsonItem Root { get; }

    /// <summary>Reads and parses a file.</summary>
    public static JsonFile Open(string path) => Parse(path, SafeFile.ReadSmall(path, MaxBytes));

    /// <summary>Parses text that is in memory; <paramref name="path"/> is for messages.</summary>
    public static JsonFile Parse(string path, ReadOnlyMemory<byte> text)
    {
        if (text.Length > MaxBytes)
            throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: expected at most {MaxBytes} bytes of JSON, found {text.Length}");
        ReadOnlySpan<byte> bytes = text.Span;
        int start = bytes.StartsWith("\uFEFF"u8) ? 3 : 0;
        int bad = IndexOfBadUtf8(bytes[start..]);
        if (bad >= 0) throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: expected UTF-8 text, byte {start + bad} is none");
        try
        {
            return new JsonFile(path, JsonDocument.Parse(text[start..], new JsonDocumentOptions { MaxDepth = MaxDepth }));
        }
        catch (JsonException e)
        {
            throw BrokenJson(path, bytes[start..], e);
        }
    }

    public void Dispose() => _document.Dispose();

    // The parser takes any bytes in strings and fails only when one is read.
    private static int IndexOfBadUtf8(ReadOnlySpan<byte> bytes)
    {
        for (int i = 0, length; i < bytes.Length; i += length)
        {
            if (Rune.DecodeFromUtf8(bytes[i..], out _, out length) != OperationStatus.Done) return i;
        }
        return -1;
    }

    /// <summary>Shows the line, because it usually names the key; Python writes NaN and Infinity, which JSON does not have.</summary>
    private static A2FException BrokenJson(string path, ReadOnlySpan<byte> bytes, JsonException e)
    {
        ReadOnlySpan<byte> rest = bytes;
        for (long line = e.LineNumber ?? 0; line > 0 && rest.Contains((byte)'\n'); line--) rest = rest[(rest.IndexOf((byte)'\n') + 1)..];
        if (rest.Contains((byte)'\n')) rest = rest[..rest.IndexOf((byte)'\n')];
        int column = (int)Math.Clamp(e.BytePositionInLine ?? 0, 0, rest.Length);
        ReadOnlySpan<byte> value = rest[column..];
        bool notFinite = value.StartsWith("NaN"u8) || value.StartsWith("Inf"u8) || rest[Math.Max(0, column - 1)..].StartsWith("-Inf"u8);
        string shown = Encoding.UTF8.GetString(rest[Math.Max(0, column - 50)..Math.Min(rest.Length, column + 20)]).Trim();
        return notFinite
            ? new A2FException(A2FErrorCode.NotFinite, $"{path}: line {e.LineNumber + 1}: expected a finite number, found '{shown}'", e)
            : new A2FException(A2FErrorCode.InvalidFile, $"{path}: line {e.LineNumber + 1}: no valid JSON near '{shown}': {e.Message}", e);
    }
}
