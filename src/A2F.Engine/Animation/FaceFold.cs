using System.Numerics;
using System.Runtime.InteropServices;

namespace A2F.Engine.Animation;

/// <summary>
/// Computes <see cref="FoldedBasis"/>: with P the basis of a part (K shapes) at the fitted coordinates, m the weight of the lower face and D the
/// displacements of the blendshapes there,
/// <code>
/// skin    D' [ m (P', offset, eye close, lip open) | (1 - m) (P', offset, eye close, lip open) ]      2 (K + 3) coefficients: lower, upper face
/// tongue  D' [ P', offset, 1 on every y, 1 on every z ]                                               K + 3 coefficients
/// </code>
/// in double precision, since a solve magnifies errors of its right-hand side. Costs 2 * poses * fitted coordinates * coefficients operations.
/// </summary>
internal static class FaceFold
{
    /// <summary>Coefficients beside those of the basis: two for the offset and what opens or moves the part by its parameters.</summary>
    public const int Extra = 3;

    private const int RowsAtOnce = 192; // a multiple of 3 and of every vector

    /// <summary>Coefficients of one half of the skin.</summary>
    public static int SkinCoefficients(FaceRig rig) => rig.SkinSize + Extra;

    /// <summary>The skin's, for one border between lower and upper face.</summary>
    public static FoldedBasis Skin(FaceRig rig, SkinRegion region, float maskLevel, float maskSoftness)
    {
        BlendshapeBasis shapes = rig.Skin!;
        float[] mask = new float[region.PaddedLength];
        region.FillMask(maskLevel, maskSoftness, mask);
        Source[] half =
        [
            .. Rows(rig.Geometry.SkinBasis, rig.SkinSize, shapes.Vertices), Values(region.Offset), Values(region.EyeClose), Values(region.LipOpen),
        ];
        return Fold(shapes, [half, half], (set, row) => set == 0 ? mask[row] : 1.0 - mask[row], region.Neutral);
    }

    /// <summary>The tongue's.</summary>
    public static FoldedBasis Tongue(FaceRig rig)
    {
        BlendshapeBasis shapes = rig.Tongue!;
        float[] neutral = new float[shapes.RowCount], offset = new float[shapes.RowCount], axis = new float[shapes.RowCount + 1];
        shapes.Gather(rig.Geometry.TongueNeutral.Span, neutral);
        if (!rig.Geometry.TongueOffset.IsEmpty) shapes.Gather(rig.Geometry.TongueOffset.Span, offset);
        for (int row = 2; row < axis.Length; row += 3) axis[row] = 1; // z; one place on, y
        Source[] all =
        [
            .. Rows(rig.Geometry.TongueBasis, rig.TongueSize, shapes.Vertices), Values(offset), Values(axis.AsMemory(1)), Values(axis),
        ];
        return Fold(shapes, [all], (_, _) => 1.0, neutral);
    }

    // Fills fitted coordinates [first, first + length) of one column of what is multiplied by D'.
    private delegate void Source(int first, Span<double> rows);

    private static IEnumerable<Source> Rows(ReadOnlyMemory<float> basis, int shapes, int[] vertices)
    {
        int length = shapes == 0 ? 0 : basis.Length / shapes;
        for (int shape = 0; shape < shapes; shape++)
        {
            ReadOnlyMemory<float> row = basis.Slice(shape * length, length);
            yield return (first, rows) =>
            {
                ReadOnlySpan<float> values = row.Span;
                for (int i = 0; i < rows.Length; i += 3)
                {
                    ReadOnlySpan<float> point = values.Slice(3 * vertices[(first + i) / 3], 3);
                    (rows[i], rows[i + 1], rows[i + 2]) = (point[0], point[1], point[2]);
                }
            };
        }
    }

    private static Source Values(ReadOnlyMemory<float> values) => (first, rows) =>
    {
        ReadOnlySpan<float> source = values.Span.Slice(first, rows.Length);
        for (int i = 0; i < rows.Length; i++) rows[i] = source[i];
    };

    private static FoldedBasis Fold(BlendshapeBasis shapes, Source[][] sets, Func<int, int, double> weight, float[] neutral)
    {
        int poses = shapes.PoseCount, each = sets[0].Length, columns = sets.Length * each;
        double[] matrix = new double[poses * columns], constant = new double[poses];
        double[] weighted = new double[poses * RowsAtOnce], values = new double[each * RowsAtOnce];
        for (int first = 0; first < shapes.RowCount; first += RowsAtOnce)
        {
            int count = Math.Min(RowsAtOnce, shapes.RowCount - first);
            Array.Clear(values);
            for (int k = 0; k < each; k++) sets[0][k](first, values.AsSpan(k * RowsAtOnce, count)); // the sets differ in weight only
            for (int set = 0; set < sets.Length; set++)
            {
                Array.Clear(weighted);
                for (int row = 0; row < count; row++)
                {
                    double w = weight(set, first + row);
                    for (int pose = 0; pose < poses; pose++) weighted[pose * RowsAtOnce + row] = w * shapes.Delta(pose)[first + row];
                }
                for (int pose = 0; pose < poses; pose++)
                    AddProducts(weighted.AsSpan(pose * RowsAtOnce, RowsAtOnce), values, matrix.AsSpan(pose * columns + set * each, each));
            }
            for (int pose = 0; pose < poses; pose++)
            {
                ReadOnlySpan<float> delta = shapes.Delta(pose);
                for (int row = first; row < first + count; row++) constant[pose] += delta[row] * ((double)neutral[row] - shapes.Neutral[row]);
            }
        }
        return new FoldedBasis(columns, matrix, constant);
    }

    // sums[k] += a . row k of values, four rows at a time.
    private static void AddProducts(ReadOnlySpan<double> a, ReadOnlySpan<double> values, Span<double> sums)
    {
        ReadOnlySpan<Vector<double>> x = MemoryMarshal.Cast<double, Vector<double>>(a);
        int k = 0;
        for (; k + 4 <= sums.Length; k += 4)
        {
            ReadOnlySpan<Vector<double>> row0 = Row(values, k), row1 = Row(values, k + 1), row2 = Row(values, k + 2), row3 = Row(values, k + 3);
            Vector<double> s0 = Vector<double>.Zero, s1 = s0, s2 = s0, s3 = s0;
            for (int i = 0; i < x.Length; i++)
            {
                s0 += x[i] * row0[i];
                s1 += x[i] * row1[i];
                s2 += x[i] * row2[i];
                s3 += x[i] * row3[i];
            }
            sums[k] += Vector.Sum(s0);
            sums[k + 1] += Vector.Sum(s1);
            sums[k + 2] += Vector.Sum(s2);
            sums[k + 3] += Vector.Sum(s3);
        }
        for (; k < sums.Length; k++) sums[k] += DoubleMath.Dot(a, values.Slice(k * RowsAtOnce, RowsAtOnce));

        static ReadOnlySpan<Vector<double>> Row(ReadOnlySpan<double> values, int k) =>
            MemoryMarshal.Cast<double, Vector<double>>(values.Slice(k * RowsAtOnce, RowsAtOnce));
    }
}
