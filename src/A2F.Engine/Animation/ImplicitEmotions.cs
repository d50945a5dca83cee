using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>Looks up implicit emotions: what the actor did in one frame of one recorded shot.</summary>
public static class ImplicitEmotions
{
    /// <summary>The row of a frame of a shot.</summary>
    /// <param name="database">The rows.</param>
    /// <param name="shot">Name of the shot, exactly as stored.</param>
    /// <param name="frame">Frame within the shot, from 0.</param>
    /// <exception cref="A2FException">No such shot, or it has fewer frames.</exception>
    public static ReadOnlyMemory<float> Row(ImplicitEmotionDatabase database, string shot, int frame)
    {
        for (int i = 0; i < database.ShotNames.Count; i++)
        {
            if (database.ShotNames[i] != shot) continue;
            if (frame < 0 || frame >= database.ShotSizes[i])
            {
                throw new A2FException(A2FErrorCode.OutOfRange,
                    $"source_frame {frame}: shot '{shot}' has frames 0 to {database.ShotSizes[i] - 1}");
            }
            return database.Rows.Slice(checked((database.ShotStarts[i] + frame) * database.RowLength), database.RowLength);
        }
        throw new A2FException(A2FErrorCode.InvalidArgument,
            $"source_shot '{shot}' does not exist; there are {string.Join(", ", database.ShotNames)}");
    }
}
