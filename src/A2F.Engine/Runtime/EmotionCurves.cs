using A2F.Engine.Animation;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>The emotions of a clip over time, as a classifier hears them.</summary>
public sealed class EmotionCurves
{
    // What the classes of Audio2Emotion are called among the emotions of faces.
    private static readonly Dictionary<string, string> FaceNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["angry"] = "anger",
        ["disgust"] = "disgust",
        ["fear"] = "fear",
        ["happy"] = "joy",
        ["sad"] = "sadness",
    };

    private readonly EmotionModelFolder _folder;

    internal EmotionCurves(EmotionModelFolder folder, int count, int inferences, int framesNumerator, int framesDenominator)
    {
        _folder = folder;
        Inferences = inferences;
        FramesNumerator = framesNumerator;
        FramesDenominator = framesDenominator;
        Timestamps = new long[count];
        Probabilities = new float[checked(count * Classes.Count)];
        Emotions = new float[checked(count * FaceEmotions)];
    }

    /// <summary>Names of the classes, in the order of the classifier's output.</summary>
    public IReadOnlyList<string> Classes => _folder.Info.Labels;

    /// <summary>Face emotion that each class drives, -1 for none.</summary>
    public IReadOnlyList<int> Correspondence => _folder.Parameters.Correspondence;

    /// <summary>Number of face emotions.</summary>
    public int FaceEmotions => _folder.FaceEmotions;

    /// <summary>Number of frames.</summary>
    public int Count => Timestamps.Length;

    /// <summary>Windows that the network ran on.</summary>
    public int Inferences { get; }

    /// <summary>Numerator of the frames per second.</summary>
    public int FramesNumerator { get; }

    /// <summary>Denominator of the frames per second.</summary>
    public int FramesDenominator { get; }

    /// <summary>[frame]: sample that each belongs to: floor(k * 16000 / fps).</summary>
    public long[] Timestamps { get; }

    /// <summary>[frame, class]: softmax of the classifier's scores, before any post-processing.</summary>
    public float[] Probabilities { get; }

    /// <summary>[frame, face emotion]: after post-processing.</summary>
    public float[] Emotions { get; }

    /// <summary>The emotions as a closed track for a face.</summary>
    /// <param name="faceEmotions">Names of the face model's emotions, in its order.</param>
    /// <exception cref="A2FException">Their number or order is not the one that the classifier's correspondence is for.</exception>
    public EmotionTrack ToTrack(IReadOnlyList<string> faceEmotions)
    {
        CheckFace(_folder, faceEmotions);
        EmotionTrack track = new(FaceEmotions);
        for (int i = 0; i < Count; i++) track.Add(Timestamps[i], Emotions.AsSpan(i * FaceEmotions, FaceEmotions));
        track.Close();
        return track;
    }

    /// <summary>Refuses a face whose emotions are not those that a classifier's correspondence is for.</summary>
    /// <param name="folder">The classifier.</param>
    /// <param name="faceEmotions">Names of the face model's emotions, in its order.</param>
    /// <exception cref="A2FException">Their number differs, or one that a class is known to mean sits elsewhere.</exception>
    public static void CheckFace(EmotionModelFolder folder, IReadOnlyList<string> faceEmotions)
    {
        if (faceEmotions.Count != folder.FaceEmotions)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{folder.Path}: the classifier drives {folder.FaceEmotions} face emotions (output_emotion_length), the face model has " +
                $"{faceEmotions.Count}: {string.Join(", ", faceEmotions)}; the two models do not belong together");
        }
        for (int i = 0; i < folder.Info.Labels.Count; i++)
        {
            string label = folder.Info.Labels[i];
            int slot = folder.Parameters.Correspondence[i];
            if (slot < 0 || !FaceNames.TryGetValue(label, out string? name)) continue;
            int found = faceEmotions.ToList().FindIndex(e => e.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (found >= 0 && found != slot)
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"{folder.Path}: emotion_correspondence: '{label}' drives face emotion {slot}, which is '{faceEmotions[slot]}' in the face " +
                    $"model; '{name}' is number {found} there. The two models do not belong together");
            }
        }
    }
}
