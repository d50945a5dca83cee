using System.Diagnostics;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Robustness;

/// <summary>
/// Packed diffusion and emotion models whose manifests ask for the impossible: loading and building the network ends in one clear refusal,
/// soon and without memory for what was asked.
/// </summary>
public sealed class HostileNetworkTests : IDisposable
{
    private const int AllocationBound = 64 << 20;
    private const double SecondsBound = 10;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("window_length", "1", "too short", "info.audio_params.buffer_len", "1")]
    [InlineData("frame_count", "4097", "right_truncate", "", "")]
    [InlineData("frame_count", "14", "centre_frames", "", "")]
    [InlineData("centre_frames", "31", "centre_frames", "", "")]
    [InlineData("centre_frames", "0", "centre_frames", "", "")]
    [InlineData("first_frame", "16", "first_frame", "", "")]
    [InlineData("first_frame", "-1", "first_frame", "", "")]
    [InlineData("audio_rows", "0", "audio_rows", "", "")]
    [InlineData("audio_rows", "1048576", "audio_rows", "", "")]
    [InlineData("audio_features", "1048576", "audio.weight", "", "")]
    [InlineData("audio_features", "1e300", "audio_features", "", "")]
    [InlineData("outputs.skin", "12000000", "outputs", "info.params.skin_size", "12000000")]
    [InlineData("outputs.jaw", "12000000", "jaw", "", "")]
    [InlineData("features.skin", "1048576", "features", "", "")]
    [InlineData("features.eyes", "0", "features.eyes", "", "")]
    [InlineData("hidden.tongue", "1048576", "tongue_head1", "", "")]
    [InlineData("geometry_features", "1048576", "gru0.input.weight", "", "")]
    [InlineData("actor_count", "2", "identities", "", "")]
    [InlineData("actor_count", "1048576", "actor_count", "", "")]
    [InlineData("emotion_count", "11", "emotions", "", "")]
    [InlineData("emotion_features", "1048576", "emotion.weight", "", "")]
    [InlineData("emotion_per_frame", "2", "emotion_per_frame", "", "")]
    [InlineData("time_features", "1048576", "time.weight", "", "")]
    [InlineData("gru_layers", "0", "gru_layers", "", "")]
    [InlineData("gru_layers", "1000000000", "gru_layers", "", "")]
    [InlineData("gru_layers", "256", "gru3.input.weight", "info.params.num_gru_layers", "256")]
    [InlineData("gru_size", "1048576", "gru", "info.params.gru_latent_dim", "1048576")]
    [InlineData("steps", "[]", "steps", "", "")]
    [InlineData("steps", "{}", "steps", "", "")]
    [InlineData("steps.0.prediction", "-0.5", "prediction", "", "")]
    [InlineData("steps.0.previous", "1e999", "previous", "", "")]
    [InlineData("steps.0.noise", "\"NaN\"", "noise", "", "")]
    [InlineData("steps.0.noise", "1001", "noise", "", "")]
    [InlineData("steps.0.slice", "0", "slice", "", "")]
    [InlineData("steps.0.time_step", "-1", "time_step", "", "")]
    [InlineData("steps.1.prediction", "0.5", "last step", "", "")]
    [InlineData("steps.1.noise", "0.5", "last step", "", "")]
    public void A_diffusion_network_of_impossible_sizes_is_refused(string key, string json, string named, string other, string otherJson)
    {
        string packed = Pack("diff_tiny_const");
        Edit("network." + key, json);
        if (other.Length > 0) Edit(other, otherJson);
        AssertRefused(() => DiffusionModel.Load(packed, Cpu).Dispose(), packed, named);
    }

    [Theory]
    [InlineData("info.params.num_diffusion_steps", "0", "num_diffusion_steps")]
    [InlineData("info.params.num_diffusion_steps", "10000", "num_diffusion_steps")]
    [InlineData("info.params.num_gru_layers", "0", "num_gru_layers")]
    [InlineData("info.params.num_frames_center", "5000", "num_frames_center")]
    [InlineData("info.params.identities", "[]", "identities")]
    [InlineData("info.params.identities", "[\"Claire\", \"Mark\"]", "identities")]
    [InlineData("identities", "[]", "identities")]
    [InlineData("identities", "null", "identities")]
    [InlineData("identities.0", "7", "identities[0]")]
    [InlineData("identities.0", "{}", "identities[0].config")]
    [InlineData("network", "[]", "network")]
    [InlineData("network.encoder", null, "network.encoder")]
    public void A_diffusion_manifest_that_contradicts_itself_is_refused(string path, string? json, string named)
    {
        string packed = Pack("diff_tiny_const");
        Edit(path, json);
        AssertRefused(() => DiffusionModel.Load(packed, Cpu).Dispose(), packed, named);
    }

    [Fact]
    public void Ten_thousand_denoising_steps_are_refused()
    {
        string packed = Pack("diff_tiny_const");
        string step = """{"time_step": 1, "slice": 1, "prediction": 0.5, "previous": 0.5, "noise": 0}""";
        Edit("network.steps", $"[{string.Join(',', Enumerable.Repeat(step, 10_000))}]");
        AssertRefused(() => DiffusionModel.Load(packed, Cpu).Dispose(), packed, "network.steps");
    }

    [Fact]
    public void An_identity_without_data_is_refused_by_name()
    {
        string packed = Pack("diff_tiny_const");
        string config = File.ReadAllText(Path.Combine(packed, "manifest.json"));
        string identity = System.Text.Json.Nodes.JsonNode.Parse(config)!["identities"]![0]!.ToJsonString();
        Edit("info.params.identities", "[\"Claire\", \"Mark\"]");
        Edit("identities", $"[{identity}, {identity}]");
        Edit("network.actor_count", "2");
        AssertRefused(() => DiffusionModel.Load(packed, Cpu).Dispose(), packed, "identities/1/");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(0)]
    public void A_convolution_over_the_features_without_a_centre_is_refused(int taps)
    {
        DiffusionModelFolder model = DiffusionModelFolder.Load(TestData.Path("fixtures/diff_tiny_const"));
        WeightSet weights = new();
        foreach (string name in model.Weights!.Names)
        {
            if (name == "tongue_embed.conv.weight") weights.Add(name, new float[taps], taps);
            else weights.Add(name, model.Weights[name].Data, model.Weights[name].Shape);
        }
        using DiffusionModelFolder changed = new()
        {
            Path = model.Path,
            Info = model.Info,
            Identities = model.Identities,
            Network = model.Network,
            Weights = weights,
        };
        string packed = _folder.File("packed");
        changed.WritePacked(packed);
        AssertRefused(() => DiffusionModel.Load(packed, Cpu).Dispose(), packed, "tongue_embed.conv.weight");
    }

    [Theory]
    [InlineData("diff_tiny_const", "convs", "[]", "convs")]
    [InlineData("diff_tiny_const", "convs.0.stride", "1048576", "too short")]
    [InlineData("diff_tiny_const", "convs.0.kernel", "1048576", "too short")]
    [InlineData("diff_tiny_const", "channels", "1048576", "channels")]
    [InlineData("emo_base", "convs", "[]", "convs")]
    [InlineData("emo_base", "convs.0.padding", "3", "convs[0].padding")]
    [InlineData("emo_base", "convs.0.padding", "-1", "convs[0].padding")]
    [InlineData("emo_base", "convs.0.stride", "0", "convs[0].stride")]
    [InlineData("emo_base", "convs.0.stride", "1048576", "too short")]
    [InlineData("emo_base", "convs.1.kernel", "4", "w2v.conv1.weight")]
    [InlineData("emo_base", "channels", "1048576", "channels")]
    [InlineData("emo_base", "dim", "1048576", "dim")]
    [InlineData("emo_base", "feed_forward", "1048576", "w2v.layer0.ff1.weight")]
    [InlineData("emo_base", "heads", "5", "heads")]
    [InlineData("emo_base", "position_groups", "5", "position_groups")]
    [InlineData("emo_base", "position_kernel", "1048576", "position")]
    [InlineData("emo_base", "layers", "257", "layers")]
    [InlineData("emo_base", "layers", "256", "w2v.layer2")]
    [InlineData("emo_base", "layer_norm_epsilon", "0", "layer_norm_epsilon")]
    [InlineData("emo_base", "group_norm_epsilon", "-1e-5", "group_norm_epsilon")]
    [InlineData("emo_large", "layers", "0", "layers")]
    [InlineData("emo_large", "layer_norm_convs", "2", "layer_norm_convs")]
    public void A_speech_encoder_of_impossible_sizes_is_refused(string fixture, string key, string json, string named)
    {
        string packed = Pack(fixture);
        Edit("network.encoder." + key, json);
        AssertRefused(() => Load(fixture, packed), packed, named);
    }

    [Theory]
    [InlineData("network.labels", "7", "emotions")]
    [InlineData("network.labels", "0", "labels")]
    [InlineData("network.head_width", "1048576", "head1.weight")]
    [InlineData("network.head_width", "0", "head_width")]
    [InlineData("network.tanh", "\"yes\"", "tanh")]
    [InlineData("network", "7", "network")]
    [InlineData("info.emotions", "[]", "emotions")]
    [InlineData("info.emotions.0", "\"another\"", "emotion_correspondence.another")]
    [InlineData("info.audio_params.samplerate", "0", "samplerate")]
    [InlineData("post_processing_config.output_emotion_length", "1000000", "output_emotion_length")]
    [InlineData("post_processing_config.output_emotion_length", "1", "emotion_correspondence")]
    [InlineData("post_processing_config.max_emotions", "-1", "max_emotions")]
    [InlineData("post_processing_config.live_blend_coef", "1e999", "live_blend_coef")]
    [InlineData("post_processing_config.emotion_correspondence", "[]", "emotion_correspondence")]
    [InlineData("post_processing_config", null, "post_processing_config")]
    public void An_emotion_manifest_that_cannot_be_is_refused(string path, string? json, string named)
    {
        string packed = Pack("emo_base");
        Edit(path, json);
        AssertRefused(() => EmotionModel.Load(packed, Cpu).Dispose(), packed, named);
    }

    [Theory]
    [InlineData("diffusion", "emo_base")]
    [InlineData("emotion", "diff_tiny_const")]
    [InlineData("regression", "diff_tiny_const")]
    [InlineData("else", "emo_base")]
    public void A_manifest_that_claims_another_kind_is_refused(string kind, string fixture)
    {
        string packed = Pack(fixture);
        Edit("kind", $"\"{kind}\"");
        AssertRefused(() => Load(fixture, packed), packed, "kind");
        AssertRefused(() => ModelNetworks.Open(packed, Cpu).Dispose(), packed, kind == "else" ? "kind" : "");
    }

    [Fact]
    public void Sizes_whose_product_overflows_are_refused_before_any_weight_is_read()
    {
        using DiffusionModelFolder model = DiffusionModelFolder.Load(TestData.Path("fixtures/diff_tiny_const"));
        DiffusionConfig good = model.Network!;
        Assert.Null(NetworkChecks.Problem(good));
        DiffusionConfig[] bad =
        [
            good with { AudioRows = 1 << 20 }, good with { FrameCount = 1 << 20, AudioRows = 1 << 12 },
            good with { GruSize = 1 << 20, GruLayers = 256 }, good with { ActorCount = 1 << 20 },
            good with { Features = new FaceSizes(1 << 20, 1 << 20, 1 << 20, 1 << 20) }, good with { FrameCount = 1, CentreFrames = 1, FirstFrame = 0, AudioRows = 1 },
            good with { Hidden = new FaceSizes(1 << 20, 1 << 20, 1 << 20, 1 << 20) }, good with { Outputs = good.Outputs with { Skin = 12_000_000 } },
            good with { Steps = [] }, good with { FirstFrame = 16 }, good with { WindowLength = 1 },
            good with { Encoder = good.Encoder with { Convs = [] } }, good with { Encoder = good.Encoder with { FeedForward = 1 << 30 } },
        ];
        for (int i = 0; i < bad.Length; i++) Assert.True(NetworkChecks.Problem(bad[i]) is { Length: > 20 }, $"case {i}: {bad[i]}");
    }

    private static ModelOptions Cpu => new() { Device = "cpu", Threads = 1, MaxBatch = 1 };

    private static void Load(string fixture, string packed)
    {
        if (fixture.StartsWith("emo", StringComparison.Ordinal)) EmotionModel.Load(packed, Cpu).Dispose();
        else DiffusionModel.Load(packed, Cpu).Dispose();
    }

    private string Pack(string fixture)
    {
        string source = TestData.Path("fixtures/" + fixture), packed = _folder.File("packed");
        if (fixture.StartsWith("emo", StringComparison.Ordinal))
        {
            using EmotionModelFolder emotion = EmotionModelFolder.Load(source);
            emotion.WritePacked(packed);
        }
        else
        {
            using DiffusionModelFolder diffusion = DiffusionModelFolder.Load(source);
            diffusion.WritePacked(packed);
        }
        return packed;
    }

    private void Edit(string path, string? json) => _folder.EditJson("packed/manifest.json", path, json);

    private static void AssertRefused(Action load, string packed, string named)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Stopwatch watch = Stopwatch.StartNew();
        A2FException e = Assert.Throws<A2FException>(load);
        Assert.NotEqual(A2FErrorCode.Internal, e.Code);
        Assert.Contains(packed, e.Message, StringComparison.Ordinal);
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.Matches("expected|missing|too short", e.Message);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < AllocationBound, $"allocated {allocated:N0} bytes, expected less than {AllocationBound:N0}");
        Assert.True(watch.Elapsed.TotalSeconds < SecondsBound, $"took {watch.Elapsed.TotalSeconds:F1} s");
    }
}
