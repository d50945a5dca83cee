using System.Text;
using A2F.Engine.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class RigMapPresetTests
{
    /// <summary>The blend shape locations of ARKit.</summary>
    public static readonly string[] Arkit =
    [
        "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
        "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
        "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward",
        "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
        "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight",
        "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
        "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
    ];

    public static readonly string[] Tongue =
    [
        "tongueTipUp", "tongueTipDown", "tongueTipLeft", "tongueTipRight", "tongueRollUp", "tongueRollDown", "tongueRollLeft", "tongueRollRight",
        "tongueUp", "tongueDown", "tongueLeft", "tongueRight", "tongueIn", "tongueStretch", "tongueWide", "tongueNarrow",
    ];

    public static TheoryData<string> Presets() => [.. RigMap.PresetNames];

    [Fact]
    public void There_are_four() => Assert.Equal(["arkit", "metahuman", "oculus", "vrm"], RigMap.PresetNames);

    [Theory]
    [MemberData(nameof(Presets))]
    public void Every_preset_fits_the_default_model_and_is_written_as_it_is(string name)
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(Path.Combine(TestData.Root, "weights", "default"));
        RigMap map = RigMap.Preset(name);
        RigMapper mapper = map.Compile(FaceRig.Of(model));
        Assert.Empty(mapper.MissingShapes);
        Assert.NotEmpty(map.Description);
        using MemoryStream stream = new();
        map.Write(stream);
        string file = File.ReadAllText(Path.Combine(TestData.Root, "src", "A2F.Engine", "Maps", name + ".json"));
        Assert.Equal(file, Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public void Every_preset_works_without_tongue_shapes(string name)
    {
        RigMapper mapper = RigMap.Preset(name).Compile(Arkit, []);
        Assert.All(mapper.MissingShapes, s => Assert.Contains(s, Tongue));
    }

    [Fact]
    public void Arkit_is_the_52_names_unchanged()
    {
        RigMapper mapper = RigMap.Preset("arkit").Compile(Arkit, Tongue);
        Assert.Equal(Arkit, mapper.ControlNames.Order(StringComparer.Ordinal));
        float[] weights = [.. Enumerable.Range(1, 52).Select(i => i / 53f)], controls = new float[52];
        mapper.Apply(weights, new float[16], controls);
        Assert.Equal(mapper.ControlNames.Select(n => weights[Array.IndexOf(Arkit, n)]), controls);
    }

    [Fact]
    public void Metahuman_uses_every_shape_and_keeps_sides()
    {
        RigMapper mapper = RigMap.Preset("metahuman").Compile(Arkit, Tongue);
        Assert.Empty(mapper.UnusedShapes);
        Assert.All(mapper.ControlNames, n => Assert.StartsWith("CTRL_expressions_", n, StringComparison.Ordinal));
        Dictionary<string, float> c = Controls("metahuman", ("eyeLookInLeft", 0.5f), ("mouthSmileRight", 0.7f), ("mouthFunnel", 0.4f), ("tongueStretch", 2));
        Assert.Equal(0.5f, c["CTRL_expressions_eyeLookRightL"]);
        Assert.Equal(0.7f, c["CTRL_expressions_mouthCornerPullR"]);
        Assert.Equal(0f, c["CTRL_expressions_mouthCornerPullL"]);
        foreach (string corner in new[] { "UL", "UR", "DL", "DR" }) Assert.Equal(0.4f, c["CTRL_expressions_mouthFunnel" + corner]);
        Assert.Equal(1f, c["CTRL_expressions_tongueOut"]);
        Assert.Equal(7, c.Values.Count(v => v != 0));
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public void Weights_within_0_and_1_give_controls_within_0_and_1(string name)
    {
        RigMapper mapper = RigMap.Preset(name).Compile(Arkit, Tongue);
        Random random = new(3);
        float[] skin = new float[52], tongue = new float[16], controls = new float[mapper.ControlCount];
        for (int round = 0; round < 2000; round++)
        {
            for (int i = 0; i < 52; i++) skin[i] = round % 3 == 0 ? random.Next(2) : random.NextSingle();
            for (int i = 0; i < 16; i++) tongue[i] = random.NextSingle();
            mapper.Apply(skin, tongue, controls);
            Assert.All(controls, c => Assert.InRange(c, 0, 1));
        }
    }

    [Theory]
    [InlineData("oculus", "sil")]
    [InlineData("oculus", "aa", "jawOpen=0.6")]
    [InlineData("oculus", "aa", "jawOpen=1")]
    [InlineData("oculus", "PP", "mouthPressLeft=0.6", "mouthPressRight=0.6", "mouthRollUpper=0.3", "mouthRollLower=0.3")]
    [InlineData("oculus", "PP", "jawOpen=0.3", "mouthClose=0.3")]
    [InlineData("oculus", "FF", "mouthRollLower=0.5", "mouthUpperUpLeft=0.2", "mouthUpperUpRight=0.2")]
    [InlineData("oculus", "TH", "tongueStretch=0.5", "jawOpen=0.1")]
    [InlineData("oculus", "DD", "tongueTipUp=0.6", "jawOpen=0.25")]
    [InlineData("oculus", "nn", "tongueTipUp=0.6")]
    [InlineData("oculus", "kk", "tongueUp=0.6", "jawOpen=0.1")]
    [InlineData("oculus", "CH", "mouthFunnel=0.4")]
    [InlineData("oculus", "SS", "mouthLowerDownLeft=0.6", "mouthLowerDownRight=0.6")]
    [InlineData("oculus", "RR", "tongueRollUp=0.6", "mouthPucker=0.2")]
    [InlineData("oculus", "E", "jawOpen=0.4", "mouthStretchLeft=0.3", "mouthStretchRight=0.3")]
    [InlineData("oculus", "I", "mouthStretchLeft=0.3", "mouthStretchRight=0.3", "mouthSmileLeft=0.3", "mouthSmileRight=0.3")]
    [InlineData("oculus", "O", "mouthFunnel=0.6", "jawOpen=0.4")]
    [InlineData("oculus", "U", "mouthPucker=0.6")]
    [InlineData("vrm", "aa", "jawOpen=0.6")]
    [InlineData("vrm", "ih", "mouthStretchLeft=0.3", "mouthStretchRight=0.3", "mouthSmileLeft=0.3", "mouthSmileRight=0.3")]
    [InlineData("vrm", "ou", "mouthPucker=0.6")]
    [InlineData("vrm", "ee", "jawOpen=0.4", "mouthStretchLeft=0.3", "mouthStretchRight=0.3")]
    [InlineData("vrm", "oh", "mouthFunnel=0.6", "jawOpen=0.4")]
    public void The_shape_of_a_sound_gives_its_viseme_most(string preset, string viseme, params string[] weights)
    {
        Dictionary<string, float> controls = Controls(preset, [.. weights.Select(w => w.Split('=')).Select(w => (w[0], float.Parse(w[1])))]);
        string shown = string.Join(", ", controls.Where(c => c.Value > 0).Select(c => $"{c.Key} {c.Value:F2}"));
        Assert.True(controls[viseme] >= 0.3f, shown);
        Assert.True(controls.All(c => c.Key == viseme || c.Value < controls[viseme]), shown);
    }

    [Fact]
    public void A_face_at_rest_is_silent_and_eyelids_blink()
    {
        Assert.All(Controls("oculus"), c => Assert.Equal(c.Key == "sil" ? 1 : 0, c.Value));
        Assert.All(Controls("vrm"), c => Assert.Equal(0, c.Value));
        Dictionary<string, float> wink = Controls("vrm", ("eyeBlinkLeft", 1));
        Assert.Equal((0.5f, 1f, 0f), (wink["blink"], wink["blinkLeft"], wink["blinkRight"]));
    }

    private static Dictionary<string, float> Controls(string preset, params (string Shape, float Weight)[] weights)
    {
        RigMapper mapper = RigMap.Preset(preset).Compile(Arkit, Tongue);
        float[] all = new float[68], controls = new float[mapper.ControlCount];
        foreach ((string shape, float weight) in weights) all[Array.IndexOf([.. Arkit, .. Tongue], shape)] = weight;
        mapper.Apply(all.AsSpan(0, 52), all.AsSpan(52), controls);
        return mapper.ControlNames.Zip(controls).ToDictionary(p => p.First, p => p.Second);
    }
}
