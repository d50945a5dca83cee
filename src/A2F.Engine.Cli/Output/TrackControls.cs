using A2F.Engine.Animation;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Output;

/// <summary>The controls that take the place of an animation's weights.</summary>
/// <param name="Names">One per control.</param>
/// <param name="Values">[frame, control].</param>
internal sealed record TrackControls(IReadOnlyList<string> Names, float[] Values)
{
    /// <summary>Number of controls.</summary>
    public int Count => Names.Count;

    /// <summary>The controls of an animation; null without a map.</summary>
    public static TrackControls? Of(FaceTrack track, RigMapper? map) => map is null ? null : new TrackControls(map.ControlNames, map.Apply(track.Frames));
}
