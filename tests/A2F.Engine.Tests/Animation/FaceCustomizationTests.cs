using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class FaceCustomizationTests : IDisposable
{
    private readonly RegressionModelFolder _model = RegressionModelFolder.Load(Path.Combine(TestData.Root, "weights", "default"));
    private readonly TemporaryFolder _folder = new();

    private BlendshapeSet Skin => _model.SkinBlendshapes!;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_models_own_set_gives_the_same_weights_bit_for_bit(bool glb)
    {
        string path = glb ? _folder.Write("own.glb", GlbWriter.Of(Skin).Bytes()) : Path.Combine(_model.Path, "bs_skin.npz");
        BlendshapeSet set = BlendshapeFile.Load(path, _model.Info.SkinVertices, new GlbOptions { Scale = 1 });
        FaceCustomization same = new() { SkinBlendshapes = set, SkinMask = Skin.FrontalMask, TongueBlendshapes = _model.TongueBlendshapes };
        CustomFace face = same.Apply(_model);
        FaceFrames own = Animate(FaceRig.Of(_model), _model.Settings), custom = Animate(face.Rig, face.Settings);
        Assert.Contains(own.SkinWeights, w => w > 0.05f);
        Assert.Equal(own.SkinWeights, custom.SkinWeights);
        Assert.Equal(own.TongueWeights, custom.TongueWeights);
    }

    [Fact]
    public void Nothing_changed_is_the_models_own_face()
    {
        CustomFace face = new FaceCustomization().Apply(_model);
        Assert.Equal(_model.Settings, face.Settings);
        Assert.Equal(Animate(FaceRig.Of(_model), _model.Settings).SkinWeights, Animate(face.Rig, face.Settings).SkinWeights);
    }

    [Fact]
    public void A_mask_alone_changes_what_the_solve_looks_at()
    {
        int[] few = [.. (Skin.FrontalMask ?? Enumerable.Range(0, _model.Info.SkinVertices)).Where((_, i) => i % 3 == 0)];
        CustomFace face = new FaceCustomization { SkinMask = few }.Apply(_model), whole = new FaceCustomization { SkinMask = Skin.FrontalMask }.Apply(_model);
        FaceFrames own = Animate(FaceRig.Of(_model), _model.Settings), custom = Animate(face.Rig, face.Settings);
        Assert.Equal(own.SkinWeights, Animate(whole.Rig, whole.Settings).SkinWeights);
        Assert.NotEqual(own.SkinWeights, custom.SkinWeights);
        Assert.Equal(own.TongueWeights, custom.TongueWeights);
        Assert.Equal(Skin.PoseNames, face.Rig.SkinPoseNames);
        Assert.True(own.SkinWeights.Zip(custom.SkinWeights, (a, b) => Math.Abs(a - b)).Max() < 0.5f, "a third of the vertices sees the same face");
    }

    [Fact]
    public void Solver_parameters_are_carried_over_by_the_names_of_poses()
    {
        SolverParameters own = new()
        {
            L2Regularization = 7,
            TemporalSmoothing = 2,
            ActivePoses = [false, true, true],
            CancelPoses = [-1, 3, 3],
            SymmetryPoses = [5, 5, -1],
            Multipliers = [0.5f, 2, 3],
            Offsets = [0.1f, 0.2f, 0.3f],
        };
        SolverParameters carried = SolverCarryOver.ByName(own, ["a", "b", "c"], ["c", "new", "a"]);
        Assert.Equal((7f, 2f, 1f), (carried.L2Regularization, carried.TemporalSmoothing, carried.L1Regularization));
        Assert.Equal([true, true, false], carried.ActivePoses);
        Assert.Equal([3, -1, -1], carried.CancelPoses);
        Assert.Equal([-1, -1, 5], carried.SymmetryPoses);
        Assert.Equal([3f, 1f, 0.5f], carried.Multipliers);
        Assert.Equal([0.3f, 0f, 0.1f], carried.Offsets);
        SolverParameters fresh = SolverCarryOver.ByName(null, [], ["x"]);
        Assert.Equal((3.5f, true, -1, 1f), (fresh.L2Regularization, fresh.ActivePoses[0], fresh.CancelPoses[0], fresh.Multipliers[0]));
    }

    [Fact]
    public void A_set_of_other_poses_is_solved_for()
    {
        BlendshapeSet some = Take(["jawOpen", "mouthPucker", "tongueOut"]);
        CustomFace face = new FaceCustomization { SkinBlendshapes = some }.Apply(_model);
        int jaw = Skin.PoseNames.ToList().IndexOf("jawOpen");
        Assert.Equal(_model.SkinSolver!.ActivePoses[jaw], face.Settings.SkinSolver!.ActivePoses[0]);
        Assert.False(face.Settings.SkinSolver.ActivePoses[2]);
        FaceFrames frames = Animate(face.Rig, face.Settings);
        Assert.Equal(3, frames.SkinWeightCount);
        Assert.Contains(frames.SkinWeights, w => w > 0.01f);
        SolverParameters given = face.Settings.SkinSolver with { ActivePoses = [false, true, true] };
        Assert.Same(given, new FaceCustomization { SkinBlendshapes = some, SkinSolver = given }.Apply(_model).Settings.SkinSolver);
    }

    [Fact]
    public void A_rig_replaces_the_models_own_in_speech()
    {
        using RegressionModel model = RegressionModel.Load(_model.Path, new ModelOptions { Device = "cpu", Threads = 1 });
        AudioClip clip = AudioClip.FromSamples(AudioFile.Load(Path.Combine(TestData.Root, "samples", "hello.wav")).Samples.Span[..8000], AudioClip.SampleRate);
        CustomFace face = new FaceCustomization { SkinBlendshapes = Take(["mouthPucker", "jawOpen"]) }.Apply(model.Folder);
        FaceTrack track = SpeechAnimator.Animate(model, clip, new SpeechOptions { Rig = face.Rig, SkinSolver = face.Settings.SkinSolver, FramesNumerator = 10 },
            cancel: TestContext.Current.CancellationToken);
        Assert.Same(face.Rig, track.Rig);
        Assert.Equal(5 * 2, track.Frames.SkinWeights.Length);
        FaceGeometry other = _model.Geometry with { NeutralJaw = new float[9] };
        A2FException e = Assert.Throws<A2FException>(() => SpeechAnimator.Animate(model, clip, new SpeechOptions { Rig = new FaceRig(other) },
            cancel: TestContext.Current.CancellationToken));
        Assert.Contains("the rig takes 9 jaw outputs of a network, this model's puts out 15", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_identity_of_a_diffusion_model_takes_the_same_changes()
    {
        using DiffusionModelFolder folder = DiffusionModelFolder.Load(TestData.Path("fixtures/diff_tiny_60"));
        DiffusionIdentity identity = folder.Identities[1];
        CustomFace face = new FaceCustomization { SkinBlendshapes = identity.SkinBlendshapes, SkinMask = [1, 2, 3] }.Apply(identity);
        Assert.Equal(identity.SkinBlendshapes!.PoseNames, face.Rig.SkinPoseNames);
        Assert.Equal(identity.SkinSolver!.SymmetryPoses, face.Settings.SkinSolver!.SymmetryPoses);
        Assert.Null(face.Settings.SourceShot);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_rig_replaces_that_of_a_diffusion_model_with_and_without_features(bool folded)
    {
        using DiffusionModel model =
            DiffusionModel.Load(TestData.Path("fixtures/diff_tiny_const"), new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = 1 });
        AudioClip clip = AudioClip.FromSamples(Array.ConvertAll(new float[8000], _ => 0.01f), AudioClip.SampleRate);
        DiffusionIdentity identity = model.Folder.Identities[0];
        CustomFace face = new FaceCustomization { SkinMask = identity.SkinBlendshapes!.FrontalMask ?? [0] }.Apply(identity);
        FaceTrack own = Track(null), custom = Track(face.Rig);
        Assert.NotEmpty(own.Frames.SkinWeights);
        Assert.Equal(own.Frames.SkinWeights, custom.Frames.SkinWeights);
        Assert.Equal(own.Frames.TongueWeights, custom.Frames.TongueWeights);
        Assert.NotSame(own.Rig, custom.Rig);

        FaceTrack Track(FaceRig? rig) => SpeechAnimator.Animate(
            model, clip, new SpeechOptions { Rig = rig, Folded = folded }, cancel: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void What_does_not_fit_the_face_is_refused()
    {
        Refuse("lie where the model's skin does", new FaceCustomization { SkinBlendshapes = Moved(x => x * 0.01f) });
        Refuse("check units", new FaceCustomization { SkinBlendshapes = Moved(x => x + 500) });
        Refuse("expected 1111 vertices", new FaceCustomization { SkinBlendshapes = _model.TongueBlendshapes });
        Refuse("tongue blendshapes: expected 288 vertices", new FaceCustomization { TongueBlendshapes = Skin });
        Refuse("at least one vertex", new FaceCustomization { SkinMask = [] });
        Refuse("frontalMask[1] is 1111", new FaceCustomization { SkinMask = [0, 1111] });
        Refuse("expected parameters of 52 poses, found 16", new FaceCustomization { SkinSolver = _model.TongueSolver });
        A2FException e = Assert.Throws<A2FException>(() => new FaceCustomization { SkinMask = [0] }.Apply(_model.Geometry, null, null, _model.Settings));
        Assert.Contains("no skin blendshapes", e.Message, StringComparison.Ordinal);

        void Refuse(string reason, FaceCustomization customization)
        {
            A2FException e = Assert.Throws<A2FException>(() => customization.Apply(_model));
            Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        }
    }

    private BlendshapeSet Moved(Func<float, float> move) => Skin with { Neutral = Array.ConvertAll(Skin.Neutral.ToArray(), x => move(x)) };

    private BlendshapeSet Take(string[] poses)
    {
        int length = Skin.Neutral.Length;
        List<string> names = [.. Skin.PoseNames];
        return Skin with { PoseNames = poses, Deltas = poses.SelectMany(p => Skin.Deltas.Slice(names.IndexOf(p) * length, length).ToArray()).ToArray() };
    }

    /// <summary>Five frames of made up network output; the jaw stays in its place.</summary>
    private FaceFrames Animate(FaceRig rig, AnimationSettings settings)
    {
        Random random = new(7);
        float[] outputs = new float[5 * rig.OutputLength];
        for (int frame = 0; frame < 5; frame++)
        {
            Span<float> row = outputs.AsSpan(frame * rig.OutputLength, rig.OutputLength);
            for (int i = 0; i < rig.SkinSize + rig.TongueSize; i++) row[i] = 4 * (random.NextSingle() - 0.5f);
            _model.Geometry.NeutralJaw.Span.CopyTo(row[(rig.SkinSize + rig.TongueSize)..]);
        }
        return new FaceAnimator(rig, 60, 1, settings.Animator, settings.SkinSolver, settings.TongueSolver, vertices: false).Animate(outputs);
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }
}
