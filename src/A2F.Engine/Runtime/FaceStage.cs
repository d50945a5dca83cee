using A2F.Engine.Animation;

namespace A2F.Engine.Runtime;

/// <summary>Where and how a <see cref="FaceStage"/> runs.</summary>
public sealed record FaceStageOptions
{
    /// <summary>"cpu", "cuda", "cuda:N" or "auto", as in <see cref="ModelOptions.Device"/>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>As <see cref="ModelOptions.CudaDriver"/>.</summary>
    public Func<string, nint>? CudaDriver { get; init; }

    /// <summary>As <see cref="ModelOptions.BakedKernels"/>.</summary>
    public string? BakedKernels { get; init; }

    /// <summary>Most characters at a time; device memory grows with it. 1 to 65535.</summary>
    public int Capacity { get; init; } = 1;

    /// <summary>Numerator of the frames per second. 1 or more.</summary>
    public int FramesNumerator { get; init; } = 60;

    /// <summary>Denominator of the frames per second: 1001 for 30000/1001. 1 or more.</summary>
    public int FramesDenominator { get; init; } = 1;

    /// <summary>Whether vertices are wanted beside the weights.</summary>
    public bool Vertices { get; init; }

    /// <summary>
    /// Where vertices are not wanted: whether weights come from the network's coefficients without any vertex, as in <see cref="FaceAnimator"/>.
    /// </summary>
    public bool Folded { get; init; } = true;
}

/// <summary>One character of a <see cref="FaceStage"/>: its parameters, which may change between any two frames, and its state.</summary>
public abstract class FaceCharacter
{
    private protected FaceCharacter(FaceStage stage, FaceRig rig) => (Stage, Rig) = (stage, rig);

    /// <summary>Its face.</summary>
    public FaceRig Rig { get; }

    /// <summary>How output becomes a face. A new value counts from the next frame on and keeps the state.</summary>
    /// <exception cref="A2FException">A value is not finite, or the mask's softness is not above 0.</exception>
    public abstract AnimatorParameters Parameters { get; set; }

    /// <summary>How skin weights are solved for; null where the face has no skin blendshapes. A new value counts from the next frame on.</summary>
    /// <exception cref="A2FException">The face has no skin blendshapes, or a value is of wrong length or not finite.</exception>
    public abstract SolverParameters? SkinSolver { get; set; }

    /// <summary>How tongue weights are solved for; null where the face has no tongue blendshapes. A new value counts from the next frame on.</summary>
    /// <exception cref="A2FException">The face has no tongue blendshapes, or a value is of wrong length or not finite.</exception>
    public abstract SolverParameters? TongueSolver { get; set; }

    /// <summary>Choices about the solve that are not in model files. A new value counts from the next frame on.</summary>
    public abstract SolveOptions SolveOptions { get; set; }

    /// <summary>The stage; null once removed.</summary>
    internal FaceStage? Stage { get; set; }

    /// <summary>Number of the last call for several characters that it was in.</summary>
    internal long Call { get; set; }

    /// <summary>Starts a new track: forgets smoothing, saccade clock and previous weights; keeps parameters.</summary>
    public abstract void Reset();
}

/// <summary>
/// The animation stage of many characters at once, on one device: rows of network output in, weights, jaw, eyes and, where wanted, vertices out. Each
/// character has its own face, parameters and state; what comes out for it never depends on the others of the call, bit for bit. One call at
/// a time. After the first call, calls allocate nothing.
/// </summary>
public abstract class FaceStage : IDisposable
{
    private readonly IReadOnlyList<FaceRig> _rigs;
    private long _calls;

    private protected FaceStage(IReadOnlyList<FaceRig> rigs, FaceStageOptions options) => (_rigs, Options) = (rigs, options);

