using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace A2F.Engine.Animation;

/// <summary>
/// Computes <see cref="FoldedBasis"/>: with P the basis of a part (K shapes) at the fitted coordinates, m the weight of the lower face and D the
/// displacements of the blendshapes there,
/// <code>
/// skin    D' [ m (P', offset, eye close, lip open) | (1 - m) (P', offset, eye close, lip open) ]      2 (K + 3) coefficients: lower, upper face
/// tongue  D' [ P', offset, 1 on every y, 1 on every z ]                                               K + 3 coefficients
/// </code>
/// in double precision, since a solve magnifies errors of its right-hand side. The skin costs 2 * poses * fitted coordinates * (K + 3) operations for
/// each border between lower and upper face, and once for both together.
/// </summary>
internal static class FaceFold
{
    /// <summary>Coefficients beside those of the basis: two for the offset and what opens or moves the part by its parameters.</summary>
    public const int Extra = 3;

    private const int RowsAtOnce = 192; // a multiple of 3 and of 8

    /// <summary>Coefficients of one half of the skin.</summary>
    public static int SkinCoefficients(FaceRig rig) => rig.SkinSize + Extra;

    /// <summary>D' (P', offset, eye close, lip open): both halves of the skin together.</summary>
    public static FoldedBasis SkinWhole(FaceRig rig, SkinRegion region) =>
        Fold(rig.Skin!, SkinSources(rig, region), [], region.Neutral);

    /// <summary>The skin's, for one border between lower and upper face.</summary>
    public static FoldedBasis Skin(FaceRig rig, SkinRegion region, FoldedBasis whole, float maskLevel, float maskSoftness)
    {
        float[] mask = new float[region.PaddedLength];
        region.FillMask(maskLevel, maskSoftness, mask);
        FoldedBasis lower = Fold(rig.Skin!, SkinSources(rig, region), mask, region.Neutral);
        int each = whole.Columns, columns = 2 * each;
        double[] matrix = new double[rig.Skin!.PoseCount * columns];
        for (int i = 0; i < whole.Matrix.Length; i++)
        {
            int at = i / each * columns + i % each;
            matrix[at] = lower.Matrix[i];
            matrix[at + each] = whole.Matrix[i] - lower.Matrix[i];
        }
        return new FoldedBasis(columns, matrix, whole.Constant);
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
        return Fold(shapes, all, [], neutral);
    }

    // Fills fitted coordinates [first, first + length) of one column of what is multiplied by D'.
    private delegate void Source(int first, Span<double> rows);

    private static Source[] SkinSources(FaceRig rig, SkinRegion region) =>
    [
        .. Rows(rig.Geometry.SkinBasis, rig.SkinSize, rig.Skin!.Vertices), Values(region.Offset), Values(region.EyeClose), Values(region.LipOpen),
    ];

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

    // D' weight sources, for weights of rows (none for 1).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static FoldedBasis Fold(BlendshapeBasis shapes, Source[] sources, ReadOnlySpan<float> weight, float[] neutral)
    {
        int poses = shapes.PoseCount, columns = sources.Length;
        int tallPoses = (poses + 3) / 4 * 4, wideColumns = (columns + 1) / 2 * 2; // whole tiles; what is beyond stays zero
        double[] left = new double[tallPoses * RowsAtOnce], right = new double[wideColumns * RowsAtOnce];
        double[] sums = new double[tallPoses * wideColumns], matrix = new double[poses * columns], constant = new double[poses];
        for (int first = 0; first < shapes.RowCount; first += RowsAtOnce)
        {
            int count = Math.Min(RowsAtOnce, shapes.RowCount - first);
            if (count < RowsAtOnce) Array.Clear(right);
            for (int k = 0; k < columns; k++) sources[k](first, right.AsSpan(k * RowsAtOnce, count));
            for (int pose = 0; pose < poses; pose++)
            {
                ReadOnlySpan<float> delta = shapes.Delta(pose).Slice(first, count);
                Span<double> row = left.AsSpan(pose * RowsAtOnce, count);
                for (int i = 0; i < count; i++)
                {
                    row[i] = delta[i];
                    constant[pose] += row[i] * ((double)neutral[first + i] - shapes.Neutral[first + i]);
                }
                if (weight.IsEmpty) continue;
                ReadOnlySpan<float> w = weight.Slice(first, count);
                for (int i = 0; i < count; i++) row[i] *= w[i];
            }
            for (int pose = 0; pose < tallPoses; pose += 4)
            {
                for (int k = 0; k < wideColumns; k += 2) AddTile(left, pose, right, k, sums, wideColumns);
            }
        }
        for (int i = 0; i < matrix.Length; i++) matrix[i] = sums[i / columns * wideColumns + i % columns];
        return new FoldedBasis(columns, matrix, constant);
    }

    // Runs a few times only, so the tiers of the just-in-time compiler would never get to it.
    // sums[pose + 0..3, k + 0..1] += rows of left . rows of right.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTile(double[] left, int pose, double[] right, int k, double[] sums, int width)
    {
        ref double a = ref left[pose * RowsAtOnce], b = ref right[k * RowsAtOnce];
        Vector512<double> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        for (nuint i = 0; i < RowsAtOnce; i += 8)
        {
            Vector512<double> x = Vector512.LoadUnsafe(ref b, i), y = Vector512.LoadUnsafe(ref b, i + RowsAtOnce);
            Vector512<double> row = Vector512.LoadUnsafe(ref a, i);
            s00 = Vector512.MultiplyAddEstimate(row, x, s00);
            s01 = Vector512.MultiplyAddEstimate(row, y, s01);
            row = Vector512.LoadUnsafe(ref a, i + RowsAtOnce);
            s10 = Vector512.MultiplyAddEstimate(row, x, s10);
            s11 = Vector512.MultiplyAddEstimate(row, y, s11);
            row = Vector512.LoadUnsafe(ref a, i + 2 * RowsAtOnce);
            s20 = Vector512.MultiplyAddEstimate(row, x, s20);
            s21 = Vector512.MultiplyAddEstimate(row, y, s21);
            row = Vector512.LoadUnsafe(ref a, i + 3 * RowsAtOnce);
            s30 = Vector512.MultiplyAddEstimate(row, x, s30);
            s31 = Vector512.MultiplyAddEstimate(row, y, s31);
        }
        Span<double> tile = sums.AsSpan(pose * width + k);
        tile[0] += Vector512.Sum(s00);
        tile[1] += Vector512.Sum(s01);
        tile[width] += Vector512.Sum(s10);
        tile[width + 1] += Vector512.Sum(s11);
        tile[2 * width] += Vector512.Sum(s20);
        tile[2 * width + 1] += Vector512.Sum(s21);
        tile[3 * width] += Vector512.Sum(s30);
        tile[3 * width + 1] += Vector512.Sum(s31);
    }
}
