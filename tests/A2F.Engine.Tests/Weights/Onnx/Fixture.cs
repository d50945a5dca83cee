using A2F.Engine.Networks;
using A2F.Engine.Tests.Networks;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using A2F.Engine.Weights.Onnx.Proto;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>The recorded regression networks and comparisons against them.</summary>
internal static class Fixture
{
    public static string Network(string name) => TestData.Path($"fixtures/{name}/network.onnx");

    public static ModelProto Model(string name) => ModelProto.Parser.ParseFrom(File.ReadAllBytes(Network(name)));

    public static (RegressionConfig Config, WeightSet Weights) Import(ModelProto model) =>
        RegressionImporter.Convert(OnnxGraph.Build(model, "test.onnx"));

    public static (DiffusionConfig Config, WeightSet Weights) ImportDiffusion(ModelProto model) =>
        DiffusionImporter.Convert(OnnxGraph.Build(model, "test.onnx"));

    public static (EmotionConfig Config, WeightSet Weights) ImportEmotion(ModelProto model) => EmotionImporter.Convert(model, "test.onnx");

    /// <summary>The weights under the names of the PyTorch modules, from a graph that was exported without folding.</summary>
    public static Dictionary<string, (float[] Data, int[] Shape)> PyTorch(string name)
    {
        var tensors = new Dictionary<string, (float[], int[])>();
        foreach (TensorProto t in Model(name).Graph.Initializer)
            tensors[t.Name] = (GraphEdit.Floats(t), [.. t.Dims.Select(d => (int)d)]);
        return tensors;
    }

    /// <summary>Whether a weight [in, out] or [tap, in, out] is PyTorch's [out, in] or [out, in, tap], element by element.</summary>
    public static void IsTransposed((float[] Data, int[] Shape) expected, WeightTensor found, string what)
    {
        Assert.Equal(expected.Shape.Reverse(), found.Shape);
        int[] s = [.. expected.Shape, 1];
        for (int o = 0; o < s[0]; o++)
        {
            for (int i = 0; i < s[1]; i++)
            {
                for (int k = 0; k < s[2]; k++)
                {
                    float e = expected.Data[(o * s[1] + i) * s[2] + k];
                    float f = found.Data.Span[(k * s[1] + i) * s[0] + o];
                    Assert.True(e == f, $"{what}, output {o}, input {i}, tap {k}: expected {e:R}, found {f:R}");
                }
            }
        }
    }

    public static void IsEqual((float[] Data, int[] Shape) expected, WeightTensor found, string what)
    {
        Assert.Equal(expected.Data.Length, found.Data.Length);
        for (int i = 0; i < expected.Data.Length; i++)
        {
            Assert.True(expected.Data[i] == found.Data.Span[i],
                $"{what}, element {i}: expected {expected.Data[i]:R}, found {found.Data.Span[i]:R}");
        }
    }

    /// <summary>The encoder's weights but the positional convolution's, which its graph computes from two tensors.</summary>
    public static void EncoderIsPyTorchs(Wav2VecConfig c, WeightSet w, Dictionary<string, (float[] Data, int[] Shape)> torch, string prefix)
    {
        for (int i = 0; i < c.Convs.Count; i++)
        {
            string conv = $"{prefix}feature_extractor.conv_layers.{i}";
            IsTransposed(torch[$"{conv}.conv.weight"], w[$"w2v.conv{i}.weight"], conv);
            if (c.LayerNormConvs) IsEqual(torch[$"{conv}.conv.bias"], w[$"w2v.conv{i}.bias"], conv);
            if (c.LayerNormConvs || i == 0) Norm($"{conv}.layer_norm", $"w2v.conv{i}.norm");
        }
        Norm($"{prefix}feature_projection.layer_norm", "w2v.projection.norm");
        Linear(torch, w, $"{prefix}feature_projection.projection", "w2v.projection");
        IsEqual(torch[$"{prefix}encoder.pos_conv_embed.conv.bias"], w["w2v.position.bias"], "position");
        Norm($"{prefix}encoder.layer_norm", "w2v.norm");
        for (int i = 0; i < c.Layers; i++)
        {
            string layer = $"{prefix}encoder.layers.{i}";
            float[] qkv = [.. "qkv".SelectMany(p => torch[$"{layer}.attention.{p}_proj.weight"].Data)];
            float[] bias = [.. "qkv".SelectMany(p => torch[$"{layer}.attention.{p}_proj.bias"].Data)];
            IsTransposed((qkv, [3 * c.Dim, c.Dim]), w[$"w2v.layer{i}.qkv.weight"], $"{layer} qkv");
            IsEqual((bias, [3 * c.Dim]), w[$"w2v.layer{i}.qkv.bias"], $"{layer} qkv");
            Linear(torch, w, $"{layer}.attention.out_proj", $"w2v.layer{i}.attention_out");
            Norm($"{layer}.layer_norm", $"w2v.layer{i}.norm1");
            Linear(torch, w, $"{layer}.feed_forward.intermediate_dense", $"w2v.layer{i}.ff1");
            Linear(torch, w, $"{layer}.feed_forward.output_dense", $"w2v.layer{i}.ff2");
            Norm($"{layer}.final_layer_norm", $"w2v.layer{i}.norm2");
        }

        void Norm(string from, string to)
        {
            IsEqual(torch[$"{from}.weight"], w[$"{to}.weight"], to);
            IsEqual(torch[$"{from}.bias"], w[$"{to}.bias"], to);
        }
    }

