using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;

namespace A2F.Engine.Runtime;

/// <summary>
/// A character of a <see cref="CudaFaceStage"/>: the host's side of a slot. Changes take effect with the next frame, when what the device
/// lacks is uploaded.
/// </summary>
internal sealed class CudaFaceCharacter : FaceCharacter
{
    private readonly CudaFaceStage _stage;
    private readonly EyesAnimator _eyes;
    private readonly CudaFaceSolve? _skin, _tongue;
    private AnimatorParameters _parameters;
    private SolveOptions _options;
    private float _lowerAlpha, _upperAlpha;
    private FoldedBasis? _skinFold;
    private bool _started;

    internal CudaFaceCharacter(
        CudaFaceStage stage, int rigIndex, FaceRig rig, AnimatorParameters parameters, SolverParameters? skinSolver,
        SolverParameters? tongueSolver, SolveOptions options)
        : base(stage, rig)
    {
        (_stage, RigIndex, _options) = (stage, rigIndex, options);
        _parameters = null!;
        _eyes = new EyesAnimator(rig.Geometry.SaccadeRotations, stage.FrameSeconds);
        _skin = CudaFaceSolve.Of(rig.Skin, skinSolver, options, "skin");
        _tongue = CudaFaceSolve.Of(rig.Tongue, tongueSolver, options, "tongue");
        Parameters = parameters;
    }

    /// <summary>Number of its face.</summary>
    internal int RigIndex { get; }

    /// <summary>Where its state is.</summary>
    internal int Slot { get; set; }

    public override AnimatorParameters Parameters
    {
        get => _parameters;
        set
        {
            FaceAnimator.CheckParameters(value);
            (float, float) border = (value.FaceMaskLevel, value.FaceMaskSoftness);
            if (_stage.FoldsSkin && (_skinFold is null || border != (_parameters.FaceMaskLevel, _parameters.FaceMaskSoftness)))
                _skinFold = Rig.SkinFold(value.FaceMaskLevel, value.FaceMaskSoftness);
            _lowerAlpha = SkinAnimator.Alpha(value.LowerFaceSmoothing, _stage.FrameSeconds);
            _upperAlpha = SkinAnimator.Alpha(value.UpperFaceSmoothing, _stage.FrameSeconds);
            _parameters = value;
        }
    }

    public override SolverParameters? SkinSolver
    {
        get => _skin?.Setup.Parameters;
        set => Set(_skin, value, "skin");
    }

    public override SolverParameters? TongueSolver
    {
        get => _tongue?.Setup.Parameters;
        set => Set(_tongue, value, "tongue");
    }

    public override SolveOptions SolveOptions
    {
        get => _options;
        set
        {
            SolverSetup? skin = _skin?.With(_skin.Setup.Parameters, value), tongue = _tongue?.With(_tongue.Setup.Parameters, value);
            _options = value;
            if (skin is not null) _skin!.Set(skin);
            if (tongue is not null) _tongue!.Set(tongue);
        }
    }

    private void Set(CudaFaceSolve? solve, SolverParameters? parameters, string what)
    {
        if (solve is null || parameters is null)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument, solve is null
                ? $"the face has no {what} blendshapes to set parameters for"
                : $"the {what} solve needs parameters");
        }
        solve.Set(solve.With(parameters, _options));
    }

    public override void Reset()
    {
        _started = false;
        _eyes.Reset();
        _skin?.Reset();
        _tongue?.Reset();
    }

    /// <summary>Uploads what the next frame needs and the device lacks. In a steady state, nothing.</summary>
    internal void Synchronise(CudaFaceOperators operators, CudaFaceParts parts)
    {
        _skin?.Synchronise(operators, parts.Skin, 0, Slot, _skinFold);
        _tongue?.Synchronise(operators, parts.Tongue, 1, Slot, parts.Tongue.Folds is null ? null : Rig.TongueFold);
    }

    /// <summary>Gives back what it shares with others.</summary>
    internal void Release(CudaFaceParts parts)
    {
        _skin?.Release(parts.Skin);
        _tongue?.Release(parts.Tongue);
    }

    /// <summary>What the kernels read about its next frame; advances the saccade clock.</summary>
    internal void Describe(ref FaceCharacterArguments target)
    {
        AnimatorParameters p = _parameters;
        _skin?.Describe(ref target.Parts[0]);
        _tongue?.Describe(ref target.Parts[1]);
        (target.Slot, target.Rig, target.Started) = (Slot, RigIndex, _started ? 1 : 0);
        target.Skin = p.SkinStrength;
        target.EyeClose = p.BlinkOffset * p.BlinkStrength - p.EyelidOpenOffset;
        target.LipOpen = p.LipOpenOffset;
        (target.LowerAlpha, target.UpperAlpha) = (_lowerAlpha, _upperAlpha);
        (target.Lower, target.Upper) = (p.LowerFaceStrength, p.UpperFaceStrength);
        (target.MaskLevel, target.MaskSoftness) = (p.FaceMaskLevel, p.FaceMaskSoftness);
        (target.Tongue, target.TongueHeight, target.TongueDepth) = (p.TongueStrength, p.TongueHeightOffset, p.TongueDepthOffset);
        (target.Jaw, target.JawHeight, target.JawDepth) = (p.LowerTeethStrength, p.LowerTeethHeightOffset, p.LowerTeethDepthOffset);
        target.Eyes = p.EyeballsStrength;
        (target.RightX, target.RightY) = (p.RightEyeRotXOffset, p.RightEyeRotYOffset);
        (target.LeftX, target.LeftY) = (p.LeftEyeRotXOffset, p.LeftEyeRotYOffset);
        ReadOnlySpan<float> saccades = Rig.Geometry.SaccadeRotations.Span;
        if (saccades.Length == 0) return;
        int saccade = _eyes.NextRow(p.EyeSaccadeSeed);
        (target.SaccadeX, target.SaccadeY) = (saccades[2 * saccade] * p.SaccadeStrength, saccades[2 * saccade + 1] * p.SaccadeStrength);
    }

    /// <summary>A frame was computed: the device has its state now.</summary>
    internal void Advance()
    {
        _started = true;
        _skin?.Advance();
        _tongue?.Advance();
    }
}
