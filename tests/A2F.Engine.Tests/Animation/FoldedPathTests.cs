using A2F.Engine.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Animation;

/// <summary>Weights from coefficients against weights through vertices: equal in real arithmetic.</summary>
public sealed class FoldedPathTests
{
    private const double Tolerance = 1e-4;

    public static TheoryData<string> Faces => [.. RecordedFace.WithCoefficients];

    [Theory]
    [MemberData(nameof(Faces))]
    public void Weights_equal_those_through_vertices(string name)
    {
        RecordedFace face = RecordedFace.Of(name);
        AssertClose(face.Animator(vertices: true).Animate(face.Rows), face.Animator(vertices: false).Animate(face.Rows), name);
    }

    [Theory]
    [MemberData(nameof(Faces))]
    public void Weights_equal_those_through_vertices_while_parameters_change(string name)
    {
        RecordedFace face = RecordedFace.Of(name);
        FaceAnimator plain = face.Animator(vertices: true), folded = face.Animator(vertices: false);
        FaceFrames expected = plain.CreateFrames(face.Count), actual = folded.CreateFrames(face.Count);
        for (int i = 0; i < face.Count; i++)
        {
            foreach (FaceAnimator animator in (FaceAnimator[])[plain, folded])
            {
                if (i % 5 == 4) Change(animator, i / 5);
                if (i == face.Count / 2) animator.Reset();
            }
            plain.Animate(face.Row(i), expected, i);
            folded.Animate(face.Row(i), actual, i);
        }
        AssertClose(expected, actual, name);
    }

    [Fact]
    public void An_offset_of_the_bases_counts_on_both_paths()
    {
        RecordedFace face = RecordedFace.Of("golden");
        FaceGeometry geometry = face.Rig.Geometry;
        // Coefficient 0 held at 1.5, as part of the offset.
        float[] skin = [.. geometry.SkinBasis.Span[..1800].ToArray().Select(v => 1.5f * v)];
        float[] tongue = [.. geometry.TongueBasis.Span[..360].ToArray().Select(v => 1.5f * v)];
        FaceRig moved = new(
            geometry with { SkinOffset = skin, TongueOffset = tongue }, Golden.Blendshapes("skin"), Golden.Blendshapes("tongue"));
        float[] rows = (float[])face.Rows.Clone(), without = (float[])face.Rows.Clone();
        for (int i = 0; i < face.Count; i++)
        {
            (rows[i * 37], rows[i * 37 + 12]) = (1.5f, 1.5f);
            (without[i * 37], without[i * 37 + 12]) = (0, 0);
        }
        FaceFrames expected = (face with { Rows = rows }).Animator(vertices: true).Animate(rows);
        RecordedFace offset = face with { Rig = moved, Rows = without };
        FaceFrames vertices = offset.Animator(vertices: true).Animate(without);
        Golden.AssertClose(expected.SkinVertices, vertices.SkinVertices, 2e-5, "skin");
        Golden.AssertClose(expected.TongueVertices, vertices.TongueVertices, 2e-5, "tongue");
        AssertClose(expected, vertices, "vertices");
        AssertClose(expected, offset.Animator(vertices: false).Animate(without), "folded");
    }

    [Fact]
    public void Splitting_and_resetting_change_no_bit()
    {
        RecordedFace face = RecordedFace.Of("golden");
        FaceAnimator animator = face.Animator(vertices: false);
        FaceFrames whole = animator.Animate(face.Rows), parts = animator.CreateFrames(face.Count);
        animator.Reset();
        for (int i = 0; i < face.Count; i++) animator.Animate(face.Row(i), parts, i);
        Assert.Equal(whole.SkinWeights, parts.SkinWeights);
        Assert.Equal(whole.TongueWeights, parts.TongueWeights);
    }

    [Fact]
    public void No_frame_allocates()
    {
        RecordedFace face = RecordedFace.Of("golden");
        FaceAnimator animator = face.Animator(vertices: false);
        FaceFrames frames = animator.CreateFrames(face.Count);
        animator.Animate(face.Rows, frames, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        animator.Animate(face.Rows, frames, 0);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Borders_of_the_face_that_come_back_are_not_computed_again()
    {
        FaceRig rig = RecordedFace.Of("golden").Rig;
        FoldedBasis first = rig.SkinFold(0.6f, 0.01f);
        Assert.NotSame(first, rig.SkinFold(0.5f, 0.01f));
        Assert.Same(first, rig.SkinFold(0.6f, 0.01f));
        for (int i = 0; i < 16; i++) rig.SkinFold(0.1f + 0.01f * i, 0.01f);
        Assert.NotSame(first, rig.SkinFold(0.6f, 0.01f));
    }

    /// <summary>One of many changes, the same for the same step.</summary>
    internal static void Change(FaceAnimator animator, int step)
    {
        AnimatorParameters p = animator.Parameters;
        SolverParameters skin = animator.SkinSolver!, tongue = animator.TongueSolver!;
        animator.Parameters = (step % 8) switch
        {
            0 => p with { FaceMaskLevel = 0.45f, SkinStrength = 0.8f },
            1 => p with { FaceMaskSoftness = 0.1f, BlinkOffset = 0.7f },
            2 => p with { LowerFaceSmoothing = 0.05f, UpperFaceSmoothing = 0.02f },
            3 => p with { LipOpenOffset = 0.1f, EyelidOpenOffset = -0.2f, UpperFaceStrength = 1.7f },
            4 => p with { LowerFaceSmoothing = 0, TongueStrength = 0.6f, TongueHeightOffset = -0.3f },
            5 => p with { TongueDepthOffset = 0.5f, LowerFaceStrength = 0.5f },
            _ => p with { FaceMaskLevel = 0.7f, FaceMaskSoftness = 0.004f, SkinStrength = 1.2f },
        };
        if (step % 3 == 0)
        {
            animator.SkinSolver = skin with
            {
                L2Regularization = 2 + step % 4,
                TemporalSmoothing = 0.2f * (step % 5),
                Multipliers = [.. skin.Multipliers.Select((_, i) => 0.5f + 0.1f * ((i + step) % 9))],
            };
        }
        if (step % 4 == 1) animator.TongueSolver = tongue with { ActivePoses = [.. tongue.ActivePoses.Select((_, i) => (i + step) % 5 != 0)] };
        if (step % 6 == 5) animator.SolveOptions = new SolveOptions { Objective = step % 12 == 5 ? SolveObjective.Energy : SolveObjective.Normal };
    }

    private static void AssertClose(FaceFrames expected, FaceFrames actual, string what)
    {
        Golden.AssertClose(expected.SkinWeights, actual.SkinWeights, Tolerance, $"{what}, skin weights");
        Golden.AssertClose(expected.TongueWeights, actual.TongueWeights, Tolerance, $"{what}, tongue weights");
        Golden.AssertClose(expected.Jaw, actual.Jaw, 0, $"{what}, jaw");
        Golden.AssertClose(expected.Eyes, actual.Eyes, 0, $"{what}, eyes");
        Assert.True(expected.SkinWeights.Max() > 0.05f, $"{what}: nothing moves");
    }
}
