using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>A face with blendshapes of the user's, and the settings that fit it.</summary>
/// <param name="Rig">The face.</param>
/// <param name="Settings">The model's settings, with solver parameters for the poses of <paramref name="Rig"/>.</param>
public sealed record CustomFace(FaceRig Rig, AnimationSettings Settings);

/// <summary>
/// What a user puts in the place of a model's own blendshapes. What is null stays the model's. Only the solves change: the network, the skin and
/// its motion are the model's, so a set of blendshapes must be made for the model's skin: the same vertices, in the same order and place.
/// </summary>
public sealed record FaceCustomization
{
    // Beyond these a set is not another person's face but in other units, or moved: metres, or millimetres, for centimetres.
    private const double MostScale = 5, MostShift = 1;

    /// <summary>Skin blendshapes; see <see cref="BlendshapeFile"/>.</summary>
    public BlendshapeSet? SkinBlendshapes { get; init; }

    /// <summary>
    /// How skin weights are solved for, one entry a pose; null to carry the model's parameters over by the names of poses, see
    /// <see cref="SolverCarryOver"/>.
    /// </summary>
    public SolverParameters? SkinSolver { get; init; }

    /// <summary>Vertices that the skin solve looks at, whoever's the blendshapes are; null for the mask of the set.</summary>
    public IReadOnlyList<int>? SkinMask { get; init; }

    /// <summary>Tongue blendshapes.</summary>
    public BlendshapeSet? TongueBlendshapes { get; init; }

    /// <summary>How tongue weights are solved for; as <see cref="SkinSolver"/>.</summary>
    public SolverParameters? TongueSolver { get; init; }

    /// <summary>The face of a regression model with these changes.</summary>
    /// <exception cref="A2FException">See <see cref="Apply(FaceGeometry, BlendshapeSet?, BlendshapeSet?, AnimationSettings)"/>.</exception>
    public CustomFace Apply(RegressionModelFolder folder) =>
        Apply(folder.Geometry, folder.SkinBlendshapes, folder.TongueBlendshapes, folder.Settings);

    /// <summary>The face of a diffusion model's identity with these changes.</summary>
    /// <exception cref="A2FException">See <see cref="Apply(FaceGeometry, BlendshapeSet?, BlendshapeSet?, AnimationSettings)"/>.</exception>
    public CustomFace Apply(DiffusionIdentity identity) =>
        Apply(identity.Geometry, identity.SkinBlendshapes, identity.TongueBlendshapes, identity.Settings);

    /// <summary>A face with these changes.</summary>
    /// <param name="geometry">The face.</param>
    /// <param name="skin">Its own skin blendshapes, or null for none.</param>
    /// <param name="tongue">Its own tongue blendshapes, or null for none.</param>
    /// <param name="settings">Its own settings.</param>
    /// <exception cref="A2FException">
    /// A set does not fit the geometry in its number of vertices, or its neutral shape lies elsewhere or is of another size; a solver has another
    /// number of poses; a mask names vertices that there are not, or there are no blendshapes to look at it with; a value is not finite.
    /// </exception>
    public CustomFace Apply(FaceGeometry geometry, BlendshapeSet? skin, BlendshapeSet? tongue, AnimationSettings settings)
    {
        if (SkinBlendshapes is not null) CheckPlace(SkinBlendshapes, geometry.SkinNeutral, "skin");
        if (TongueBlendshapes is not null) CheckPlace(TongueBlendshapes, geometry.TongueNeutral, "tongue");
        BlendshapeSet? newSkin = SkinBlendshapes ?? skin, newTongue = TongueBlendshapes ?? tongue;
        if (SkinMask is not null)
        {
            if (SkinMask.Count == 0) throw new A2FException(A2FErrorCode.InvalidArgument, "skin mask: expected at least one vertex");
            newSkin = newSkin is null
                ? throw new A2FException(A2FErrorCode.InvalidArgument, "skin mask: the model has no skin blendshapes to solve for")
                : newSkin with { FrontalMask = SkinMask };
        }
        SolverParameters? skinSolver = Solver(SkinSolver, settings.SkinSolver, skin, newSkin, "skin");
        SolverParameters? tongueSolver = Solver(TongueSolver, settings.TongueSolver, tongue, newTongue, "tongue");
        return new CustomFace(
            new FaceRig(geometry, newSkin, newTongue), settings with { SkinSolver = skinSolver, TongueSolver = tongueSolver });
    }

    private static SolverParameters? Solver(SolverParameters? given, SolverParameters? own, BlendshapeSet? before, BlendshapeSet? now, string what)
    {
        if (now is null && given is not null)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{what} solver: the face has no {what} blendshapes to solve for");
        if (now is null) return null;
        if (given is null) return ReferenceEquals(before, now) ? own : SolverCarryOver.ByName(own, before?.PoseNames ?? [], now.PoseNames);
        return given.ActivePoses.Count == now.PoseNames.Count ? given : throw new A2FException(A2FErrorCode.InvalidArgument,
            $"{what} solver: expected parameters of {now.PoseNames.Count} poses, found {given.ActivePoses.Count}");
    }

    // A set in other units would not fail: it would give weights without sense.
    private static void CheckPlace(BlendshapeSet set, ReadOnlyMemory<float> neutral, string what)
    {
        if (set.Neutral.Length != neutral.Length)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{what} blendshapes: expected {neutral.Length / 3} vertices, those of the model in its order, found {set.Neutral.Length / 3}");
        }
        (double found, double[] foundCentre) = Box(set.Neutral.Span);
        (double expected, double[] centre) = Box(neutral.Span);
        double shift = Math.Sqrt(centre.Zip(foundCentre, (a, b) => (a - b) * (a - b)).Sum());
        if (found > MostScale * expected || expected > MostScale * found || shift > MostShift * expected)
        {
            throw new A2FException(A2FErrorCode.InvalidModel, FormattableString.Invariant(
                $"{what} blendshapes: the neutral shape does not lie where the model's {what} does: its box has a diagonal of {found:G4} cm, the model's ") +
                FormattableString.Invariant($"{expected:G4} cm, and their centres are {shift:G4} cm apart; check units (a glb file's scale) and transforms"));
        }
    }

    private static (double Diagonal, double[] Centre) Box(ReadOnlySpan<float> points)
    {
        double[] centre = new double[3];
        double sum = 0;
        for (int axis = 0; axis < 3 && axis < points.Length; axis++)
        {
            double low = points[axis], high = low;
            for (int i = axis; i < points.Length; i += 3)
            {
                low = Math.Min(low, points[i]);
                high = Math.Max(high, points[i]);
            }
            centre[axis] = (low + high) / 2;
            sum += (high - low) * (high - low);
        }
        return (Math.Sqrt(sum), centre);
    }
}
