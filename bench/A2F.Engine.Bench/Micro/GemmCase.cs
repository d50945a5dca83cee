namespace A2F.Engine.Bench;

/// <summary>One product of the full-size regression network, for one window.</summary>
/// <param name="Name">Layer.</param>
/// <param name="Items">Independent items: 1, or the frames of the autocorrelation branch.</param>
/// <param name="Rows">Output rows of an item.</param>
/// <param name="Stride">Input rows from one output row to the next.</param>
/// <param name="Taps">Input rows of an output row.</param>
/// <param name="Inputs">Channels in, of one group.</param>
/// <param name="Outputs">Channels out, of one group.</param>
/// <param name="Groups">Groups.</param>
public sealed record GemmCase(string Name, int Items, int Rows, int Stride, int Taps, int Inputs, int Outputs, int Groups = 1)
{
    /// <summary>What `micro` measures: every product that costs a noticeable part of a window, and small ones of each kind.</summary>
    public static IReadOnlyList<GemmCase> All { get; } =
    [
        new("w2v.conv0", 1, 1663, 5, 10, 1, 512),
        new("w2v.conv1", 1, 831, 2, 3, 512, 512),
        new("w2v.conv2", 1, 415, 2, 3, 512, 512),
        new("w2v.conv3", 1, 207, 2, 3, 512, 512),
        new("w2v.conv4", 1, 103, 2, 3, 512, 512),
        new("w2v.conv5", 1, 51, 2, 2, 512, 512),
        new("w2v.conv6", 1, 25, 2, 2, 512, 512),
        new("w2v.projection", 1, 25, 1, 1, 512, 768),
        new("w2v.position", 1, 25, 1, 49, 48, 48, 16),
        new("w2v.qkv", 1, 25, 1, 1, 768, 2304),
        new("w2v.ff1", 1, 25, 1, 1, 768, 3072),
        new("w2v.ff2", 1, 25, 1, 1, 3072, 768),
        new("frequency2", 25, 8, 2, 3, 72, 108),
        new("frequency4", 25, 2, 2, 3, 162, 243),
        new("time1", 1, 13, 2, 3, 512, 256),
        new("fusion", 1, 1, 1, 1, 560, 256),
        new("face1", 1, 1, 1, 1, 280, 291),
    ];

    /// <summary>Multiplications and additions of one call.</summary>
    public double Flops => 2.0 * Items * Rows * Taps * Inputs * Outputs * Groups;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"{Name} {Items * Rows}x{Taps * Inputs}x{Outputs}{(Groups > 1 ? FormattableString.Invariant($" x{Groups} groups") : "")}");
}
