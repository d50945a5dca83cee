using System.Globalization;
using System.Runtime.Intrinsics.X86;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>The samples of the C library, as a user builds and runs them.</summary>
public sealed class SampleTests : IDisposable
{
    private static readonly string[] Sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

    // What the .NET runtime keeps to the end of a process is no leak of a program; what programs leak themselves is told.
    private static (string, string) LeakSettings => ("LSAN_OPTIONS", "suppressions=" + TestData.Path("native/runtime.supp") + ":print_suppressions=0");

    private readonly TemporaryFolder _folder = new();

    // Bit for bit where both run code for the same vectors; a compiler ahead of time may know fewer of them than the machine has.
    [NativeFact]
    public void The_C_sample_writes_the_frames_of_the_NET_library()
    {
        string program = NativeBuild.Compile(_folder.Path, "animate", [NativeBuild.Sample("animate.c")], ["-std=c99", .. Sanitizers]), csv = _folder.File("hello.csv");
        string said = NativeBuild.Run(program, [NativeBuild.DefaultModel, NativeBuild.Speech("hello.wav"), csv, "cpu"], LeakSettings);

        using RegressionModel model = RegressionModel.Load(NativeBuild.DefaultModel, new ModelOptions { Device = "cpu" });
        using CharacterGroup group = CharacterGroup.Create(model, new CharacterGroupOptions { Capacity = 1, WhenFull = WhenFull.Grow });
        Character character = group.Add();
        CharacterFrame frame = group.CreateFrame();
        character.Push(AudioFile.Load(NativeBuild.Speech("hello.wav")).Samples.Span);
        character.EndAudio();
        group.Tick();
        string[] lines = File.ReadAllLines(csv);
        Assert.Equal(["frame", "sample", .. model.Rig.SkinPoseNames, .. model.Rig.TonguePoseNames], lines[0].Split(',')[..^22]);
        Assert.Equal(character.FramesMade, lines.Length - 1);
        foreach (string line in lines.Skip(1))
        {
            Assert.True(character.TryRead(frame));
            string[] cells = line.Split(',');
            Assert.Equal((frame.Sequence, frame.Timestamp), (Whole(cells[0]), Whole(cells[1])));
            float[] expected = [.. frame.SkinWeights, .. frame.TongueWeights, .. frame.Jaw, .. frame.Eyes];
            float[] found = [.. cells.Skip(2).Select(cell => float.Parse(cell, CultureInfo.InvariantCulture))];
            if (said.Contains($"on {model.Device.Split(',')[0]},", StringComparison.Ordinal) && !Avx512F.IsSupported) Assert.Equal(expected, found);
            else for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 2e-4f);
        }
        Assert.Contains("on cpu (", said, StringComparison.Ordinal);

        static long Whole(string text) => long.Parse(text, CultureInfo.InvariantCulture);
    }

    [NativeFact]
    public void The_example_of_the_documentation_runs()
    {
        string page = File.ReadAllText(Path.Combine(TestData.Root, "docs", "c-api.md"));
        int start = page.IndexOf("```c\n", StringComparison.Ordinal) + 5;
        File.WriteAllText(_folder.File("example.c"), page[start..page.IndexOf("```", start, StringComparison.Ordinal)]);
        string program = NativeBuild.Compile(_folder.Path, "example", [_folder.File("example.c")], ["-std=c99", "-Wno-missing-field-initializers", .. Sanitizers]);
        string output = NativeBuild.Run(program, [], LeakSettings);
        Assert.Contains("\n80000 ", output, StringComparison.Ordinal);
    }

    [NativeFact]
    public void The_C_sample_tells_what_goes_wrong()
    {
        string program = NativeBuild.Compile(_folder.Path, "animate", [NativeBuild.Sample("animate.c")], "-std=c99");
        string output = NativeBuild.Run("sh", ["-c", $"'{program}' '{_folder.Path}/nowhere' '{NativeBuild.Speech("hello.wav")}' x.csv; test $? = 1"]);
        Assert.Contains("nowhere' does not exist", output, StringComparison.Ordinal);
    }

    [NativeFact]
    public void The_C_sample_runs_clean_under_valgrind()
    {
        string program = NativeBuild.Compile(_folder.Path, "animate", [NativeBuild.Sample("animate.c")], "-std=c99"), csv = _folder.File("short.csv");
        string output = NativeBuild.Run(
            "valgrind", ["--quiet", "--error-exitcode=9", program, TestData.Path("fixtures/reg_tiny"), Tone(4000), csv],
            ("DOTNET_GCHeapHardLimit", "20000000")); // hexadecimal; by default the runtime reserves more than valgrind can
        Assert.Contains("30 frames of 4000 samples", output, StringComparison.Ordinal);
        Assert.Equal(31, File.ReadAllLines(csv).Length);
    }

    [NativeFact]
    public void The_Cpp_sample_runs_clean_under_the_sanitizers()
    {
        string program = NativeBuild.Compile(_folder.Path, "game_loop", [NativeBuild.Sample("game_loop.cpp")], ["-std=c++17", .. Sanitizers]);
        string output = NativeBuild.Run(program, [NativeBuild.DefaultModel, NativeBuild.Speech("question.wav"), "3"], LeakSettings);
        Assert.StartsWith("3 characters on ", output, StringComparison.Ordinal);
    }

    [NativeFact]
    public void Wrong_calls_give_codes_and_never_crash()
    {
        string[] sources = [.. ((string[])["abuse.c", "abuse_calls.c", "abuse_groups.c", "abuse_threads.c"]).Select(f => Path.Combine(NativeBuild.Sources, f))];
        string program = NativeBuild.Compile(_folder.Path, "abuse", sources, ["-std=c11", "-D_POSIX_C_SOURCE=200809L", .. Sanitizers]);
        string output = NativeBuild.Run(
            program,
            [TestData.Path("fixtures/reg_tiny"), TestData.Path("fixtures/diff_tiny_30"), TestData.Path("fixtures/emo_base"), Tone(8000)], LeakSettings);
        Assert.EndsWith(" checks passed\n", output, StringComparison.Ordinal);
    }

    private string Tone(int samples)
    {
        using FileStream file = File.Create(_folder.File("tone.wav"));
        WavWriter.Write(file, [.. Enumerable.Range(0, samples).Select(i => 0.3f * MathF.Sin(0.05f * i))], 16000, 1, WavSampleKind.Pcm16);
        return file.Name;
    }

    public void Dispose() => _folder.Dispose();
}
