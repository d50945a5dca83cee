using A2F.Engine.Weights.Onnx.Proto;
using Google.Protobuf;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>A diffusion or emotion graph that computes something else is refused, and the message says where it first differs.</summary>
public sealed class DiffusionRefusalTests
{
    [Fact]
    public void Another_sampler_constant_is_refused_with_both() => Refused("diff_tiny_3step", "a factor of 0.997419", e =>
    {
        // c1 of the cosine schedule, read by all steps.
        TensorProto table = e.Graph.Node.Where(n => n.OpType == "Constant").Select(n => n.Attribute.Single(a => a.Name == "value").T)
            .First(t => t.DataType == 11 && t.Dims.Count == 1 && BitConverter.ToDouble(t.RawData.Span) == 1);
        byte[] bytes = table.RawData.ToByteArray();
        BitConverter.TryWriteBytes(bytes.AsSpan(8), 0.9975);
        table.RawData = ByteString.CopyFrom(bytes);
    }, "0.9975");

    [Fact]
    public void Another_noise_factor_is_refused() => Refused("diff_tiny_60", "for the noise", e =>
    {
        foreach (NodeProto exp in e.Nodes("Exp")) e.Producer(exp.Input[0]).Input[1] = e.Constant([0.6f]);
    });

    [Fact]
    public void Another_time_step_is_refused() => Refused("diff_tiny_60", "time step 99", e =>
    {
        TensorProto oneHot = e.Graph.Node.Where(n => n.OpType == "Constant").Select(n => n.Attribute.Single(a => a.Name == "value").T)
            .First(t => t.Dims.Count == 2 && t.Dims[0] == 100 && t.Dims[1] == 100);
        float[] values = GraphEdit.Floats(oneHot);
        (values[99 * 100 + 99], values[99 * 100 + 98]) = (0, 1);
        GraphEdit.SetFloats(oneHot, values);
    });

    [Theory]
    [InlineData("diff_tiny_60")]
    [InlineData("diff_tiny_3step")]
    public void A_reset_gate_before_the_product_is_refused(string name) => Refused(name, "linear_before_reset",
        e => GraphEdit.Set(e.Nodes("GRU").Last(), GraphEdit.Int("linear_before_reset", 0)));

    [Fact]
    public void Other_GRU_activations_are_refused() => Refused("diff_tiny_60", "Sigmoid and Tanh", e => GraphEdit.Set(e.Nodes("GRU").First(),
        new AttributeProto { Name = "activations", Strings = { ByteString.CopyFromUtf8("Sigmoid"), ByteString.CopyFromUtf8("Relu") }, Type = 8 }));

    [Fact]
    public void Another_weight_in_the_second_step_is_refused() => Refused("diff_tiny_60", "'skin_head1.bias'", e =>
        ReplaceUse(e, "/model/final_layer_skin/final_layer_skin.0_1/Add", "model.final_layer_skin.0.bias"), "slice");

    [Fact]
    public void Another_audio_encoder_in_the_second_step_is_refused() => Refused("diff_tiny_60", "w2v.layer0.ff1.bias", e =>
        ReplaceUse(e, "/model/audio_model/encoder/layers.0/feed_forward/intermediate_dense_1/Add",
            "model.audio_model.encoder.layers.0.feed_forward.intermediate_dense.bias"), "same audio encoder");

    [Fact]
    public void Another_activation_of_the_heads_is_refused() => Refused("diff_tiny_60", "rectifier",
        e => e.Graph.Node.First(n => n.Name.Contains("final_layer_jaw.1/Relu", StringComparison.Ordinal)).OpType = "Tanh");

    [Fact]
    public void Another_activation_of_the_time_step_is_refused() => Refused("diff_tiny_60", "mish",
        e => e.Nodes("Softplus").First().OpType = "Relu");

    [Fact]
    public void A_state_that_goes_to_another_row_is_refused() => Refused("diff_tiny_60", "state", e =>
    {
        foreach (NodeProto scatter in e.Nodes("ScatterND").Where(n => n.Name.StartsWith("/model", StringComparison.Ordinal)))
            scatter.Input[1] = e.Constant([scatter.Name.StartsWith("/model_1", StringComparison.Ordinal) ? 1L : 0L], 1, 1);
    });

    [Fact]
    public void Frames_resampled_otherwise_are_refused() => Refused("diff_tiny_60", "resampled",
        e => e.Nodes("Floor").First().OpType = "Ceil");

    [Fact]
    public void A_mean_that_differs_from_the_networks_is_refused() => Refused("diff_tiny_const", "mean", e =>
    {
        NodeProto sub = e.Graph.Node.Single(n => n.Name == "/Sub_5");
        TensorProto mean = e.Graph.Node.Where(n => n.OpType == "Constant").Select(n => n.Attribute.Single(a => a.Name == "value").T)
            .Single(t => t.Dims.Count == 2 && t.Dims[0] == 1 && t.Dims[1] == 163).Clone();
        float[] values = GraphEdit.Floats(mean);
        values[3] += 1;
        GraphEdit.SetFloats(mean, values);
        string item = e.Add("Unsqueeze", [e.Add("MatMul", ["identity", e.Constant(mean)]), e.Constant([1L], 1)]);
        sub.Input[1] = e.Add("Slice", [item, e.Constant([0L], 1), e.Constant([108L], 1), e.Constant([2L], 1)]);
    });

    [Fact]
    public void An_emotion_network_is_no_diffusion_network()
    {
        A2FException e = Assert.Throws<A2FException>(() => Fixture.ImportDiffusion(Fixture.Model("emo_base")));
        Assert.Equal(A2FErrorCode.InvalidModel, e.Code);
        e = Assert.Throws<A2FException>(() => Fixture.ImportEmotion(Fixture.Model("diff_tiny_60")));
        Assert.Contains("1 input", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_emotion_head_with_another_activation_is_refused()
    {
        var edit = new GraphEdit(Fixture.Model("emo_large"));
        edit.Nodes("Tanh").Single().OpType = "Relu";
        A2FException e = Assert.Throws<A2FException>(() => Fixture.ImportEmotion(edit.Model));
        Assert.Contains("mean over time", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Gives one reader of a weight another value.</summary>
    private static void ReplaceUse(GraphEdit e, string node, string weight)
    {
        NodeProto reader = e.Graph.Node.Single(n => n.Name == node);
        TensorProto other = e.Initializer(weight)!.Clone();
        float[] values = GraphEdit.Floats(other);
        values[0] += 1;
        GraphEdit.SetFloats(other, values);
        reader.Input[reader.Input.IndexOf(weight)] = e.Constant(other);
    }

    private static void Refused(string name, string message, Action<GraphEdit> edit, string alsoSays = "")
    {
        var changed = new GraphEdit(Fixture.Model(name));
        edit(changed);
        A2FException error = Assert.Throws<A2FException>(() => Fixture.ImportDiffusion(changed.Model));
        Assert.Equal(A2FErrorCode.InvalidModel, error.Code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(alsoSays, error.Message, StringComparison.Ordinal);
    }
}
