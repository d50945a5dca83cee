using A2F.Engine.Tests.Animation;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

public sealed class PostprocessCommandTests : IDisposable
{
    private const int Frames = Golden.Frames;
    private static readonly string Model = TestData.Path("golden/model_regression");
    private readonly TemporaryFolder _folder = new();
    private readonly string _raw, _out;

    public PostprocessCommandTests()
    {
        (_raw, _out) = (_folder.File("raw.npz"), _folder.File("out.npz"));
        NpzFile.Write(_raw, [new("result", NdArray.Of(Golden.RegressionOutputs(), Frames, 37))]);
    }

    [Fact]
    public void The_recorded_face_comes_out()
    {
        Tool.Succeed("postprocess", Model, "--inputs", _raw, "--outputs", _out, "--fps", "60", "--set", "pair_unmarked_poses=1");
        float[] skin = Read("skin_vertices", Frames, 600, 3), tongue = Read("tongue_vertices", Frames, 120, 3);
        float[] jaw = Read("jaw_transform", Frames, 4, 4), eyes = Read("eyes_rotation", Frames, 6);
        float[] skinWeights = Read("skin_weights", Frames, 52), tongueWeights = Read("tongue_weights", Frames, 16);
        Golden recorded = Golden.File("executors.npz");
        for (int i = 0; i < Frames; i++)
        {
            // Recorded matrices are column-major: element 4 * column + row.
            float[] columnMajor = [.. Enumerable.Range(0, 16).Select(k => jaw[16 * i + 4 * (k % 4) + k / 4])];
            Golden.AssertClose(recorded.Row("reg60_jaw", i), columnMajor, 1e-4, $"jaw, frame {i}");
            Golden.AssertClose(recorded.Row("reg60_eyes", i), eyes.AsSpan(6 * i, 6), 1e-5, $"eyes, frame {i}");
            float[] weights = recorded.Row("bs_reg60_weights", i);
            Golden.AssertClose(weights.AsSpan(0, 52), skinWeights.AsSpan(52 * i, 52), 1e-3, $"skin weights, frame {i}");
            Golden.AssertClose(weights.AsSpan(52), tongueWeights.AsSpan(16 * i, 16), 1e-3, $"tongue weights, frame {i}");
            if (i % 6 != 0) continue;
            Golden.AssertClose(recorded.Row("reg60_skin_every6", i / 6), skin.AsSpan(1800 * i, 1800), 2e-5, $"skin, frame {i}");
            Golden.AssertClose(recorded.Row("reg60_tongue_every6", i / 6), tongue.AsSpan(360 * i, 360), 2e-5, $"tongue, frame {i}");
        }
    }

    [Fact]
    public void A_middle_dimension_makes_no_difference()
    {
        Tool.Succeed("postprocess", Model, "--inputs", _raw, "--outputs", _out);
        string deep = _folder.File("deep.npz"), second = _folder.File("second.npz");
        NpzFile.Write(deep, [new("x.result", NdArray.Of(Golden.RegressionOutputs(), Frames, 1, 37))]);
        Tool.Succeed("postprocess", Model, "--inputs", deep, "--prefix", "x.", "--outputs", second);
        Assert.Equal(File.ReadAllBytes(_out), File.ReadAllBytes(second));
    }

    [Fact]
    public void Set_reaches_animation_and_both_solves()
    {
        Tool.Succeed("postprocess", Model, "--inputs", _raw, "--outputs", _out);
        float[] skin = Read("skin_weights", Frames, 52), tongue = Read("tongue_weights", Frames, 16);
        float[] jaw = Read("jaw_transform", Frames, 4, 4);
        string multipliers = string.Join(',', Enumerable.Repeat("0", 16));
        Tool.Succeed("postprocess", Model, "--inputs", _raw, "--outputs", _out, "--set", "lower_teeth_strength=0.2,objective=energy",
            "--set", $"tongue.bsWeightMultipliers=[{multipliers}],tongue.bsWeightOffsets=0.25,skin.strengthL2regularization=20");
        Assert.NotEqual(skin, Read("skin_weights", Frames, 52));
        Assert.NotEqual(jaw, Read("jaw_transform", Frames, 4, 4));
        Assert.NotEqual(tongue, Read("tongue_weights", Frames, 16));
        Assert.All(Read("tongue_weights", Frames, 16), w => Assert.Equal(0.25f, w));
    }

