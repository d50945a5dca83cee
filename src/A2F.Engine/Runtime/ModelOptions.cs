using A2F.Engine.Backends.Cpu;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>Where and how a model runs.</summary>
public sealed record ModelOptions
{
    internal static int DefaultThreads => Math.Min(Environment.ProcessorCount, 8);

    internal DiffusionOutputs DiffusionOutputs => Vertices ? DiffusionOutputs.Both : DiffusionOutputs.Features;

    /// <summary>
    /// What the network runs on: "cpu", "cuda" or "cuda:N" for the GPU of number N, or "auto": the first GPU that works, else the CPU;
    /// <see cref="RegressionModel.DeviceReason"/> then says why.
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// Finds the functions of the CUDA driver API, and of cuBLAS, by name (0 for one that does not exist) in place of the installed
    /// libraries: how the emulator takes their place. Such a driver gets PTX, not machine code. Null for the installed ones.
    /// </summary>
    public Func<string, nint>? CudaDriver { get; init; }

    /// <summary>
    /// A CUDA context (CUcontext) of the device to run in, which the caller keeps alive longer than the model; 0 for the device's primary one.
    /// Refused with a model on the CPU, or on another device than the context's.
    /// </summary>
    public nint CudaContext { get; init; }

    /// <summary>
    /// A CUDA stream (CUstream) of that context, not a default one and not capturing, to queue all kernels on: what the caller queues there
    /// before a tick comes before them. The caller keeps it alive longer than the model. 0 for a stream of our own. Refused with a
    /// model on the CPU.
    /// </summary>
    public nint CudaStream { get; init; }

    /// <summary>Priority of our own CUDA streams: 0 is the lowest, a smaller number is higher, and a device has few (-5 to 0).</summary>
    public int StreamPriority { get; init; }

    /// <summary>How a GPU stores activations and weights; the CPU computes in float32 whatever is asked for.</summary>
    public Precision Precision { get; init; }

    /// <summary>Whether large plain products on a GPU go to cuBLAS, which then must be installed.</summary>
    public CublasUse Cublas { get; init; }

    /// <summary>
    /// Folder of baked kernels ("a2f kernels bake"), with which a GPU needs no NVRTC. Null for the folder that A2F_KERNELS names, or
    /// "kernels-baked" beside the program.
    /// </summary>
    public string? BakedKernels { get; init; }

    /// <summary>Threads of the CPU backend, the caller's included; 0 for one per processor, 8 at most. Results do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Windows that run together; memory grows with it. 1 to 1024. Results do not depend on it.</summary>
    public int MaxBatch { get; init; } = 8;

    /// <summary>Instruction set of the CPU backend; null for the widest that the machine has.</summary>
    public CpuInstructionSet? InstructionSet { get; init; }

    /// <summary>
    /// Whether wav2vec2's convolutions of width 3 and stride 2 take 5 products for 2 outputs instead of 6 (fast FIR). Equal in real
    /// arithmetic; about 1e-6 apart in float32.
    /// </summary>
    public bool FastConvolutions { get; init; } = true;

    /// <summary>
    /// Whether the regression network's last four linear layers, which have nothing between them, are one. Equal in real arithmetic; about
    /// 1e-7 apart in float32.
    /// </summary>
    public bool FoldedDecoder { get; init; } = true;

    /// <summary>
    /// Whether a diffusion network can put out vertices beside features, from which blendshape weights come without them. If false, it is
    /// smaller by the last layers of skin and tongue, and refuses to put out vertices.
    /// </summary>
    public bool Vertices { get; init; } = true;

    /// <summary>What a diffusion network leaves out; null for all that can be.</summary>
    public DiffusionShortcuts? Shortcuts { get; init; }

    /// <summary>Where the noise of a diffusion network comes from.</summary>
    public NoiseSource Noise { get; init; }

    /// <summary>Seed of constant noise. The reference's own numbers (those of cuRAND) are not reproduced.</summary>
    public ulong NoiseSeed { get; init; }

    /// <summary>
    /// Samples of one window of an emotion classifier, 400 to 1600000: it looks half of it ahead. Its cost grows with it; the reference's
    /// samples take 60000.
    /// </summary>
    public int EmotionWindow { get; init; } = 60000;
}
