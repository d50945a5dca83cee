using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Weights;

public sealed class DeployFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new TemporaryFolder().With(TestData.Path("golden/model_regression"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_without_a_network_is_read_whole()
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("golden/model_regression"));
        Assert.Equal(("synthetic", 16, 8320, 4160, 16000),
            (model.Info.Actor, model.Info.ImplicitEmotionLength, model.Info.BufferLength,
            model.Info.BufferOffset, model.Info.SampleRate));
        Assert.Equal(["amazement", "anger", "cheekiness"], model.Info.Emotions.Take(3));
        Assert.Equal(12 + 6 + 15 + 4, model.Info.OutputLength);
        Assert.Equal((1.1f, -0.03f, 17f, 0.25f),
            (model.Parameters.SkinStrength, model.Parameters.LipOpenOffset, model.Parameters.EyeSaccadeSeed,
            model.Parameters.LeftEyeRotXOffset));
        Assert.Equal(("angry_take2", 5), (model.SourceShot, model.SourceFrame));
        Assert.Equal([12 * 1800, 1800, 1800, 1800, 6 * 360, 360, 15, 10000],
            new[] { model.Geometry.SkinBasis, model.Geometry.SkinNeutral, model.Geometry.LipOpenDelta, model.Geometry.EyeCloseDelta,
                model.Geometry.TongueBasis, model.Geometry.TongueNeutral, model.Geometry.NeutralJaw, model.Geometry.SaccadeRotations }
                .Select(m => m.Length));
        Assert.Equal(17 * 16, model.ImplicitEmotions.Rows.Length);
        Assert.Equal(52, model.SkinBlendshapes!.PoseNames.Count);
        Assert.Equal("eyeBlinkLeft", model.SkinBlendshapes.PoseNames[0]);
        Assert.Equal(466, model.SkinBlendshapes.FrontalMask!.Count);
        Assert.Null(model.TongueBlendshapes!.FrontalMask);
        Assert.Equal((3.5f, 5f, 54.7f, 1e-10f), (model.SkinSolver!.L2Regularization, model.SkinSolver.TemporalSmoothing,
            model.SkinSolver.TemplateBoundingBoxSize, model.SkinSolver.Tolerance));
        Assert.Equal((12f, 0.5f, 0.1f, false, 6), (model.TongueSolver!.TemplateBoundingBoxSize, model.TongueSolver.Multipliers[3],
            model.TongueSolver.Offsets[13], model.TongueSolver.ActivePoses[15], model.TongueSolver.CancelPoses[14]));
        Assert.Null(model.Network);
        Assert.Null(model.Weights);
        Assert.False(model.IsPacked);
    }

    [Fact]
    public void Pose_deltas_keep_the_order_of_poseNames_whatever_the_order_of_the_file()
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("golden/model_regression/model.json"));
        using NpzFile npz = NpzFile.Open(TestData.Path("golden/model_regression/bs_skin.npz"));
        for (int pose = 0; pose < 52; pose += 17)
        {
            Assert.Equal(npz.Read(model.SkinBlendshapes!.PoseNames[pose]).ToFloat32(),
                model.SkinBlendshapes.Deltas.Slice(pose * 1800, 1800).ToArray());
        }
    }

    [Theory]
    [InlineData("reg_tiny")]
    [InlineData("reg_autocorr")]
    [InlineData("reg_w2v2")]
    public void Fixtures_load_with_the_network_beside_the_engine_that_networkPath_names(string fixture)
    {
        using RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path($"fixtures/{fixture}"));
        Assert.Equal(model.Info.OutputLength, model.Network!.OutputLength);
        Assert.Equal(fixture != "reg_autocorr", model.Network.Wav2Vec is not null);
        Assert.True(model.Weights!.Contains("fusion.weight"));
    }

    [Fact]
    public void A_network_is_found_under_the_name_of_the_engine_and_by_its_own_name()
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/reg_autocorr"));
        File.Move(folder.File("network.onnx"), folder.File("net_fp16.onnx"));
        Assert.Null(Load(folder).Network);
        folder.EditJson("model.json", "networkPath", "\"net_fp16.trt\"");
        Assert.NotNull(Load(folder).Network);
        folder.EditJson("model.json", "networkPath", "\"net_fp16.onnx\"");
        Assert.NotNull(Load(folder).Network);
    }

    [Fact]
    public void A_network_of_other_sizes_than_network_info_says_is_refused()
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/reg_autocorr"));
        folder.EditJson("network_info.json", "audio_params.buffer_len", "8321");
        A2FException e = Assert.Throws<A2FException>(() => Load(folder));
        Assert.Equal(A2FErrorCode.InvalidModel, e.Code);
        foreach (string part in (string[])["network_info.json", "buffer_len", "8321", "8320", "network.onnx"])
            Assert.Contains(part, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blendshapes_extra_keys_extra_arrays_and_a_byte_order_mark_are_optional()
    {
        _folder.EditJson("model.json", "blendshapePaths.tongue", null);
        _folder.EditJson("model_config.json", "config.new_key", "{}");
        _folder.EditJson("network_info.json", "params.identities", "[]");
        _folder.EditArray("model_data.npz", "neutral_jaw", a => NdArray.Of(a.ToFloat32().Select(x => (double)x).ToArray(), 15));
        File.WriteAllText(_folder.File("model.json"), "\uFEFF" + File.ReadAllText(_folder.File("model.json")));
        using RegressionModelFolder model = Load(_folder);
        Assert.NotNull(model.SkinBlendshapes);
        Assert.Null(model.TongueBlendshapes);
        Assert.Null(model.TongueSolver);
    }

    [Theory]
    [InlineData("model.json", "networkInfoPath", null, "missing")]
    [InlineData("model.json", "networkInfoPath", "5", "a text")]
    [InlineData("model.json", "networkInfoPath", "\"\"", "a text")]
    [InlineData("model.json", "networkInfoPath", "\"absent.json\"", "absent.json")]
    [InlineData("model.json", "networkPath", null, "missing")]
    [InlineData("model.json", "modelDataPath", "\"../golden/pca.npz\"", "within the model's folder")]
    [InlineData("model.json", "modelDataPath", "\"/etc/passwd\"", "within the model's folder")]
    [InlineData("model.json", "modelDataPath", "\"a\\u0000b\"", "within the model's folder")]
    [InlineData("model.json", "modelDataPath", "\".\"", "within the model's folder")]
    [InlineData("model.json", "emotionDatabasePath", "\"model.json\"", "npz")]
    [InlineData("model.json", "blendshapePaths", "[]", "an object")]
    [InlineData("model.json", "blendshapePaths.skin.data", null, "missing")]
    [InlineData("network_info.json", "id.type", "\"diffusion\"", "'regression'")]
    [InlineData("network_info.json", "id.actor", null, "missing")]
    [InlineData("network_info.json", "params.implicit_emotion_len", "15", "[1 or more, 15]")]
    [InlineData("network_info.json", "params.explicit_emotions", "[\"a\",\"a\"]", "different")]
    [InlineData("network_info.json", "params.default_emotion", "[0]", "10 values")]
    [InlineData("network_info.json", "params.default_emotion.3", "1e60", "finite")]
    [InlineData("network_info.json", "params.num_shapes_skin", "13", "[13, 600, 3]")]
    [InlineData("network_info.json", "params.num_verts_skin", "1.5", "whole number")]
    [InlineData("network_info.json", "params.num_verts_skin", "2000000000", "1 to 4000000")]
    [InlineData("network_info.json", "params.num_verts_skin", "1e400", "whole number|1 to 4000000")]
    [InlineData("network_info.json", "params.result_jaw_size", "16", "3 for each")]
    [InlineData("network_info.json", "params.result_eyes_size", "6", "4 to 4")]
    [InlineData("network_info.json", "audio_params.buffer_ofs", "-1", "0 to 8320")]
    [InlineData("network_info.json", "audio_params", "3", "an object")]
    [InlineData("model_config.json", "config", null, "missing")]
    [InlineData("model_config.json", "config.skin_strength", null, "missing")]
    [InlineData("model_config.json", "config.skin_strength", "\"1\"", "a number")]
    [InlineData("model_config.json", "config.skin_strength", "2.01", "0 to 2")]
    [InlineData("model_config.json", "config.lip_open_offset", "-0.3", "-0.2 to 0.2")]
    [InlineData("model_config.json", "config.source_shot", "\"nobody\"", "angry_take2")]
    [InlineData("model_config.json", "config.source_frame", "5000", "0 to")]
    [InlineData("model_config.json", "config.source_frame", "0.5", "whole")]
    [InlineData("bs_skin_config.json", "blendshape_params", null, "missing")]
    [InlineData("bs_skin_config.json", "blendshape_params.strengthSymmetry", null, "missing")]
    [InlineData("bs_skin_config.json", "blendshape_params.strengthSymmetry", "10001", "0 to 10000")]
    [InlineData("bs_skin_config.json", "blendshape_params.numPoses", "51", "expected 52")]
    [InlineData("bs_skin_config.json", "blendshape_params.bsSolveActivePoses", "[1]", "52 values")]
    [InlineData("bs_skin_config.json", "blendshape_params.bsSolveActivePoses.4", "2", "0 to 1")]
    [InlineData("bs_tongue_config.json", "blendshape_params.bsSolveCancelPoses.0", "-2", "-1 to")]
    [InlineData("bs_tongue_config.json", "blendshape_params.bsWeightOffsets.0", "true", "a number")]
    public void A_wrong_json_value_is_refused_with_file_and_key(string file, string path, string? json, string reason)
    {
        _folder.EditJson(file, path, json);
        A2FException e = Assert.Throws<A2FException>(() => Load(_folder));
        string key = path.Split('.').Last(k => !int.TryParse(k, out _));
        if (!reason.Contains('[', StringComparison.Ordinal) && !reason.EndsWith(".json", StringComparison.Ordinal) && reason != "npz")
        {
            Assert.Contains(file, e.Message, StringComparison.Ordinal);
            Assert.Contains(key, e.Message, StringComparison.Ordinal);
        }
        Assert.True(reason.Split('|').Any(r => e.Message.Contains(r, StringComparison.Ordinal)), e.Message);
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    public void NaN_as_Python_writes_it_is_refused_with_file_and_key(string value)
    {
        string path = _folder.File("model_config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"skin_strength\": 1.1", $"\"skin_strength\": {value}", StringComparison.Ordinal));
        A2FException e = Assert.Throws<A2FException>(() => Load(_folder));
        Assert.Equal(A2FErrorCode.NotFinite, e.Code);
        Assert.Contains("model_config.json", e.Message, StringComparison.Ordinal);
        Assert.Contains("skin_strength", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model_data.npz", "shapes_matrix_skin", "[12, 600, 3]")]
    [InlineData("model_data.npz", "shapes_mean_skin", "[600, 3]")]
    [InlineData("model_data.npz", "lip_open_pose_delta", "[600, 3]")]
    [InlineData("model_data.npz", "eye_close_pose_delta", "[600, 3]")]
    [InlineData("model_data.npz", "shapes_matrix_tongue", "[6, 120, 3]")]
    [InlineData("model_data.npz", "shapes_mean_tongue", "[120, 3]")]
    [InlineData("model_data.npz", "neutral_jaw", "[5, 3]")]
    [InlineData("model_data.npz", "saccade_rot_matrix", "[1 or more, 2]")]
    [InlineData("implicit_emo_db.npz", "emo_db", "[1 or more, 16]")]
    [InlineData("bs_skin.npz", "neutral", "[600, 3]")]
    [InlineData("bs_tongue.npz", "tongueLeft", "[120, 3]")]
    public void A_float_array_that_is_missing_of_another_shape_or_type_or_not_finite_is_refused(string file, string name, string shape)
    {
        using TemporaryFolder original = new TemporaryFolder().With(_folder.Path);
        Refused(_ => null, A2FErrorCode.InvalidFile, "missing");
        Refused(a => NdArray.Of(a.ToFloat32()[..^1], a.Length - 1), A2FErrorCode.InvalidModel, shape);
        Refused(a => NdArray.Of(new int[a.Length], [.. a.Shape]), A2FErrorCode.InvalidFile, "Int32");
        Refused(a => NdArray.Of(new string[a.Length].Select(_ => "x").ToArray(), [.. a.Shape]), A2FErrorCode.InvalidFile, "Text");
        Refused(a => Poison(a, float.NaN), A2FErrorCode.NotFinite, "at index 3");
        Refused(a => Poison(a, float.NegativeInfinity), A2FErrorCode.NotFinite, "at index 3");

        void Refused(Func<NdArray, NdArray?> edit, A2FErrorCode code, string reason)
        {
            File.Copy(original.File(file), _folder.File(file), overwrite: true);
            _folder.EditArray(file, name, edit);
            A2FException e = Assert.Throws<A2FException>(() => Load(_folder));
            Assert.Equal(code, e.Code);
            foreach (string part in (string[])[file, $"'{name}'", reason]) Assert.Contains(part, e.Message, StringComparison.Ordinal);
        }

        static NdArray Poison(NdArray array, float value)
        {
            float[] data = (float[])array.Data<float>().Clone();
            data[3] = value;
            return NdArray.Of(data, [.. array.Shape]);
        }
    }

    [Fact]
    public void Wrong_shots_are_refused()
    {
        Refused("emo_spec_names", _ => NdArray.Of(new[] { "a", "a", "b", "c" }, 4), "'a' twice");
        Refused("emo_spec_names", _ => NdArray.Of(new[] { "", "a", "b", "c" }, 4), "different names");
        Refused("emo_spec_start", _ => NdArray.Of(new[] { 0, 1 }, 2), "[4]");
        Refused("emo_spec_start", _ => NdArray.Of(new[] { 0, -1, 0, 0 }, 4), "found -1 at index 1");
        Refused("emo_spec_start", _ => NdArray.Of(new float[4], 4), "integers");
        Refused("emo_spec_size", _ => NdArray.Of(new[] { 1, 1, 0, 1 }, 4), "found 0 at index 2");
        Refused("emo_spec_size", a => NdArray.Of(a.Data<int>().Select(_ => 17L).ToArray(), 4), "has 17");

        void Refused(string array, Func<NdArray, NdArray> edit, string reason) => RefusedArray("implicit_emo_db.npz", array, edit, reason);
    }

    [Fact]
    public void Wrong_poses_and_masks_are_refused()
    {
        RefusedArray("bs_skin.npz", "poseNames", a => NdArray.Of(a.Data<string>()[1..], 52), "'neutral' first");
        RefusedArray("bs_skin.npz", "poseNames", _ => NdArray.Of(new[] { "neutral" }, 1), "1 to 4096 poses");
        RefusedArray("bs_skin.npz", "poseNames", _ => NdArray.Of(new[] { "neutral", "wink" }, 2), "'wink' is missing");
        RefusedArray("bs_skin.npz", "frontalMask", _ => NdArray.Of(new[] { 0, 600 }, 2), "found 600 at index 1");
        RefusedArray("bs_skin.npz", "frontalMask", _ => NdArray.Of(Array.Empty<int>(), 0), "[1 or more]");
        RefusedArray("bs_skin.npz", "frontalMask", _ => NdArray.Of(new float[2], 2), "integers");
    }

    [Fact]
    public void What_is_no_model_folder_says_so()
    {
        A2FException none = Assert.Throws<A2FException>(() => RegressionModelFolder.Load(_folder.File("absent")));
        Assert.Equal(A2FErrorCode.FileNotFound, none.Code);
        A2FException empty = Assert.Throws<A2FException>(() => RegressionModelFolder.Load(TestData.Root));
        Assert.Contains("model.json", empty.Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.File("model.json"), new string('[', 100_000));
        Assert.Contains("depth", Assert.Throws<A2FException>(() => Load(_folder)).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.File("model.json"), "{\"\\ud800\": 1, \"networkPath\": \"\\udc00\"}");
        Assert.Throws<A2FException>(() => Load(_folder));
        _folder.Write("model.json", [.. "{\"networkPath\": \""u8, 0xF4, .. "\"}"u8]);
        Assert.Contains("expected UTF-8", Assert.Throws<A2FException>(() => Load(_folder)).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.File("model.json"), "");
        Assert.Contains("no valid JSON", Assert.Throws<A2FException>(() => Load(_folder)).Message, StringComparison.Ordinal);
        using (FileStream huge = File.OpenWrite(_folder.File("model.json"))) huge.SetLength(1L << 33);
        Assert.Contains("at most", Assert.Throws<A2FException>(() => Load(_folder)).Message, StringComparison.Ordinal);
    }

    private void RefusedArray(string file, string array, Func<NdArray, NdArray> edit, string reason)
    {
        File.Copy(TestData.Path($"golden/model_regression/{file}"), _folder.File(file), overwrite: true);
        _folder.EditArray(file, array, edit);
        A2FException e = Assert.Throws<A2FException>(() => Load(_folder));
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        File.Copy(TestData.Path($"golden/model_regression/{file}"), _folder.File(file), overwrite: true);
    }

    private static RegressionModelFolder Load(TemporaryFolder folder) => RegressionModelFolder.Load(folder.Path);
}