    public static void Linear(Dictionary<string, (float[] Data, int[] Shape)> torch, WeightSet w, string from, string to)
    {
        IsTransposed(torch[$"{from}.weight"], w[$"{to}.weight"], to);
        IsEqual(torch[$"{from}.bias"], w[$"{to}.bias"], to);
    }

    /// <summary>Declares a batch of one wherever a symbol stands.</summary>
    public static void FixSymbols(GraphEdit edit)
    {
        foreach (DimensionProto dim in edit.Graph.Input.SelectMany(i => i.Type.TensorType.Shape.Dim).Where(d => d.DimParam.Length > 0))
        {
            dim.DimParam = "";
            dim.DimValue = 1;
        }
    }

    public static string Text(DiffusionConfig c) =>
        $"{c with { Encoder = Bare(c.Encoder), Steps = Array.Empty<DiffusionStep>() }} {string.Join(", ", c.Encoder.Convs)} {string.Join(", ", c.Steps)}";

    private static Wav2VecConfig Bare(Wav2VecConfig c) => c with { Convs = [] };

    /// <summary>Largest error of a part, relative to the part's largest value, over all recorded windows.</summary>
    public static void AgreesWithRecording(RegressionConfig config, WeightSet weights, string folder, double tolerance)
    {
        using NpzFile io = NpzFile.Open(Path.Combine(folder, "io.npz"));
        var reference = new ReferenceRegression(config, weights);
        foreach (int batch in new[] { 1, 3 })
        {
            if (!io.Contains($"b{batch}.input")) continue;
            float[] input = io.Read($"b{batch}.input").ToFloat32();
            float[] emotion = io.Read($"b{batch}.emotion").ToFloat32();
            double[] expected = io.Read($"b{batch}.result_f64").Data<double>();
            double[] found = [.. Enumerable.Range(0, batch).SelectMany(b => reference.Run(
                input.AsSpan(b * input.Length / batch, input.Length / batch), emotion.AsSpan(b * emotion.Length / batch,
                    emotion.Length / batch)))];
            Assert.Equal(expected.Length, found.Length);
            int start = 0;
            (string, int)[] parts = [("skin", config.SkinSize), ("tongue", config.TongueSize), ("jaw", config.JawSize),
                ("eyes", config.EyesSize)];
            foreach ((string part, int size) in parts)
            {
                int[] row = [.. Enumerable.Range(start, size)];
                int[] elements = [.. Enumerable.Range(0, batch).SelectMany(b => row.Select(i => b * config.OutputLength + i))];
                double scale = elements.Max(i => Math.Abs(expected[i]));
                int worst = elements.MaxBy(i => Math.Abs(expected[i] - found[i]));
                double error = Math.Abs(expected[worst] - found[worst]) / scale;
                Assert.True(error <= tolerance,
                    $"batch {batch}, {part}: worst element {worst}: expected {expected[worst]:R}, found {found[worst]:R}, "
                    + $"relative error {error:E2} > {tolerance:E1}");
                start += size;
            }
        }
    }

    public static void Same(RegressionConfig expected, RegressionConfig found) => Assert.Equal(Text(expected), Text(found));

    private static string Text(RegressionConfig c) => string.Join("; ",
        c with { TimeConvs = [], Wav2Vec = null, AutoCorrelation = null }, string.Join(", ", c.TimeConvs),
        c.Wav2Vec is { } w ? $"{w with { Convs = [] }}, {string.Join(", ", w.Convs)}" : "",
        c.AutoCorrelation is { } a ? $"{a with { Convs = [] }}, {string.Join(", ", a.Convs)}" : "");

    public static void Same(WeightSet expected, WeightSet found, float tolerance = 0)
    {
        Assert.Equal(expected.Names, found.Names);
        foreach (string name in expected.Names)
        {
            Assert.Equal(expected[name].Shape, found[name].Shape);
            ReadOnlySpan<float> a = expected[name].Data.Span;
            ReadOnlySpan<float> b = found[name].Data.Span;
            for (int i = 0; i < a.Length; i++)
            {
                Assert.True(Math.Abs(a[i] - b[i]) <= tolerance * Math.Abs(a[i]), $"{name}, element {i}: expected {a[i]:R}, found {b[i]:R}");
            }
        }
    }
}
