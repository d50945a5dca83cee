using A2F.Engine.Tests.Backends;
using A2F.Engine.Tests.Backends.Cuda;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

[Collection(EmulatedCuda.Collection)]
public sealed class RunCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("reg_tiny", "b1.", false)]
    [InlineData("reg_tiny", "b3.", false)]
    [InlineData("reg_tiny", "b3.", true)]
    [InlineData("reg_w2v2", "b3.", false)]
    [InlineData("reg_w2v2", "b3.", true)]
    [InlineData("reg_autocorr", "b3.", false)]
    [InlineData("reg_autocorr", "b3.", true)]
    public void Results_are_the_recorded_ones_before_and_after_import(string fixture, string prefix, bool packed)
    {
        string io = Path.Combine(Tool.Fixture(fixture), "io.npz"), model = Tool.Fixture(fixture), output = _folder.File("out.npz");
        if (packed)
        {
            Tool.Succeed("import", model, "-o", _folder.File("packed"));
            model = _folder.File("packed");
        }
        Tool.Succeed("run", model, "--inputs", io, "--outputs", output, "--prefix", prefix);

        NdArray expected = Tool.Read(io, prefix + "result_f64"), found = Tool.Read(output, "result");
        Assert.Equal(expected.Shape, found.Shape);
        double[] e = expected.Data<double>();
        float[] f = found.Data<float>();
        double scale = e.Max(Math.Abs), norm = Math.Sqrt(e.Sum(x => x * x));
        double difference = Math.Sqrt(e.Zip(f, (x, y) => (x - y) * (x - y)).Sum());
        int worst = Enumerable.Range(0, e.Length).MaxBy(i => Math.Abs(e[i] - f[i]));
        Assert.True(difference <= 1e-5 * norm, $"norm of the difference {difference:g3}, of the result {norm:g3}");
        Assert.True(Math.Abs(e[worst] - f[worst]) <= 1e-4 * scale,
            $"element {worst}: expected {e[worst]}, found {f[worst]}, scale {scale:g3}");
    }

    [NvrtcTheory]
    [InlineData("emulator:sm_75", "fp32", 1e-5)]
    [InlineData("emulator", "fp32", 1e-5)]
    [InlineData("emulator:sm_90", "fp32", 1e-5)]
    [InlineData("emulator:sm_75", "fp16", 5e-3)]
    [InlineData("emulator", "fp16", 5e-3)]
    [InlineData("emulator:sm_90", "fp16", 5e-3)]
    public void Results_on_the_emulator_are_the_recorded_ones(string device, string precision, double tolerance)
    {
        foreach (string fixture in new[] { "reg_tiny", "reg_w2v2", "reg_autocorr" })
        {
            string io = Path.Combine(Tool.Fixture(fixture), "io.npz"), output = _folder.File("out.npz");
            Tool.Succeed("run", Tool.Fixture(fixture), "--inputs", io, "--outputs", output, "--prefix", "b3.", "--device", device,
                "--precision", precision);
            double[] expected = Tool.Read(io, "b3.result_f64").Data<double>();
            float[] found = Tool.Read(output, "result").Data<float>();
            double norm = Math.Sqrt(expected.Sum(x => x * x)), off = Math.Sqrt(expected.Zip(found, (x, y) => (x - y) * (x - y)).Sum());
            Assert.True(off <= tolerance * norm, $"{fixture} on {device}, {precision}: {off / norm:E2}");
        }
    }

    [Fact]
    public void The_middle_dimension_may_be_left_out_and_other_arrays_are_ignored()
    {
        string io = Path.Combine(Tool.Fixture("reg_autocorr"), "io.npz"), flat = _folder.File("flat.npz");
        NdArray input = Tool.Read(io, "b3.input"), emotion = Tool.Read(io, "b3.emotion");
        NpzFile.Write(flat,
        [
            new("input", NdArray.Of(input.ToFloat32(), 3, 8320)), new("other", NdArray.Of(new[] { "text" }, 1)),
            new("emotion", NdArray.Of(Array.ConvertAll(emotion.ToFloat32(), x => (double)x), 3, 26)),
        ]);
        Tool.Succeed("run", Tool.Fixture("reg_autocorr"), "--inputs", flat, "--outputs", _folder.File("a.npz"),
            "--device", "cpu", "--threads", "1");
        Tool.Succeed("run", Tool.Fixture("reg_autocorr"), "--inputs", io, "--prefix", "b3.", "--outputs", _folder.File("b.npz"),
            "--device", "cpu");
        Assert.Equal(File.ReadAllBytes(_folder.File("b.npz")), File.ReadAllBytes(_folder.File("a.npz")));
    }

    [Fact]
    public void No_windows_give_no_results()
    {
        string empty = _folder.File("empty.npz");
        NpzFile.Write(empty,
            [new("input", NdArray.Of(Array.Empty<float>(), 0, 1, 8320)), new("emotion", NdArray.Of(Array.Empty<float>(), 0, 1, 26))]);
        Tool.Succeed("run", Tool.Fixture("reg_autocorr"), "--inputs", empty, "--outputs", _folder.File("out.npz"));
        Assert.Equal([0, 1, 32], Tool.Read(_folder.File("out.npz"), "result").Shape);
    }

    [Fact]
    public void Wrong_tensors_are_named_with_what_was_expected()
    {
        string model = Tool.Fixture("reg_autocorr"), io = Path.Combine(model, "io.npz");
        string bad = _folder.File("bad.npz"), output = _folder.File("out.npz");
        Tool.Fail(1, ["run", model, "--inputs", io, "--outputs", output], "'input' is missing", "b1.input", "--prefix b1.");

        float[] input = Tool.Read(io, "b3.input").ToFloat32(), emotion = Tool.Read(io, "b3.emotion").ToFloat32();
        FailWith(NdArray.Of(input, 3, 2, 4160), NdArray.Of(emotion, 3, 26), "'input'", "[windows, 1, 8320]", "[3, 2, 4160]");
        FailWith(NdArray.Of(input, 3, 8320), NdArray.Of(emotion[..52], 2, 26), "3 windows", "'emotion' has 2");
        FailWith(NdArray.Of(input, 3, 8320), NdArray.Of(new string[26], 1, 26), "'emotion'", "text");
        input[8320 + 5] = float.NaN;
        FailWith(NdArray.Of(input, 3, 8320), NdArray.Of(emotion, 3, 26), "window 1", "element 5", "NaN");
        Assert.False(File.Exists(output));

        void FailWith(NdArray first, NdArray second, params string[] texts)
        {
            if (second.Type == ElementType.Text) Array.Fill(second.Data<string>(), "x");
            NpzFile.Write(bad, [new("input", first), new("emotion", second)]);
            Tool.Fail(1, ["run", model, "--inputs", bad, "--outputs", output], texts);
        }
    }

    [Fact]
    public void A_folder_without_a_network_cannot_run() =>
        Tool.Fail(1, ["run", TestData.Path("golden/model_regression"),
            "--inputs", Path.Combine(Tool.Fixture("reg_tiny"), "io.npz"), "--prefix", "b1.", "--outputs", _folder.File("out.npz")],
            "no network");

    public void Dispose() => _folder.Dispose();
}
