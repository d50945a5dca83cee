using System.Globalization;
using System.Text.Json;
using A2F.Engine.Audio;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

public sealed class AnimateCommandTests : IDisposable
{
    private static readonly string Hello = Tool.Sample("hello.wav"), Model = Tool.Fixture("reg_autocorr");
    private static readonly string[] Arrays = ["skin_weights", "tongue_weights", "jaw_transform", "eyes_rotation"];
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("60", 60, 1)]
    [InlineData("30", 30, 1)]
    [InlineData("30000/1001", 30000, 1001)]
    public void All_formats_carry_the_same_frames(string fps, int numerator, int denominator)
    {
        foreach (string format in (string[])["csv", "json", "npz"])
            Tool.Succeed("animate", Hello, "--model", Model, "-o", _folder.File($"hello.{format}"), "--fps", fps);
        string npz = _folder.File("hello.npz");
        int samples = AudioFile.Load(Hello).Samples.Length;
        int count = (int)(((long)samples * numerator + 16000L * denominator - 1) / (16000L * denominator));
        string[] skinNames = Tool.Read(npz, "skin_names").Data<string>(), tongueNames = Tool.Read(npz, "tongue_names").Data<string>();
        Assert.Equal((52, 16), (skinNames.Length, tongueNames.Length));
        Assert.Equal([numerator, denominator], Tool.Read(npz, "fps").Data<long>());
        float[][] values = Rows(("skin_weights", 52), ("tongue_weights", 16), ("jaw_transform", 16), ("eyes_rotation", 6));
        double[] time = Tool.Read(npz, "time").Data<double>();
        Assert.Equal(count, values.Length);
        Assert.Equal((double)(count - 1) * denominator / numerator, time[^1], 1e-9);

        string[] lines = File.ReadAllText(_folder.File("hello.csv")).Split('\n');
        Assert.Equal(count + 2, lines.Length);
        string[] header = lines[0].Split(',');
        Assert.Equal(["frame", "time", .. skinNames, .. tongueNames, "jaw_00", "jaw_01"], header[..(2 + 52 + 16 + 2)]);
        Assert.Equal(["jaw_33", "eye_right_x", "eye_right_y", "eye_right_z", "eye_left_x", "eye_left_y", "eye_left_z"], header[^7..]);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(_folder.File("hello.json")));
        JsonElement[] frames = [.. json.RootElement.GetProperty("frames").EnumerateArray()];
        Assert.Equal(count, frames.Length);
        for (int i = 0; i < count; i++)
        {
            string[] cells = lines[i + 1].Split(',');
            Assert.Equal(header.Length, cells.Length);
            Assert.Equal(i, int.Parse(cells[0], CultureInfo.InvariantCulture));
            Assert.Equal(time[i], double.Parse(cells[1], CultureInfo.InvariantCulture), 5.1e-7);
            Assert.Equal(values[i], Array.ConvertAll(cells[2..], c => float.Parse(c, CultureInfo.InvariantCulture)));
            Assert.Equal(time[i], frames[i].GetProperty("time").GetDouble(), 5.1e-7);
            Assert.Equal(values[i], Arrays.SelectMany(name => Flatten(frames[i].GetProperty(name))));
        }

        float[][] Rows(params (string Name, int Length)[] arrays)
        {
            float[][][] rows = [.. arrays.Select(a => Tool.Read(npz, a.Name).Data<float>().Chunk(a.Length).ToArray())];
            return [.. Enumerable.Range(0, rows[0].Length).Select(i => rows.SelectMany(r => r[i]).ToArray())];
        }
    }

    [Fact]
    public void Frames_are_those_of_the_network_and_the_animation_stage()
    {
        // What animate does at once, by hand: windows around each frame's sample, run, postprocess.
        Tool.Succeed("animate", Hello, "--model", Model, "-o", _folder.File("whole.npz"), "--fps", "10", "--emotion", "joy=0.5");
        using RegressionModelFolder folder = RegressionModelFolder.Load(Model);
        float[] samples = AudioFile.Load(Hello).Samples.ToArray();
        int count = Tool.Read(_folder.File("whole.npz"), "time").Length, joy = folder.Info.Emotions.ToList().IndexOf("joy");
        float[] windows = new float[count * 8320], emotions = new float[count * 26];
        int shot = folder.ImplicitEmotions.ShotNames.ToList().IndexOf(folder.SourceShot);
        int row = folder.ImplicitEmotions.ShotStarts[shot] + folder.SourceFrame;
        for (int k = 0; k < count; k++)
        {
            for (int i = 0; i < 8320; i++)
            {
                int at = k * 1600 - 4160 + i;
                windows[k * 8320 + i] = at < 0 || at >= samples.Length ? 0 : samples[at] * folder.Parameters.InputStrength;
            }
            folder.ImplicitEmotions.Rows.Span.Slice(row * 16, 16).CopyTo(emotions.AsSpan(k * 26));
            folder.Info.DefaultEmotion.ToArray().CopyTo(emotions, k * 26 + 16);
            emotions[k * 26 + 16 + joy] = 0.5f;
        }
        NpzFile.Write(_folder.File("in.npz"),
            [new("input", NdArray.Of(windows, count, 1, 8320)), new("emotion", NdArray.Of(emotions, count, 1, 26))]);
        Tool.Succeed("run", Model, "-i", _folder.File("in.npz"), "-o", _folder.File("raw.npz"));
        Tool.Succeed("postprocess", "--weights-only", Model, "-i", _folder.File("raw.npz"), "-o", _folder.File("face.npz"), "--fps", "10");
        foreach (string name in Arrays)
            Assert.Equal(Tool.Read(_folder.File("face.npz"), name).Data<float>(), Tool.Read(_folder.File("whole.npz"), name).Data<float>());
    }

    [Fact]
    public void The_default_output_lies_beside_the_audio()
    {
        File.Copy(Hello, _folder.File("speech.wav"));
        Tool.Succeed("animate", _folder.File("speech.wav"), "--model", Model, "--format", "json", "--fps", "5");
        Assert.True(File.Exists(_folder.File("speech.json")));
        Assert.Equal(2, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void A_dash_writes_to_standard_output()
    {
        Tool.Succeed("animate", Hello, "--model", Model, "-o", _folder.File("hello.csv"), "--fps", "5");
        Assert.Equal(File.ReadAllText(_folder.File("hello.csv")),
            Tool.Succeed("animate", Hello, "--model", Model, "-o", "-", "--fps", "5"));
        using JsonDocument json =
            JsonDocument.Parse(Tool.Succeed("animate", Hello, "--model", Model, "-o", "-", "--fps", "5", "--format", "json"));
        Assert.Equal("a2f-animation", json.RootElement.GetProperty("format").GetString());
        Tool.Fail(2, ["animate", Hello, "--model", Model, "-o", "-", "--format", "npz"], "standard output");
    }

    [Fact]
    public void Emotions_settings_and_shots_change_the_animation()
    {
        string[] plain = ["animate", Hello, "--model", Model, "-o", "-", "--fps", "5"];
        string[] changes = ["--emotion", "JOY=1", "--set", "source_frame=0", "--set", "input_strength=0.5", "--set", "blink_offset=1"];
        string reference = Tool.Succeed(plain);
        HashSet<string> results = [reference];
        for (int i = 0; i < changes.Length; i += 2)
            Assert.True(results.Add(Tool.Succeed([.. plain, changes[i], changes[i + 1]])), changes[i + 1]);
        Assert.Equal(reference, Tool.Succeed([.. plain, "--threads", "1"]));
    }

    [Fact]
    public void The_default_model_animates_the_sample()
    {
        Tool.Succeed("animate", Hello, "-o", _folder.File("hello.csv"));
        Assert.StartsWith("frame,time,", File.ReadAllText(_folder.File("hello.csv")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_model_is_the_nearest_above()
    {
        string near = Path.Combine(_folder.Path, "a", "weights", "default"), start = Path.Combine(_folder.Path, "a", "b", "c");
        Directory.CreateDirectory(start);
        Directory.CreateDirectory(near);
        Assert.NotEqual(near, DefaultModel.FindAbove(start));
        File.WriteAllText(Path.Combine(near, "model.json"), "{}");
        Assert.Equal(near, DefaultModel.FindAbove(start));
    }

    [Fact]
    public void An_interrupted_call_leaves_nothing()
    {
        (int code, _, string error) =
            Tool.RunUntil(new CancellationToken(true), "animate", Hello, "--model", Model, "-o", _folder.File("hello.csv"));
        Assert.Equal(130, code);
        Assert.Contains("interrupted", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static IEnumerable<float> Flatten(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().SelectMany(Flatten) : [value.GetSingle()];

    public void Dispose() => _folder.Dispose();
}
