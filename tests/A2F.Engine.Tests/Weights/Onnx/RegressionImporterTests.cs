using A2F.Engine.Networks;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>Every spelling of a network gives the same weights.</summary>
public sealed class RegressionImporterTests
{
    public static TheoryData<string> Networks => ["reg_tiny", "reg_w2v2", "reg_autocorr"];

    [Theory]
    [MemberData(nameof(Networks))]
    public void An_imported_network_computes_the_recorded_results(string name)
    {
        (RegressionConfig config, WeightSet weights) = RegressionImporter.Import(Fixture.Network(name));
        Fixture.AgreesWithRecording(config, weights, TestData.Path($"fixtures/{name}"), 1e-6);
    }

    [Fact]
    public void Sizes_come_from_the_graph()
    {
        (RegressionConfig c, _) = RegressionImporter.Import(Fixture.Network("reg_tiny"));
        Assert.Equal((8320, 16, 10, 8, 24), (c.InputLength, c.ImplicitLength, c.EmotionCount, c.EmotionEmbedding, c.Channels));
        Assert.Equal((12, 5, 15, 4), (c.SkinSize, c.TongueSize, c.JawSize, c.EyesSize));
        Assert.Equal(1.4142135f, c.ReluGain);
        Assert.Equal(Enumerable.Repeat(new ConvShape(3, 2, 1), 4), c.TimeConvs);
        Wav2VecConfig w = c.Wav2Vec!;
        Assert.Equal((24, 32, 64, 4, 1, 16, 4), (w.Channels, w.Dim, w.FeedForward, w.Heads, w.Layers, w.PositionKernel, w.PositionGroups));
        Assert.Equal((1e-5f, 1e-5f), (w.GroupNormEpsilon, w.LayerNormEpsilon));
        Assert.Equal([10, 3, 3, 3, 3, 2, 2], w.Convs.Select(s => s.Kernel));
        Assert.Equal([5, 2, 2, 2, 2, 2, 2], w.Convs.Select(s => s.Stride));
        AutoCorrelationConfig a = c.AutoCorrelation!;
        Assert.Equal((25, 640, 320, 32, 8.912028f, 1 / 640f), (a.Windows, a.WindowLength, a.Hop, a.Lags, a.InputGain, a.Scale));
        Assert.Equal([.. Enumerable.Repeat(new ConvShape(3, 2, 1), 4), new ConvShape(2, 1, 0)], a.Convs);
    }

    [Fact]
    public void Absent_branches_are_absent()
    {
        Assert.Null(RegressionImporter.Import(Fixture.Network("reg_autocorr")).Config.Wav2Vec);
        Assert.Null(RegressionImporter.Import(Fixture.Network("reg_w2v2")).Config.AutoCorrelation);
        Assert.Equal(2, RegressionImporter.Import(Fixture.Network("reg_w2v2")).Config.Wav2Vec!.Layers);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Names_and_the_order_of_nodes_do_not_matter(string name) => ImportsTheSame(name, e => e.RenameAll().Shuffle());

    [Theory]
    [MemberData(nameof(Networks))]
    public void Identities_anywhere_do_not_matter(string name) => ImportsTheSame(name, e => e.WrapInIdentities());

    [Theory]
    [MemberData(nameof(Networks))]
    public void Numbers_may_be_in_typed_fields(string name) => ImportsTheSame(name, e => e.UseTypedFields());

    [Theory]
    [MemberData(nameof(Networks))]
    public void Weights_may_be_float64_behind_a_cast(string name) => ImportsTheSame(name, e => e.UseDoubles());

    [Theory]
    [MemberData(nameof(Networks))]
    public void The_batch_may_be_fixed(string name) => ImportsTheSame(name, e => e.FixBatch());

    [Theory]
    [InlineData("reg_tiny", 4)]
    [InlineData("reg_w2v2", 6)]
    public void Layer_norm_may_be_one_operator(string name, int count) =>
        ImportsTheSame(name, e => Assert.Equal(count, e.Opset(17).FuseLayerNorm()));

    [Theory]
    [InlineData("reg_tiny", 9)]
    [InlineData("reg_w2v2", 10)]
    public void Gelu_may_be_one_operator(string name, int count) => ImportsTheSame(name, e => Assert.Equal(count, e.Opset(20).FuseGelu()));

    [Theory]
    [InlineData("reg_tiny", 9)]
    [InlineData("reg_autocorr", 1)]
    public void Weights_of_products_may_be_read_through_a_transpose(string name, int count) =>
        ImportsTheSame(name, e => Assert.Equal(count, e.UnfoldMatMuls()));

    [Theory]
    [InlineData("reg_tiny")]
    [InlineData("reg_w2v2")]
    public void Group_norm_may_be_one_operator(string name) => ImportsTheSame(name, e => e.Opset(21).FuseGroupNorm());

    [Theory]
    [InlineData("scores")]
    [InlineData("query")]
    [InlineData("merged")]
    public void Attention_may_be_spelled_in_any_way(string form) =>
        ImportsTheSame("reg_w2v2", e => e.SpellAttention(form, (float)(1 / Math.Sqrt(8))));

    private static void ImportsTheSame(string name, Action<GraphEdit> edit)
    {
        (RegressionConfig config, WeightSet weights) = RegressionImporter.Import(Fixture.Network(name));
        var changed = new GraphEdit(Fixture.Model(name));
        edit(changed);
        (RegressionConfig otherConfig, WeightSet otherWeights) = Fixture.Import(changed.Model);
        Fixture.Same(config, otherConfig);
        Fixture.Same(weights, otherWeights);
    }
}
