using System.Runtime.InteropServices;
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
            if (_stage.FoldsSkin && (_skinFold is null || (value.FaceMaskLevel, value.FaceMaskSoftness) != (_parameters.FaceMaskLevel, _parameters.FaceMaskSoftness)))
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
    internal void Describe(int row, ref FaceCharacterArguments target)
    {
        AnimatorParameters p = _parameters;
        _skin?.Describe(ref target.Parts[0]);
        _tongue?.Describe(ref target.Parts[1]);
        (target.Slot, target.Row, target.Rig, target.Started) = (Slot, row, RigIndex, _started ? 1 : 0);
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

/// <summary>What characters share of one part, skin or tongue.</summary>
/// <param name="Setups">Solve setups.</param>
/// <param name="Folds">Folds; null where the part is posed.</param>
internal sealed record CudaFaceShared(CudaFaceBlocks<SolverSetup> Setups, CudaFaceBlocks<FoldedBasis>? Folds);

/// <summary>What characters share.</summary>
internal sealed record CudaFaceParts(CudaFaceShared Skin, CudaFaceShared Tongue);

/// <summary>The solve of one part of a character: what it follows, and what the device has of it. As BlendshapeSolver.SetParameters keeps state.</summary>
internal sealed class CudaFaceSolve
{
    private readonly BlendshapeBasis _basis;
    private readonly string _what;
    private readonly bool[] _lost; // poses whose weight before the device still has, and must not use
    private bool _anyLost, _newSetup = true, _newScales = true;
    private int _flags = FacePartArguments.Fresh | FacePartArguments.Forget;
    private CudaFaceBlock<SolverSetup>? _setup;
    private CudaFaceBlock<FoldedBasis>? _fold;

    private CudaFaceSolve(BlendshapeBasis basis, string what, SolverSetup setup)
    {
        (_basis, _what, Setup) = (basis, what, setup);
        _lost = new bool[basis.PoseCount];
    }

    internal SolverSetup Setup { get; private set; }

    /// <summary>The solve of a part, or null where it has no blendshapes.</summary>
    internal static CudaFaceSolve? Of(BlendshapeBasis? basis, SolverParameters? parameters, SolveOptions options, string what)
    {
        if (basis is null) return null;
        if (parameters is null)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"the face has {what} blendshapes, so the solve needs {what} parameters");
        return new CudaFaceSolve(basis, what, new SolverSetup(basis, parameters, options, what));
    }

    internal SolverSetup With(SolverParameters parameters, SolveOptions options) => new(_basis, parameters, options, _what);

    internal void Set(SolverSetup setup)
    {
        SolverSetup old = Setup;
        Setup = setup;
        _newSetup = _newScales = true;
        if (setup.Active.AsSpan().SequenceEqual(old.Active) && setup.G.AsSpan().SequenceEqual(old.G)
            && setup.Options.Objective == old.Options.Objective && setup.CancelPairs.AsSpan().SequenceEqual(old.CancelPairs))
        {
            return;
        }
        _flags |= FacePartArguments.Fresh;
        foreach (int pose in old.Active)
        {
            if (Array.BinarySearch(setup.Active, pose) < 0) _lost[pose] = _anyLost = true;
        }
    }

    internal void Reset() => _flags = FacePartArguments.Fresh | FacePartArguments.Forget;

    internal void Synchronise(CudaFaceOperators operators, CudaFaceShared shared, int part, int slot, FoldedBasis? fold)
    {
        if (_newSetup)
        {
            if (_setup is null || _setup.Content != Setup)
            {
                shared.Setups.Give(_setup);
                _setup = null;
                _setup = shared.Setups.Take(Setup);
            }
            _newSetup = false;
        }
        if (fold is not null && _fold?.Content != fold)
        {
            shared.Folds!.Give(_fold);
            _fold = null;
            _fold = shared.Folds.Take(fold);
        }
        if (_newScales)
        {
            ulong address = operators.Scales(part, slot);
            operators.Upload(address, Values(Setup.Parameters.Multipliers));
            operators.Upload(address + (ulong)_basis.PoseCount * sizeof(float), Values(Setup.Parameters.Offsets));
            _newScales = false;
        }
        if (!_anyLost) return;
        ReadOnlySpan<byte> nothing = stackalloc byte[sizeof(double)];
        for (int pose = 0; pose < _lost.Length; pose++)
        {
            if (_lost[pose]) operators.Upload(operators.WeightBefore(part, slot, pose), nothing);
            _lost[pose] = false;
        }
        _anyLost = false;
    }

    private static ReadOnlySpan<byte> Values(IReadOnlyList<float> values) => MemoryMarshal.AsBytes<float>(values.ToArray());

    internal void Release(CudaFaceShared shared)
    {
        shared.Setups.Give(_setup);
        shared.Folds?.Give(_fold);
        (_setup, _fold) = (null, null);
    }

    internal void Describe(ref FacePartArguments target)
    {
        CudaFaceContents.Describe(_setup!.Address, Setup, _basis.PoseCount, ref target);
        target.Fold = _fold?.Address ?? 0;
        target.Columns = _fold?.Content!.Columns ?? 0;
        target.Flags = _flags;
    }

    internal void Advance() => _flags = 0;
}
