using A2F.Engine.Backends;

namespace A2F.Engine.Networks;

/// <summary>What enters a diffusion network, and the state that leaves it; all float32.</summary>
internal sealed class DiffusionInputs(DiffusionConfig config, OperatorSet ops, int maxBatch)
{
    internal Tensor Audio { get; } = ops.AllocateFloat32(maxBatch, 1, config.WindowLength);

    internal Tensor Identity { get; } = ops.AllocateFloat32(maxBatch, 1, config.ActorCount);

    internal Tensor Emotion { get; } = ops.AllocateFloat32(maxBatch, config.EmotionPerFrame ? config.CentreFrames : 1, config.EmotionCount);

    internal Tensor State { get; } = ops.AllocateFloat32(maxBatch, config.Steps.Count * config.GruLayers, config.GruSize);

    internal Tensor NextState { get; } = ops.AllocateFloat32(maxBatch, config.Steps.Count * config.GruLayers, config.GruSize);

    internal Tensor Seeds { get; } = ops.AllocateFloat32(maxBatch, 1, 4);
}
