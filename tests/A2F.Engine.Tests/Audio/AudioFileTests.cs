using System.Runtime.CompilerServices;
using A2F.Engine.Audio;
using Xunit;
using static A2F.Engine.Tests.Audio.WavBytes;

namespace A2F.Engine.Tests.Audio;

public sealed class AudioFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("a2f-audio-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_wav_of_any_name_is_loaded_with_its_origin()
    {
        AudioClip clip = AudioFile.Load(Put("speech.mp3", Simple(1, 2, 48000, 16, new byte[4 * 4800])), null);
        Assert.Equal(1600, clip.Samples.Length);
        Assert.Equal(TimeSpan.FromSeconds(0.1), clip.Duration);
        Assert.Equal((48000, 2, "WAV, 16-bit PCM"), (clip.SourceRate, clip.SourceChannels, clip.SourceFormat));
    }

    [Fact]
    public void Samples_in_memory_make_a_checked_clip()
    {
        AudioClip clip = AudioClip.FromSamples(new float[48000], 48000);
        Assert.Equal((16000, TimeSpan.FromSeconds(1)), (clip.Samples.Length, clip.Duration));
        Assert.Equal((48000, 1), (clip.SourceRate, clip.SourceChannels));
        Assert.Equal(A2FErrorCode.InvalidArgument, Assert.Throws<A2FException>(() => AudioClip.FromSamples([], 48000)).Code);
        Assert.Equal(A2FErrorCode.NotFinite, Assert.Throws<A2FException>(() => AudioClip.FromSamples([float.NaN], 48000)).Code);
        Assert.Equal(A2FErrorCode.OutOfRange, Assert.Throws<A2FException>(() => AudioClip.FromSamples([0], 1)).Code);
    }

    [Theory]
    [InlineData("hello.wav")]
    [InlineData("question.wav")]
    public void The_samples_hold_a_few_seconds_of_speech(string name)
    {
        AudioClip clip = AudioFile.Load(Path.Combine(TestData.Root, "samples", name), null);
        Assert.InRange(clip.Duration.TotalSeconds, 3, 6);
        Assert.InRange(clip.Samples.ToArray().Max(Math.Abs), 0.3f, 1f);
    }

    [Fact]
    public void Each_kind_of_unusable_file_has_its_own_error()
    {
        Refused(Path.Combine(_folder, "none.wav"), A2FErrorCode.FileNotFound, "does not exist");
        Refused(Path.Combine(_folder, "none", "none.wav"), A2FErrorCode.FileNotFound, "does not exist");
        Refused(_folder, A2FErrorCode.InvalidFile, "is a folder");
        Refused("", A2FErrorCode.InvalidArgument, "path");
        Refused("a\0b", A2FErrorCode.InvalidArgument, "path");
        Refused(Put("empty.wav", []), A2FErrorCode.InvalidFile, "the file is empty");
        Refused(Put("cut.wav", "RIFF"u8.ToArray()), A2FErrorCode.InvalidFile, "12 bytes");
        Refused(Put("silent.wav", Simple(1, 1, 16000, 16, [])), A2FErrorCode.InvalidFile, "holds no audio");
    }

    [Fact]
    public void A_damaged_file_loads_as_a_finite_clip_or_gives_the_librarys_error()
    {
        byte[] file = Simple(3, 2, 22050, 32, [.. Enumerable.Range(0, 400).SelectMany(i => BitConverter.GetBytes(i / 400f))]);
        Random random = new(11);
        int clips = 0;
        for (int round = 0; round < 500; round++)
        {
            byte[] broken = file[..random.Next(file.Length / 2, file.Length + 1)];
            broken[random.Next(round % 2 == 0 ? 44 : broken.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                AudioClip clip = AudioFile.Load(Put("broken.wav", broken), null);
                Assert.InRange(clip.Samples.Length, 1, 16 * broken.Length);
                Assert.All(clip.Samples.ToArray(), value => Assert.True(float.IsFinite(value)));
                clips++;
            }
            catch (A2FException e)
            {
                Assert.NotEqual(A2FErrorCode.Internal, e.Code);
            }
        }
        Assert.InRange(clips, 100, 499);
    }

    [Fact]
    public void Other_formats_without_ffmpeg_say_what_to_install()
    {
        Refused(Put("speech.ogg", "OggS and more"u8.ToArray()), A2FErrorCode.InvalidFile, "not a WAV file", "4F676753", "install ffmpeg");
        Refused(Put("adpcm.wav", Simple(2, 1, 16000, 4, new byte[64])), A2FErrorCode.InvalidFile, "0x0002", "install ffmpeg");
        byte[] otherGuid = Riff(Extensible(1, 1, 16000, 16, 16, lastGuidByte: 0), Chunk("data", new byte[64]));
        Refused(Put("guid.wav", otherGuid), A2FErrorCode.InvalidFile, "0xFFFE", "install ffmpeg");
        Refused(Put("film.avi", [.. "RIFF"u8, 4, 0, 0, 0, .. "AVI "u8]), A2FErrorCode.InvalidFile, "not a WAV file");
    }

    [Fact]
    public void Ffmpeg_is_found_only_as_an_executable_in_a_full_path()
    {
        Assert.Null(Ffmpeg.FromPath(null));
        Assert.Null(Ffmpeg.FromPath($"{Path.PathSeparator}.{Path.PathSeparator}bin{Path.PathSeparator}{_folder}"));
    }

    [UnixFact]
    public void A_file_that_may_not_be_executed_is_no_ffmpeg()
    {
        string program = Put("ffmpeg", "#!/bin/sh\n"u8.ToArray());
        Assert.Null(Ffmpeg.FromPath(_folder));
        MakeExecutable(program);
        Assert.NotNull(Ffmpeg.FromPath($"/nowhere{Path.PathSeparator}{_folder}"));
    }

    [UnixFact]
    public void Other_formats_go_through_ffmpeg_as_plain_arguments()
    {
        byte[] streamed = Riff(Format(3, 2, 44100, 32), Chunk("data", new byte[8 * 44100], 0xFFFFFFFF));
        string answer = Put("answer.wav", streamed);
        Ffmpeg ffmpeg = Fake($"printf '%s\\n' \"$@\" > '{_folder}/arguments'; cat '{answer}'");
        string path = Put("-i $(touch pwned);'\".ogg", "OggS"u8.ToArray());
        AudioClip clip = AudioFile.Load(path, ffmpeg);
        Assert.Equal(16000, clip.Samples.Length);
        Assert.Equal((44100, 2, "decoded by ffmpeg"), (clip.SourceRate, clip.SourceChannels, clip.SourceFormat));
        string[] arguments = File.ReadAllLines(Path.Combine(_folder, "arguments"));
        Assert.Equal("file:" + path, arguments[Array.IndexOf(arguments, "-i") + 1]);
        Assert.Equal("file", arguments[Array.IndexOf(arguments, "-protocol_whitelist") + 1]);
    }

    [UnixFact]
    public void What_ffmpeg_complains_about_is_in_the_error_and_full_pipes_do_not_hang()
    {
        Ffmpeg ffmpeg = Fake("echo 'Invalid data found' >&2; head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; exit 3");
        A2FException e = Refused(Put("speech.ogg", "OggS"u8.ToArray()), ffmpeg, A2FErrorCode.InvalidFile);
        Assert.Contains("code 3", e.Message, StringComparison.Ordinal);
        Assert.Contains("Invalid data found", e.Message, StringComparison.Ordinal);
        Assert.InRange(e.Message.Length, 1, 3000);
    }

    [UnixFact]
    public void Wrong_output_of_ffmpeg_is_refused()
    {
        string ogg = Put("speech.ogg", "OggS"u8.ToArray());
        Refused(ogg, Fake("exit 0"), A2FErrorCode.InvalidFile);
        Refused(ogg, Fake("echo noise"), A2FErrorCode.InvalidFile);
    }

    [UnixFact]
    public void An_ffmpeg_that_hangs_is_stopped()
    {
        string ogg = Put("speech.ogg", "OggS"u8.ToArray());
        A2FException e = Refused(ogg, Fake("sleep 60", TimeSpan.FromSeconds(0.3)), A2FErrorCode.DeviceUnavailable);
        Assert.Contains("no progress", e.Message, StringComparison.Ordinal);
    }

    [UnixFact]
    public void An_ffmpeg_that_cannot_start_is_named()
    {
        string program = Put("ffmpeg", [1, 2, 3]);
        MakeExecutable(program);
        A2FException e = Refused(Put("speech.ogg", "OggS"u8.ToArray()), Ffmpeg.FromPath(_folder), A2FErrorCode.DeviceUnavailable);
        Assert.Contains(program, e.Message, StringComparison.Ordinal);
    }

    private string Put(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    private static void MakeExecutable(string program)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private Ffmpeg Fake(string script, TimeSpan? patience = null)
    {
        string program = Put("fake-" + Path.GetRandomFileName(), System.Text.Encoding.UTF8.GetBytes("#!/bin/sh\n" + script + "\n"));
        MakeExecutable(program);
        return new Ffmpeg(program, patience ?? TimeSpan.FromSeconds(30));
    }

    private static void Refused(string path, A2FErrorCode code, params string[] mentions)
    {
        A2FException e = Refused(path, null, code);
        foreach (string mention in mentions)
            Assert.Contains(mention, e.Message, StringComparison.Ordinal);
    }

    private static A2FException Refused(string path, Ffmpeg? ffmpeg, A2FErrorCode code)
    {
        A2FException e = Assert.Throws<A2FException>(() => AudioFile.Load(path, ffmpeg));
        Assert.Equal(code, e.Code);
        return e;
    }

    /// <summary>The stand-ins for ffmpeg are shell scripts.</summary>
    private sealed class UnixFactAttribute : FactAttribute
    {
        public UnixFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
            : base(file, line) =>
            Skip = OperatingSystem.IsWindows() ? "the stand-ins for ffmpeg are shell scripts" : null;
    }
}
