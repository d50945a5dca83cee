using System.Globalization;
using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Tests.Backends.Cuda;
using A2F.Engine.Tests.Networks;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

[Collection(EmulatedCuda.Collection)]
public sealed class DiffusionCommandTests : IDisposable
{
    private static readonly string Hello = Tool.Sample("hello.wav");
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("diff_tiny_60", "b1.")]
    [InlineData("diff_tiny_60", "b3.")]
    [InlineData("diff_tiny_30", "b3.")]
    [InlineData("diff_tiny_3step", "b3.")]
    [InlineData("diff_tiny_const", "b3.")]
    [InlineData("emo_base", "b1.")]
    [InlineData("emo_base", "b3.")]
    [InlineData("emo_large", "b3.")]
    public void Run_gives_the_recorded_outputs(string fixture, string prefix) => CheckRun(fixture, prefix, 1e-5);

    [NvrtcTheory]
    [InlineData("diff_tiny_30", "fp32", 1e-5)]
    [InlineData("emo_base", "fp32", 1e-5)]
    [InlineData("emo_base", "fp16", 2e-2)]
    public void Run_gives_the_recorded_outputs_on_the_emulator(string fixture, string precision, double tolerance) =>
        CheckRun(fixture, "b1.", tolerance, "--device", "emulator", "--precision", precision);

    private void CheckRun(string fixture, string prefix, double tolerance, params string[] more)
    {
        string model = Tool.Fixture(fixture), io = Path.Combine(model, "io.npz"), output = _folder.File("out.npz");
        Tool.Succeed(["run", model, "--inputs", io, "--outputs", output, "--prefix", prefix, .. more]);
        if (fixture.StartsWith("emo", StringComparison.Ordinal))
        {
            NdArray logits = Tool.Read(io, prefix + "output_f64");
            Assert.Equal(logits.Shape, Tool.Read(output, "output").Shape);
            OperatorCase.AssertClose(logits.Data<double>(), Tool.Read(output, "output").Data<float>(), tolerance, fixture);
            return;
        }
        DiffusionFixture network = DiffusionFixture.Load(fixture);
        DiffusionFixture.Batch batch = network.Batches().Single(b => prefix == $"b{b.Count}.");
        NdArray prediction = Tool.Read(output, "prediction"), latents = Tool.Read(output, "output_latents");
        Assert.Equal([batch.Count, network.Config.CentreFrames, network.Config.Outputs.Total], prediction.Shape);
        Assert.Equal(Tool.Read(io, prefix + "output_latents").Shape, latents.Shape);
        network.AssertClose(batch, prediction.Data<float>(), network.ByItem(latents.Data<float>(), batch.Count), tolerance, "run");
    }

    [Fact]
    public void Noise_and_latents_may_be_left_out()
    {
        string model = Tool.Fixture("diff_tiny_60"), io = Path.Combine(model, "io.npz"), some = _folder.File("some.npz");
        NdArray latents = Tool.Read(io, "b1.input_latents");
        Assert.All(latents.ToFloat32(), v => Assert.Equal(0, v)); // so that leaving them out is the same
        KeyValuePair<string, NdArray>[] three = [.. new[] { "window", "identity", "emotion" }.Select(n => new KeyValuePair<string, NdArray>(n, Tool.Read(io, $"b1.{n}")))];
        Assert.NotEqual(Outputs([.. three]), Outputs([.. three, new("noise", Tool.Read(io, "b1.noise"))]));
        Assert.Equal(Outputs([.. three]), Outputs([.. three, new("input_latents", latents)]));

        float[] Outputs(KeyValuePair<string, NdArray>[] arrays)
        {
            NpzFile.Write(some, arrays);
            Tool.Succeed("run", model, "-i", some, "-o", _folder.File("out.npz"));
            return Tool.Read(_folder.File("out.npz"), "prediction").Data<float>();
        }
    }

    [Fact]
    public void Wrong_tensors_are_named_with_what_was_expected()
    {
        string model = Tool.Fixture("diff_tiny_60"), io = Path.Combine(model, "io.npz"), bad = _folder.File("bad.npz"), output = _folder.File("out.npz");
        string[] names = ["window", "identity", "emotion", "input_latents", "noise"];
        Tool.Fail(1, ["run", model, "-i", io, "-o", output], "'window' is missing", "--prefix b1.");
        FailWith("window", Tool.Read(io, "b1.emotion"), "'window'", "[windows, 16000]", "[1, 30, 10]");
        FailWith("window", Tool.Read(io, "b1.window"), "'window' has 1 windows, but 'identity' has 3");
        FailWith("identity", Tool.Read(io, "b3.emotion"), "'identity'", "[windows, 3]");
        FailWith("emotion", Tool.Read(io, "b3.identity"), "'emotion'", "[windows, 30, 10]", "[3, 3]");
        FailWith("input_latents", Tool.Read(io, "b1.input_latents"), "'input_latents' has 1");
        FailWith("input_latents", Tool.Read(io, "b1.noise"), "'input_latents'", "[2, 2, windows, 24]");
        FailWith("noise", Tool.Read(io, "b3.window"), "'noise'", "[windows, 3, 60, 163]", "[3, 16000]");
        string emotion = Tool.Fixture("emo_base");
        Tool.Fail(1, ["run", emotion, "-i", Path.Combine(emotion, "io.npz"), "-o", output], "'input_values' is missing", "--prefix b1.");
        NpzFile.Write(bad, [new("input_values", NdArray.Of(new float[300], 1, 300))]);
        Tool.Fail(1, ["run", emotion, "-i", bad, "-o", output], "400 to 1600000", "300");
        NpzFile.Write(bad, [new("input_values", NdArray.Of(new float[3000], 1, 3, 1000))]);
        Tool.Fail(1, ["run", emotion, "-i", bad, "-o", output], "[windows, samples]", "[1, 3, 1000]");
        Assert.False(File.Exists(output));

        void FailWith(string name, NdArray array, params string[] texts)
        {
            NpzFile.Write(bad, names.Select(n => new KeyValuePair<string, NdArray>(n, n == name ? array : Tool.Read(io, $"b3.{n}"))));
            Tool.Fail(1, ["run", model, "-i", bad, "-o", output], texts);
        }
    }

    [Theory]
    [InlineData("diff_tiny_60", 60)]
    [InlineData("diff_tiny_30", 30)]
    [InlineData("diff_tiny_3step", 60)]
    [InlineData("diff_tiny_const", 30)]
    public void Animate_gives_each_identitys_own_face_at_the_networks_rate(string fixture, int rate)
    {
        using DiffusionModelFolder folder = DiffusionModelFolder.Load(Tool.Fixture(fixture));
        using DiffusionModel model = DiffusionModel.Load(Tool.Fixture(fixture), new ModelOptions { Device = "cpu" });
        HashSet<string> faces = [];
        AudioClip clip = AudioFile.Load(Hello);
        for (int i = 0; i < folder.Info.Identities.Count; i++)
        {
            string name = folder.Info.Identities[i], csv = _folder.File($"{name}.csv"), npz = _folder.File($"{name}.npz");
            Tool.Succeed("animate", Hello, "--model", Tool.Fixture(fixture), "--identity", name.ToUpperInvariant(), "-o", csv);
            Tool.Succeed("animate", Hello, "--model", Tool.Fixture(fixture), "--identity", name, "--fps", $"{2 * rate}/2", "-o", npz);
            FaceTrack track = SpeechAnimator.Animate(model, clip, new SpeechOptions { Identity = i }, cancel: TestContext.Current.CancellationToken);
            Assert.Equal(track.Frames.SkinWeights, Tool.Read(npz, "skin_weights").Data<float>());
            Assert.Equal([rate, 1], Tool.Read(npz, "fps").Data<long>());
            Assert.True(faces.Add(File.ReadAllText(csv)), name);
            string[] lines = File.ReadAllLines(csv);
            double[] time = Tool.Read(npz, "time").Data<double>();
            Assert.Equal(track.Frames.Count, lines.Length - 1);
            for (int k = 0; k < time.Length; k++)
            {
                Assert.Equal(track.Timestamps[k] / 16_000.0, time[k], 1e-4); // floors
                Assert.Equal(time[k], double.Parse(lines[k + 1].Split(',')[1], CultureInfo.InvariantCulture), 1e-6);
            }
        }
        Assert.Contains(Tool.Succeed("animate", Hello, "--model", Tool.Fixture(fixture), "-o", "-"), faces);
    }

    [Fact]
    public void Animate_takes_emotions_and_settings_and_says_what_it_does_not_take()
    {
        string[] plain = ["animate", Hello, "--model", Tool.Fixture("diff_tiny_60"), "-o", "-"];
        HashSet<string> results = [Tool.Succeed(plain)];
        foreach (string[] change in (string[][])[["--emotion", "joy=1"], ["--set", "input_strength=0.5"], ["--set", "skin.strengthL2regularization=9"]])
            Assert.True(results.Add(Tool.Succeed([.. plain, .. change])), change[1]);
        Tool.Fail(2, [.. plain, "--identity", "Bob"], "'Bob'", "Claire, James, Mark");
        Tool.Fail(2, [.. plain, "--fps", "30"], "--fps 30", "60 frames a second");
        Tool.Fail(2, [.. plain, "--fps", "60000/1001"], "--fps 60000/1001");
        Tool.Fail(2, [.. plain, "--set", "source_frame=1"], "source_frame");
        Tool.Fail(2, [.. plain, "--emotion", "happiness=1"], "does not know 'happiness'");
        Tool.Fail(2, ["animate", Hello, "--model", Tool.Fixture("reg_autocorr"), "-o", "-", "--identity", "Claire"], "--identity Claire", "one face");
    }

    [Fact]
    public void Info_lists_the_keys_that_set_takes()
    {
        string diffusion = Tool.Succeed("info", Tool.Fixture("diff_tiny_60")), emotion = Tool.Succeed("info", Tool.Fixture("emo_base"));
        using DiffusionModelFolder folder = DiffusionModelFolder.Load(Tool.Fixture("diff_tiny_60"));
        IReadOnlyList<ParameterInfo> keys = folder.Identities[0].Settings.List();
        Assert.All(keys, k => Assert.Contains($"  {k.Key} ", diffusion, StringComparison.Ordinal));
        Assert.DoesNotContain(keys, k => k.Key.StartsWith("source_", StringComparison.Ordinal));
        Assert.Contains("\"skin.strengthL2regularization\"", Tool.Succeed("info", Tool.Fixture("diff_tiny_60"), "--json"), StringComparison.Ordinal);
        Assert.All(EmotionSettings.Keys, k => Assert.Contains(k, emotion, StringComparison.Ordinal));
    }

    [NvrtcFact]
    public void Animate_on_the_emulator_agrees_with_the_cpu()
    {
        string[] plain = ["animate", _folder.File("short.wav"), "--model", Tool.Fixture("diff_tiny_30"), "-o", _folder.File("x.npz")];
        File.WriteAllBytes(_folder.File("short.wav"), File.ReadAllBytes(Hello)[..(44 + 2 * 9000)]);
        Tool.Succeed([.. plain, "--device", "cpu"]);
        double[] expected = Array.ConvertAll(Tool.Read(_folder.File("x.npz"), "jaw_transform").Data<float>(), v => (double)v);
        Tool.Succeed([.. plain, "--device", "emulator"]);
        OperatorCase.AssertClose(expected, Tool.Read(_folder.File("x.npz"), "jaw_transform").Data<float>(), 1e-5, "jaw");
    }

    public void Dispose() => _folder.Dispose();
}
