using A2F.Engine.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class AnimationSettingsTests
{
    private static readonly AnimationSettings Settings = Load();

    [Fact]
    public void Every_listed_key_takes_the_value_that_it_has()
    {
        IReadOnlyList<ParameterInfo> list = Settings.List();
        Assert.Equal(25 + 2 + 2 * 11, list.Count);
        AnimationSettings same = list.Aggregate(Settings, (s, p) => s.With(p.Key, p.Value));
        Assert.Equal(list, same.List());
    }

    [Fact]
    public void Every_number_key_sets_one_property_of_its_own_and_keeps_to_its_range()
    {
        foreach (ParameterInfo p in Settings.List().Where(p => !p.PerPose && p.Key is not ("source_shot" or "source_frame")))
        {
            string other = float.Parse(p.Value) == p.Maximum ? $"{p.Minimum:R}" : $"{p.Maximum:R}";
            IReadOnlyList<ParameterInfo> changed = Settings.With(p.Key, other).List();
            ParameterInfo only = Assert.Single(changed.Except(Settings.List()));
            Assert.Equal((p.Key, other), (only.Key, $"{float.Parse(only.Value):R}"));
            A2FException high = Assert.Throws<A2FException>(() => Settings.With(p.Key, $"{p.Maximum * 1.01 + 0.01:R}"));
            A2FException low = Assert.Throws<A2FException>(() => Settings.With(p.Key, $"{p.Minimum * 1.01 - 0.01:R}"));
            Assert.Equal((A2FErrorCode.OutOfRange, A2FErrorCode.OutOfRange), (high.Code, low.Code));
            Assert.StartsWith(p.Key + ": expected ", high.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Keys_reach_the_properties_that_they_name()
    {
        Assert.Equal(1.4f, Settings.With("lower_face_strength", "1.4").Animator.LowerFaceStrength);
        Assert.Equal(0.5f, Settings.With("blink_offset", "0.5").Animator.BlinkOffset);
        Assert.Equal(2.5f, Settings.With("skin.strengthL2regularization", "2.5").SkinSolver!.L2Regularization);
        Assert.Equal(Settings.SkinSolver, Settings.With("tongue.strengthL2regularization", "2.5").SkinSolver);
        Assert.Equal("x", Settings.With("source_shot", "x").SourceShot);
        Assert.Equal(3, Settings.With("source_frame", "3").SourceFrame);
        SolverParameters tongue = Settings.With("tongue.bsSolveActivePoses", "[1,0,1 1;0,0,0,0,0,0,0,0,0,0,0,0]").TongueSolver!;
        Assert.Equal([true, false, true, true, false], tongue.ActivePoses.Take(5));
        Assert.All(Settings.With("skin.bsWeightMultipliers", "0.5").SkinSolver!.Multipliers, m => Assert.Equal(0.5f, m));
    }

    [Theory]
    [InlineData("nonsense", "1", A2FErrorCode.InvalidArgument, "'nonsense'")]
    [InlineData("skin.nonsense", "1", A2FErrorCode.InvalidArgument, "'skin.nonsense'")]
    [InlineData("skin_strength", "much", A2FErrorCode.InvalidArgument, "'much'")]
    [InlineData("skin_strength", "NaN", A2FErrorCode.NotFinite, "skin_strength")]
    [InlineData("source_frame", "-1", A2FErrorCode.OutOfRange, "0 or more")]
    [InlineData("tongue.bsWeightOffsets", "[1,2]", A2FErrorCode.InvalidArgument, "expected 16 values, one per pose, found 2")]
    [InlineData("tongue.bsSolveCancelPoses", "0.5", A2FErrorCode.InvalidArgument, "tongue.bsSolveCancelPoses: expected whole")]
    [InlineData("tongue.bsSolveActivePoses", "2", A2FErrorCode.OutOfRange, "tongue.bsSolveActivePoses: expected 0 to 1")]
    public void Wrong_keys_and_values_are_refused(string key, string value, A2FErrorCode code, string reason)
    {
        A2FException e = Assert.Throws<A2FException>(() => Settings.With(key, value));
        Assert.Equal(code, e.Code);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_blendshapes_has_no_solver_keys()
    {
        AnimationSettings bare = Settings with { SkinSolver = null, TongueSolver = null };
        Assert.Equal(27, bare.List().Count);
        Assert.Contains("no skin blendshapes", Assert.Throws<A2FException>(() => bare.With("skin.tolerance", "1")).Message, StringComparison.Ordinal);
    }

    private static AnimationSettings Load()
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("golden/model_regression"));
        return model.Settings;
    }
}
