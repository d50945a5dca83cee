namespace A2F.Engine.Animation;

/// <summary>
/// Turns the network's output for one track into a face, frame by frame: PCA reconstruction, skin, tongue, jaw, eyes, blendshape weights.
/// It carries the track's state (smoothing, saccade clock, previous weights), so frames must come in order; how they are split into calls
/// makes no difference, bit for bit. Not for use by two threads at once. After the first call of a size, calls allocate nothing.
/// </summary>
public sealed class FaceAnimator
{
    private const int MostFramesAtOnce = 32;
    private const int MostFramesAtOnceWithVertices = 16;

    private readonly FaceRig _rig;
    private readonly SkinMotion? _skin;
    private readonly TongueMotion? _tongue;
    private readonly FoldedSkin? _foldedSkin;
    private readonly FoldedTongue? _foldedTongue;
    private readonly EyesAnimator _eyes;
    private readonly BlendshapeSolver? _skinSolver;
    private readonly BlendshapeSolver? _tongueSolver;
    private AnimatorParameters _parameters;
    private SolverParameters? _skinParameters;
    private SolverParameters? _tongueParameters;
    private SolveOptions _options;

    /// <summary>Creates the animator of one track.</summary>
    /// <param name="rig">The face.</param>
    /// <param name="framesNumerator">Numerator of the frames per second. 1 or more.</param>
    /// <param name="framesDenominator">Denominator of the frames per second: 1001 for 30000/1001. 1 or more.</param>
    /// <param name="parameters">How output becomes a face.</param>
    /// <param name="skinSolver">How skin weights are solved for; needed where the face has skin blendshapes, else ignored.</param>
    /// <param name="tongueSolver">How tongue weights are solved for; needed where the face has tongue blendshapes, else ignored.</param>
    /// <param name="options">Choices about the solve that are not in model files.</param>
    /// <param name="vertices">
    /// Whether vertices are wanted.
    /// </param>
    /// <param name="folded">
    /// Where vertices are not wanted: whether weights come from the coefficients directly, without any vertex, where the network puts out
    /// coefficients. Equal in real arithmetic, about 1e-6 apart. If not, the vertices that the solver looks at are computed, and weights are those
    /// that come with vertices, bit for bit.
    /// </param>
    /// <exception cref="A2FException">A rate is below 1, parameters are missing, of wrong length or not finite.</exception>
    public FaceAnimator(
        FaceRig rig,
        int framesNumerator,
        int framesDenominator,
        AnimatorParameters parameters,
        SolverParameters? skinSolver = null,
        SolverParameters? tongueSolver = null,
        SolveOptions? options = null,
        bool vertices = true,
        bool folded = true)
    {
        if (framesNumerator < 1 || framesDenominator < 1)
            throw new A2FException(A2FErrorCode.OutOfRange, $"{framesNumerator}/{framesDenominator} frames per second are not possible");
        CheckParameters(parameters);
        float frameSeconds = (float)framesDenominator / framesNumerator;
        _rig = rig;
        _parameters = parameters;
        _options = options ?? new SolveOptions();
        HasVertices = vertices;
        _eyes = new EyesAnimator(rig.Geometry.SaccadeRotations, frameSeconds);
        _skinSolver = CreateSolver(rig.Skin, skinSolver, "skin");
        _tongueSolver = CreateSolver(rig.Tongue, tongueSolver, "tongue");
        _skinParameters = rig.Skin is null ? null : skinSolver;
        _tongueParameters = rig.Tongue is null ? null : tongueSolver;
        int atOnce = vertices ? MostFramesAtOnceWithVertices : MostFramesAtOnce;
        folded &= !vertices;
        if (folded && rig.CanFoldSkin) _foldedSkin = new FoldedSkin(rig, frameSeconds, parameters);
        else if (rig.SkinToMove(vertices) is SkinRegion region) _skin = new SkinMotion(rig, region, vertices, frameSeconds, atOnce);
        if (folded && rig.CanFoldTongue) _foldedTongue = new FoldedTongue(rig);
        else if (vertices || _tongueSolver is not null) _tongue = new TongueMotion(rig, atOnce);
        _skin?.SetParameters(parameters);
    }

    /// <summary>Whether vertices are computed.</summary>
    public bool HasVertices { get; }