    [Fact]
    public void The_frame_rate_changes_smoothing_but_no_single_frame()
    {
        Tool.Succeed("postprocess", Model, "--inputs", _raw, "--outputs", _out);
        float[] jaw = Read("jaw_transform", Frames, 4, 4), eyes = Read("eyes_rotation", Frames, 6);
        Tool.Succeed("postprocess", Model, "--inputs", _raw, "--outputs", _out, "--fps", "30000/1001");
        Assert.Equal(jaw, Read("jaw_transform", Frames, 4, 4));
        Assert.NotEqual(eyes, Read("eyes_rotation", Frames, 6));
    }

    [Fact]
    public void Rows_of_another_length_are_refused()
    {
        NpzFile.Write(_raw, [new("result", NdArray.Of(new float[60 * 36], 60, 36))]);
        Tool.Fail(1, ["postprocess", Model, "--inputs", _raw, "--outputs", _out], "'result'", "[frames, 37]", "[60, 36]");
        Assert.False(File.Exists(_out));
    }

    [Fact]
    public void Weights_alone_are_those_that_come_with_vertices()
    {
        Tool.Succeed("postprocess", Model, "--inputs", _raw, "--outputs", _out);
        float[] skin = Read("skin_weights", Frames, 52), tongue = Read("tongue_weights", Frames, 16), jaw = Read("jaw_transform", Frames, 4, 4);
        foreach (string[] plain in (string[][])[[], ["--plain"]])
        {
            Tool.Succeed(["postprocess", Model, "--inputs", _raw, "--outputs", _out, "--weights-only", .. plain]);
            double tolerance = plain.Length > 0 ? 0 : 1e-4;
            Golden.AssertClose(skin, Read("skin_weights", Frames, 52), tolerance, "skin");
            Golden.AssertClose(tongue, Read("tongue_weights", Frames, 16), tolerance, "tongue");
            Assert.Equal(jaw, Read("jaw_transform", Frames, 4, 4));
            using NpzFile file = NpzFile.Open(_out);
            Assert.False(file.Contains("skin_vertices"));
        }
    }

    [Fact]
    public void A_diffusion_model_takes_its_predictions()
    {
        string model = TestData.Path("fixtures/diff_tiny_30"), recorded = Path.Combine(model, "io.npz");
        Tool.Succeed("postprocess", model, "--inputs", recorded, "--prefix", "b3.", "--outputs", _out);
        using NpzFile file = NpzFile.Open(recorded);
        // The graph also puts out frames that are no result: of 3 x 30 frames, the 15 centre ones of each window.
        NdArray prediction = file.Read("b3.prediction");
        Assert.Equal([3, 30, 163], prediction.Shape);
        Assert.Equal([45, 6], Tool.Read(_out, "eyes_rotation").Shape);
        float[] first = Tool.Read(_out, "skin_weights").Data<float>(), all = prediction.ToFloat32();
        float[] centre = [.. Enumerable.Range(0, 3).SelectMany(w => all.AsSpan((w * 30 + 7) * 163, 15 * 163).ToArray())];
        NpzFile.Write(_raw, [new("prediction", NdArray.Of(centre, 3, 15, 163))]);
        Tool.Succeed("postprocess", model, "--inputs", _raw, "--outputs", _out);
        Assert.Equal(first, Tool.Read(_out, "skin_weights").Data<float>());
        Tool.Succeed("postprocess", model, "--inputs", recorded, "--prefix", "b3.", "--outputs", _out, "--identity", "james");
        Assert.NotEqual(first, Tool.Read(_out, "skin_weights").Data<float>());
        Tool.Fail(2, ["postprocess", model, "--inputs", recorded, "--prefix", "b3.", "--outputs", _out, "--identity", "Bob"], "Bob", "Claire, James");
    }

    [Fact]
    public void Options_that_mean_nothing_together_are_refused()
    {
        Tool.Fail(2, ["postprocess", Model, "--inputs", _raw, "--outputs", _out, "--plain"], "--plain", "--weights-only");
        Tool.Fail(2, ["postprocess", Model, "--inputs", _raw, "--outputs", _out, "--identity", "Claire"], "--identity Claire");
        Tool.Fail(2, ["postprocess", Model, "--inputs", _raw, "--outputs", _out, "--device", "tpu"], "--device", "tpu");
    }

    private float[] Read(string name, params int[] shape)
    {
        NdArray array = Tool.Read(_out, name);
        Assert.Equal(shape, array.Shape);
        return array.Data<float>();
    }

    public void Dispose() => _folder.Dispose();
}
