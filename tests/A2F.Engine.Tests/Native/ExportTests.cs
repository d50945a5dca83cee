using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.Exports;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>The exported functions themselves, called as C calls them but within the tests' process, where managed memory can be counted.</summary>
public sealed unsafe class ExportTests : IDisposable
{
    private const int Window = 8000, Part = 267;
    private static readonly delegate* unmanaged[Cdecl]<nint, float*, nuint, int> Push = &StreamExports.a2f_character_push;
    private static readonly delegate* unmanaged[Cdecl]<nint, short*, nuint, int> PushInt16 = &StreamExports.a2f_character_push_int16;
    private static readonly delegate* unmanaged[Cdecl]<nint, FrameData*, int> ReadFrame = &StreamExports.a2f_character_read_frame;
    private static readonly delegate* unmanaged[Cdecl]<nint, double, FrameData*, int> SampleFrame = &StreamExports.a2f_character_sample_frame;
    private static readonly delegate* unmanaged[Cdecl]<nint, int, int> SetPriority = &CharacterExports.a2f_character_set_priority;
    private static readonly delegate* unmanaged[Cdecl]<nint, TickOptionsData*, TickReportData*, int> Tick = &GroupExports.a2f_group_tick;
    private static readonly delegate* unmanaged[Cdecl]<nint, int> Poll = &GroupExports.a2f_group_poll, Finish = &GroupExports.a2f_group_finish;

    private readonly nint _face = Load("fixtures/reg_tiny"), _emotion = Load("fixtures/emo_base");
    private static int _told;

    [Fact]
    public void Once_warm_no_call_of_a_frame_allocates()
    {
        nint group = CreateGroup(&Told), first = CreateCharacter(group), second = CreateCharacter(group);
        float[] weights = new float[256];
        short[] shorts = new short[Part];
        float[] audio = GroupRig.Audio(1, 600 * Part);
        for (int i = 0; i < Part; i++) shorts[i] = (short)(100 * i);
        TickOptionsData options = new() { StructSize = (uint)sizeof(TickOptionsData), MostWindows = 64, MostMilliseconds = 1000 };
        TickReportData report = new() { StructSize = (uint)sizeof(TickReportData) };
        long before = 0, frames = 0, windows = 0;
        fixed (float* samples = audio, room = weights)
        fixed (short* whole = shorts)
        {
            FrameData frame = new() { StructSize = (uint)sizeof(FrameData), SkinWeights = room, SkinWeightCapacity = 256 };
            for (int round = 0; round < 600; round++)
            {
                if (round == 300) (before, frames, windows, _told) = (GC.GetAllocatedBytesForCurrentThread(), 0, 0, 0);
                Check(Push(first, samples + round * Part, Part));
                Check(PushInt16(second, whole, Part));
                Check(SetPriority(second, round % 3));
                Check(Tick(group, &options, &report));
                windows += report.Windows;
                Check(Poll(group));
                Check(Finish(group));
                for (int code; (code = ReadFrame(first, &frame)) != AbiCode.NoFrame; frames++) Check(code);
                for (int code; (code = ReadFrame(second, &frame)) != AbiCode.NoFrame; frames++) Check(code);
                if (round > 300) Check(SampleFrame(second, round * Part - Window, &frame));
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(frames, 590, 610);
        Assert.InRange(windows, frames, 700); // and some of the emotion model
        Assert.InRange(_told, 500, 610);
        DestroyGroup(group);
    }

    [Fact]
    public void Characters_that_hear_are_those_of_the_NET_library_and_groups_share_an_emotion_model()
    {
        using RegressionModel model = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), new ModelOptions { Device = "cpu", Threads = 1 });
        using EmotionModel classifier = EmotionModel.Load(
            TestData.Path("fixtures/emo_base"), new ModelOptions { Device = "cpu", Threads = 1, EmotionWindow = Window });
        float[][] audio = [GroupRig.Audio(1, 20_000), GroupRig.Audio(2, 20_000)];
        List<float>[] expected = [.. audio.Select(speech => OfNet(model, classifier, speech))];
        nint[] groups = [CreateGroup(null), CreateGroup(null)], characters = [CreateCharacter(groups[0]), CreateCharacter(groups[1])];
        List<float>[] found = [[], []];

        Parallel.For(0, 2, i => Speak(groups[i], characters[i], audio[i], found[i]));

        Assert.NotEqual(expected[0], expected[1]);
        Assert.Equal(expected, found);
        foreach (nint group in groups) DestroyGroup(group);
    }

