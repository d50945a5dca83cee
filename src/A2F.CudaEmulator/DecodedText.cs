using System.Collections.Concurrent;
using A2F.CudaEmulator.Execution;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator;

/// <summary>
/// A PTX text with its entry points decoded. A text without variables of its own in global or constant memory decodes to the same on any
/// device, so the last ones are kept: tests load the same modules over and over.
/// </summary>
internal sealed class DecodedText
{
    private const int MostKept = 256;
    private static readonly ConcurrentDictionary<string, DecodedText> Kept = new(StringComparer.Ordinal);
    private readonly Lazy<Program[]> _programs;

    private DecodedText(PtxText text)
    {
        Text = text;
        _programs = new Lazy<Program[]>(() => [.. text.Functions.Where(f => f.IsEntry).Select(f => Decoder.Decode(text, f))]);
    }

    public PtxText Text { get; }

    /// <summary>The entry points; decoded when first asked for, which is when variables have their places.</summary>
    public IReadOnlyList<Program> Programs => _programs.Value;

    public static DecodedText Of(string ptx)
    {
        if (Kept.TryGetValue(ptx, out DecodedText? kept)) return kept;
        DecodedText decoded = new(PtxParser.Parse(ptx));
        if (decoded.Text.Variables.Any(v => v.Space is PtxSpace.Global or PtxSpace.Const)) return decoded;
        if (Kept.Count >= MostKept) Kept.Clear();
        return Kept[ptx] = decoded;
    }
}
