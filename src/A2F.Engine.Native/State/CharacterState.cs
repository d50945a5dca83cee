using System.Globalization;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>What a handle of a character stands for.</summary>
internal sealed class CharacterState(GroupState group, Character character, CharacterFrame frame) : IHandled
{
    private readonly Lock _frameGate = new(), _parameterGate = new(), _pushGate = new();
    private float[] _converted = [];

    public static HandleKind Kind => HandleKind.Character;

    internal Character Character => character;

    internal GroupState Group => group;

    /// <summary>Appends 16-bit samples.</summary>
    internal void Push(ReadOnlySpan<short> samples)
    {
        lock (_pushGate)
        {
            if (_converted.Length < samples.Length) _converted = new float[Math.Max(samples.Length, 2 * _converted.Length)];
            for (int i = 0; i < samples.Length; i++) _converted[i] = samples[i] * (1f / 32768);
            character.Push(_converted.AsSpan(0, samples.Length));
        }
    }

    /// <summary>Takes the oldest frame that was not read.</summary>
    internal unsafe bool Read(FrameData* target)
    {
        FrameTarget.Check(target, character.Rig, group.HasVertices);
        lock (_frameGate)
        {
            if (!character.TryRead(frame)) return false;
            FrameTarget.Fill(target, frame, standsIn: false);
            return true;
        }
    }

    /// <summary>The face at a time.</summary>
    internal unsafe bool Sample(double time, FrameData* target)
    {
        FrameTarget.Check(target, character.Rig, group.HasVertices);
        lock (_frameGate)
        {
            frame.Sequence = -1;
            bool between = character.Sample(time, frame);
            if (frame.Sequence < 0) return false;
            FrameTarget.Fill(target, frame, !between);
            return true;
        }
    }

    internal void SetParameter(string name, float value) => SetParameter(name, value.ToString(CultureInfo.InvariantCulture));

    internal void SetParameter(string name, string value)
    {
        lock (_parameterGate) CharacterParameters.Set(character, name, value);
    }

    internal string GetParameter(string name) => CharacterParameters.Get(character, name, out _);

    internal float GetNumber(string name)
    {
        string text = CharacterParameters.Get(character, name, out bool perPose);
        if (perPose)
            throw new AbiException(A2FErrorCode.InvalidArgument, $"{name} has a value for each pose; a2f_character_get_parameter_text tells them");
        return float.Parse(text, CultureInfo.InvariantCulture);
    }

    internal CharacterStatusData Status() => new()
    {
        Error = (int?)character.Error?.Code ?? AbiCode.Ok,
        SamplesReceived = character.SamplesReceived,
        FramesMade = character.FramesMade,
        FramesUnread = character.Unread,
        FramesDropped = character.Dropped,
        Finished = character.IsFinished ? 1u : 0u,
    };
}
