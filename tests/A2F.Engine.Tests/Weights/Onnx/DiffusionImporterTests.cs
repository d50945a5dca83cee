using A2F.Engine.Networks;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using A2F.Engine.Weights.Onnx.Proto;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>Sizes and weights of diffusion networks, and that spelling does not matter.</summary>
public sealed class DiffusionImporterTests
{
    private static readonly string[] _parts = ["skin", "tongue", "jaw", "eye"];

    public static TheoryData<string> Networks => ["diff_tiny_60", "diff_tiny_30", "diff_tiny_3step", "diff_tiny_const"];

    [Theory]
    [InlineData("diff_tiny_60", 60, 15, 30, 1, 3, 2, true, true, 2)]
    [InlineData("diff_tiny_30", 30, 7, 15, 2, 2, 2, true, true, 2)]
    [InlineData("diff_tiny_3step", 60, 15, 30, 1, 2, 1, false, true, 1)]
    [InlineData("diff_tiny_const", 30, 7, 15, 2, 1, 3, true, false, 1)]
    public void Sizes_come_from_the_graph(
        string name, int frames, int first, int centre, int rows, int actors, int gruLayers, bool delta, bool perFrame, int layers)
    {
        (DiffusionConfig c, WeightSet w) = DiffusionImporter.Import(Fixture.Network(name));
        Assert.Equal((16000, frames, first, centre), (c.WindowLength, c.FrameCount, c.FirstFrame, c.CentreFrames));
        Assert.Equal((rows, actors, gruLayers, delta, perFrame), (c.AudioRows, c.ActorCount, c.GruLayers, c.Delta, c.EmotionPerFrame));
        Assert.Equal(new FaceSizes(108, 36, 15, 4), c.Outputs);
        Assert.Equal(new FaceSizes(32, 8, 10, 4), c.Features);
        Assert.Equal(new FaceSizes(48, 48, 12, 12), c.Hidden);
        Assert.Equal((16, 27, 5, 10, 6, 16, 24),
            (c.AudioFeatures, c.GeometryFeatures, c.ActorFeatures, c.EmotionCount, c.EmotionFeatures, c.TimeFeatures, c.GruSize));
        Assert.Equal((layers, 24, 3, false, false),
            (c.Encoder.Layers, c.Encoder.Dim, c.Encoder.Heads, c.Encoder.LayerNormConvs, c.Encoder.PreNorm));
        Assert.Equal(delta, w.Contains("scale"));
        Assert.False(w.Contains("w2v.layer_mix"));
        Assert.Equal([70, 72], w["gru0.input.weight"].Shape);
        Assert.Equal([c.Steps.Count, 16], w["time.weight"].Shape);
    }

    [Fact]
    public void Steps_come_with_the_constants_of_their_schedule()
    {
        DiffusionConfig c = DiffusionImporter.Import(Fixture.Network("diff_tiny_3step")).Config;
        Assert.Equal([(49, 2), (24, 1), (0, 0)], c.Steps.Select(s => (s.TimeStep, s.Slice)));
        // Tables of the graph (float64): c1 1, 0.99741936.., 0.70273935..; c2 0, 0.00242834.., 0.00070981..
        Assert.Equal([(0.7027393594278167f, 0.0007098118252186732f), (0.9974193661417998f, 0.002428344606532093f), (1f, 0f)],
            c.Steps.Select(s => (s.Prediction, s.Previous)));
        Assert.Equal(0, c.Steps[^1].Noise);
    }

    [Fact]
    public void The_full_schedule_is_the_published_models()
    {
        var schedule = new NoiseSchedule(1000, 2);
        Assert.Equal([0, 999], schedule.TimeSteps);
        Assert.Equal(0.99997936, schedule.Prediction[1], 8);
        Assert.Equal(2.0346e-9, schedule.Previous[1], 1e-12);
        Assert.Equal(0.00642528, schedule.Noise[1], 8);
        // Python rounds halves to even: 2.5 of 3 steps among 6 is 2.
        Assert.Equal([0, 2, 5], new NoiseSchedule(6, 3).TimeSteps);
    }

