using A2F.Engine.Tests.Weights.Onnx;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Weights;

/// <summary>Folders of diffusion and emotion models, in both formats.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Packed => _temporary.File("packed");

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("reg_tiny", ModelKind.Regression)]
    [InlineData("diff_tiny_30", ModelKind.Diffusion)]
    [InlineData("emo_base", ModelKind.Emotion)]
    public void The_kind_of_a_folder_is_told_in_both_formats(string name, ModelKind kind)
    {
        string source = TestData.Path($"fixtures/{name}");
        Assert.Equal(kind, ModelFolders.KindOf(source));
        Assert.Equal(kind, ModelFolders.KindOf(Path.Combine(source, "model.json")));
        Pack(source);
        Assert.Equal(kind, ModelFolders.KindOf(Packed));
    }

    [Fact]
    public void An_unknown_kind_is_refused_with_those_that_are_known()
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/emo_base"));
        folder.EditJson("network_info.json", "id.type", "\"other\"");
        A2FException e = Assert.Throws<A2FException>(() => ModelFolders.KindOf(folder.Path));
        Assert.Contains("'regression', 'diffusion' or 'classifier', found 'other'", e.Message, StringComparison.Ordinal);
        Assert.Equal(A2FErrorCode.FileNotFound, Assert.Throws<A2FException>(() => ModelFolders.KindOf(folder.File("none"))).Code);
    }

    [Fact]
    public void A_diffusion_folder_holds_what_its_files_say()
    {
        using DiffusionModelFolder folder = DiffusionModelFolder.Load(TestData.Path("fixtures/diff_tiny_30"));
        Assert.Equal(["Claire", "James"], folder.Info.Identities);
        Assert.Equal((30.0, 30, 7, 15), (folder.Info.FrameRate, folder.Info.FrameCount, folder.Info.LeftFrames, folder.Info.CentreFrames));
        DiffusionIdentity claire = folder.Identities[0];
        Assert.Equal("Claire", claire.Name);
        Assert.Equal((1.2092f, 0f), (claire.Parameters.LowerFaceStrength, claire.Parameters.BlinkOffset));
        Assert.Equal((0, 108, 0, 36), (claire.Geometry.SkinBasis.Length, claire.Geometry.SkinNeutral.Length, claire.Geometry.TongueBasis.Length,
            claire.Geometry.TongueNeutral.Length));
        Assert.Equal((52, 16), (claire.SkinBlendshapes!.PoseNames.Count, claire.TongueBlendshapes!.PoseNames.Count));
        Assert.False(claire.Geometry.SkinNeutral.Span.SequenceEqual(folder.Identities[1].Geometry.SkinNeutral.Span));
    }

    [Fact]
    public void An_emotion_folder_holds_what_its_files_say()
    {
        using EmotionModelFolder folder = EmotionModelFolder.Load(TestData.Path("fixtures/emo_base"));
        Assert.Equal(["angry", "disgust", "fear", "happy", "neutral", "sad"], folder.Info.Labels);
        Assert.Equal([1, 3, 4, 6, -1, 9], folder.Parameters.Correspondence);
        Assert.Equal((10, 0.7f, 0.6f, 0.026f), (folder.FaceEmotions, folder.Parameters.LiveBlend, folder.Parameters.Strength,
            folder.Parameters.Preferred![0]));
    }

    [Theory]
    [InlineData("diff_tiny_60")]
    [InlineData("diff_tiny_30")]
    [InlineData("diff_tiny_3step")]
    [InlineData("diff_tiny_const")]
    [InlineData("emo_base")]
    [InlineData("emo_large")]
    public void A_packed_model_is_the_deploy_folder_bit_for_bit(string name)
    {
        string source = TestData.Path($"fixtures/{name}");
        Pack(source);
        if (ModelFolders.KindOf(source) == ModelKind.Diffusion)
        {
            using DiffusionModelFolder deploy = DiffusionModelFolder.Load(source);
            using DiffusionModelFolder packed = DiffusionModelFolder.Load(Packed);
            Assert.True(packed.IsPacked);
            packed.Verify();
            Assert.Equal(Fixture.Text(deploy.Network!), Fixture.Text(packed.Network!));
            Fixture.Same(deploy.Weights!, packed.Weights!);
            Assert.Equal(deploy.Identities.Select(i => i.Parameters), packed.Identities.Select(i => i.Parameters));
            packed.Weights!.ReleasePages();
            Fixture.Same(deploy.Weights!, packed.Weights!);
            for (int i = 0; i < deploy.Identities.Count; i++)
            {
                Assert.True(deploy.Identities[i].Geometry.LipOpenDelta.Span.SequenceEqual(packed.Identities[i].Geometry.LipOpenDelta.Span));
                Assert.True(deploy.Identities[i].SkinBlendshapes!.Deltas.Span.SequenceEqual(packed.Identities[i].SkinBlendshapes!.Deltas.Span));
            }
            packed.WritePacked(_temporary.File("again"));
        }
        else
        {
            using EmotionModelFolder deploy = EmotionModelFolder.Load(source);
            using EmotionModelFolder packed = EmotionModelFolder.Load(Packed);
            packed.Verify();
            Fixture.Same(deploy.Weights!, packed.Weights!);
            Assert.Equal((deploy.Network!.HeadWidth, deploy.Network.Tanh, deploy.Network.Encoder.PreNorm),
                (packed.Network!.HeadWidth, packed.Network.Tanh, packed.Network.Encoder.PreNorm));
            packed.WritePacked(_temporary.File("again"));
        }
        foreach (string file in (string[])["manifest.json", "model.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(Packed, file)), File.ReadAllBytes(Path.Combine(_temporary.Path, "again", file)));
    }

    [Theory]
    [InlineData("diff_tiny_30", "network_info.json", "params.num_frames_center", "16", "num_frames_center")]
    [InlineData("diff_tiny_30", "network_info.json", "params.skin_size", "109", "3 for each vertex")]
    [InlineData("diff_tiny_30", "network_info.json", "params.gru_latent_dim", "25", "expected 24 as in the network")]
    [InlineData("diff_tiny_30", "network_info.json", "params.identities", "[\"A\"]", "one per identity")]
    [InlineData("diff_tiny_30", "model.json", "modelDataPaths.0", "\"../x.npz\"", "within the model's folder")]
    [InlineData("diff_tiny_30", "model_config_James.json", "config.skin_strength", "3", "0 to 2")]
    [InlineData("emo_base", "network_info.json", "emotions", "[\"angry\"]", "as in the network")]
    [InlineData("emo_base", "model_config.json", "post_processing_config.live_blend_coef", "2", "0 to 1")]
    [InlineData("emo_base", "model_config.json", "post_processing_config.emotion_correspondence.sad", "1", "at most once")]
    [InlineData("emo_base", "model_config.json", "post_processing_config.emotion_correspondence.fear", "10", "-1 to 9")]
    public void A_wrong_file_is_refused_with_the_reason(string fixture, string file, string path, string json, string reason)
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path($"fixtures/{fixture}"));
        folder.EditJson(file, path, json);
        A2FException e = Assert.Throws<A2FException>(() => Load(folder.Path));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("diff_tiny_30", "kind", "\"emotion\"")]
    [InlineData("diff_tiny_30", "network.steps.0.slice", "0")]
    [InlineData("diff_tiny_30", "network.first_frame", "16")]
    [InlineData("diff_tiny_30", "network.outputs.skin", "107")]
    [InlineData("diff_tiny_30", "identities", "[]")]
    [InlineData("emo_base", "network.labels", "7")]
    [InlineData("emo_base", "network.encoder.heads", "0")]
    public void A_wrong_manifest_is_refused(string fixture, string path, string json)
    {
        Pack(TestData.Path($"fixtures/{fixture}"));
        using TemporaryFolder folder = new TemporaryFolder().With(Packed);
        folder.EditJson("manifest.json", path, json);
        Assert.Throws<A2FException>(() => LoadAs(fixture, folder.Path));
    }

    private void Pack(string source)
    {
        switch (ModelFolders.KindOf(source))
        {
            case ModelKind.Regression: using (RegressionModelFolder r = RegressionModelFolder.Load(source)) r.WritePacked(Packed); break;
            case ModelKind.Diffusion: using (DiffusionModelFolder d = DiffusionModelFolder.Load(source)) d.WritePacked(Packed); break;
            default: using (EmotionModelFolder e = EmotionModelFolder.Load(source)) e.WritePacked(Packed); break;
        }
    }

    private static void Load(string path) => LoadAs(ModelFolders.KindOf(path) == ModelKind.Diffusion ? "diff" : "emo", path);

    private static void LoadAs(string fixture, string path)
    {
        if (fixture.StartsWith("diff", StringComparison.Ordinal)) DiffusionModelFolder.Load(path).Dispose();
        else EmotionModelFolder.Load(path).Dispose();
    }
}