    /// <summary>How output becomes a face. A new value counts from the next frame on and keeps the track's state.</summary>
    /// <exception cref="A2FException">A value is not finite, or the mask's softness is not above 0.</exception>
    public AnimatorParameters Parameters
    {
        get => _parameters;
        set
        {
            CheckParameters(value);
            _parameters = value;
            _skin?.SetParameters(value);
            _foldedSkin?.SetParameters(value);
        }
    }

    /// <summary>How skin weights are solved for; null where the face has no skin blendshapes. A new value counts from the next frame on.</summary>
    /// <exception cref="A2FException">The face has no skin blendshapes, or a value is of wrong length or not finite.</exception>
    public SolverParameters? SkinSolver
    {
        get => _skinParameters;
        set => _skinParameters = SetSolver(_skinSolver, _rig.Skin, value, "skin");
    }

    /// <summary>How tongue weights are solved for; null where the face has no tongue blendshapes. A new value counts from the next frame on.</summary>
    /// <exception cref="A2FException">The face has no tongue blendshapes, or a value is of wrong length or not finite.</exception>
    public SolverParameters? TongueSolver
    {
        get => _tongueParameters;
        set => _tongueParameters = SetSolver(_tongueSolver, _rig.Tongue, value, "tongue");
    }

    /// <summary>Choices about the solve that are not in model files. A new value counts from the next frame on.</summary>
    public SolveOptions SolveOptions
    {
        get => _options;
        set
        {
            _options = value;
            if (_skinParameters is not null) SetSolver(_skinSolver, _rig.Skin, _skinParameters, "skin");
            if (_tongueParameters is not null) SetSolver(_tongueSolver, _rig.Tongue, _tongueParameters, "tongue");
        }
    }

    /// <summary>Starts a new track: forgets smoothing, saccade clock and previous weights; keeps parameters.</summary>
    public void Reset()
    {
        _skin?.Reset();
        _foldedSkin?.Reset();
        _eyes.Reset();
        _skinSolver?.Reset();
        _tongueSolver?.Reset();
    }

    /// <summary>Room for frames of this animator.</summary>
    /// <exception cref="A2FException">See <see cref="FaceFrames"/>.</exception>
    public FaceFrames CreateFrames(int count) => new(_rig, count, HasVertices);

    /// <summary>Animates the next frames of the track into new room.</summary>
    /// <param name="outputs">[frames, <see cref="FaceRig.OutputLength"/>]: network output: skin, tongue, jaw, eyes.</param>
    /// <exception cref="A2FException">The length is no whole number of rows, or a value is not finite (or beyond 1e6).</exception>
    public FaceFrames Animate(ReadOnlySpan<float> outputs)
    {
        FaceFrames frames = CreateFrames(CountRows(outputs));
        Animate(outputs, frames, 0);
        return frames;
    }

    /// <summary>Animates the next frames of the track.</summary>
    /// <param name="outputs">[frames, <see cref="FaceRig.OutputLength"/>]: network output: skin, tongue, jaw, eyes.</param>
    /// <param name="frames">Room made for this face, with vertices where this animator computes them.</param>
    /// <param name="firstFrame">Where in <paramref name="frames"/> the first of these frames goes.</param>
    /// <exception cref="A2FException">
    /// The length is no whole number of rows, the room does not fit, or a value is not finite (or beyond 1e6). The track's state is untouched then.
    /// </exception>
    public void Animate(ReadOnlySpan<float> outputs, FaceFrames frames, int firstFrame)
    {
        int count = CountRows(outputs);
        frames.CheckRoom(_rig, HasVertices, firstFrame, count);
        int bad = Finite.IndexOfBad(outputs);
        if (bad >= 0) Finite.Check(outputs[bad], $"network output, row {bad / _rig.OutputLength}, column {bad % _rig.OutputLength}");
        int atOnce = HasVertices ? MostFramesAtOnceWithVertices : MostFramesAtOnce;
        for (int done = 0; done < count; done += atOnce)
        {
            int batch = Math.Min(atOnce, count - done);
            AnimateBatch(outputs.Slice(done * _rig.OutputLength, batch * _rig.OutputLength), batch, frames, firstFrame + done);
        }
    }