    private static List<float> OfNet(RegressionModel model, EmotionModel classifier, float[] audio)
    {
        using CharacterGroup group = CharacterGroup.Create(model, new CharacterGroupOptions { Capacity = 1, EmotionModel = classifier, WhenFull = WhenFull.Grow });
        Character character = group.Add(new CharacterOptions { HearsEmotions = true });
        CharacterFrame frame = group.CreateFrame();
        List<float> weights = [];
        character.Push(audio);
        group.Tick();
        while (character.TryRead(frame)) weights.AddRange(frame.SkinWeights);
        return weights;
    }

    private static void Speak(nint group, nint character, float[] audio, List<float> weights)
    {
        float[] room = new float[256];
        fixed (float* samples = audio, target = room)
        {
            FrameData frame = new() { StructSize = (uint)sizeof(FrameData), SkinWeights = target, SkinWeightCapacity = 256 };
            int count = HandleTable.Get<A2F.Engine.Native.State.CharacterState>(character).Character.Rig.SkinPoseNames.Count;
            for (int at = 0; at < audio.Length; at += 1000)
            {
                Check(Push(character, samples + at, 1000));
                Check(Tick(group, null, null));
                for (int code; (code = ReadFrame(character, &frame)) != AbiCode.NoFrame; weights.AddRange(room[..count])) Check(code);
            }
        }
    }

    private static nint Load(string fixture)
    {
        delegate* unmanaged[Cdecl]<byte*, ModelOptionsData*, nint*, int> load = &ModelExports.a2f_model_load;
        byte[] path = Text.Pinned(TestData.Path(fixture)), device = Text.Pinned("cpu");
        ModelOptionsData options = Versioned.Read<ModelOptionsData>(null);
        options = options with { StructSize = (uint)sizeof(ModelOptionsData), Device = (byte*)Text.AddressOf(device), Threads = 1, EmotionWindow = Window };
        nint model;
        Check(load((byte*)Text.AddressOf(path), &options, &model));
        return model;
    }

    private nint CreateGroup(delegate* unmanaged[Cdecl]<void*, nint, void> told)
    {
        delegate* unmanaged[Cdecl]<nint, GroupOptionsData*, nint*, int> create = &GroupExports.a2f_group_create;
        GroupOptionsData options = Versioned.Read<GroupOptionsData>(null);
        options = options with { StructSize = (uint)sizeof(GroupOptionsData), EmotionModel = _emotion, FramesReady = told };
        nint group;
        Check(create(_face, &options, &group));
        return group;
    }

    private static nint CreateCharacter(nint group)
    {
        delegate* unmanaged[Cdecl]<nint, CharacterOptionsData*, nint*, int> create = &CharacterExports.a2f_character_create;
        CharacterOptionsData options = Versioned.Read<CharacterOptionsData>(null);
        options = options with { StructSize = (uint)sizeof(CharacterOptionsData), HearsEmotions = 1 };
        nint character;
        Check(create(group, &options, &character));
        return character;
    }

    private static void DestroyGroup(nint group)
    {
        delegate* unmanaged[Cdecl]<nint, int> destroy = &GroupExports.a2f_group_destroy;
        Check(destroy(group));
    }

    private static void Check(int code)
    {
        if (code != AbiCode.Ok) Assert.Fail(Marshal.PtrToStringUTF8((nint)Failure.Last));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Told(void* user, nint character) => _told++;

    public void Dispose()
    {
        delegate* unmanaged[Cdecl]<nint, int> destroy = &ModelExports.a2f_model_destroy;
        Check(destroy(_face));
        Check(destroy(_emotion));
    }
}
