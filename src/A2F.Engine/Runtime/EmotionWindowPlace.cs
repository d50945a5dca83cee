namespace A2F.Engine.Runtime;

/// <summary>Where the audio lies that an emotion is heard in.</summary>
public enum EmotionWindowPlace
{
    /// <summary>
    /// Before its moment: the window ends there, so frames wait for nothing. For live audio. At the start of a track the classifier hears mostly
    /// silence, and an emotion shows in the face a second or so after it is first heard.
    /// </summary>
    Causal,

    /// <summary>
    /// Round its moment, as <see cref="EmotionAnalyzer"/> takes it and with its results bit for bit. Frames wait until half a window of audio after
    /// theirs has come: 1.9 s of the usual 60000 samples, or the end of the audio.
    /// </summary>
    Centred,
}
