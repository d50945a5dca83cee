using System.Runtime.Intrinsics;

namespace A2F.Engine.Animation;

/// <summary>
/// delta = coefficients @ basis: [frames, shapes] x [shapes, length]. Every element sums its shapes in ascending order with the same
/// instructions whatever the number of frames and whichever part of the basis is kept, so results never depend on how work is split.
/// Kept or copied as panels of 16 columns, [panel, shape, 16], which one pass reads front to back.
/// </summary>
internal sealed unsafe class PcaBasis
{
    private const int PanelWidth = 16;
    private const int PanelsPerStrip = 16;
    private const int RowStrip = 4096;
    private const int FewFrames = 4;

    private readonly ReadOnlyMemory<float> _rows;
    private readonly float[]? _panels;
    private readonly int _rowLength;

    private PcaBasis(int shapes, int length, ReadOnlyMemory<float> rows, int rowLength, float[]? panels)
    {
        Shapes = shapes;
        PaddedLength = Padded(length);
        _rows = rows;
        _rowLength = rowLength;
        _panels = panels;
    }

    public int Shapes { get; }

    /// <summary>Distance of result rows: the length rounded up to whole panels. The padding comes out as zeros.</summary>
    public int PaddedLength { get; }

    /// <summary>Floats of scratch that <see cref="Reconstruct"/> needs.</summary>
    public int ScratchLength => _panels is null ? PanelsPerStrip * PanelWidth * Shapes : 0;

    /// <summary>The length rounded up to whole panels.</summary>
    public static int Padded(int length) => checked(length + PanelWidth - 1) / PanelWidth * PanelWidth;

    /// <summary>All columns. The rows stay where they are (maybe in a mapped file) and are copied strip by strip at each use.</summary>
    public static PcaBasis Whole(ReadOnlyMemory<float> rows, int shapes, int length) => new(shapes, length, rows, length, null);

    /// <summary>Only the columns of some vertices, copied once.</summary>
    public static PcaBasis OfVertices(ReadOnlyMemory<float> rows, int shapes, int rowLength, ReadOnlySpan<int> vertices)
    {
        int length = checked(3 * vertices.Length);
        float[] panels = new float[checked((long)Padded(length) * shapes)];
        for (int shape = 0; shape < shapes; shape++)
        {
            ReadOnlySpan<float> row = rows.Span.Slice(checked(shape * rowLength), rowLength);
            for (int i = 0; i < length; i++)
            {
                long panel = i / PanelWidth;
                panels[(panel * shapes + shape) * PanelWidth + i % PanelWidth] = row[3 * vertices[i / 3] + i % 3];
            }
        }
        return new PcaBasis(shapes, length, default, 0, panels);
    }

    /// <summary>Computes <paramref name="frames"/> rows of deltas, each <see cref="PaddedLength"/> long.</summary>
    public void Reconstruct(
        ReadOnlySpan<float> coefficients, int coefficientStride, int frames, Span<float> deltas, Span<float> scratch)
    {
        if (_panels is null && frames < FewFrames)
        {
            AddRows(coefficients, coefficientStride, frames, deltas);
            return;
        }
        for (int first = 0; first < PaddedLength; first += PanelsPerStrip * PanelWidth)
        {
            int panels = Math.Min(PanelsPerStrip, (PaddedLength - first) / PanelWidth);
            ReadOnlySpan<float> strip = _panels is not null
                ? _panels.AsSpan(checked(first * Shapes), panels * PanelWidth * Shapes)
                : PackStrip(first, panels, scratch);
            for (int panel = 0; panel < panels; panel++)
            {
                ReadOnlySpan<float> columns = strip.Slice(panel * PanelWidth * Shapes, PanelWidth * Shapes);
                MultiplyPanel(columns, coefficients, coefficientStride, frames, deltas[(first + panel * PanelWidth)..]);
            }
        }
    }

    // For too few frames to pay for copying strips: reads the rows where they are, a strip of each at a time.
    private void AddRows(ReadOnlySpan<float> coefficients, int stride, int frames, Span<float> deltas)
    {
        deltas[..(frames * PaddedLength)].Clear();
        ReadOnlySpan<float> rows = _rows.Span;
        for (int first = 0; first < _rowLength; first += RowStrip)
        {
            int count = Math.Min(RowStrip, _rowLength - first);
            for (int shape = 0; shape < Shapes; shape++)
            {
                ReadOnlySpan<float> row = rows.Slice(shape * _rowLength + first, count);
                for (int frame = 0; frame < frames; frame++)
                    AddRow(coefficients[frame * stride + shape], row, deltas.Slice(frame * PaddedLength + first, count));
            }
        }
    }