    [Theory]
    [InlineData("diff_tiny_60")]
    [InlineData("diff_tiny_30")]
    [InlineData("diff_tiny_const")]
    public void Every_weight_is_PyTorchs(string name)
    {
        (DiffusionConfig c, WeightSet w) = DiffusionImporter.Import(Fixture.Network(name));
        Dictionary<string, (float[] Data, int[] Shape)> torch = Fixture.PyTorch(name);
        Fixture.EncoderIsPyTorchs(c.Encoder, w, torch, "model.audio_model.");
        Fixture.Linear(torch, w, "model.proj_hubert", "audio");
        Fixture.IsTransposed(torch["model.embed_actor.weight"], w["actor.weight"], "actor");
        Fixture.IsTransposed(torch["model.embed_emo_vector.weight"], w["emotion.weight"], "emotion");
        const string Geometry = "model.geometry_embedding.";
        foreach (string part in (string[])["skin", "tongue"])
        {
            Fixture.Linear(torch, w, $"{Geometry}{part}_embedding.0", $"{part}_embed");
            Fixture.IsEqual(torch[$"{Geometry}{part}_embedding.1.weight"], w[$"{part}_embed.conv.weight"], part);
            Fixture.IsEqual(torch[$"{Geometry}{part}_embedding.1.bias"], w[$"{part}_embed.conv.bias"], part);
        }
        foreach ((string from, string to) in (ReadOnlySpan<(string, string)>)[("jaw", "jaw"), ("eye", "eyes")])
        {
            Fixture.Linear(torch, w, $"{Geometry}{from}_embedding.0", $"{to}_embed1");
            Fixture.Linear(torch, w, $"{Geometry}{from}_embedding.2", $"{to}_embed2");
        }
        Fixture.Linear(torch, w, $"{Geometry}final.0", "geometry1");
        Fixture.Linear(torch, w, $"{Geometry}final.2", "geometry2");
        foreach (string part in _parts)
        {
            Fixture.Linear(torch, w, $"model.final_layer_{part}.0", $"{(part == "eye" ? "eyes" : part)}_head1");
            Fixture.Linear(torch, w, $"model.final_layer_{part}.2", $"{(part == "eye" ? "eyes" : part)}_head2");
        }
        for (int l = 0; l < c.GruLayers; l++)
        {
            // PyTorch's gates are ours, its tokens in our order: audio, geometry, actor, time, emotion.
            Fixture.IsTransposed(torch[$"model.gru.weight_ih_l{l}"], w[$"gru{l}.input.weight"], $"gru{l}");
            Fixture.IsEqual(torch[$"model.gru.bias_ih_l{l}"], w[$"gru{l}.input.bias"], $"gru{l}");
            Fixture.IsTransposed(torch[$"model.gru.weight_hh_l{l}"], w[$"gru{l}.state.weight"], $"gru{l}");
            Fixture.IsEqual(torch[$"model.gru.bias_hh_l{l}"], w[$"gru{l}.state.bias"], $"gru{l}");
        }
        (float[] time, int[] shape) = torch["model.proj_time.0.weight"];
        for (int i = 0; i < c.Steps.Count; i++)
        {
            for (int o = 0; o < shape[0]; o++)
                Assert.Equal(time[o * shape[1] + c.Steps[i].TimeStep], w["time.weight"].Data.Span[i * shape[0] + o]);
        }
        Fixture.IsEqual(torch["model.proj_time.0.bias"], w["time.bias"], "time");
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Names_and_the_order_of_nodes_do_not_matter(string name) => ImportsTheSame(name, e => e.RenameAll().Shuffle());

    [Theory]
    [MemberData(nameof(Networks))]
    public void Identities_anywhere_do_not_matter(string name) => ImportsTheSame(name, e => e.WrapInIdentities());

    [Theory]
    [MemberData(nameof(Networks))]
    public void Weights_may_be_float64_behind_a_cast(string name) => ImportsTheSame(name, e => e.UseDoubles());

    [Theory]
    [MemberData(nameof(Networks))]
    public void The_batch_may_be_fixed(string name) => ImportsTheSame(name, Fixture.FixSymbols);

    [Theory]
    [MemberData(nameof(Networks))]
    public void Layer_norm_and_gelu_may_be_one_operator(string name) => ImportsTheSame(name, e =>
    {
        Assert.NotEqual(0, e.Opset(20).FuseLayerNorm());
        Assert.NotEqual(0, e.FuseGelu());
    });

    [Theory]
    [MemberData(nameof(Networks))]
    public void Tokens_may_stand_in_another_order_before_the_GRU(string name) => ImportsTheSame(name, e =>
    {
        foreach (NodeProto gru in e.Nodes("GRU"))
        {
            // Emotion and the rest swap places, and the weight's columns with them.
            NodeProto concat = e.Producer(e.Producer(gru.Input[0]).Input[0]);
            if (concat.OpType != "Concat") continue;
            if (concat.Input[0].Contains("embed_emo", StringComparison.Ordinal) || concat.Input.Count != 5) continue;
            string last = concat.Input[4];
            concat.Input.RemoveAt(4);
            concat.Input.Insert(0, last);
        }
        foreach (NodeProto gru in e.Nodes("GRU").Where(g => e.Producer(e.Producer(g.Input[0]).Input[0]).OpType == "Concat"))
        {
            string front = Slice(e, gru.Input[1], 64, 70);
            string rest = Slice(e, gru.Input[1], 0, 64);
            gru.Input[1] = e.Add("Concat", [front, rest], null, GraphEdit.Int("axis", 2));
        }
    });

    private static string Slice(GraphEdit e, string tensor, long from, long to) =>
        e.Add("Slice", [tensor, e.Constant([from], 1), e.Constant([to], 1), e.Constant([2L], 1)]);

    private static void ImportsTheSame(string name, Action<GraphEdit> edit)
    {
        (DiffusionConfig config, WeightSet weights) = DiffusionImporter.Import(Fixture.Network(name));
        var changed = new GraphEdit(Fixture.Model(name));
        edit(changed);
        (DiffusionConfig otherConfig, WeightSet otherWeights) = Fixture.ImportDiffusion(changed.Model);
        Assert.Equal(Fixture.Text(config), Fixture.Text(otherConfig));
        Fixture.Same(weights, otherWeights);
    }
}
