using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Networks;
using A2F.Engine.Tests.Backends;
using Xunit;

namespace A2F.Engine.Tests.Networks;

public sealed class DiffusionNetworkTests
{
    public static TheoryData<string, CpuInstructionSet> Cases()
    {
        TheoryData<string, CpuInstructionSet> cases = [];
        foreach (string folder in DiffusionFixture.Folders)
        {
            foreach (CpuInstructionSet set in Enum.GetValues<CpuInstructionSet>().Where(s => s <= GemmKernels.Best)) cases.Add(folder, set);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Results_agree_with_the_recorded_double_precision_outputs(string folder, CpuInstructionSet set)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        using CpuOperators ops = new(1, set);
        DiffusionNetwork network = new(fixture.Config, fixture.Weights, ops, 3, source: NoiseSource.Given);
        foreach (DiffusionFixture.Batch batch in fixture.Batches())
        {
            (float[] prediction, float[] state) = DiffusionFixture.Run(network, batch);
            fixture.AssertClose(batch, prediction, state, 1e-5, set.ToString());
        }
        ops.VerifyGuards();
    }

    internal static readonly (string Name, DiffusionShortcuts Value)[] Switches =
    [
        ("none", DiffusionShortcuts.None),
        ("no shared encoder", new() { SharedEncoder = false }),
        ("all frames", new() { CentreOnly = false }),
        ("no constant start", new() { ConstantStart = false }),
        ("no folded steps", new() { FoldedSteps = false }),
        ("no folded convolution", new() { FoldedFeatureConvolution = false }),
        ("no folded steps, constant start, all frames", new() { FoldedSteps = false, CentreOnly = false }),
    ];

    public static TheoryData<string, string> SwitchCases()
    {
        TheoryData<string, string> cases = [];
        foreach (string folder in DiffusionFixture.Folders)
        {
            foreach ((string name, _) in Switches) cases.Add(folder, name);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(SwitchCases))]
    public void Each_shortcut_changes_results_by_rounding_only(string folder, string shortcut)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        DiffusionShortcuts shortcuts = Switches.First(s => s.Name == shortcut).Value;
        using CpuOperators given = new(), fast = new(), plain = new();
        DiffusionNetwork network = new(fixture.Config, fixture.Weights, given, 3, shortcuts, NoiseSource.Given);
        foreach (DiffusionFixture.Batch batch in fixture.Batches())
        {
            (float[] prediction, float[] state) = DiffusionFixture.Run(network, batch);
            fixture.AssertClose(batch, prediction, state, 1e-5, shortcut);
        }

        // And with constant noise, against all shortcuts.
        DiffusionNetwork all = new(fixture.Config, fixture.Weights, fast, 3, seed: 5);
        DiffusionNetwork some = new(fixture.Config, fixture.Weights, plain, 3, shortcuts, seed: 5);
        DiffusionFixture.Batch last = fixture.Batches().Last() with { Noise = [] };
        (float[] expected, float[] expectedState) = DiffusionFixture.Run(all, last);
        (float[] actual, float[] actualState) = DiffusionFixture.Run(some, last);
        fixture.AssertClose(
            last with { Prediction = Array.ConvertAll(expected, v => (double)v), NextState = Array.ConvertAll(expectedState, v => (double)v) },
            actual, actualState, 5e-6, shortcut);
        if (shortcut is not ("no shared encoder" or "all frames")) Assert.NotEqual(expected, actual); // the switch does switch
        given.VerifyGuards();
        plain.VerifyGuards();
    }

