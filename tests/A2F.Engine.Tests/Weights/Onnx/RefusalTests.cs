using A2F.Engine.Weights.Onnx.Proto;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>A graph that computes something else is refused, and the message says where it first differs.</summary>
public sealed class RefusalTests
{
    [Fact]
    public void A_softmax_over_another_axis_is_refused() => Refused("reg_w2v2", "Softmax",
        e => GraphEdit.Set(e.Nodes("Softmax").First(), GraphEdit.Int("axis", 1)));

    [Fact]
    public void A_leaky_rectifier_is_refused() =>
        Refused("reg_autocorr", "alpha of 0", e => GraphEdit.Set(e.Nodes("LeakyRelu").ElementAt(3), GraphEdit.Float("alpha", 0.2f)));

    [Fact]
    public void A_rectifier_gain_that_differs_between_layers_is_refused() =>
        Refused("reg_autocorr", "gain", e => Scale(e, e.Reader(e.Nodes("LeakyRelu").ElementAt(7).Output[0], "Mul"), 1.5f));

    [Fact]
    public void A_gelu_with_another_constant_is_refused() =>
        Refused("reg_tiny", "GELU", e => Scale(e, e.Producer(e.Nodes("Erf").First().Input[0]), 1.5f));

    [Fact]
    public void The_tanh_approximation_of_gelu_is_refused() => Refused("reg_tiny", "tanh", e => e.Opset(20).FuseGelu("tanh"));

    [Fact]
    public void Attention_with_another_scale_is_refused() => Refused("reg_w2v2", "1/sqrt(8)", e => e.SpellAttention("scores", 0.3f));

    [Fact]
    public void Outputs_in_another_order_are_refused() => Refused("reg_tiny", "skin, tongue", e =>
    {
        NodeProto concat = e.Producer("result");
        (concat.Input[0], concat.Input[1]) = (concat.Input[1], concat.Input[0]);
    });

    [Fact]
    public void Uneven_padding_is_refused() =>
        Refused("reg_tiny", "time2/Conv", e => GraphEdit.Set(Named(e, "/time2/Conv"), GraphEdit.Ints("pads", 2, 0, 0, 0)));

    [Fact]
    public void Dilation_is_refused() =>
        Refused("reg_tiny", "dilations", e => GraphEdit.Set(Named(e, "/time2/Conv"), GraphEdit.Ints("dilations", 2, 1)));

    [Fact]
    public void A_scaled_gemm_is_refused() =>
        Refused("reg_tiny", "alpha 1", e => GraphEdit.Set(Named(e, "/linear_tongue1/Gemm"), GraphEdit.Float("alpha", 2)));

    [Fact]
    public void Frames_that_are_not_evenly_spaced_are_refused() => Refused("reg_autocorr", "frames of 640 samples every 320", e =>
    {
        TensorProto table = e.Stored(e.Nodes("Gather").First(n => e.Stored(n.Input[1]).Dims.Count == 2).Input[1]);
        byte[] bytes = table.RawData.ToByteArray();
        bytes[8 * 700]++;
        table.RawData = Google.Protobuf.ByteString.CopyFrom(bytes);
    });

    [Fact]
    public void A_wrong_lag_is_refused() => Refused("reg_autocorr", "3 later", e =>
    {
        SetInteger(e, Named(e, "/autocorr/Slice_5").Input[2], 636);
        SetInteger(e, Named(e, "/autocorr/Slice_6").Input[1], 4);
    });

    [Fact]
    public void A_mean_over_another_axis_is_refused() =>
        Refused("reg_w2v2", "normalised axis", e => GraphEdit.Set(Named(e, "/layer_norm/ReduceMean"), GraphEdit.Ints("axes", 1)));

    [Fact]
    public void Different_epsilons_are_refused() =>
        Refused("reg_w2v2", "epsilon",
            e => Scale(e, e.Producer(e.Producer(Named(e, "/layers.0/layer_norm/Div").Input[1]).Input[0]), 1e-3f));

    [Fact]
    public void Layers_that_are_summed_instead_of_averaged_are_refused() => Refused("reg_w2v2", "sum to 1", e =>
    {
        NodeProto div = Named(e, "/Div");
        div.OpType = "Identity";
        div.Input.RemoveAt(1);
    });

    [Fact]
    public void A_skip_connection_from_elsewhere_is_refused() => Refused("reg_w2v2", "same activation", e =>
    {
        NodeProto add = Named(e, "/layers.1/Add_1");
        add.Input[0] = "/layer_norm/Add_1_output_0";
    });

    [Fact]
    public void Scaled_audio_before_the_encoder_is_refused() => Refused("reg_w2v2", "unscaled", e => Scale(e, Named(e, "/Mul"), 2));

    [Fact]
    public void An_unknown_operator_is_named() => Refused("reg_tiny", "Softsign", e =>
    {
        NodeProto gemm = Named(e, "/time5/Gemm");
        gemm.Input[0] = e.Add("Softsign", [gemm.Input[0]]);
    });

    [Fact]
    public void External_data_is_refused() => Refused("reg_tiny", "another file", e =>
    {
        TensorProto t = e.Initializer("time3.weight")!;
        t.DataLocation = 1;
        t.RawData = Google.Protobuf.ByteString.Empty;
    });

    [Theory]
    [InlineData(12)]
    [InlineData(99)]
    public void An_unknown_opset_is_refused(long version) => Refused("reg_tiny", $"opset {version}", e => e.Opset(version));

    [Fact]
    public void A_network_with_other_inputs_is_refused() =>
        Refused("reg_tiny", "2 inputs", e => e.Graph.Input.Add(new ValueInfoProto { Name = "noise", Type = e.Graph.Input[0].Type }));

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_weight_that_is_not_finite_is_named(float value)
    {
        var e = new GraphEdit(Fixture.Model("reg_tiny"));
        TensorProto tensor = e.Initializer("linear_tongue1.weight")!;
        float[] values = GraphEdit.Floats(tensor);
        values[7] = value;
        GraphEdit.SetFloats(tensor, values);
        A2FException error = Assert.Throws<A2FException>(() => Fixture.Import(e.Model));
        Assert.Equal(A2FErrorCode.NotFinite, error.Code);
        Assert.Contains("'linear_tongue1.weight': element 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_that_folding_makes_infinite_is_refused()
    {
        var e = new GraphEdit(Fixture.Model("reg_w2v2"));
        TensorProto direction = e.Graph.Initializer.Single(t => t.Name.EndsWith("original1", StringComparison.Ordinal));
        GraphEdit.SetFloats(direction, new float[GraphEdit.Floats(direction).Length]);
        Assert.Equal(A2FErrorCode.NotFinite, Assert.Throws<A2FException>(() => Fixture.Import(e.Model)).Code);
    }

    private static void Refused(string name, string message, Action<GraphEdit> edit)
    {
        var changed = new GraphEdit(Fixture.Model(name));
        edit(changed);
        A2FException error = Assert.Throws<A2FException>(() => Fixture.Import(changed.Model));
        Assert.Equal(A2FErrorCode.InvalidModel, error.Code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static NodeProto Named(GraphEdit e, string name) => e.Graph.Node.Single(n => n.Name == name);

    /// <summary>Replaces the constant operand of a Mul, Div or Add.</summary>
    private static void Scale(GraphEdit e, NodeProto node, float value) => node.Input[1] = e.Constant([value]);

    private static void SetInteger(GraphEdit e, string constant, long value) =>
        e.Stored(constant).RawData = Google.Protobuf.ByteString.CopyFrom(BitConverter.GetBytes(value));
}
