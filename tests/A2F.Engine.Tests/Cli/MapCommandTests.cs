using System.Globalization;
using System.Text;
using System.Text.Json;
using A2F.Engine.Animation;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

/// <summary><c>a2f map</c>, and what <c>a2f animate</c> makes of maps and of blendshapes of users.</summary>
public sealed class MapCommandTests : IDisposable
{
    private static readonly string Hello = Tool.Sample("hello.wav"), Model = Path.Combine(TestData.Root, "weights", "default");
    private readonly TemporaryFolder _folder = new();

    private string[] Animate(string output, params string[] more) => ["animate", Hello, "--model", Model, "-o", _folder.File(output), "--fps", "10", .. more];

    [Fact]
    public void Controls_take_the_place_of_weights_in_every_format()
    {
        Tool.Succeed(Animate("plain.npz"));
        foreach (string format in (string[])["csv", "json", "npz"]) Tool.Succeed(Animate($"mapped.{format}", "--map", "vrm"));
        string npz = _folder.File("mapped.npz");
        string[] names = Tool.Read(npz, "control_names").Data<string>();
        Assert.Equal(["aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "blinkRight"], names);
        float[] controls = Tool.Read(npz, "controls").Data<float>();
        Assert.Equal(Expected(RigMap.Preset("vrm")), controls);
        Assert.Contains(controls, c => c > 0.3f);
        using (NpzFile file = NpzFile.Open(npz))
            Assert.Equal(["control_names", "controls", "eyes_rotation", "fps", "jaw_transform", "time"], file.Names.Order(StringComparer.Ordinal));
        Assert.Equal(Tool.Read(_folder.File("plain.npz"), "jaw_transform").Data<float>(), Tool.Read(npz, "jaw_transform").Data<float>());

        string[] lines = File.ReadAllText(_folder.File("mapped.csv")).Split('\n');
        Assert.Equal(["frame", "time", .. names, "jaw_00"], lines[0].Split(',')[..(2 + 8 + 1)]);
        Assert.Equal(controls, lines[1..^1].SelectMany(l => l.Split(',')[2..10]).Select(c => float.Parse(c, CultureInfo.InvariantCulture)));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(_folder.File("mapped.json")));
        Assert.Equal(names, json.RootElement.GetProperty("control_names").EnumerateArray().Select(n => n.GetString()));
        Assert.False(json.RootElement.TryGetProperty("skin_names", out _));
        Assert.Equal(controls, json.RootElement.GetProperty("frames").EnumerateArray()
            .SelectMany(f => f.GetProperty("controls").EnumerateArray()).Select(c => c.GetSingle()));

        float[] Expected(RigMap map)
        {
            string plain = _folder.File("plain.npz");
            RigMapper mapper = map.Compile(Tool.Read(plain, "skin_names").Data<string>(), Tool.Read(plain, "tongue_names").Data<string>());
            float[][] skin = [.. Tool.Read(plain, "skin_weights").Data<float>().Chunk(52)];
            float[][] tongue = [.. Tool.Read(plain, "tongue_weights").Data<float>().Chunk(16)];
            return [.. skin.Zip(tongue).SelectMany(w =>
            {
                float[] row = new float[mapper.ControlCount];
                mapper.Apply(w.First, w.Second, row);
                return row;
            })];
        }
    }

    [Fact]
    public void A_map_that_copies_all_gives_the_weights()
    {
        string map = Write("copy.json", """{"format": "a2f-rig-map", "version": 1, "copy": true}""");
        Tool.Succeed(Animate("plain.csv"));
        Tool.Succeed(Animate("copied.csv", "--map", map));
        Assert.Equal(File.ReadAllText(_folder.File("plain.csv")), File.ReadAllText(_folder.File("copied.csv")));
    }

    [Fact]
    public void The_models_own_blendshapes_as_files_give_the_same_animation()
    {
        Tool.Succeed(Animate("plain.csv"));
        using RegressionModelFolder model = RegressionModelFolder.Load(Model);
        BlendshapeSet own = model.SkinBlendshapes!;
        string glb = _folder.Write("own.glb", GlbWriter.Of(own).Bytes());
        string mask = Write("mask.txt", string.Join('\n', own.FrontalMask ?? [.. Enumerable.Range(0, model.Info.SkinVertices)]));
        Tool.Succeed(Animate("npz.csv", "--skin-blendshapes", Path.Combine(Model, "bs_skin.npz"), "--skin-solver", Path.Combine(Model, "bs_skin_config.json")));
        Tool.Succeed(Animate("glb.csv", "--skin-blendshapes", glb, "--glb-scale", "1", "--glb-mesh", "face", "--skin-mask", mask));
        Assert.Equal(File.ReadAllText(_folder.File("plain.csv")), File.ReadAllText(_folder.File("npz.csv")));
        Assert.Equal(File.ReadAllText(_folder.File("plain.csv")), File.ReadAllText(_folder.File("glb.csv")));
    }

    [Fact]
    public void Masks_settings_and_identities_go_together()
    {
        string mask = Write("mask.json", $"[{string.Join(',', Enumerable.Range(0, 300).Select(i => 3 * i))}]");
        Tool.Succeed(Animate("plain.csv"));
        Tool.Succeed(Animate("masked.csv", "--skin-mask", mask));
        Tool.Succeed(Animate("set.csv", "--skin-mask", mask, "--set", "skin.bsWeightMultipliers=0"));
        Assert.Equal(3, new[] { "plain.csv", "masked.csv", "set.csv" }.Select(f => File.ReadAllText(_folder.File(f))).Distinct().Count());
        using DiffusionModelFolder diffusion = DiffusionModelFolder.Load(Tool.Fixture("diff_tiny_const"));
        int vertices = diffusion.Info.SkinVertices;
        Tool.Succeed("animate", Hello, "--model", Tool.Fixture("diff_tiny_const"), "-o", _folder.File("d.csv"), "--skin-mask",
            Write("some.txt", $"0 1 2 {vertices - 1}"), "--map", "arkit");
        Assert.StartsWith("frame,time,eyeBlinkLeft,", File.ReadAllText(_folder.File("d.csv")), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_names_are_usage_errors_and_wrong_files_are_input_errors()
    {
        Tool.Fail(2, Animate("x.csv", "--map", "arkitt"), "--map", "'arkitt'", "arkit, metahuman, oculus, vrm");
        Tool.Fail(2, Animate("x.csv", "--glb-scale", "0"), "--glb-scale", "above 0");
        Tool.Fail(1, Animate("x.csv", "--map", "none.json"), "none.json", "does not exist");
        Tool.Fail(1, Animate("x.csv", "--map", Write("bad.json", "{}")), "bad.json", "format");
        Tool.Fail(1, Animate("x.csv", "--map", Write("typo.json",
            """{"format": "a2f-rig-map", "version": 1, "controls": [{"name": "a", "terms": [{"shape": "jawOpn"}]}]}""")), "typo.json", "nearest: 'jawOpen'");
        Tool.Fail(1, Animate("x.csv", "--skin-blendshapes", _folder.File("none.glb")), "none.glb", "does not exist");
        Tool.Fail(1, Animate("x.csv", "--skin-blendshapes", Path.Combine(Model, "bs_tongue.npz")), "bs_tongue.npz", "[1111, 3]", "[288, 3]");
        Tool.Fail(1, Animate("x.csv", "--skin-mask", Write("far.txt", "1111")), "far.txt", "0 to 1110");
        Tool.Fail(1, Animate("x.csv", "--skin-solver", Path.Combine(Model, "bs_tongue_config.json")), "numPoses");
        using RegressionModelFolder model = RegressionModelFolder.Load(Model);
        string glb = _folder.Write("own.glb", GlbWriter.Of(model.SkinBlendshapes!).Bytes());
        Tool.Fail(1, Animate("x.csv", "--skin-blendshapes", glb), "check units");
        string map = Write("map.json", """{"format": "a2f-rig-map", "version": 1, "copy": true}""");
        Tool.Fail(1, Animate("map.json", "--map", map), "is the input");
        Tool.Fail(1, Animate("own.glb", "--skin-blendshapes", glb), "is the input");
        Assert.False(File.Exists(_folder.File("x.csv")));
    }

    [Fact]
    public void A_map_is_checked_against_a_model_and_told()
    {
        string map = Write("rig.json", """
            {"format": "a2f-rig-map", "version": 1, "description": "A test.", "copy": true, "inputs": {"jawOpen": {"gain": 1.5, "clamp": [0, 1]}},
             "controls": [{"name": "jaw", "terms": [{"shape": "jawOpen", "weight": 2}, {"shape": "mouthClose", "weight": -1},
                                                    {"shape": "hat", "optional": true}],
                           "offset": -0.5, "curve": [[0, 0], [1, 0.5]], "clamp": [0, 1]},
                          {"name": "eyeBlinkLeft", "terms": []}]}
            """);
        string text = Tool.Succeed("map", map, "--model", Model);
        Assert.Contains("rig.json: 2 controls, and 65 shapes copied", text, StringComparison.Ordinal);
        Assert.Contains("A test.", text, StringComparison.Ordinal);
        Assert.Contains("52 skin and 16 tongue shapes", text, StringComparison.Ordinal);
        Assert.Contains("missing  hat", text, StringComparison.Ordinal);
        Assert.Contains("unused   eyeBlinkLeft", text, StringComparison.Ordinal);
        Assert.Contains("2 jawOpen (times 1.5 in 0 to 1) - mouthClose - 0.5; curve (0, 0) (1, 0.5); in 0 to 1", text, StringComparison.Ordinal);
        Assert.Contains("tongueUp      copied", text, StringComparison.Ordinal);
        Assert.Contains("arkit: 52 controls", Tool.Succeed("map", "arkit"), StringComparison.Ordinal);
        Assert.Contains("unused   none", Tool.Succeed("map", "metahuman", "--model", Tool.Fixture("diff_tiny_60")), StringComparison.Ordinal);
        Tool.Fail(1, ["map", map, "--model", Tool.Fixture("emo_base")], "emotion model");
        Tool.Fail(2, ["map", "arkitt"], "'arkitt'");
        Tool.Fail(2, ["map"], "a2f map --help");
    }

    [Fact]
    public void A_preset_is_printed_or_written_to_start_from()
    {
        string printed = Tool.Succeed("map", "oculus", "--print");
        Assert.Equal("", Tool.Succeed("map", "oculus", "-o", _folder.File("mine.json")));
        Assert.Equal(printed, File.ReadAllText(_folder.File("mine.json")));
        Assert.Equal(printed, Tool.Succeed("map", _folder.File("mine.json"), "--print", "--model", Model));
        Tool.Fail(2, ["map", "oculus", "--print", "-o", _folder.File("x.json")], "exclude");
        Tool.Fail(1, ["map", _folder.File("mine.json"), "-o", _folder.File("mine.json")], "is the input");
    }

    private string Write(string name, string text) => _folder.Write(name, Encoding.UTF8.GetBytes(text));

    public void Dispose() => _folder.Dispose();
}
