using System.Runtime.InteropServices;
using A2F.Engine.Animation;
using A2F.Engine.Weights;

namespace A2F.Engine.Backends.Cuda;

/// <summary>What a stage computes for one part of its faces, skin or tongue; the same for all of them.</summary>
/// <param name="Poses">Blendshapes; 0 for none.</param>
/// <param name="Folded">Whether weights come from network output without vertices.</param>
/// <param name="Length">Coordinates that are posed, of the face that has most; 0 for none.</param>
/// <param name="Rows">Coordinates that the solver looks at, of the face that has most.</param>
/// <param name="First">Column of the part's first network output in a row.</param>
/// <param name="Shapes">Network outputs of the part.</param>
internal readonly record struct FacePartLayout(int Poses, bool Folded, int Length, int Rows, int First, int Shapes)
{
    /// <summary>Coordinates of a chunk of face_sums.cu.</summary>
    internal const int Chunk = 256;

    /// <summary>Whether there are weights that come from positions.</summary>
    internal bool Projected => Poses > 0 && !Folded;

    /// <summary>Partial sums of a right-hand side.</summary>
    internal int Chunks => Folded ? 1 : (Rows + Chunk - 1) / Chunk;

    /// <summary>Coefficients of a fold: two halves of the skin; the tongue.</summary>
    internal static int Columns(int part, int shapes) => (part == 0 ? 2 : 1) * (shapes + FaceFold.Extra);
}

/// <summary>Faces in device memory, arranged for the kernels of the animation stage: a table of <see cref="FaceRigArguments"/>.</summary>
internal sealed class CudaFaceRigs
{
    private readonly CudaWorker _worker;
    private readonly bool _vertices;

    /// <param name="worker">Where.</param>
    /// <param name="rigs">The faces, of the same sizes.</param>
    /// <param name="vertices">Whether vertices are wanted.</param>
    /// <param name="folded">Whether weights may come from network output directly, where they can.</param>
    internal CudaFaceRigs(CudaWorker worker, IReadOnlyList<FaceRig> rigs, bool vertices, bool folded)
    {
        (_worker, _vertices) = (worker, vertices);
        Skin = Layout(rigs, rigs[0].SkinPoseNames.Count, folded && rigs.All(rig => rig.CanFoldSkin), 0, rigs[0].SkinSize,
            rig => vertices ? 3 * rig.SkinVertexCount : rig.Skin?.RowCount ?? 0, rig => rig.Skin);
        Tongue = Layout(rigs, rigs[0].TonguePoseNames.Count, folded && rigs.All(rig => rig.CanFoldTongue), rigs[0].SkinSize, rigs[0].TongueSize,
            rig => 3 * rig.TongueVertexCount, rig => rig.Tongue);
        FaceRigArguments[] table = new FaceRigArguments[rigs.Count];
        for (int i = 0; i < table.Length; i++) Arrange(rigs[i], ref table[i]);
        Table = Put<FaceRigArguments>(table);
    }

    internal FacePartLayout Skin { get; }

    internal FacePartLayout Tongue { get; }

    /// <summary>Device address of the table.</summary>
    internal ulong Table { get; }

    private FacePartLayout Layout(
        IReadOnlyList<FaceRig> rigs, int poses, bool folded, int first, int shapes, Func<FaceRig, int> length, Func<FaceRig, BlendshapeBasis?> basis)
    {
        folded &= !_vertices && poses > 0;
        bool posed = _vertices || (poses > 0 && !folded);
        int rows = rigs.Max(rig => basis(rig)?.RowCount ?? 0);
        return new FacePartLayout(poses, folded, posed ? rigs.Max(length) : 0, rows, first, shapes);
    }

    private void Arrange(FaceRig rig, ref FaceRigArguments target)
    {
        target.Jaw = Put(rig.Geometry.NeutralJaw.Span);
        target.JawPoints = rig.JawPointCount;
        if (Skin.Length > 0)
        {
            ArrangeSkin(rig, ref target.Regions[0]);
            if (rig.Skin is { } shapes) ArrangeShapes(shapes, _vertices, ref target.Shapes[0]);
        }
        if (Tongue.Length > 0)
        {
            ArrangeTongue(rig, ref target.Regions[1]);
            if (rig.Tongue is { } shapes) ArrangeShapes(shapes, true, ref target.Shapes[1]);
        }
    }

