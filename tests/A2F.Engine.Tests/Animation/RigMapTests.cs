using System.Text;
using A2F.Engine.Animation;
using A2F.Engine.Tests.Weights;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class RigMapTests : IDisposable
{
    private static readonly string[] Skin = ["jawOpen", "mouthClose", "browDownLeft"], Tongue = ["tongueUp", "mouthClose"];
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Gain_and_clamp_then_sum_and_offset_then_curve_then_clamp()
    {
        RigMap map = Load("""
            {"format": "a2f-rig-map", "version": 1,
             "inputs": {"jawOpen": {"gain": 2, "clamp": [0.1, 0.8]}, "tongueUp": {"gain": -1}},
             "controls": [
               {"name": "sum", "terms": [{"shape": "jawOpen", "weight": 0.5}, {"shape": "browDownLeft"}, {"shape": "tongueUp", "weight": 3}], "offset": 0.25},
               {"name": "bent", "terms": [{"shape": "jawOpen"}], "curve": [[0, 0], [0.5, 0.3], [1, 1]], "clamp": [0.2, 0.5]},
               {"name": "constant", "terms": [], "offset": -4}]}
            """);
        RigMapper mapper = map.Compile(Skin, Tongue);
        Assert.Equal(["sum", "bent", "constant"], mapper.ControlNames);
        Assert.Equal(["mouthClose", "mouthClose"], mapper.UnusedShapes);
        // jaw 0.3 * 2 = 0.6: 0.3 + 0.5 - 3 * 0.125 + 0.25; the curve at 0.6 is 0.3 + 0.7 * 0.2.
        AssertControls(mapper, [0.3f, 0.9f, 0.5f], [0.125f, 0], 0.675f, 0.44f, -4);
        // jaw 0.7 * 2 is held at 0.8, where the curve is 0.72, held at 0.5; jaw 0 is held at 0.1, where it is 0.06, held at 0.2.
        AssertControls(mapper, [0.7f, 0, 0], [0, 0], 0.65f, 0.5f, -4);
        AssertControls(mapper, [0, 0, 0], [0, 0], 0.3f, 0.2f, -4);
    }

    [Fact]
    public void A_curve_is_flat_beyond_its_ends()
    {
        RigMapper mapper = Map(new RigControl("c", [new RigTerm("jawOpen")], Curve: [new(-1, 5), new(0, -3), new(2, 1)])).Compile(Skin, Tongue);
        float[] inputs = [-10, -1, -0.5f, 0, 1, 2, 3, float.PositiveInfinity], expected = [5, 5, 1, -3, -1, 1, 1, 1];
        for (int i = 0; i < inputs.Length; i++) AssertControls(mapper, [inputs[i], 0, 0], [0, 0], expected[i]);
    }

    [Fact]
    public void Weights_pass_an_identity_unchanged()
    {
        RigMapper mapper = new RigMap { Controls = [], Copy = true }.Compile(Skin, ["tongueUp"]);
        float[] controls = new float[4];
        mapper.Apply([0.1f, float.Epsilon, 1 / 3f], [1.5f], controls);
        Assert.Equal([0.1f, float.Epsilon, 1 / 3f, 1.5f], controls);
        Assert.Empty(mapper.UnusedShapes);
    }

    [Fact]
    public void Copied_shapes_are_those_that_no_control_uses_or_is_called_like()
    {
        RigMap map = Map(new RigControl("browDownLeft", [new RigTerm("jawOpen")])) with
        {
            Copy = true,
            Inputs = new Dictionary<string, RigInput> { ["tongueUp"] = new(0.5f) },
        };
        RigMapper mapper = map.Compile(Skin, Tongue);
        Assert.Equal(["browDownLeft", "mouthClose", "tongueUp"], mapper.ControlNames);
        AssertControls(mapper, [0.1f, 0.2f, 0.3f], [0.4f, 0.5f], 0.1f, 0.2f, 0.2f);
        Assert.Equal(["browDownLeft", "mouthClose"], mapper.UnusedShapes);
    }

    [Fact]
    public void Names_may_differ_in_capitals_where_that_is_unambiguous()
    {
        AssertControls(Map(new RigControl("c", [new RigTerm("JAWOPEN")])).Compile(Skin, []), [0.5f, 0, 0], [], 0.5f);
        AssertControls(Map(new RigControl("c", [new RigTerm("jawopen")])).Compile(["jawOpen", "jawopen"], []), [0.5f, 0.7f], [], 0.7f);
        Assert.Throws<A2FException>(() => Map(new RigControl("c", [new RigTerm("JAWOPEN")])).Compile(["jawOpen", "jawopen"], []));
    }

    [Fact]
    public void Unknown_shapes_are_refused_with_the_nearest_name_unless_they_are_optional()
    {
        RigMap map = Load("""
            {"format": "a2f-rig-map", "version": 1, "inputs": {"tongeUp": {}},
             "controls": [{"name": "a", "terms": [{"shape": "jawOpn"}, {"shape": "cheekPuff", "optional": true}, {"shape": "jawOpn"}]}]}
            """);
        A2FException e = Assert.Throws<A2FException>(() => map.Compile(Skin, Tongue));
        Assert.Equal(A2FErrorCode.InvalidModel, e.Code);
        Assert.Contains(
            "map.json: the face has no shapes 'tongeUp' (nearest: 'tongueUp'), 'jawOpn' (nearest: 'jawOpen'); correct", e.Message, StringComparison.Ordinal);
        RigMapper loose = (map with { IgnoreMissing = true }).Compile(Skin, Tongue);
        Assert.Equal(["tongeUp", "jawOpn", "cheekPuff"], loose.MissingShapes);
        AssertControls(loose, [1, 1, 1], [1, 1], 0);
        Assert.Contains("'tongeUp', 'jawOpn'; correct", Assert.Throws<A2FException>(() => map.Compile([], [])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"version": 1, "controls": []}""", "'format' is missing")]
    [InlineData("""{"format": "a2f-animation", "version": 1}""", "expected 'a2f-rig-map'")]
    [InlineData("""{"format": "a2f-rig-map", "version": 2}""", "version': expected 1 to 1, found 2")]
    [InlineData("[]", "expected an object")]
    [InlineData(Head + "}", "controls: expected 1 to 4096")]
    [InlineData(Head + """, "control": []}""", "'control': expected one of format, version, description, inputs, controls, copy, ignoreMissing")]
    [InlineData(Head + """, "controls": [{"terms": []}]}""", "'controls[0].name' is missing")]
    [InlineData(Head + """, "controls": [{"name": "", "terms": []}]}""", "'controls[0].name': expected a text")]
    [InlineData(Head + """, "controls": [{"name": "a"}]}""", "'controls[0].terms' is missing")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": []}, {"name": "a", "terms": []}]}""", "controls[1].name: expected different names, found 'a' again, as in controls[0]")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [{"shape": "x", "wieght": 1}]}]}""", "'controls[0].terms[0].wieght': expected one of shape, weight, optional")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [{"shape": "x", "weight": NaN}]}]}""", "finite")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [{"shape": "x", "weight": 1e99}]}]}""", "terms[0].weight': expected a finite float32")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [{"shape": "x", "weight": 1001}]}]}""", "controls[0].terms[0].weight: expected -1000 to 1000, found 1001")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [{"weight": 1}]}]}""", "'controls[0].terms[0].shape' is missing")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [], "offset": "1"}]}""", "'controls[0].offset': expected a number")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [], "curve": [[0, 0]]}]}""", "controls[0].curve: expected 2 to 256 points, found 1")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [], "curve": [[0, 0], [1]]}]}""", "'controls[0].curve[1]': expected 2 values")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [], "curve": [[0, 0], [1, 1], [1, 2]]}]}""", "controls[0].curve[2][0]: expected more than 1, as x must grow, found 1")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [], "clamp": [1, 0]}]}""", "controls[0].clamp: expected [minimum, maximum], found [1, 0]")]
    [InlineData(Head + """, "controls": [{"name": "a", "terms": [], "clamp": [0, 1, 2]}]}""", "'controls[0].clamp': expected 2 values")]
    [InlineData(Head + """, "copy": true, "inputs": {"x": {"gain": 2000}}}""", "inputs.x.gain: expected -1000 to 1000")]
    [InlineData(Head + """, "copy": true, "inputs": {"x": {"clamp": [2, 1]}}}""", "inputs.x.clamp")]
    [InlineData(Head + """, "copy": true, "inputs": {"x": {}, "x": {}}}""", "'inputs.x' is there twice")]
    [InlineData(Head + """, "copy": "yes"}""", "'copy'")]
    public void Wrong_maps_are_refused_with_their_place(string json, string reason)
    {
        A2FException e = Assert.Throws<A2FException>(() => Load(json));
        Assert.Contains(_folder.File("map.json"), e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    private const string Head = """{"format": "a2f-rig-map", "version": 1""";

    [Fact]
    public void Maps_made_in_code_are_checked_too()
    {
        A2FException e = Assert.Throws<A2FException>(() => Map(new RigControl("c", [], Offset: float.NaN)).Compile(Skin, Tongue));
        Assert.Equal((A2FErrorCode.NotFinite, "rig map: controls[0].offset: expected a finite number, found NaN"), (e.Code, e.Message));
        Assert.Throws<A2FException>(() => Map(new RigControl("c", [], Curve: [new(0, 0), new(float.PositiveInfinity, 1)])).Compile(Skin, Tongue));
        Assert.Throws<A2FException>(() => Map(new RigControl(new string('x', 257), [])).Write(new MemoryStream()));
        Assert.Contains("arkit, metahuman, oculus, vrm", Assert.Throws<A2FException>(() => RigMap.Preset("x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_written_map_reads_back_the_same()
    {
        RigMap map = new()
        {
            Description = "Ümlaut \"quoted\" <tag>",
            Copy = true,
            IgnoreMissing = true,
            Inputs = new Dictionary<string, RigInput> { ["jaw\"Open"] = new(1 / 3f, new RigRange(-0.1f, 1), true), ["plain"] = new() },
            Controls =
            [
                new("a", [new("x", 0.1f), new("y", 1, true)], 1e-7f, [new(-1, 0), new(0.25f, 1)], new RigRange(0, 1)), new("b\n", []),
            ],
        };
        string first = Written(map);
        RigMap read = Load(first);
        Assert.Equal(first, Written(read));
        Assert.Equal((map.Description, map.Copy, map.IgnoreMissing), (read.Description, read.Copy, read.IgnoreMissing));
        Assert.Equal(map.Inputs, read.Inputs);
        Assert.Equal(map.Controls.Select(c => (c.Name, c.Offset, c.Clamp)), read.Controls.Select(c => (c.Name, c.Offset, c.Clamp)));
        Assert.Equal(map.Controls.SelectMany(c => c.Terms), read.Controls.SelectMany(c => c.Terms));
        Assert.Equal(map.Controls[0].Curve, read.Controls[0].Curve);
    }

    [Fact]
    public void Lengths_must_fit()
    {
        RigMapper mapper = Map(new RigControl("c", [])).Compile(Skin, Tongue);
        foreach ((int skin, int tongue, int controls) in new[] { (2, 2, 1), (3, 1, 1), (3, 2, 2) })
            Assert.Throws<A2FException>(() => mapper.Apply(new float[skin], new float[tongue], new float[controls]));
    }

    [Fact]
    public void Applying_allocates_nothing()
    {
        RigMapper mapper = RigMap.Preset("oculus").Compile(RigMapPresetTests.Arkit, RigMapPresetTests.Tongue);
        float[] skin = new float[52], tongue = new float[16], controls = new float[mapper.ControlCount];
        mapper.Apply(skin, tongue, controls);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) mapper.Apply(skin, tongue, controls);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Results_are_within_clamps_and_growing_curves_grow() => Prop.ForAll(
        Gen.Choose(-3000, 3000).Select(i => i / 1000f).ArrayOf(12).ToArbitrary(),
        values =>
        {
            float low = Math.Min(values[0], values[1]), high = Math.Max(values[0], values[1]);
            float[] xs = [.. values[2..6].Order().Distinct()], ys = [.. values[6..10].Order()];
            if (xs.Length < 2) return true;
            RigPoint[] curve = [.. xs.Select((x, i) => new RigPoint(x, ys[i]))];
            RigControl grows = new("grows", [new("jawOpen")], Curve: curve);
            RigControl held = new("held", [new("jawOpen", values[10]), new("mouthClose", values[11])], values[2], curve, new RigRange(low, high));
            RigMapper mapper = Map(grows, held).Compile(Skin, Tongue);
            float previous = float.NegativeInfinity;
            float[] controls = new float[2];
            for (float x = -4; x <= 4; x += 0.03125f)
            {
                mapper.Apply([x, values[3], 0], [0, 0], controls);
                if (controls[0] < previous || controls[0] < ys[0] || controls[0] > ys[xs.Length - 1]) return false;
                if (controls[1] < low || controls[1] > high) return false;
                previous = controls[0];
            }
            return true;
        }).QuickCheckThrowOnFailure();

    private static RigMap Map(params RigControl[] controls) => new() { Controls = controls };

    private RigMap Load(string json) => RigMap.Load(_folder.Write("map.json", Encoding.UTF8.GetBytes(json)));

    private static string Written(RigMap map)
    {
        using MemoryStream stream = new();
        map.Write(stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void AssertControls(RigMapper mapper, float[] skin, float[] tongue, params float[] expected)
    {
        float[] controls = new float[mapper.ControlCount];
        mapper.Apply(skin, tongue, controls);
        Assert.Equal(expected, controls, (a, b) => MathF.Abs(a - b) <= 1e-6f);
    }

    public void Dispose() => _folder.Dispose();
}
