using A2F.Engine.Animation;

namespace A2F.Engine.Runtime;

/// <summary>A <see cref="FaceStage"/> on the CPU: a <see cref="FaceAnimator"/> for each character.</summary>
internal sealed class CpuFaceStage(IReadOnlyList<FaceRig> rigs, FaceStageOptions options) : FaceStage(rigs, options)
{
    public override string Device => "cpu";

    private sealed class Character(FaceStage stage, FaceRig rig, FaceAnimator animator) : FaceCharacter(stage, rig)
    {
        internal FaceAnimator Animator { get; } = animator;

        public override AnimatorParameters Parameters
        {
            get => Animator.Parameters;
            set => Animator.Parameters = value;
        }

        public override SolverParameters? SkinSolver
        {
            get => Animator.SkinSolver;
            set => Animator.SkinSolver = value;
        }

        public override SolverParameters? TongueSolver
        {
            get => Animator.TongueSolver;
            set => Animator.TongueSolver = value;
        }

        public override SolveOptions SolveOptions
        {
            get => Animator.SolveOptions;
            set => Animator.SolveOptions = value;
        }

        public override void Reset() => Animator.Reset();
    }

    private protected override FaceCharacter Create(
        int index, FaceRig rig, AnimatorParameters parameters, SolverParameters? skinSolver, SolverParameters? tongueSolver, SolveOptions options) =>
        new Character(this, rig, new FaceAnimator(
            rig, Options.FramesNumerator, Options.FramesDenominator, parameters, skinSolver, tongueSolver, options, Options.Vertices, Options.Folded));

    private protected override void Release(FaceCharacter character)
    {
    }

    private protected override void Run(ReadOnlySpan<FaceCharacter> characters, ReadOnlySpan<float> rows, FaceFrames frames, int firstFrame)
    {
        int length = rows.Length / characters.Length;
        for (int i = 0; i < characters.Length; i++)
            ((Character)characters[i]).Animator.Animate(rows.Slice(i * length, length), frames, firstFrame + i);
    }

    private protected override void RunTrack(FaceCharacter character, ReadOnlySpan<float> rows, FaceFrames frames, int firstFrame) =>
        ((Character)character).Animator.Animate(rows, frames, firstFrame);

    public override void Dispose()
    {
    }
}