    /// <summary>Prepares faces on a device.</summary>
    /// <param name="rigs">
    /// The faces that characters may have, such as those of a model's identities; of the same sizes, with the same names of weights.
    /// </param>
    /// <param name="options">Where and how.</param>
    /// <exception cref="A2FException">The faces differ in size, an option is out of range, or the device cannot be used or has too little memory.</exception>
    public static FaceStage Create(IReadOnlyList<FaceRig> rigs, FaceStageOptions? options = null)
    {
        options ??= new FaceStageOptions();
        if (rigs.Count == 0) throw new A2FException(A2FErrorCode.InvalidArgument, "a face stage needs at least one face");
        if (options.Capacity is < 1 or > 65535)
            throw new A2FException(A2FErrorCode.OutOfRange, $"capacity: expected 1 to 65535, found {options.Capacity}");
        for (int i = 1; i < rigs.Count; i++)
        {
            if (!SameSizes(rigs[0], rigs[i]))
                throw new A2FException(A2FErrorCode.InvalidArgument, $"face {i} differs from face 0 in its sizes or in the names of its weights");
        }
        return Devices.Choose<FaceStage>(
            options.Device, options.CudaDriver, (device, _) => CudaFaceStage.Open(device, rigs, options), _ => new CpuFaceStage(rigs, options));
    }

    /// <summary>What it runs on, for reports.</summary>
    public abstract string Device { get; }

    /// <summary>Characters that there are.</summary>
    public int Count { get; private set; }

    /// <summary>Where and how it runs.</summary>
    public FaceStageOptions Options { get; }

    /// <summary>Adds a character.</summary>
    /// <param name="rig">One of the stage's faces.</param>
    /// <param name="parameters">How output becomes a face.</param>
    /// <param name="skinSolver">How skin weights are solved for; needed where the face has skin blendshapes, else ignored.</param>
    /// <param name="tongueSolver">How tongue weights are solved for; needed where the face has tongue blendshapes, else ignored.</param>
    /// <param name="options">Choices about the solve that are not in model files.</param>
    /// <exception cref="A2FException">There is no room, the face is not one of the stage's, or parameters are missing or wrong.</exception>
    public FaceCharacter Add(
        FaceRig rig, AnimatorParameters parameters, SolverParameters? skinSolver = null, SolverParameters? tongueSolver = null,
        SolveOptions? options = null)
    {
        if (Count == Options.Capacity)
            throw new A2FException(A2FErrorCode.OutOfRange, $"the stage has room for {Options.Capacity} characters, and all are taken; remove one, or make a larger stage");
        int index = -1;
        for (int i = 0; i < _rigs.Count && index < 0; i++) index = ReferenceEquals(_rigs[i], rig) ? i : -1;
        if (index < 0) throw new A2FException(A2FErrorCode.InvalidArgument, "the face is not one of those that the stage was made for");
        FaceCharacter character = Create(index, rig, parameters, skinSolver, tongueSolver, options ?? new SolveOptions());
        Count++;
        return character;
    }

    /// <summary>Removes a character; its room is free again. Removing one twice does nothing.</summary>
    /// <exception cref="A2FException">It is of another stage.</exception>
    public void Remove(FaceCharacter character)
    {
        if (character.Stage is null) return;
        CheckOwn(character);
        Release(character);
        character.Stage = null;
        Count--;
    }

    /// <summary>Room for frames of the stage's faces.</summary>
    /// <exception cref="A2FException">See <see cref="FaceFrames"/>.</exception>
    public FaceFrames CreateFrames(int count) => new(_rigs[0], count, Options.Vertices);

