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
