using A2F.Engine.Cli.Arguments;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

public sealed class UsageTests : IDisposable
{
    private static readonly string Hello = Tool.Sample("hello.wav"), Model = Tool.Fixture("reg_autocorr");
    private readonly TemporaryFolder _folder = new();

    private string[] Animate(params string[] more) => ["animate", Hello, "--model", Model, "-o", _folder.File("x.csv"), .. more];

    [Theory]
    [InlineData("animate")]
    [InlineData("emotion")]
    [InlineData("run")]
    [InlineData("postprocess")]
    [InlineData("map")]
    [InlineData("info")]
    [InlineData("import")]
    [InlineData("kernels")]
    public void Every_command_has_help_with_examples(string command)
    {
        string help = Tool.Succeed(command, "--help");
        Assert.Contains("Usage:", help, StringComparison.Ordinal);
        Assert.Contains("Examples:", help, StringComparison.Ordinal);
        Assert.Contains($"  a2f {command} ", help, StringComparison.Ordinal);
        Assert.Contains($"  a2f {command} ", Tool.Succeed("--help"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_the_tools_own() => Assert.Matches(@"^a2f \d+\.\d+\.\d+\s*$", Tool.Succeed("--version"));

    [Fact]
    public void Wrong_command_lines_are_usage_errors()
    {
        Tool.Fail(2, [], "a command is missing", "a2f --help");
        Tool.Fail(2, ["anmate"], "anmate");
        Tool.Fail(2, ["animate"], "animate", "a2f animate --help");
        Tool.Fail(2, ["run", Model], "--inputs");
        Tool.Fail(2, Animate("--bogus"), "--bogus");
        Tool.Fail(2, Animate("--device", "tpu"), "cuda:N", "emulator:ARCH", "tpu");
        Tool.Fail(2, Animate("--device", "emulator:sm_60"), "sm_75, sm_80, sm_86, sm_89, sm_90", "sm_60");
        Tool.Fail(2, Animate("--format", "xml"), "csv, json, npz", "xml");
        Tool.Fail(2, Animate("--threads", "-1"), "--threads", "0 to 256");
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("29.97")]
    [InlineData("-30")]
    [InlineData("60/0")]
    [InlineData("1/2/3")]
    [InlineData("1001")]
    [InlineData("99999999999")]
    [InlineData("fast")]
    public void Impossible_frame_rates_are_usage_errors(string fps) => Tool.Fail(2, Animate("--fps", fps), "--fps", fps);

    [Theory]
    [InlineData("happiness=1", "does not know 'happiness'", "amazement, anger")]
    [InlineData("joy=1.5", "joy", "0 to 1")]
    [InlineData("joy=NaN", "joy", "0 to 1")]
    [InlineData("joy=0.1,joy=0.2", "'joy'", "twice")]
    [InlineData("joy", "key=value", "'joy'")]
    [InlineData("joy=0.5,", "key=value", "''")]
    public void Wrong_emotions_are_usage_errors(string emotion, params string[] texts) =>
        Tool.Fail(2, Animate("--emotion", emotion), texts);

    [Theory]
    [InlineData("lower_face_strenght=1", "no parameter 'lower_face_strenght'", "a2f info")]
    [InlineData("skin.nothing=1", "no parameter 'skin.nothing'", "a2f info")]
    [InlineData("lower_face_strength=2.5", "lower_face_strength", "0 to 2")]
    [InlineData("blink_offset=-0.1", "blink_offset", "0 to 1")]
    [InlineData("skin_strength=much", "skin_strength", "'much'")]
    [InlineData("skin_strength=Infinity", "skin_strength", "finite")]
    [InlineData("objective=best", "normal or energy", "'best'")]
    [InlineData("tongue.bsWeightMultipliers=[1,2]", "16 values", "found 2")]
    [InlineData("tongue.bsWeightMultipliers=[1,2", "brackets", "[1,2")]
    [InlineData("source_shot=nobody", "'nobody'", "cp24_joy")]
    [InlineData("source_frame=99", "frames 0 to", "99")]
    public void Wrong_settings_are_usage_errors(string set, params string[] texts) => Tool.Fail(2, Animate("--set", set), texts);

    [Fact]
    public void Bad_files_are_input_errors()
    {
        string garbage = _folder.Write("garbage.bin", [1, 2, 3, 4, 5]), output = _folder.File("out");
        Tool.Fail(1, ["animate", _folder.File("none.wav"), "--model", Model], "none.wav", "does not exist");
        Tool.Fail(1, ["animate", Hello, "--model", _folder.File("none"), "-o", output], "none", "does not exist");
        Tool.Fail(1, ["animate", Hello, "--model", _folder.Path, "-o", output], "model.json");
        Tool.Fail(1, ["animate", Hello, "--model", garbage, "-o", output], "garbage.bin");
        Tool.Fail(1, ["run", Model, "-i", garbage, "-o", output], "garbage.bin", "npz");
        Tool.Fail(1, ["postprocess", Model, "-i", _folder.File("none.npz"), "-o", output], "none.npz", "does not exist");
        Tool.Fail(1, ["info", garbage], "garbage.bin");
        Tool.Fail(1, ["import", _folder.Path, "-o", output], "model.json");
        Assert.Equal([garbage], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Outputs_that_cannot_be_written_are_found_before_the_work()
    {
        string copy = _folder.File("hello.csv");
        File.Copy(Hello, copy);
        Tool.Fail(1, ["animate", Hello, "--model", "not looked at", "-o", _folder.File("no/x.csv")], "there is no folder");
        Tool.Fail(1, ["animate", Hello, "--model", "not looked at", "-o", _folder.Path], "is a folder");
        Tool.Fail(1, ["animate", copy, "--model", "not looked at"], "is the input");
        Assert.Equal(File.ReadAllBytes(Hello), File.ReadAllBytes(copy));
    }

    [Fact]
    public void Assignments_are_cut_at_commas_outside_brackets() => Assert.Equal(
        [new("a", "1"), new("b", "[1,2, 3]"), new("c", "x=y"), new("d", "4")],
        Assignments.Parse("--set", ["a=1,b=[1,2, 3], c = x=y", "d=4"]));

    public void Dispose() => _folder.Dispose();
}