    [Theory]
    [InlineData("diff_tiny_60")]
    [InlineData("diff_tiny_30")]
    [InlineData("diff_tiny_3step")]
    [InlineData("diff_tiny_const")]
    public void A_batch_of_five_equals_five_batches_of_one_and_threads_change_nothing(string folder)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        foreach (NoiseSource source in Enum.GetValues<NoiseSource>())
        {
            const int Count = 5;
            using CpuOperators one = new(1), two = new(2);
            DiffusionNetwork together = new(fixture.Config, fixture.Weights, one, Count, source: source);
            DiffusionNetwork threaded = new(fixture.Config, fixture.Weights, two, Count, source: source, threads: 2);
            DiffusionFixture.Batch batch = Random(fixture.Config, Count, source);
            (float[] expected, float[] expectedState) = DiffusionFixture.Run(together, batch);
            (float[] actual, float[] actualState) = DiffusionFixture.Run(threaded, batch);
            Assert.Equal(expected, actual);
            Assert.Equal(expectedState, actualState);
            for (int i = Count - 1; i >= 0; i--)
            {
                (float[] prediction, float[] state) = DiffusionFixture.Run(together, batch.Item(i));
                Assert.Equal(DiffusionFixture.Slice(expected, i, Count), prediction);
                Assert.Equal(DiffusionFixture.Slice(expectedState, i, Count), state);
            }
        }
    }

    [Theory]
    [InlineData(NoiseSource.Constant)]
    [InlineData(NoiseSource.Seeded)]
    public void A_warm_network_allocates_nothing(NoiseSource source)
    {
        foreach (string folder in DiffusionFixture.Folders)
        {
            DiffusionFixture fixture = DiffusionFixture.Load(folder);
            using CpuOperators ops = new(1); // with more, the runtime itself allocates when a thread blocks for the first time
            DiffusionNetwork network = new(fixture.Config, fixture.Weights, ops, 2, source: source);
            DiffusionFixture.Batch b = Random(fixture.Config, 2, source);
            float[] prediction = new float[b.Prediction.Length], state = new float[b.NextState.Length];
            long before = 0;
            for (int run = 0; run < 3; run++)
            {
                network.Run(b.Window, b.Identity, b.Emotion, b.State, b.Noise, prediction, state, 2);
                if (run == 1) before = GC.GetAllocatedBytesForCurrentThread();
            }
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void Seeded_noise_is_what_the_generator_gives_for_the_window()
    {
        foreach (string folder in DiffusionFixture.Folders)
        {
            DiffusionFixture fixture = DiffusionFixture.Load(folder);
            using CpuOperators one = new(), two = new(), three = new();
            DiffusionNetwork seeded = new(fixture.Config, fixture.Weights, one, 2, source: NoiseSource.Seeded);
            DiffusionNetwork given = new(fixture.Config, fixture.Weights, two, 2, source: NoiseSource.Given);
            DiffusionNetwork constant = new(fixture.Config, fixture.Weights, three, 2, seed: 9);
            DiffusionFixture.Batch batch = Random(fixture.Config, 2, NoiseSource.Given);
            uint[] words = [9, 0, 0, 0, 0x80000001, 7, 3, 0];
            int length = batch.Noise.Length / 2;
            NormalNoise.Fill(9, 0, 0, batch.Noise.AsSpan(0, length));
            NormalNoise.Fill(0x7_80000001, 3, 0, batch.Noise.AsSpan(length));
            (float[] expected, _) = DiffusionFixture.Run(given, batch);
            (float[] actual, _) = DiffusionFixture.Run(seeded, batch with { Noise = Array.ConvertAll(words, BitConverter.UInt32BitsToSingle) });
            Assert.Equal(expected, actual);
            (float[] first, _) = DiffusionFixture.Run(constant, batch with { Noise = [] });
            OperatorCase.AssertClose(Array.ConvertAll(DiffusionFixture.Slice(expected, 0, 2), v => (double)v), DiffusionFixture.Slice(first, 0, 2), 3e-6, $"{folder}, constant");
        }
    }

    /// <summary>A batch of random inputs.</summary>
    internal static DiffusionFixture.Batch Random(DiffusionConfig c, int count, NoiseSource source)
    {
        float[] identity = new float[count * c.ActorCount];
        for (int i = 0; i < count; i++) identity[i * c.ActorCount + i % c.ActorCount] = 1;
        int noise = source switch
        {
            NoiseSource.Given => (c.Steps.Count + 1) * c.FrameCount * c.Outputs.Total,
            NoiseSource.Seeded => 4,
            _ => 0,
        };
        float[] numbers = source == NoiseSource.Seeded
            ? [.. Enumerable.Range(0, count * noise).Select(i => BitConverter.UInt32BitsToSingle((uint)(i * 77)))]
            : OperatorCase.Random(count * noise, 5);
        return new DiffusionFixture.Batch(
            count, OperatorCase.Random(count * c.WindowLength, 1), identity,
            OperatorCase.Random(count * (c.EmotionPerFrame ? c.CentreFrames : 1) * c.EmotionCount, 2), OperatorCase.Random(count * c.StateLength, 3),
            numbers, new double[count * c.CentreFrames * c.Outputs.Total], new double[count * c.StateLength]);
    }
}
