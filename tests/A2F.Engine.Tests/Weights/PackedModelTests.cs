using System.Runtime.InteropServices;
using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Weights;

public sealed class PackedModelTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Packed => _temporary.File("packed");

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("fixtures/reg_tiny")]
    [InlineData("fixtures/reg_autocorr")]
    [InlineData("fixtures/reg_w2v2")]
    [InlineData("golden/model_regression")]
    public void A_packed_model_is_the_deploy_folder_bit_for_bit(string source)
    {
        using RegressionModelFolder deploy = RegressionModelFolder.Load(TestData.Path(source));
        deploy.WritePacked(Packed);
        Assert.Equal(["manifest.json", "model.safetensors"], Directory.GetFileSystemEntries(Packed).Select(Path.GetFileName).Order());
        Assert.Single(Directory.GetFileSystemEntries(_temporary.Path));
        using RegressionModelFolder packed = RegressionModelFolder.Load(Packed);
        Assert.True(packed.IsPacked);
        AssertSame(deploy, packed);
        packed.Verify();

        packed.WritePacked(_temporary.File("again"));
        foreach (string file in (string[])["manifest.json", "model.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(Packed, file)), File.ReadAllBytes(Path.Combine(_temporary.Path, "again", file)));
    }

    [Fact]
    public void A_packed_model_is_replaced_but_a_folder_of_other_files_is_not()
    {
        using RegressionModelFolder tiny = RegressionModelFolder.Load(TestData.Path("fixtures/reg_tiny"));
        using RegressionModelFolder other = RegressionModelFolder.Load(TestData.Path("golden/model_regression"));
        Directory.CreateDirectory(Packed);
        tiny.WritePacked(Packed + "/");
        other.WritePacked(Packed);
        using (RegressionModelFolder packed = RegressionModelFolder.Load(Path.Combine(Packed, "manifest.json"))) AssertSame(other, packed);

        using TemporaryFolder precious = new TemporaryFolder().With(TestData.Path("golden/model_regression"));
        string[] before = Directory.GetFileSystemEntries(precious.Path);
        A2FException e = Assert.Throws<A2FException>(() => tiny.WritePacked(precious.Path));
        Assert.Contains("other files", e.Message, StringComparison.Ordinal);
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(precious.Path).Order());
        Assert.Throws<A2FException>(() => tiny.WritePacked(precious.File("model.json")));
        Assert.Equal(A2FErrorCode.Io, Assert.Throws<A2FException>(() => tiny.WritePacked("/proc/none/packed")).Code);
    }

    [Fact]
    public void Files_of_two_models_do_not_pass_for_one()
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("golden/model_regression"));
        model.WritePacked(Packed);
        float[] changed = model.Geometry.NeutralJaw.ToArray();
        changed[0] += 1;
        using RegressionModelFolder second = Copy(model, model.Geometry with { NeutralJaw = changed });
        second.WritePacked(_temporary.File("second"));
        File.Copy(Path.Combine(_temporary.File("second"), "model.safetensors"), Path.Combine(Packed, "model.safetensors"), overwrite: true);
        A2FException e = Assert.Throws<A2FException>(() => RegressionModelFolder.Load(Packed));
        Assert.Contains("do not belong together", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_bit_of_the_tensors_is_found_by_Verify()
    {
        using (RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("golden/model_regression"))) model.WritePacked(Packed);
        string path = Path.Combine(Packed, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1000] ^= 1;
        File.WriteAllBytes(path, bytes);
        using RegressionModelFolder loaded = RegressionModelFolder.Load(Packed);
        Assert.Contains("checksum", Assert.Throws<A2FException>(loaded.Verify).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NaN_is_found_on_opening_in_small_tensors_and_by_Verify_in_large_ones()
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("golden/model_regression"));
        float[] bad = model.Geometry.NeutralJaw.ToArray();
        bad[2] = float.NaN;
        using (RegressionModelFolder small = Copy(model, model.Geometry with { NeutralJaw = bad })) small.WritePacked(Packed);
        A2FException e = Assert.Throws<A2FException>(() => RegressionModelFolder.Load(Packed));
        Assert.Equal(A2FErrorCode.NotFinite, e.Code);
        Assert.Contains("face/neutral_jaw", e.Message, StringComparison.Ordinal);
        Assert.Contains("index 2", e.Message, StringComparison.Ordinal);

        float[] large = new float[300_000];
        large[299_999] = float.PositiveInfinity;
        using (RegressionModelFolder big = Copy(model, model.Geometry with { SaccadeRotations = large })) big.WritePacked(Packed);
        using RegressionModelFolder loaded = RegressionModelFolder.Load(Packed);
        e = Assert.Throws<A2FException>(loaded.Verify);
        Assert.Equal(A2FErrorCode.NotFinite, e.Code);
        Assert.Contains("index 299999", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("format", "\"other\"", "a2f-engine-model")]
    [InlineData("version", "2", "expected 1")]
    [InlineData("kind", "\"diffusion\"", "regression")]
    [InlineData("content", null, "missing")]
    [InlineData("info.params.num_verts_skin", "149", "expected shape [447]")]
    [InlineData("network.skin_size", "11", "num_shapes_skin")]
    [InlineData("network.wav2vec.heads", "0", "1 to")]
    [InlineData("network.relu_gain", "\"x\"", "a number")]
    [InlineData("network.time_convs", "{}", "an array")]
    [InlineData("config.skin_strength", "3", "0 to 2")]
    [InlineData("shots.0.size", "100", "1 to")]
    [InlineData("skin.poses", "[\"a\"]", "expected 1")]
    [InlineData("tensors", "[]", "do not belong together")]
    [InlineData("tensors.0.crc32", "\"zz\"", "hexadecimal")]
    [InlineData("tensors.0.name", "\"absent\"", "'absent' is missing")]
    [InlineData("tensors.0.shape", "[1]", "expected shape [1]")]
    public void A_wrong_manifest_is_refused_with_the_reason(string path, string? json, string reason)
    {
        using (RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("fixtures/reg_tiny"))) model.WritePacked(Packed);
        using TemporaryFolder folder = new TemporaryFolder().With(Packed);
        folder.EditJson("manifest.json", path, json);
        A2FException e = Assert.Throws<A2FException>(() => RegressionModelFolder.Load(folder.Path));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Closed_data_is_refused_rather_than_a_crash()
    {
        using (RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("fixtures/reg_autocorr"))) model.WritePacked(Packed);
        RegressionModelFolder packed = RegressionModelFolder.Load(Packed);
        packed.Dispose();
        Assert.Contains("closed", Assert.Throws<A2FException>(() => packed.Geometry.SkinBasis.Span[0]).Message, StringComparison.Ordinal);
        Assert.Throws<A2FException>(packed.Verify);
    }

    private static RegressionModelFolder Copy(RegressionModelFolder model, FaceGeometry geometry) => new()
    {
        Path = model.Path,
        Info = model.Info,
        Parameters = model.Parameters,
        SourceShot = model.SourceShot,
        SourceFrame = model.SourceFrame,
        Geometry = geometry,
        ImplicitEmotions = model.ImplicitEmotions,
    };

    private static void AssertSame(RegressionModelFolder expected, RegressionModelFolder found)
    {
        RegressionInfo same = found.Info with { Emotions = expected.Info.Emotions, DefaultEmotion = expected.Info.DefaultEmotion };
        Assert.Equal(expected.Info, same);
        Assert.Equal(expected.Info.Emotions, found.Info.Emotions);
        Assert.Equal(expected.Info.DefaultEmotion, found.Info.DefaultEmotion);
        Assert.Equal(expected.Settings.List(), found.Settings.List());
        FaceGeometry e = expected.Geometry, f = found.Geometry;
        AssertBits(e.SkinBasis, f.SkinBasis);
        AssertBits(e.SkinNeutral, f.SkinNeutral);
        AssertBits(e.LipOpenDelta, f.LipOpenDelta);
        AssertBits(e.EyeCloseDelta, f.EyeCloseDelta);
        AssertBits(e.TongueBasis, f.TongueBasis);
        AssertBits(e.TongueNeutral, f.TongueNeutral);
        AssertBits(e.NeutralJaw, f.NeutralJaw);
        AssertBits(e.SaccadeRotations, f.SaccadeRotations);
        AssertBits(expected.ImplicitEmotions.Rows, found.ImplicitEmotions.Rows);
        Assert.Equal(expected.ImplicitEmotions.RowLength, found.ImplicitEmotions.RowLength);
        Assert.Equal(expected.ImplicitEmotions.ShotNames, found.ImplicitEmotions.ShotNames);
        Assert.Equal(expected.ImplicitEmotions.ShotStarts, found.ImplicitEmotions.ShotStarts);
        Assert.Equal(expected.ImplicitEmotions.ShotSizes, found.ImplicitEmotions.ShotSizes);
        AssertSame(expected.SkinBlendshapes!, found.SkinBlendshapes!);
        AssertSame(expected.TongueBlendshapes!, found.TongueBlendshapes!);
        AssertSame(expected.Network, found.Network);
        Assert.Equal(expected.Weights?.Names, found.Weights?.Names);
        foreach (string name in expected.Weights?.Names ?? [])
        {
            Assert.Equal(expected.Weights![name].Shape, found.Weights![name].Shape);
            AssertBits(expected.Weights[name].Data, found.Weights[name].Data);
        }
    }

    private static void AssertSame(BlendshapeSet expected, BlendshapeSet found)
    {
        Assert.Equal(expected.PoseNames, found.PoseNames);
        Assert.Equal(expected.FrontalMask, found.FrontalMask);
        AssertBits(expected.Neutral, found.Neutral);
        AssertBits(expected.Deltas, found.Deltas);
    }

    private static void AssertSame(RegressionConfig? expected, RegressionConfig? found)
    {
        if (expected is null)
        {
            Assert.Null(found);
            return;
        }
        Assert.Equal(expected.TimeConvs, found!.TimeConvs);
        Assert.Equal(expected.Wav2Vec?.Convs, found.Wav2Vec?.Convs);
        Assert.Equal(expected.AutoCorrelation?.Convs, found.AutoCorrelation?.Convs);
        Assert.Equal(expected, found with
        {
            TimeConvs = expected.TimeConvs,
            Wav2Vec = found.Wav2Vec is { } w ? w with { Convs = expected.Wav2Vec!.Convs } : null,
            AutoCorrelation = found.AutoCorrelation is { } a ? a with { Convs = expected.AutoCorrelation!.Convs } : null,
        });
    }

    private static void AssertBits(ReadOnlyMemory<float> expected, ReadOnlyMemory<float> found)
    {
        ReadOnlySpan<int> e = MemoryMarshal.Cast<float, int>(expected.Span), f = MemoryMarshal.Cast<float, int>(found.Span);
        int at = e.CommonPrefixLength(f);
        Assert.True(at == e.Length && at == f.Length, $"lengths {e.Length} and {f.Length}, first difference at {at}");
    }
}
