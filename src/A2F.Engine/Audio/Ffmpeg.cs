using System.ComponentModel;
using System.Diagnostics;

namespace A2F.Engine.Audio;

/// <summary>
/// Has the program ffmpeg turn any audio into float32 WAV at its own rate and channels, so that mixing and resampling stay ours.
/// It may read local files only, starts without a shell, and is killed when it stops making progress.
/// </summary>
internal sealed class Ffmpeg
{
    private const long MaxOutputBytes = 4L << 30;
    private const int MaxErrorCharacters = 2000;
    private static readonly TimeSpan DefaultPatience = TimeSpan.FromMinutes(1);

    private readonly string _program;
    private readonly TimeSpan _patience;

    /// <summary>Uses the program at a full path; <paramref name="patience"/> is how long it may go without output.</summary>
    public Ffmpeg(string program, TimeSpan patience)
    {
        _program = program;
        _patience = patience;
    }

    /// <summary>
    /// Finds ffmpeg in a list of folders as the PATH variable has it. Only full paths count, so that a file called ffmpeg next to
    /// the audio is never run.
    /// </summary>
    public static Ffmpeg? FromPath(string? searchPath)
    {
        string file = OperatingSystem.IsWindows() ? "ffmpeg.exe" : "ffmpeg";
        foreach (string folder in (searchPath ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Path.IsPathFullyQualified(folder))
                continue;
            string program = Path.Combine(folder, file);
            if (File.Exists(program) && IsExecutable(program))
                return new Ffmpeg(program, DefaultPatience);
        }
        return null;
    }

    /// <summary>The WAV that ffmpeg makes of a file, in a temporary file that goes away when the stream is closed.</summary>
    public FileStream ToWav(string path)
    {
        using Process process = Start(path);
        FileStream? output = null;
        try
        {
            process.StandardInput.Close();
            output = CreateTemporary();
            // Read beside the output, so that neither pipe can fill up while the other is waited for.
            Task<string> errors = Task.Run(() => ReadErrors(process.StandardError));
            bool finished = Drain(process, output, path);
            string problem = errors.Wait(TimeSpan.FromSeconds(5)) ? errors.Result : "";
            if (!finished)
            {
                throw new A2FException(A2FErrorCode.DeviceUnavailable,
                    $"{_program} made no progress for {_patience.TotalSeconds} seconds on {path} and was stopped. {problem}".TrimEnd());
            }
            if (process.ExitCode != 0 || output.Length == 0)
            {
                string outcome = $"ffmpeg ended with code {process.ExitCode} and {output.Length} bytes";
                throw new A2FException(A2FErrorCode.InvalidFile, $"{path} cannot be read as audio: {outcome}. {problem}".TrimEnd());
            }
            output.Position = 0;
            return output;
        }
        catch
        {
            output?.Dispose();
            Kill(process);
            throw;
        }
    }

    private Process Start(string path)
    {
        ProcessStartInfo start = new(_program)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The full path behind "file:" keeps a name with a leading dash or a colon from meaning anything else.
        string[] arguments =
        [
            "-v", "error", "-nostdin", "-protocol_whitelist", "file", "-i", "file:" + Path.GetFullPath(path),
            "-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1",
        ];
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start) ?? throw new InvalidOperationException("no process was started");
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            throw new A2FException(A2FErrorCode.DeviceUnavailable, $"{_program} cannot be started to read {path}: {e.Message}", e);
        }
    }

    /// <summary>Copies the output until it ends; false when the program had to be killed for lack of progress.</summary>
    private bool Drain(Process process, FileStream output, string path)
    {
        int expired = 0;
        using Timer watchdog = new(_ =>
        {
            Interlocked.Exchange(ref expired, 1);
            Kill(process);
        });
        watchdog.Change(_patience, Timeout.InfiniteTimeSpan);
        byte[] buffer = new byte[1 << 16];
        Stream source = process.StandardOutput.BaseStream;
        for (int read; (read = source.Read(buffer)) > 0;)
        {
            watchdog.Change(_patience, Timeout.InfiniteTimeSpan);
            if (output.Length + read > MaxOutputBytes)
            {
                throw new A2FException(A2FErrorCode.OutOfMemory,
                    $"{path} decodes to more than {MaxOutputBytes} bytes of audio, the limit. Split it into shorter files.");
            }
            output.Write(buffer, 0, read);
        }
        process.WaitForExit(_patience + TimeSpan.FromSeconds(5));
        return Interlocked.CompareExchange(ref expired, 0, 0) == 0 && process.HasExited;
    }

    /// <summary>The start of what the program complains about; the rest is read and dropped, so that it never blocks.</summary>
    private static string ReadErrors(StreamReader reader)
    {
        char[] kept = new char[MaxErrorCharacters];
        int count = reader.ReadBlock(kept);
        char[] dropped = new char[4096];
        while (reader.Read(dropped) > 0)
        {
        }
        return new string(kept, 0, count).Trim();
    }

    private static FileStream CreateTemporary()
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            Options = FileOptions.DeleteOnClose,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(Path.Combine(Path.GetTempPath(), "a2f-" + Path.GetRandomFileName()), options);
    }

    private static bool IsExecutable(string program) =>
        OperatingSystem.IsWindows()
        || (File.GetUnixFileMode(program) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended by itself, or cannot be ended: either way there is nothing left to do.
        }
    }
}
