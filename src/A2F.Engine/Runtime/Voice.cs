using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>What a character's audio has become: rows of network output that wait to be animated, and what the next window needs. Only ticks use it.</summary>
internal abstract class Voice
{
    /// <summary>Emotions over time.</summary>
    public abstract EmotionTrack Emotions { set; }

    /// <summary>Multiplies the audio of windows to come.</summary>
    public abstract float InputStrength { set; }

    /// <summary>Whether the next window's audio and emotions are there.</summary>
    public abstract bool IsReady { get; }

    /// <summary>Whether the audio has ended and all its windows have run.</summary>
    public abstract bool IsFinished { get; }

    /// <summary>One past the last sample that the next window reads.</summary>
    public abstract long NextEnd { get; }

    /// <summary>Frames of the window that ran last.</summary>
    public abstract int Count { get; }

    /// <summary>[<see cref="Count"/>, outputs].</summary>
    public abstract ReadOnlySpan<float> Rows { get; }

    /// <summary>Sample of each frame.</summary>
    public abstract ReadOnlySpan<long> Timestamps { get; }

    /// <summary>Writes an input of the next window, numbered as by <see cref="IBatchNetwork.Inputs"/>.</summary>
    public abstract void ReadInput(int input, Span<float> row);

    /// <summary>Writes the times of the frames that the next window will have reported.</summary>
    /// <param name="timestamps">Room for all frames of a window.</param>
    /// <returns>Place of the first of them among the window's frames, and their number.</returns>
    public abstract (int First, int Count) ReadTimestamps(Span<long> timestamps);

    /// <summary>The next window is under way.</summary>
    public abstract void Begin();

    /// <summary>The oldest window that is under way has ended.</summary>
    /// <param name="state">What it hands to the next one; empty where windows hand nothing on.</param>
    public abstract void End(ReadOnlySpan<float> state);

    /// <summary>Appends audio.</summary>
    public abstract void Push(ReadOnlySpan<float> samples);

    /// <summary>Ends the audio. Ending it twice does nothing.</summary>
    public abstract void Close();

    /// <summary>Starts a new track.</summary>
    public abstract void Reset();
}

/// <summary>The networks of all characters of a group.</summary>
internal abstract class VoiceNetwork
{
    /// <summary>Most frames of a window.</summary>
    public abstract int MostFrames { get; }

    /// <summary>Windows that run together.</summary>
    public abstract int MaxBatch { get; }

    /// <summary>Faces that characters may have.</summary>
    public abstract IReadOnlyList<FaceRig> Rigs { get; }

    /// <summary>Rate of the frames.</summary>
    public abstract (int Numerator, int Denominator) Rate { get; }

    /// <summary>The voice of a new character, and what it takes from the model where the options say nothing.</summary>
    public abstract Voice Create(CharacterOptions options, out FaceRig rig, out AnimationSettings settings);

    /// <summary>Windows of one character that may be under way at a time: 1 where each needs the one before.</summary>
    public abstract int MostUnderWay { get; }

    /// <summary>What inputs are, for messages; null for one that holds no numbers.</summary>
    public abstract IReadOnlyList<string?> InputNames { get; }

    /// <summary>The network itself on a GPU, for windows that are not waited for; null on a CPU, and where its inputs do not have one form.</summary>
    public abstract (CudaOperators Operators, IBatchNetwork Network)? OnGpu { get; }

    /// <summary>Held by who queues work of the network, or waits for a device on which another group may be recording a graph of it.</summary>
    public abstract object Gate { get; }

    /// <summary>Runs the next window of each of at most <see cref="MaxBatch"/> voices that are ready.</summary>
    public abstract void Run(IReadOnlyList<Voice> voices);
}
