using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>A character's speech on a regression network: one frame a window.</summary>
internal sealed class RegressionVoice : Voice
{
    private readonly WindowProgress _windows;
    private readonly SampleHistory _samples = new();
    private readonly ReadOnlyMemory<float> _implicit;
    private readonly float[] _row;
    private readonly long[] _timestamp = new long[1];
    private EmotionTrack _emotions;
    private float _inputStrength = 1;
    private long _done;
    private bool _closed;

    internal RegressionVoice(WindowProgress windows, ReadOnlyMemory<float> implicitRow, EmotionTrack emotions, int outputs)
    {
        (_windows, _implicit, _emotions) = (windows, implicitRow, emotions);
        _row = new float[outputs];
    }

    public override EmotionTrack Emotions
    {
        set => _emotions = value;
    }

    public override float InputStrength
    {
        set => _inputStrength = value;
    }

    public override bool IsReady => _windows.CountAvailable(_samples.Received, _closed, _emotions, _done) > 0;

    public override bool IsFinished => _closed && _windows.CountAvailable(_samples.Received, true, _done) == 0;

    public override long NextEnd => _windows.WindowEnd(_done);

    public override int Count => 1;

    public override ReadOnlySpan<float> Rows => _row;

    public override ReadOnlySpan<long> Timestamps => _timestamp;

    public override void Push(ReadOnlySpan<float> samples)
    {
        _samples.Push(samples);
        DropUnneeded();
    }

    public override void Close() => _closed = true;

    public override void Reset()
    {
        _samples.Restore(0, []);
        (_done, _closed) = (0, false);
    }

    public override void ReadInput(int input, Span<float> row)
    {
        if (input == 0)
        {
            AudioWindow.Read(_samples.Held, _samples.First, _closed, _windows.WindowStart(_done), _inputStrength, row);
            return;
        }
        _implicit.Span.CopyTo(row);
        _emotions.Read(_windows.WindowTarget(_done), row[_implicit.Length..]);
    }

    public override (int First, int Count) ReadTimestamps(Span<long> timestamps)
    {
        timestamps[0] = _windows.WindowTarget(_done);
        return (0, 1);
    }

    public override void Begin()
    {
        _done++;
        DropUnneeded();
    }

    public override void End(ReadOnlySpan<float> state)
    {
    }

    /// <summary>Takes the row of the window that ran.</summary>
    internal void Take(ReadOnlySpan<float> row)
    {
        row.CopyTo(_row);
        ReadTimestamps(_timestamp);
        Begin();
    }

    private void DropUnneeded() => _samples.DropBefore(Math.Max(_windows.WindowStart(_done), 0));
}

/// <summary>A regression network for all characters of a group.</summary>
internal sealed class RegressionVoices : VoiceNetwork
{
    private readonly RegressionModel _model;
    private readonly WindowProgress _windows;
    private readonly float[] _input, _emotion, _rows;

    internal RegressionVoices(RegressionModel model, int numerator, int denominator)
    {
        RegressionInfo info = model.Folder.Info;
        if (info.SampleRate != AudioClip.SampleRate)
            throw new A2FException(A2FErrorCode.InvalidModel, $"the model wants {info.SampleRate} samples a second, this engine feeds {AudioClip.SampleRate}");
        (_model, Rate) = (model, (numerator, denominator));
        _windows = WindowProgress.ForRegression(info.BufferLength, info.BufferOffset, info.SampleRate, numerator, denominator);
        Rigs = [model.Rig];
        MaxBatch = model.MaxBatch;
        (_input, _emotion) = (new float[MaxBatch * model.InputLength], new float[MaxBatch * model.EmotionLength]);
        _rows = new float[MaxBatch * model.OutputLength];
    }

    public override int MostFrames => 1;

    public override int MostUnderWay => 2;

    public override IReadOnlyList<string?> InputNames { get; } = ["audio window", "emotion vector"];

    public override (CudaOperators Operators, IBatchNetwork Network)? OnGpu => _model.OnGpu;

    public override object Gate => _model.Gate;

    public override int MaxBatch { get; }

    public override IReadOnlyList<FaceRig> Rigs { get; }

    public override (int Numerator, int Denominator) Rate { get; }

    public override Voice Create(CharacterOptions options, out FaceRig rig, out AnimationSettings settings)
    {
        RegressionModelFolder folder = _model.Folder;
        if (options.Identity is { } identity)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"identity {identity}: a regression model has one face; leave the identity out");
        (rig, settings) = (_model.Rig, folder.Settings);
        ReadOnlyMemory<float> row = ImplicitEmotions.Row(
            folder.ImplicitEmotions, options.SourceShot ?? folder.SourceShot, options.SourceFrame ?? folder.SourceFrame);
        return new RegressionVoice(
            _windows, row, options.Emotions ?? EmotionTrack.Constant([.. folder.Info.DefaultEmotion]), _model.OutputLength);
    }

    public override void Run(IReadOnlyList<Voice> voices)
    {
        int count = voices.Count, input = _model.InputLength, emotion = _model.EmotionLength, output = _model.OutputLength;
        for (int i = 0; i < count; i++)
        {
            voices[i].ReadInput(0, _input.AsSpan(i * input, input));
            voices[i].ReadInput(1, _emotion.AsSpan(i * emotion, emotion));
        }
        _model.Infer(_input.AsSpan(0, count * input), _emotion.AsSpan(0, count * emotion), _rows.AsSpan(0, count * output));
        for (int i = 0; i < count; i++) ((RegressionVoice)voices[i]).Take(_rows.AsSpan(i * output, output));
    }
}
