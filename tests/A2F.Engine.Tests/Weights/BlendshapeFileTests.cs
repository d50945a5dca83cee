using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Weights;

public sealed class BlendshapeFileTests : IDisposable
{
    private static readonly float[] Base = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], First = [0.5f, 0, 0, 0, 0.25f, 0, 0, 0, -1, 0, 0, 0];
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void An_npz_file_of_a_model_is_the_models_own_set()
    {
        string path = TestData.Path("fixtures/reg_autocorr/bs_skin_claire.npz");
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("fixtures/reg_autocorr"));
        AssertSame(model.SkinBlendshapes!, BlendshapeFile.Load(path, model.Info.SkinVertices));
        A2FException e = Assert.Throws<A2FException>(() => BlendshapeFile.Load(path, model.Info.SkinVertices + 1));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains($"[{model.Info.SkinVertices + 1}, 3]", e.Message, StringComparison.Ordinal);
        Assert.Contains($"{model.Info.SkinVertices}, 3]", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_glb_file_holds_the_same_set()
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("fixtures/reg_autocorr"));
        string path = _folder.Write("set.glb", GlbWriter.Of(model.SkinBlendshapes!).Bytes());
        AssertSame(model.SkinBlendshapes! with { FrontalMask = null }, BlendshapeFile.Load(path, model.Info.SkinVertices, new GlbOptions { Scale = 1 }));
    }

    [Fact]
    public void Metres_become_centimetres_unless_another_scale_is_given()
    {
        string path = Write(glb => glb.Mesh("face", ["a"], (glb.Floats(Base), [glb.Floats(First)])));
        BlendshapeSet metres = BlendshapeFile.Load(path, 4), millimetres = BlendshapeFile.Load(path, 4, new GlbOptions { Scale = 0.1f });
        Assert.Equal(Base.Select(x => 100 * x), metres.Neutral.ToArray());
        Assert.Equal(First.Select(x => 100 * x), metres.Deltas.ToArray());
        Assert.Equal(Base.Select(x => 0.1f * x), millimetres.Neutral.ToArray());
        foreach (float scale in new[] { 0, -1, float.NaN, 2e6f })
            Assert.Throws<A2FException>(() => BlendshapeFile.Load(path, 4, new GlbOptions { Scale = scale }));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(12, 0)]
    [InlineData(16, 4)]
    [InlineData(252, 8)]
    public void Strides_and_offsets_skip_what_lies_between(int stride, int offset)
    {
        string path = Write(glb => glb.Mesh("face", ["a"], (glb.Floats(Base, stride, offset), [glb.Floats(First, stride, offset)])));
        BlendshapeSet set = Load(path, 4);
        Assert.Equal(Base, set.Neutral.ToArray());
        Assert.Equal(First, set.Deltas.ToArray());
    }

    [Theory]
    [InlineData(5121)]
    [InlineData(5123)]
    [InlineData(5125)]
    public void Sparse_targets_change_zeros_or_another_view(int indexType)
    {
        string path = Write(glb =>
        {
            int positions = glb.Floats(Base);
            glb.Mesh("face", ["a", "none", "b"], (positions,
                [glb.Sparse(4, [(1, 1, 2, 3), (3, 4, 5, 6)], indexType), null, glb.Sparse(4, [(2, -1, -2, -3)], indexType, positions)]));
        });
        BlendshapeSet set = Load(path, 4);
        Assert.Equal(["a", "none", "b"], set.PoseNames);
        Assert.Equal([0, 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6, .. new float[12], 1, 2, 3, 4, 5, 6, -1, -2, -3, 10, 11, 12], set.Deltas.ToArray());
        Assert.Null(set.FrontalMask);
    }

    [Theory]
    [InlineData(5120, true, 127, -128, 1f, -1f)]
    [InlineData(5121, true, 255, 51, 1f, 0.2f)]
    [InlineData(5122, true, 32767, -32768, 1f, -1f)]
    [InlineData(5123, true, 65535, 13107, 1f, 0.2f)]
    [InlineData(5120, false, 127, -128, 127f, -128f)]
    [InlineData(5122, false, 1000, -1000, 1000f, -1000f)]
    [InlineData(5123, false, 65535, 1, 65535f, 1f)]
    public void Quantised_positions_are_decoded(int type, bool normalised, int first, int second, float x, float y)
    {
        string path = Write(glb => glb.Mesh("face", ["a"],
            (glb.Integers([first, second, 0, 0, 0, 0], type, normalised, 8), [glb.Integers([0, 0, 0, second, 0, first], type, normalised, 8)])));
        BlendshapeSet set = Load(path, 2);
        Assert.Equal([x, y, 0, 0, 0, 0], set.Neutral.ToArray());
        Assert.Equal([0, 0, 0, y, 0, x], set.Deltas.ToArray());
    }

    [Fact]
    public void Primitives_follow_each_other_and_shared_vertices_count_once()
    {
        string path = Write(glb =>
        {
            int front = glb.Floats(Base[..6]), back = glb.Floats(Base[6..]), moved = glb.Floats(First[6..]);
            glb.Mesh("face", ["a", "b"], (front, [null, glb.Floats(First[..6])]), (back, [moved, null]), (back, [moved, null]));
        });
        BlendshapeSet set = Load(path, 4);
        Assert.Equal(Base, set.Neutral.ToArray());
        Assert.Equal([.. new float[6], .. First[6..], .. First[..6], .. new float[6]], set.Deltas.ToArray());
    }

    [Fact]
    public void A_mesh_is_the_only_one_with_morph_targets_or_the_named_one()
    {
        string path = Write(glb =>
        {
            int all = glb.Floats(Base), some = glb.Floats(First);
            glb.Mesh("hair", null, (all, [])).Mesh("face", ["a"], (all, [some])).Mesh(null, ["b"], (all, [some])).Mesh("", ["c"], (all, [some]));
        });
        A2FException e = Assert.Throws<A2FException>(() => Load(path, 4));
        Assert.Contains("found 3; the meshes are 'hair', 'face' (has), '' (has), '' (has); choose one by its name", e.Message, StringComparison.Ordinal);
        Assert.Equal(["a"], BlendshapeFile.Load(path, 4, new GlbOptions { Mesh = "face" }).PoseNames);
        Assert.Contains("'teeth', found 0", Refuse(path, 4, new GlbOptions { Mesh = "teeth" }), StringComparison.Ordinal);
        Assert.Contains("morph targets", Refuse(path, 4, new GlbOptions { Mesh = "hair" }), StringComparison.Ordinal);
        string bald = Write(glb => glb.Mesh("hair", null, (glb.Floats(Base), [])));
        Assert.Contains("found 0; the meshes are 'hair'", Refuse(bald, 4), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_number_of_vertices_is_refused_with_both_numbers()
    {
        string message = Refuse(Write(glb => glb.Mesh("face", ["a"], (glb.Floats(Base), [null]))), 5);
        Assert.Contains("expected 5 vertices", message, StringComparison.Ordinal);
        Assert.Contains("found 4", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_wrong_names_are_refused()
    {
        foreach ((string[]? names, string reason) in new (string[]?, string)[]
        {
            (null, "meshes[0].extras.targetNames' is missing"), (["a"], "2 names, one per morph target"), (["a", "a"], "different names"),
        })
        {
            string path = Write(glb => glb.Mesh("face", names, (glb.Floats(Base), [null, null])));
            Assert.Contains(reason, Refuse(path, 4), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Formats_are_told_apart_by_their_first_bytes()
    {
        Assert.Contains("glTF as text", Refuse(_folder.Write("a.glb", [.. "{\"asset\": 1}"u8]), 4), StringComparison.Ordinal);
        Assert.Contains("npz or glTF binary", Refuse(_folder.Write("b.glb", [1, 2, 3]), 4), StringComparison.Ordinal);
        Assert.Contains("npz or glTF binary", Refuse(_folder.Write("c.glb", []), 4), StringComparison.Ordinal);
        Assert.Contains("does not exist", Refuse(_folder.File("none.glb"), 4), StringComparison.Ordinal);
        Assert.Contains("npz archive", Refuse(_folder.Write("d.glb", [.. "PK34"u8]), 4), StringComparison.Ordinal);
    }

    [Fact]
    public void A_solver_file_is_that_of_a_model()
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("fixtures/reg_autocorr"));
        string path = TestData.Path("fixtures/reg_autocorr/bs_skin_config_claire.json");
        Assert.Equal(model.SkinSolver!.Multipliers, BlendshapeFile.LoadSolver(path, model.SkinBlendshapes!.PoseNames.Count).Multipliers);
        Assert.Contains("numPoses", Assert.Throws<A2FException>(() => BlendshapeFile.LoadSolver(path, 7)).Message, StringComparison.Ordinal);
    }

    private string Write(Action<GlbWriter> fill)
    {
        GlbWriter glb = new();
        fill(glb);
        return _folder.Write("face.glb", glb.Bytes());
    }

    private static BlendshapeSet Load(string path, int vertices) => BlendshapeFile.Load(path, vertices, new GlbOptions { Scale = 1 });

    private static string Refuse(string path, int vertices, GlbOptions? options = null)
    {
        A2FException e = Assert.Throws<A2FException>(() => BlendshapeFile.Load(path, vertices, options));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        return e.Message;
    }

    private static void AssertSame(BlendshapeSet expected, BlendshapeSet found)
    {
        Assert.Equal(expected.PoseNames, found.PoseNames);
        Assert.Equal(expected.Neutral.ToArray(), found.Neutral.ToArray());
        Assert.Equal(expected.Deltas.ToArray(), found.Deltas.ToArray());
        Assert.Equal(expected.FrontalMask, found.FrontalMask);
    }

    public void Dispose() => _folder.Dispose();
}
