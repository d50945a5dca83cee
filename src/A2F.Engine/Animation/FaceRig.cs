using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>
/// A face ready to be animated: geometry, bases and blendshapes, checked and arranged. Immutable; any number of
/// <see cref="FaceAnimator"/>s on any threads share one.
/// </summary>
public sealed class FaceRig
{
    private const int MostSkinFolds = 16;
    private readonly Lazy<SkinRegion> _wholeSkin;
    private readonly Lazy<SkinRegion> _fittedSkin;
    private readonly Lazy<PcaBasis> _fittedSkinBasis;
    private readonly Lazy<FoldedBasis> _skinFold, _tongueFold;
    private readonly List<(float Level, float Softness, FoldedBasis Fold)> _skinFolds = []; // newest last

    /// <summary>Checks and arranges a face.</summary>
    /// <param name="geometry">
    /// Neutral shapes and bases. An empty basis means that the network puts out displacements itself, x, y, z per vertex (diffusion).
    /// </param>
    /// <param name="skinBlendshapes">What skin weights are solved for, or null for none.</param>
    /// <param name="tongueBlendshapes">What tongue weights are solved for, or null for none.</param>
    /// <exception cref="A2FException">Array lengths do not agree, or a value is not finite (or beyond 1e6).</exception>
    public FaceRig(FaceGeometry geometry, BlendshapeSet? skinBlendshapes = null, BlendshapeSet? tongueBlendshapes = null)
        : this(geometry, Arrange(skinBlendshapes, geometry.SkinNeutral, "skin"), Arrange(tongueBlendshapes, geometry.TongueNeutral, "tongue"))
    {
    }

    private FaceRig(FaceGeometry geometry, BlendshapeBasis? skin, BlendshapeBasis? tongue)
    {
        Geometry = geometry;
        SkinVertexCount = VertexCount(geometry.SkinNeutral, "neutral skin");
        TongueVertexCount = VertexCount(geometry.TongueNeutral, "neutral tongue");
        JawPointCount = VertexCount(geometry.NeutralJaw, "neutral jaw");
        SkinSize = OutputSize(geometry.SkinBasis, SkinVertexCount, "skin");
        TongueSize = OutputSize(geometry.TongueBasis, TongueVertexCount, "tongue");
        CheckLength(geometry.LipOpenDelta, 3 * SkinVertexCount, "lip open delta");
        CheckLength(geometry.EyeCloseDelta, 3 * SkinVertexCount, "eye close delta");
        if (geometry.SaccadeRotations.Length % 2 != 0)
            throw new A2FException(A2FErrorCode.InvalidModel, $"saccade rotations: expected pairs, found {geometry.SaccadeRotations.Length} values");
        CheckOffset(geometry.SkinOffset, geometry.SkinBasis, 3 * SkinVertexCount, "skin");
        CheckOffset(geometry.TongueOffset, geometry.TongueBasis, 3 * TongueVertexCount, "tongue");
        CheckFinite(geometry);
        Skin = skin;
        Tongue = tongue;
        _wholeSkin = new(() => SkinRegion.Of(Geometry, null));
        _fittedSkin = new(() => SkinRegion.Of(Geometry, Skin!.Vertices));
        _fittedSkinBasis = new(() => PcaBasis.OfVertices(Geometry.SkinBasis, SkinSize, 3 * SkinVertexCount, Skin!.Vertices));
        _skinFold = new(() => FaceFold.SkinWhole(this, _fittedSkin.Value));
        _tongueFold = new(() => FaceFold.Tongue(this));
    }

    /// <summary>The face of a model folder.</summary>
    /// <exception cref="A2FException">See the constructor.</exception>
    public static FaceRig Of(RegressionModelFolder folder) => new(folder.Geometry, folder.SkinBlendshapes, folder.TongueBlendshapes);

    /// <summary>The face that takes the place of a model's own, or that own where there is none.</summary>
    /// <exception cref="A2FException">It takes other network outputs than the model's own.</exception>
    internal static FaceRig Choose(FaceRig? other, FaceRig own)
    {
        if (other is null) return own;
        (string What, int Expected, int Found)[] sizes =
            [("skin", own.SkinSize, other.SkinSize), ("tongue", own.TongueSize, other.TongueSize), ("jaw", own.JawSize, other.JawSize)];
        foreach ((string what, int expected, int found) in sizes)
        {
            if (expected != found)
                throw new A2FException(A2FErrorCode.InvalidArgument, $"the rig takes {found} {what} outputs of a network, this model's puts out {expected}");
        }
        return other;
    }

    /// <summary>
    /// This face for outputs of another kind: where it takes displacements, and the model's own face of the same vertices takes what its bases make
    /// displacements of (features of a diffusion network), this face with those bases; else this one.
    /// </summary>
    internal FaceRig WithBasesOf(FaceRig own)
    {
        FaceGeometry bases = own.Geometry;
        bool fits = Geometry.SkinBasis.IsEmpty && Geometry.TongueBasis.IsEmpty && !bases.SkinBasis.IsEmpty && !bases.TongueBasis.IsEmpty
            && SkinVertexCount == own.SkinVertexCount && TongueVertexCount == own.TongueVertexCount;
        if (!fits) return this;
        FaceGeometry both = Geometry with
        {
            SkinBasis = bases.SkinBasis,
            SkinOffset = bases.SkinOffset,
            TongueBasis = bases.TongueBasis,
            TongueOffset = bases.TongueOffset,
        };
        return new FaceRig(both, Skin, Tongue);
    }

    /// <summary>Number of skin vertices.</summary>
    public int SkinVertexCount { get; }

    /// <summary>Number of tongue vertices.</summary>
    public int TongueVertexCount { get; }

