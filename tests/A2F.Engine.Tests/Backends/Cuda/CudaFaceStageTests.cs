using A2F.CudaEmulator.Driver;
using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The animation stage on the GPU against that on the CPU, on the golden model; on the emulator with every check on.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaFaceStageTests
{
    public enum Way
    {
        Vertices,
        Folded,
        Fitted,
    }

    public static TheoryData<string, Way> Ways
    {
        get
        {
            TheoryData<string, Way> rows = [];
            foreach (string device in (string[])["sm_75", "sm_86", "sm_90", .. CudaTarget.Asked])
            {
                foreach (Way way in Enum.GetValues<Way>()) rows.Add(device, way);
            }
            return rows;
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Ways))]
    public void Frames_of_coefficients_are_those_of_the_cpu(string device, Way way)
    {
        using FacePair pair = new(device, way, 1, FaceFixture.Rig);
        pair.Add(0, FaceFixture.Parameters);
        for (int frame = 0; frame < Golden.Frames; frame++) pair.Animate([0], [FaceFixture.Row(frame)]);
    }

    [NvrtcTheory]
    [InlineData("sm_75", Way.Vertices)]
    [InlineData("sm_86", Way.Folded)]
    [InlineData("sm_90", Way.Fitted)]
    public void Frames_of_displacements_are_those_of_the_cpu(string device, Way way)
    {
        using FacePair pair = new(device, way, 1, FaceFixture.DiffusionRig);
        pair.Add(0, FaceFixture.Parameters);
        for (int frame = 0; frame < Golden.Frames; frame++) pair.Animate([0], [FaceFixture.DiffusionRow(frame)]);
    }

    [NvrtcFact]
    public void Frames_of_the_features_of_a_diffusion_network_are_those_of_the_cpu()
    {
        using DiffusionModel model = DiffusionModel.Load(
            TestData.Path("fixtures/diff_tiny_30"), new ModelOptions { Device = "cpu", Vertices = false });
        FaceRig[] rigs = [model.FeatureRigOf(0), model.FeatureRigOf(1)];
        DiffusionTrack[] tracks = [.. rigs.Select((_, i) => new DiffusionTrack(model, new DiffusionTrackOptions { Identity = i, Features = true }))];
        Random random = new(3);
        foreach (DiffusionTrack track in tracks)
            track.Push([.. Enumerable.Range(0, 24000).Select(i => 0.3f * MathF.Sin(0.05f * i) * random.NextSingle())]);
        using FacePair pair = new("sm_86", Way.Folded, 2, rigs);
        for (int i = 0; i < rigs.Length; i++)
        {
            DiffusionIdentity identity = model.Folder.Identities[i];
            pair.Add(i, identity.Parameters, identity.SkinSolver, identity.TongueSolver);
        }
        int frames = 0;
        while (DiffusionTrack.Advance(tracks) == 2)
        {
            for (int frame = 0; frame < tracks[0].Frames.Count; frame++, frames++)
                pair.Animate([0, 1], [.. tracks.Select(t => t.Frames.Rows.Slice(frame * rigs[0].OutputLength, rigs[0].OutputLength).ToArray())]);
        }
        Assert.InRange(frames, 15, 45);
    }

    [NvrtcTheory]
    [InlineData(Way.Vertices)]
    [InlineData(Way.Folded)]
    [InlineData(Way.Fitted)]
    public void Parameters_may_change_between_frames_and_keep_the_state(Way way)
    {
        using FacePair pair = new("sm_86", way, 1, FaceFixture.Rig);
        pair.Add(0, FaceFixture.Parameters);
        for (int frame = 0; frame < Golden.Frames; frame++)
        {
            if (frame % 5 == 4) FaceFixture.Change(pair, 0, frame / 5);
            pair.Animate([0], [FaceFixture.Row(frame)]);
        }
    }

    [NvrtcTheory]
    [InlineData(Way.Vertices)]
    [InlineData(Way.Folded)]
    [InlineData(Way.Fitted)]
    public void Characters_of_a_call_never_depend_on_each_other(Way way)
    {
        const int Count = 11; // more than one tile of a face
        FaceRig[] rigs = [FaceFixture.Rig, FaceFixture.OtherRig];
        using FacePair together = new("sm_86", way, Count, rigs);
        using FacePair alone = new("sm_86", way, Count, rigs);
        Random random = new(5);
        for (int i = 0; i < Count; i++)
        {
            foreach (FacePair pair in (FacePair[])[together, alone])
            {
                pair.Add(i % 3 == 1 ? 1 : 0, FaceFixture.Parameters with
                {
                    SkinStrength = 0.8f + 0.1f * i,
                    EyeSaccadeSeed = 7 * i,
                    FaceMaskLevel = 0.3f + 0.05f * (i % 4),
                });
                if (i % 2 == 1) FaceFixture.Change(pair, i, i);
            }
        }
        for (int call = 0; call < 12; call++)
        {
            int[] some = [.. Enumerable.Range(0, Count).OrderBy(_ => random.Next()).Take(1 + random.Next(Count))];
            float[][] rows = [.. some.Select(i => FaceFixture.Row((7 * i + call) % Golden.Frames))];
            if (call == 6)
            {
                together[2].Reset();
                alone[2].Reset();
            }
            FaceFrames all = together.AnimateCuda(some, rows);
            for (int i = 0; i < some.Length; i++)
                FaceFixture.AssertSame(alone.AnimateCuda([some[i]], [rows[i]]), 0, all, i, $"call {call}, character {some[i]}");
        }
    }

    [NvrtcTheory]
    [InlineData(Way.Vertices)]
    [InlineData(Way.Folded)]
    [InlineData(Way.Fitted)]
    public void A_reset_track_and_a_character_in_the_room_of_a_removed_one_start_clean(Way way)
    {
        using FacePair pair = new("sm_80", way, 2, FaceFixture.Rig);
        pair.Add(0, FaceFixture.Parameters);
        pair.Add(0, FaceFixture.Parameters with { SkinStrength = 1.7f });
        FaceFrames first = pair.AnimateCuda([0, 1], [FaceFixture.Row(0), FaceFixture.Row(1)]);
        FaceFrames second = pair.AnimateCuda([0, 1], [FaceFixture.Row(20), FaceFixture.Row(30)]);
        Assert.NotEqual(first.SkinWeights, second.SkinWeights);
        pair[0].Reset();
        FaceFixture.AssertSame(first, 0, pair.AnimateCuda([0], [FaceFixture.Row(0)]), 0, "after a reset");
        FaceFixture.Change(pair, 1, 8);
        pair.AnimateCuda([1], [FaceFixture.Row(40)]);
        pair.Remove(1);
        Assert.Equal(1, pair.Cuda.Count);
        Assert.Throws<A2FException>(() => pair.AnimateCuda([1], [FaceFixture.Row(0)]));
        pair.Add(0, FaceFixture.Parameters with { SkinStrength = 1.7f });
        FaceFixture.AssertSame(first, 1, pair.AnimateCuda([2], [FaceFixture.Row(1)]), 0, "in another's room");
        A2FException full = Assert.Throws<A2FException>(() => pair.Add(0, FaceFixture.Parameters));
        Assert.Contains("room for 2 characters", full.Message, StringComparison.Ordinal);
    }

    [NvrtcFact]
    public void Nothing_is_left_on_the_device()
    {
        int device = EmulatedDriver.DeviceOf("sm_89");
        using (FacePair pair = new("sm_89", Way.Vertices, 3, FaceFixture.Rig, FaceFixture.OtherRig))
        {
            pair.Add(1, FaceFixture.Parameters);
            pair.AnimateCuda([0], [FaceFixture.Row(0)]);
            Assert.False(EmulatedDriver.Books(device).AreZero);
            Assert.Contains("sm_89", pair.Cuda.Device, StringComparison.Ordinal);
        }
        Assert.True(EmulatedDriver.Books(device).AreZero, $"{EmulatedDriver.Books(device)}");
    }

    [NvrtcFact]
    public void The_device_is_chosen_as_for_networks()
    {
        FaceStageOptions options = new() { Device = "auto", CudaDriver = EmulatedDriver.Find };
        using (FaceStage stage = FaceStage.Create([FaceFixture.Rig], options)) Assert.Contains("sm_75", stage.Device, StringComparison.Ordinal);
        using (FaceStage stage = FaceStage.Create([FaceFixture.Rig], options with { Device = "cpu" })) Assert.Equal("cpu", stage.Device);
        A2FException error = Assert.Throws<A2FException>(() => FaceStage.Create([FaceFixture.Rig], options with { Device = "cuda:9" }));
        Assert.Contains("cuda:9: the driver has 5 device(s)", error.Message, StringComparison.Ordinal);
        Assert.Throws<A2FException>(() => FaceStage.Create([FaceFixture.Rig], options with { Device = "gpu" }));
        Assert.Throws<A2FException>(() => FaceStage.Create([FaceFixture.Rig], options with { Device = "cuda", FramesNumerator = 0 }));
    }

    [NvrtcFact]
    public void Auto_takes_the_cpu_where_no_gpu_has_the_memory()
    {
        EmulatedDriver.FailEvery(1, 2, "cuMemAlloc");
        try
        {
            using FaceStage stage = FaceStage.Create([FaceFixture.Rig], new FaceStageOptions { CudaDriver = EmulatedDriver.Find });
            Assert.Equal("cpu", stage.Device);
        }
        finally
        {
            EmulatedDriver.FailNone();
        }
        Assert.All(Enumerable.Range(0, EmulatedDriver.Architectures.Count), device => Assert.True(EmulatedDriver.Books(device).AreZero));
    }

    [Theory]
    [InlineData(true, true, 5)]
    [InlineData(false, true, 3)]
    [InlineData(false, false, 5)]
    public void A_call_is_a_few_launches_whatever_the_number_of_characters(bool vertices, bool folded, int launches)
    {
        foreach (int count in (int[])[1, 9, 100])
            Assert.Equal(launches, FaceFixture.Plan(86, FaceFixture.Rig, count, vertices, folded).Count);
        Assert.Single(FaceFixture.Plan(86, new FaceRig(Golden.RegressionGeometry()), 4, vertices: false));
        Assert.Equal(5, FaceFixture.Plan(86, FaceFixture.DiffusionRig, 4, vertices: false).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Calls_allocate_nothing_on_the_managed_heap_after_the_first(bool vertices)
    {
        CudaPlan plan = new(86, 46);
        using CudaFaceStage stage = new(plan, [FaceFixture.Rig], new FaceStageOptions { Capacity = 5, Vertices = vertices });
        FaceCharacter[] characters = [.. Enumerable.Range(0, 5).Select(_ => Add(stage))];
        float[] rows = [.. Enumerable.Range(0, 5).SelectMany(FaceFixture.Row)];
        FaceFrames frames = stage.CreateFrames(5);
        long before = 0, bytes = 0;
        for (int call = 0; call < 220; call++)
        {
            if (call == 20) (before, bytes) = (GC.GetAllocatedBytesForCurrentThread(), plan.ArenaBytes);
            stage.Animate(characters.AsSpan(call % 2), rows.AsSpan(call % 2 * FaceFixture.Rig.OutputLength), frames);
            plan.Forget();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(bytes, plan.ArenaBytes);
    }

    [NvrtcFact]
    public void Calls_and_changes_back_and_forth_allocate_nothing_on_the_device_after_the_first()
    {
        using CudaFaceStage stage = (CudaFaceStage)FaceStage.Create(
            [FaceFixture.Rig], new FaceStageOptions { Device = "cuda", CudaDriver = EmulatedDriver.Find, Capacity = 2 });
        FaceCharacter[] characters = [Add(stage), Add(stage)];
        float[] rows = [.. FaceFixture.Row(0), .. FaceFixture.Row(30)];
        FaceFrames frames = stage.CreateFrames(2);
        CudaDeviceWorker worker = (CudaDeviceWorker)stage.Worker;
        SolverParameters[] solvers = [Golden.Solver("skin"), Golden.Solver("skin") with { L2Regularization = 0.5f }];
        int before = 0;
        for (int call = 0; call < 220; call++)
        {
            if (call == 20) before = worker.Allocations;
            if (call is < 20 or > 200)
            {
                characters[0].SkinSolver = solvers[call % 2];
                characters[1].Parameters = characters[1].Parameters with { FaceMaskLevel = call % 2 == 0 ? 0.5f : 0.6f };
            }
            if (call % 50 == 10)
            {
                stage.Remove(characters[1]);
                characters[1] = Add(stage);
            }
            stage.Animate(characters, rows, frames);
        }
        Assert.Equal(before, worker.Allocations);
        stage.Dispose();
        Assert.Throws<A2FException>(() => stage.Animate(characters, rows, frames));
    }

    private static FaceCharacter Add(FaceStage stage) =>
        stage.Add(FaceFixture.Rig, FaceFixture.Parameters, Golden.Solver("skin"), Golden.Solver("tongue"));
}