    private void AnimateBatch(ReadOnlySpan<float> outputs, int count, FaceFrames frames, int firstFrame)
    {
        _skin?.Reconstruct(outputs, count);
        _tongue?.Reconstruct(outputs, count);
        int jawStart = _rig.SkinSize + _rig.TongueSize;
        int eyesStart = jawStart + _rig.JawSize;
        for (int i = 0; i < count; i++)
        {
            int frame = firstFrame + i;
            ReadOnlySpan<float> row = outputs.Slice(i * _rig.OutputLength, _rig.OutputLength);
            if (_foldedSkin is not null)
            {
                _foldedSkin.Animate(row[.._rig.SkinSize]);
                _skinSolver!.Solve(_foldedSkin.Fold, _foldedSkin.Coefficients, FaceFrames.Row(frames.SkinWeights, frame, frames.SkinWeightCount));
            }
            if (_foldedTongue is not null)
            {
                _foldedTongue.Animate(row.Slice(_rig.SkinSize, _rig.TongueSize), _parameters);
                _tongueSolver!.Solve(_foldedTongue.Fold, _foldedTongue.Coefficients, FaceFrames.Row(frames.TongueWeights, frame, frames.TongueWeightCount));
            }
            if (_skin is not null)
            {
                ReadOnlySpan<float> posed = _skin.Animate(i);
                if (HasVertices) posed.CopyTo(FaceFrames.Row(frames.SkinVertices, frame, posed.Length));
                _skinSolver?.Solve(_skin.Fitted(posed), FaceFrames.Row(frames.SkinWeights, frame, frames.SkinWeightCount));
            }
            if (_tongue is not null)
            {
                ReadOnlySpan<float> posed = _tongue.Animate(i, _parameters);
                if (HasVertices) posed.CopyTo(FaceFrames.Row(frames.TongueVertices, frame, posed.Length));
                _tongueSolver?.Solve(_tongue.Fitted(posed), FaceFrames.Row(frames.TongueWeights, frame, frames.TongueWeightCount));
            }
            JawTransform.Solve(_rig.Geometry.NeutralJaw.Span, row[jawStart..eyesStart], _parameters, FaceFrames.Row(frames.Jaw, frame, 16));
            _eyes.Animate(row[eyesStart..], _parameters, FaceFrames.Row(frames.Eyes, frame, 6));
        }
    }

    private int CountRows(ReadOnlySpan<float> outputs) => outputs.Length % _rig.OutputLength == 0
        ? outputs.Length / _rig.OutputLength
        : throw new A2FException(A2FErrorCode.InvalidArgument,
            $"network output: expected rows of {_rig.OutputLength} values (skin {_rig.SkinSize}, tongue {_rig.TongueSize}, jaw {_rig.JawSize}, " +
            $"eyes {_rig.EyesSize}), found {outputs.Length} values in all");

    private BlendshapeSolver? CreateSolver(BlendshapeBasis? basis, SolverParameters? parameters, string what)
    {
        if (basis is null) return null;
        if (parameters is null)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"the face has {what} blendshapes, so the solve needs {what} parameters");
        return new BlendshapeSolver(basis, new SolverSetup(basis, parameters, _options, what));
    }

    private SolverParameters SetSolver(BlendshapeSolver? solver, BlendshapeBasis? basis, SolverParameters? parameters, string what)
    {
        if (solver is null || parameters is null)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument, solver is null
                ? $"the face has no {what} blendshapes to set parameters for"
                : $"the {what} solve needs parameters");
        }
        solver.SetParameters(new SolverSetup(basis!, parameters, _options, what));
        return parameters;
    }

    /// <summary>Throws for values that would poison a track.</summary>
    internal static void CheckParameters(AnimatorParameters p)
    {
        ReadOnlySpan<float> values =
        [
            p.LowerFaceSmoothing, p.UpperFaceSmoothing, p.LowerFaceStrength, p.UpperFaceStrength, p.FaceMaskLevel, p.FaceMaskSoftness,
            p.SkinStrength, p.BlinkStrength, p.EyelidOpenOffset, p.LipOpenOffset, p.BlinkOffset, p.TongueStrength, p.TongueHeightOffset,
            p.TongueDepthOffset, p.LowerTeethStrength, p.LowerTeethHeightOffset, p.LowerTeethDepthOffset, p.EyeballsStrength,
            p.SaccadeStrength, p.RightEyeRotXOffset, p.RightEyeRotYOffset, p.LeftEyeRotXOffset, p.LeftEyeRotYOffset, p.EyeSaccadeSeed,
        ];
        Finite.Check(values, "animator parameters");
        if (p.FaceMaskSoftness <= 0f)
            throw new A2FException(A2FErrorCode.OutOfRange, $"face_mask_softness: expected more than 0, found {p.FaceMaskSoftness}");
    }
}