    /// <summary>Number of points that follow the jaw.</summary>
    public int JawPointCount { get; }

    /// <summary>Network outputs for the skin: PCA coefficients, or displacements where there is no basis.</summary>
    public int SkinSize { get; }

    /// <summary>Network outputs for the tongue.</summary>
    public int TongueSize { get; }

    /// <summary>Network outputs for the jaw: 3 per point.</summary>
    public int JawSize => 3 * JawPointCount;

    /// <summary>Network outputs for the eyes: right x, right y, left x, left y.</summary>
    public int EyesSize => 4;

    /// <summary>Length of one row of network output: skin, tongue, jaw, eyes.</summary>
    public int OutputLength => checked(SkinSize + TongueSize + JawSize + EyesSize);

    /// <summary>Names of the skin weights; empty without skin blendshapes.</summary>
    public IReadOnlyList<string> SkinPoseNames => Skin?.PoseNames ?? [];

    /// <summary>Names of the tongue weights; empty without tongue blendshapes.</summary>
    public IReadOnlyList<string> TonguePoseNames => Tongue?.PoseNames ?? [];

    internal FaceGeometry Geometry { get; }

    internal BlendshapeBasis? Skin { get; }

    internal BlendshapeBasis? Tongue { get; }

    /// <summary>The skin that an animator has to move: everything, what the solver looks at, or nothing.</summary>
    internal SkinRegion? SkinToMove(bool vertices) => vertices ? _wholeSkin.Value : Skin is null ? null : _fittedSkin.Value;

    /// <summary>The basis that fits <see cref="SkinToMove"/>, or null where the network puts out displacements.</summary>
    internal PcaBasis? SkinBasisToUse(bool vertices)
    {
        if (Geometry.SkinBasis.IsEmpty) return null;
        return vertices ? PcaBasis.Whole(Geometry.SkinBasis, SkinSize, 3 * SkinVertexCount) : _fittedSkinBasis.Value;
    }

    /// <summary>Whether skin weights can be solved for from coefficients alone: there are blendshapes, and the network puts out coefficients.</summary>
    internal bool CanFoldSkin => Skin is not null && !Geometry.SkinBasis.IsEmpty;

    /// <summary>Whether tongue weights can be solved for from coefficients alone.</summary>
    internal bool CanFoldTongue => Tongue is not null && !Geometry.TongueBasis.IsEmpty;

    /// <summary>
    /// What folds the skin for one border between lower and upper face; see <see cref="FaceFold"/>. Computed when first asked for; the last 16 are kept.
    /// </summary>
    internal FoldedBasis SkinFold(float maskLevel, float maskSoftness)
    {
        lock (_skinFolds)
        {
            int known = _skinFolds.FindIndex(f => f.Level == maskLevel && f.Softness == maskSoftness);
            (float, float, FoldedBasis Fold) found = known >= 0
                ? _skinFolds[known]
                : (maskLevel, maskSoftness, FaceFold.Skin(this, _fittedSkin.Value, _skinFold.Value, maskLevel, maskSoftness));
            if (known >= 0) _skinFolds.RemoveAt(known);
            else if (_skinFolds.Count == MostSkinFolds) _skinFolds.RemoveAt(0);
            _skinFolds.Add(found);
            return found.Fold;
        }
    }

    /// <summary>What folds the tongue.</summary>
    internal FoldedBasis TongueFold => _tongueFold.Value;

    private static BlendshapeBasis? Arrange(BlendshapeSet? set, ReadOnlyMemory<float> neutral, string what) =>
        set is null ? null : new BlendshapeBasis(set, VertexCount(neutral, $"neutral {what}"), what);

    private static int VertexCount(ReadOnlyMemory<float> points, string what) => points.Length % 3 == 0
        ? points.Length / 3
        : throw new A2FException(A2FErrorCode.InvalidModel, $"{what}: expected x, y, z per vertex, found {points.Length} values");

    private static int OutputSize(ReadOnlyMemory<float> basis, int vertices, string what)
    {
        int row = 3 * vertices;
        if (basis.IsEmpty) return row;
        if (row == 0 || basis.Length % row != 0)
            throw new A2FException(A2FErrorCode.InvalidModel, $"{what} basis: expected rows of {row} values, found {basis.Length} in all");
        return basis.Length / row;
    }

    private static void CheckOffset(ReadOnlyMemory<float> offset, ReadOnlyMemory<float> basis, int length, string what)
    {
        if (offset.IsEmpty) return;
        CheckLength(offset, length, $"{what} offset");
        if (basis.IsEmpty) throw new A2FException(A2FErrorCode.InvalidModel, $"{what} offset: it belongs to a basis, and there is none");
        Finite.Check(offset.Span, $"{what} offset");
    }

    private static void CheckLength(ReadOnlyMemory<float> values, int expected, string what)
    {
        if (values.Length != expected)
            throw new A2FException(A2FErrorCode.InvalidModel, $"{what}: expected {expected} values, found {values.Length}");
    }

    private static void CheckFinite(FaceGeometry g)
    {
        Finite.Check(g.SkinBasis.Span, "skin basis");
        Finite.Check(g.SkinNeutral.Span, "neutral skin");
        Finite.Check(g.LipOpenDelta.Span, "lip open delta");
        Finite.Check(g.EyeCloseDelta.Span, "eye close delta");
        Finite.Check(g.TongueBasis.Span, "tongue basis");
        Finite.Check(g.TongueNeutral.Span, "neutral tongue");
        Finite.Check(g.NeutralJaw.Span, "neutral jaw");
        Finite.Check(g.SaccadeRotations.Span, "saccade rotations");
    }
}