    /// <summary>Animates the next frame of each of some characters.</summary>
    /// <param name="characters">Different characters of this stage.</param>
    /// <param name="rows">[characters, <see cref="FaceRig.OutputLength"/>]: network output: skin, tongue, jaw, eyes.</param>
    /// <param name="frames">Room of <see cref="CreateFrames"/>.</param>
    /// <param name="firstFrame">Where in <paramref name="frames"/> the frame of the first character goes; those of the others follow.</param>
    /// <exception cref="A2FException">
    /// A character is of another stage, removed, or there twice; lengths do not fit; or a value is not finite (or beyond 1e6). All states are untouched then.
    /// </exception>
    public void Animate(ReadOnlySpan<FaceCharacter> characters, ReadOnlySpan<float> rows, FaceFrames frames, int firstFrame = 0)
    {
        int length = _rigs[0].OutputLength;
        if (rows.Length != (long)characters.Length * length)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"network output: expected {characters.Length} rows of {length} values, found {rows.Length} values");
        frames.CheckRoom(_rigs[0], Options.Vertices, firstFrame, characters.Length);
        _calls++;
        for (int i = 0; i < characters.Length; i++)
        {
            CheckOwn(characters[i]);
            if (characters[i].Call == _calls) throw new A2FException(A2FErrorCode.InvalidArgument, $"character {i} of the call was given before");
            characters[i].Call = _calls;
        }
        int bad = Finite.IndexOfBad(rows);
        if (bad >= 0) Finite.Check(rows[bad], $"network output of character {bad / length} of the call, column {bad % length}");
        if (characters.Length > 0) Run(characters, rows, frames, firstFrame);
    }

    /// <summary>Animates the next frames of one character: what calls frame by frame would give, bit for bit.</summary>
    /// <param name="character">A character of this stage.</param>
    /// <param name="rows">[frames, <see cref="FaceRig.OutputLength"/>]: network output: skin, tongue, jaw, eyes.</param>
    /// <param name="frames">Room of <see cref="CreateFrames"/>.</param>
    /// <param name="firstFrame">Where in <paramref name="frames"/> the first of these frames goes.</param>
    /// <exception cref="A2FException">
    /// The character is of another stage or removed; lengths do not fit; or a value is not finite (or beyond 1e6). The state is untouched then.
    /// </exception>
    public void Animate(FaceCharacter character, ReadOnlySpan<float> rows, FaceFrames frames, int firstFrame = 0)
    {
        int length = _rigs[0].OutputLength, count = rows.Length / length;
        if (rows.Length % length != 0)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"network output: expected rows of {length} values, found {rows.Length} values in all");
        frames.CheckRoom(_rigs[0], Options.Vertices, firstFrame, count);
        CheckOwn(character);
        int bad = Finite.IndexOfBad(rows);
        if (bad >= 0) Finite.Check(rows[bad], $"network output, row {bad / length}, column {bad % length}");
        RunTrack(character, rows, frames, firstFrame);
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Successive frames of one character; everything is checked.</summary>
    private protected virtual void RunTrack(FaceCharacter character, ReadOnlySpan<float> rows, FaceFrames frames, int firstFrame)
    {
        int length = _rigs[0].OutputLength;
        for (int i = 0; i * length < rows.Length; i++) Run([character], rows.Slice(i * length, length), frames, firstFrame + i);
    }

    /// <summary>A character with the face of this number.</summary>
    private protected abstract FaceCharacter Create(
        int index, FaceRig rig, AnimatorParameters parameters, SolverParameters? skinSolver, SolverParameters? tongueSolver, SolveOptions options);

    /// <summary>Takes back what a character holds.</summary>
    private protected abstract void Release(FaceCharacter character);

    /// <summary>One frame of each; everything is checked.</summary>
    private protected abstract void Run(ReadOnlySpan<FaceCharacter> characters, ReadOnlySpan<float> rows, FaceFrames frames, int firstFrame);

    private void CheckOwn(FaceCharacter character)
    {
        if (character.Stage == this) return;
        throw new A2FException(A2FErrorCode.InvalidArgument, character.Stage is null ? "the character was removed" : "the character is of another stage");
    }

    private static bool SameSizes(FaceRig a, FaceRig b) =>
        (a.SkinSize, a.TongueSize, a.JawSize, a.SkinVertexCount, a.TongueVertexCount) == (b.SkinSize, b.TongueSize, b.JawSize, b.SkinVertexCount, b.TongueVertexCount)
        && a.SkinPoseNames.SequenceEqual(b.SkinPoseNames) && a.TonguePoseNames.SequenceEqual(b.TonguePoseNames);
}
