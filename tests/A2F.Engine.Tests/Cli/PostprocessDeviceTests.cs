using A2F.Engine.Tests.Animation;
using A2F.Engine.Tests.Backends.Cuda;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

/// <summary>The animation stage by its command, on the emulated GPU and on the CPU, with every check of the emulator on.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class PostprocessDeviceTests : IDisposable
{
    private const int MostFrames = 24;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Models => new()
    {
        "golden/model_regression", "fixtures/reg_tiny", "fixtures/reg_autocorr", "fixtures/reg_w2v2", "weights/default", "fixtures/diff_tiny_30",
        "fixtures/diff_tiny_60", "fixtures/diff_tiny_3step", "fixtures/diff_tiny_const",
    };

    [NvrtcTheory]
    [MemberData(nameof(Models))]
    public void The_emulated_gpu_gives_what_the_cpu_gives(string name)
    {
        string model = name == "weights/default" ? Path.Combine(TestData.Root, "weights", "default") : TestData.Path(name);
        string raw = Recording(name, model);
        string skin = Animate(model, raw, "cpu"), weights = Animate(model, raw, "cpu", "--weights-only");
        string gpuSkin = Animate(model, raw, "emulator"), gpuWeights = Animate(model, raw, "emulator:sm_75", "--weights-only");
        AssertSame(skin, gpuSkin, ["skin_vertices", "tongue_vertices", "jaw_transform", "eyes_rotation", "skin_weights", "tongue_weights"], 1e-5, name);
        AssertSame(weights, gpuWeights, ["jaw_transform", "eyes_rotation", "skin_weights", "tongue_weights"], 1e-5, name);
        AssertSame(skin, gpuWeights, ["skin_weights", "tongue_weights"], 1e-4, $"{name}, folded");
    }

    /// <summary>Network output for a model: what was recorded with it, or what its network makes of speech.</summary>
    private string Recording(string name, string model)
    {
        string raw = _folder.File("raw.npz");
        if (name.Contains("diff", StringComparison.Ordinal))
        {
            using NpzFile file = NpzFile.Open(Path.Combine(model, "io.npz"));
            NpzFile.Write(raw, [new("prediction", file.Read("b3.prediction"))]);
            return raw;
        }
        RecordedFace face = RecordedFace.Of(name.Split('/')[^1] == "model_regression" ? "golden" : name.Split('/')[^1]);
        int length = face.Rig.OutputLength, count = Math.Min(face.Count, MostFrames), first = (face.Count - count) / 2;
        NpzFile.Write(raw, [new("result", NdArray.Of(face.Rows.AsSpan(first * length, count * length).ToArray(), count, length))]);
        return raw;
    }

    private string Animate(string model, string raw, string device, params string[] options)
    {
        string target = _folder.File($"{device.Replace(':', '_')}{options.Length}.npz");
        Tool.Succeed(["postprocess", model, "--inputs", raw, "--outputs", target, "--device", device, .. options]);
        return target;
    }

    private static void AssertSame(string expected, string actual, string[] names, double tolerance, string what)
    {
        using NpzFile a = NpzFile.Open(expected), b = NpzFile.Open(actual);
        foreach (string name in names)
        {
            Assert.Equal(a.Contains(name), b.Contains(name));
            if (!a.Contains(name)) continue;
            float[] there = a.Read(name).ToFloat32();
            double scale = Math.Max(1, there.Max(MathF.Abs)); // weights and rotations are of order 1, positions of order 10
            Golden.AssertClose(there, b.Read(name).ToFloat32(), tolerance * scale, $"{what}, {name}");
        }
    }

    public void Dispose() => _folder.Dispose();
}