    private static void AddRow(float coefficient, ReadOnlySpan<float> row, Span<float> sum)
    {
        Vector256<float> x = Vector256.Create(coefficient);
        int i = 0;
        fixed (float* b = row)
        fixed (float* c = sum)
        {
            for (; i + 8 <= row.Length; i += 8) Vector256.MultiplyAddEstimate(x, Vector256.Load(b + i), Vector256.Load(c + i)).Store(c + i);
        }
        for (; i < row.Length; i++) sum[i] = float.MultiplyAddEstimate(coefficient, row[i], sum[i]);
    }

    private Span<float> PackStrip(int first, int panels, Span<float> scratch)
    {
        ReadOnlySpan<float> rows = _rows.Span;
        int count = Math.Min(panels * PanelWidth, _rowLength - first);
        if (count < panels * PanelWidth) scratch[..(panels * PanelWidth * Shapes)].Clear();
        for (int shape = 0; shape < Shapes; shape++)
        {
            ReadOnlySpan<float> row = rows.Slice(shape * _rowLength + first, count);
            for (int panel = 0; panel * PanelWidth < count; panel++)
            {
                int width = Math.Min(PanelWidth, count - panel * PanelWidth);
                row.Slice(panel * PanelWidth, width).CopyTo(scratch[((panel * Shapes + shape) * PanelWidth)..]);
            }
        }
        return scratch[..(panels * PanelWidth * Shapes)];
    }

    private void MultiplyPanel(ReadOnlySpan<float> columns, ReadOnlySpan<float> coefficients, int stride, int frames, Span<float> deltas)
    {
        fixed (float* b = columns)
        fixed (float* a = coefficients)
        fixed (float* c = deltas)
        {
            int frame = 0;
            for (; frame + 4 <= frames; frame += 4)
                Multiply4(b, a + (long)frame * stride, stride, c + (long)frame * PaddedLength);
            for (; frame < frames; frame++) Multiply1(b, a + (long)frame * stride, c + (long)frame * PaddedLength);
        }
    }

    private void Multiply4(float* b, float* a, int stride, float* c)
    {
        Vector256<float> s00 = default, s01 = default, s10 = default, s11 = default;
        Vector256<float> s20 = default, s21 = default, s30 = default, s31 = default;
        float* a1 = a + stride;
        float* a2 = a1 + stride;
        float* a3 = a2 + stride;
        for (int k = 0; k < Shapes; k++, b += PanelWidth)
        {
            Vector256<float> b0 = Vector256.Load(b);
            Vector256<float> b1 = Vector256.Load(b + 8);
            Vector256<float> x = Vector256.Create(a[k]);
            s00 = Vector256.MultiplyAddEstimate(x, b0, s00);
            s01 = Vector256.MultiplyAddEstimate(x, b1, s01);
            x = Vector256.Create(a1[k]);
            s10 = Vector256.MultiplyAddEstimate(x, b0, s10);
            s11 = Vector256.MultiplyAddEstimate(x, b1, s11);
            x = Vector256.Create(a2[k]);
            s20 = Vector256.MultiplyAddEstimate(x, b0, s20);
            s21 = Vector256.MultiplyAddEstimate(x, b1, s21);
            x = Vector256.Create(a3[k]);
            s30 = Vector256.MultiplyAddEstimate(x, b0, s30);
            s31 = Vector256.MultiplyAddEstimate(x, b1, s31);
        }
        s00.Store(c);
        s01.Store(c + 8);
        c += PaddedLength;
        s10.Store(c);
        s11.Store(c + 8);
        c += PaddedLength;
        s20.Store(c);
        s21.Store(c + 8);
        c += PaddedLength;
        s30.Store(c);
        s31.Store(c + 8);
    }

    private void Multiply1(float* b, float* a, float* c)
    {
        Vector256<float> s0 = default, s1 = default;
        for (int k = 0; k < Shapes; k++, b += PanelWidth)
        {
            Vector256<float> x = Vector256.Create(a[k]);
            s0 = Vector256.MultiplyAddEstimate(x, Vector256.Load(b), s0);
            s1 = Vector256.MultiplyAddEstimate(x, Vector256.Load(b + 8), s1);
        }
        s0.Store(c);
        s1.Store(c + 8);
    }
}
