using A2F.Engine.Networks;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>Sizes and weights of emotion classifiers, and that spelling does not matter.</summary>
public sealed class EmotionImporterTests
{
    public static TheoryData<string> Networks => ["emo_base", "emo_large"];

    [Theory]
    [InlineData("emo_base", false, 20, false)]
    [InlineData("emo_large", true, 32, true)]
    public void Sizes_come_from_the_graph(string name, bool large, int headWidth, bool tanh)
    {
        EmotionConfig c = EmotionImporter.Import(Fixture.Network(name)).Config;
        Assert.Equal((headWidth, 6, tanh), (c.HeadWidth, c.Labels, c.Tanh));
        Assert.Equal((large, large), (c.Encoder.LayerNormConvs, c.Encoder.PreNorm));
        Assert.Equal((24, 32, 64, 4, 2, 16, 4), (c.Encoder.Channels, c.Encoder.Dim, c.Encoder.FeedForward, c.Encoder.Heads,
            c.Encoder.Layers, c.Encoder.PositionKernel, c.Encoder.PositionGroups));
        Assert.Equal([10, 3, 3, 3, 3, 2, 2], c.Encoder.Convs.Select(s => s.Kernel));
        Assert.Equal([5, 2, 2, 2, 2, 2, 2], c.Encoder.Convs.Select(s => s.Stride));
    }

    [Fact]
    public void Every_weight_is_PyTorchs()
    {
        (EmotionConfig c, WeightSet w) = EmotionImporter.Import(Fixture.Network("emo_large"));
        Dictionary<string, (float[] Data, int[] Shape)> torch = Fixture.PyTorch("emo_large");
        Fixture.EncoderIsPyTorchs(c.Encoder, w, torch, "wav2vec2.");
        Fixture.Linear(torch, w, "classifier.dense", "head1");
        Fixture.Linear(torch, w, "classifier.out_proj", "head2");
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Names_and_the_order_of_nodes_do_not_matter(string name) => ImportsTheSame(name, e => e.RenameAll().Shuffle());

    [Theory]
    [MemberData(nameof(Networks))]
    public void Identities_anywhere_do_not_matter(string name) => ImportsTheSame(name, e => e.WrapInIdentities());

    [Theory]
    [MemberData(nameof(Networks))]
    public void Layer_norm_and_gelu_may_be_one_operator(string name) => ImportsTheSame(name, e =>
    {
        Assert.NotEqual(0, e.Opset(20).FuseLayerNorm());
        Assert.NotEqual(0, e.FuseGelu());
    });

    [Theory]
    [MemberData(nameof(Networks))]
    public void Batch_and_length_may_be_fixed(string name) => ImportsTheSame(name, e =>
    {
        Fixture.FixSymbols(e);
        e.Graph.Input[0].Type.TensorType.Shape.Dim[1].DimValue = 16000;
    });

    private static void ImportsTheSame(string name, Action<GraphEdit> edit)
    {
        (EmotionConfig config, WeightSet weights) = EmotionImporter.Import(Fixture.Network(name));
        var changed = new GraphEdit(Fixture.Model(name));
        edit(changed);
        (EmotionConfig otherConfig, WeightSet otherWeights) = Fixture.ImportEmotion(changed.Model);
        Assert.Equal(Text(config), Text(otherConfig));
        Fixture.Same(weights, otherWeights);
    }

    private static string Text(EmotionConfig c) =>
        $"{c with { Encoder = c.Encoder with { Convs = [] } }} {string.Join(", ", c.Encoder.Convs)}";
}
