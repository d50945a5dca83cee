using A2F.Engine.Animation;

namespace A2F.Engine.Runtime;

/// <summary>Runs windows to their end within <see cref="Begin"/>: the network, then the animation stage, both through the host's memory.</summary>
internal sealed class DirectRunner : WindowRunner
{
    private readonly VoiceNetwork _network;
    private readonly FaceStage _stage;
    private readonly List<Character> _batch = [], _alone = [];
    private readonly List<Voice> _voices = [];
    private readonly FaceCharacter[] _faces;
    private readonly int[] _members;
    private readonly float[] _rows;
    private readonly FaceFrames _frames;
    private readonly long[] _ends;

    /// <summary>A runner on a network and a stage, which it does not own.</summary>
    internal DirectRunner(VoiceNetwork network, FaceStage stage)
    {
        (_network, _stage) = (network, stage);
        MostBatch = Math.Min(stage.Options.Capacity, network.MaxBatch);
        _faces = new FaceCharacter[MostBatch];
        (_members, _ends) = (new int[MostBatch], new long[MostBatch]);
        _rows = new float[MostBatch * network.Rigs[0].OutputLength];
        _frames = stage.CreateFrames(MostBatch);
    }

    public override int MostBatch { get; }

    public override bool HasRoom => true;

    public override void Begin(IReadOnlyList<Character> batch)
    {
        _batch.Clear();
        for (int i = 0; i < batch.Count; i++) _batch.Add(batch[i]);
        if (RunNetwork())
        {
            Animate();
            return;
        }
        _alone.Clear(); // one at a time, so that only the one with whom it goes wrong is stopped
        _alone.AddRange(_batch);
        foreach (Character character in _alone)
        {
            if (!character.IsReady) continue; // its window ran before another one failed
            _batch.Clear();
            _batch.Add(character);
            if (RunNetwork()) Animate();
        }
    }

    public override void Collect(bool wait)
    {
    }

    public override void Dispose()
    {
    }

    // Whether it went well; where one character alone failed, that is noted.
    private bool RunNetwork()
    {
        _voices.Clear();
        for (int i = 0; i < _batch.Count; i++)
        {
            _voices.Add(_batch[i].Voice);
            _ends[i] = _batch[i].Voice.NextEnd;
        }
        try
        {
            _network.Run(_voices);
            return true;
        }
        catch (A2FException e)
        {
            if (_batch.Count == 1) _batch[0].Fail(e);
            return false;
        }
    }

    // The frames of the windows that ran: the first of each, the second of each, ...
    private void Animate()
    {
        for (int frame = 0; frame < _network.MostFrames; frame++)
        {
            int count = 0;
            for (int i = 0; i < _batch.Count; i++)
            {
                Voice voice = _batch[i].Voice;
                if (frame >= voice.Count) continue;
                int length = voice.Rows.Length / voice.Count;
                voice.Rows.Slice(frame * length, length).CopyTo(_rows.AsSpan(count * length));
                _faces[count] = _batch[i].Face;
                _members[count++] = i;
            }
            if (count == 0) return;
            _stage.Animate(_faces.AsSpan(0, count), _rows.AsSpan(0, count * _network.Rigs[0].OutputLength), _frames);
            for (int i = 0; i < count; i++)
                _batch[_members[i]].Publish(_frames, i, _batch[_members[i]].Voice.Timestamps[frame], _ends[_members[i]]);
        }
    }
}
