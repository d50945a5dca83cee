using System.Globalization;
using System.Text.Json;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

public sealed class EmotionCommandTests : IDisposable
{
    private static readonly string Hello = Tool.Sample("hello.wav"), Model = Tool.Fixture("emo_base");
    private readonly TemporaryFolder _folder = new();

    private string[] Command(params string[] more) => ["emotion", Hello, "--model", Model, "--window", "20000", .. more];

    [Fact]
    public void The_table_has_a_row_and_a_curve_for_each_class()
    {
        string[] lines = Tool.Succeed(Command()).Split('\n');
        Assert.Contains("173 frames at 30 a second from 12 inferences of 20000 samples", lines[0], StringComparison.Ordinal);
        foreach (string name in (string[])["angry", "disgust", "fear", "happy", "sad"])
            Assert.Matches(@"^  \w+ +0\.\d{3} +0\.\d{3} +0\.\d{3} +\d+\.\d\d s   \|.{48}\|\s*$", lines.Single(l => l.StartsWith($"  {name} ", StringComparison.Ordinal)));
        Assert.Contains("drives no face emotion", lines.Single(l => l.StartsWith("  neutral ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(lines, l => l.Contains('@', StringComparison.Ordinal) && l.Contains('|', StringComparison.Ordinal));
    }

    [Fact]
    public void Csv_json_and_standard_output_carry_the_same_curves()
    {
        string csv = _folder.File("e.csv"), json = _folder.File("e.json");
        Tool.Succeed(Command("-o", csv, "--fps", "10", "--skip", "1"));
        Tool.Succeed(Command("-o", json, "--fps", "10", "--skip", "1"));
        Assert.Equal(File.ReadAllText(csv), Tool.Succeed(Command("-o", "-", "--fps", "10", "--skip", "1")));
        string[] lines = File.ReadAllText(csv).Split('\n');
        Assert.Equal("frame,time,heard_angry,heard_disgust,heard_fear,heard_happy,heard_neutral,heard_sad," +
            "emotion_0,angry,emotion_2,disgust,fear,emotion_5,happy,emotion_7,emotion_8,sad", lines[0]);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
        Assert.Equal("a2f-emotion", document.RootElement.GetProperty("format").GetString());
        JsonElement[] frames = [.. document.RootElement.GetProperty("frames").EnumerateArray()];
        Assert.Equal(frames.Length + 2, lines.Length);
        for (int i = 0; i < frames.Length; i++)
        {
            float[] row = Array.ConvertAll(lines[i + 1].Split(','), c => float.Parse(c, CultureInfo.InvariantCulture));
            Assert.Equal((i, i / 10f), (row[0], row[1]));
            Assert.Equal(row[2..], Values(frames[i], "heard").Concat(Values(frames[i], "emotions")));
            Assert.Equal(1f, row[2..8].Sum(), 1e-5f);
        }

        static IEnumerable<float> Values(JsonElement frame, string name) => frame.GetProperty(name).EnumerateArray().Select(v => v.GetSingle());
    }

    [Fact]
    public void Settings_change_the_curves()
    {
        string plain = Tool.Succeed(Command("-o", "-"));
        HashSet<string> results = [plain];
        foreach (string set in (string[])["emotion_contrast=2", "emotion_strength=1", "max_emotions=1", "enable_preferred_emotion=1,preferred_emotion=1"])
            Assert.True(results.Add(Tool.Succeed(Command("-o", "-", "--set", set))), set);
        Assert.True(results.Add(Tool.Succeed(Command("-o", "-", "--skip", "0"))));
        Assert.Equal(plain, Tool.Succeed(Command("-o", "-", "--threads", "1", "--device", "cpu")));
    }

    [Fact]
    public void Emotions_that_are_heard_change_the_face()
    {
        foreach (string face in (string[])["diff_tiny_30", "reg_autocorr"])
        {
            string[] animate = ["animate", Hello, "--model", Tool.Fixture(face), "-o", "-", "--emotion-window", "20000"];
            HashSet<string> results = [Tool.Succeed(animate)];
            Assert.True(results.Add(Tool.Succeed([.. animate, "--auto-emotion", Model])));
            Assert.True(results.Add(Tool.Succeed([.. animate, "--auto-emotion", Model, "--set", "emotion.emotion_strength=1"])));
            Assert.True(results.Add(Tool.Succeed([.. animate, "--auto-emotion", Model, "--emotion-skip", "29"])));
        }
    }

    [Fact]
    public void Wrong_requests_are_refused()
    {
        string[] animate = ["animate", Hello, "--model", Tool.Fixture("diff_tiny_30"), "-o", _folder.File("x.csv")];
        Tool.Fail(2, ["emotion", Hello], "--model");
        Tool.Fail(2, Command("--skip", "-1"), "--skip", "0 to 100000", "-1");
        Tool.Fail(2, ["emotion", Hello, "--model", Model, "--window", "399"], "--window", "400 to 1600000", "399");
        Tool.Fail(1, Command("--skip", "100"), "100 at 30/1", "20000 samples");
        Tool.Fail(2, Command("--set", "lower_face_strength=1"), "lower_face_strength", "emotion_contrast");
        Tool.Fail(1, ["emotion", Hello, "--model", Tool.Fixture("reg_tiny")], "'classifier'", "'regression'");
        Tool.Fail(1, [.. animate, "--auto-emotion", Tool.Fixture("reg_tiny")], "'classifier'", "'regression'");
        Tool.Fail(2, [.. animate, "--auto-emotion", Model, "--emotion", "joy=1"], "--auto-emotion", "exclude");
        Tool.Fail(2, [.. animate, "--set", "emotion.emotion_strength=1"], "emotion.emotion_strength", "--auto-emotion");
        Tool.Fail(2, [.. animate, "--auto-emotion", Model, "--set", "emotion.strength=1"], "'strength'", "emotion_strength");
        Tool.Fail(1, ["animate", Hello, "--model", Model, "-o", _folder.File("x.csv")], "emotion model", "--auto-emotion");
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();
}