    private void ArrangeSkin(FaceRig rig, ref FaceRegionArguments target)
    {
        SkinRegion region = rig.SkinToMove(_vertices)!;
        int length = 3 * region.VertexCount;
        target.Length = length;
        target.Neutral = Put<float>(region.Neutral.AsSpan(0, length));
        target.Offset = Put<float>(region.Offset.AsSpan(0, length));
        target.EyeClose = Put<float>(region.EyeClose.AsSpan(0, length));
        target.LipOpen = Put<float>(region.LipOpen.AsSpan(0, length));
        target.Heights = Put<float>(region.Heights);
        if (_vertices) target.Basis = rig.Geometry.SkinBasis.IsEmpty ? 0 : Put(rig.Geometry.SkinBasis.Span);
        else if (rig.Geometry.SkinBasis.IsEmpty) target.Vertices = Put<int>(rig.Skin!.Vertices);
        else target.Basis = PutFitted(rig, length);
    }

    // The columns of the basis that the solver looks at.
    private ulong PutFitted(FaceRig rig, int length)
    {
        ulong address = _worker.Allocate((long)rig.SkinSize * length * sizeof(float), zeroed: false);
        if (_worker is CudaPlan) return address;
        ReadOnlySpan<float> basis = rig.Geometry.SkinBasis.Span;
        int whole = 3 * rig.SkinVertexCount;
        float[] row = new float[length];
        for (int shape = 0; shape < rig.SkinSize; shape++)
        {
            rig.Skin!.Gather(basis.Slice(checked(shape * whole), whole), row);
            _worker.Upload(address + (ulong)shape * (ulong)length * sizeof(float), MemoryMarshal.AsBytes<float>(row));
        }
        return address;
    }

    private void ArrangeTongue(FaceRig rig, ref FaceRegionArguments target)
    {
        FaceGeometry g = rig.Geometry;
        target.Length = g.TongueNeutral.Length;
        target.Neutral = Put(g.TongueNeutral.Span);
        target.Offset = Put(g.TongueOffset.IsEmpty ? new float[g.TongueNeutral.Length] : g.TongueOffset.Span);
        target.Basis = g.TongueBasis.IsEmpty ? 0 : Put(g.TongueBasis.Span);
    }

    private void ArrangeShapes(BlendshapeBasis shapes, bool amongAll, ref FaceShapesArguments target)
    {
        const int Chunk = FacePartLayout.Chunk;
        int poses = shapes.PoseCount, rows = (shapes.RowCount + Chunk - 1) / Chunk * Chunk;
        target.Rows = shapes.RowCount;
        target.Neutral = Put<float>(shapes.Neutral);
        target.Vertices = amongAll ? Put<int>(shapes.Vertices) : 0;
        target.Deltas = _worker.Allocate((long)rows * poses * sizeof(float), zeroed: false);
        if (_worker is CudaPlan) return;
        float[] chunk = new float[Chunk * poses];
        for (int first = 0; first < rows; first += Chunk)
        {
            Array.Clear(chunk);
            int count = Math.Min(Chunk, shapes.RowCount - first);
            for (int pose = 0; pose < poses; pose++)
            {
                ReadOnlySpan<float> delta = shapes.Delta(pose).Slice(first, count);
                for (int row = 0; row < count; row++) chunk[row * poses + pose] = delta[row];
            }
            _worker.Upload(target.Deltas + (ulong)first * (ulong)poses * sizeof(float), MemoryMarshal.AsBytes<float>(chunk));
        }
    }

    private ulong Put<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        ulong address = _worker.Allocate(bytes.Length, zeroed: false);
        if (_worker is not CudaPlan && bytes.Length > 0) _worker.Upload(address, bytes);
        return address;
    }
}
