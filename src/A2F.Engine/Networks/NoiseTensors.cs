using A2F.Engine.Backends;

namespace A2F.Engine.Networks;

/// <summary>
/// Noise of a diffusion network as activations, for slices 1 to the last and the rows that are computed; its columns lie as
/// <see cref="FaceColumns"/> has the outputs. Constant slices are filled once, seeded ones share their memory, given ones are written.
/// </summary>
internal sealed class NoiseTensors
{
    private readonly DiffusionConfig _config;
    private readonly OperatorSet _ops;
    private readonly NoiseSource _source;
    private readonly FaceColumns _columns;
    private readonly int _rows, _firstRow;
    private readonly Tensor[] _slices; // 0 is never used

    /// <param name="config">Sizes.</param>
    /// <param name="ops">Backend.</param>
    /// <param name="maxBatch">Most windows of one call.</param>
    /// <param name="source">Where the noise comes from.</param>
    /// <param name="seed">Seed of constant noise.</param>
    /// <param name="rows">Frames that are computed.</param>
    /// <param name="firstRow">Which of them is the first centre frame.</param>
    internal NoiseTensors(DiffusionConfig config, OperatorSet ops, int maxBatch, NoiseSource source, ulong seed, int rows, int firstRow)
    {
        (_config, _ops, _source, _rows, _firstRow) = (config, ops, source, rows, firstRow);
        _columns = new FaceColumns(config.Outputs);
        _slices = new Tensor[config.Steps.Count + 1];
        float[] values = [];
        for (int slice = 1; slice < _slices.Length; slice++)
        {
            bool shares = source == NoiseSource.Seeded && slice > 1;
            _slices[slice] = shares ? _slices[1] : ops.Allocate(source == NoiseSource.Constant ? 1 : maxBatch, rows, _columns.Total);
            for (int part = 0; source == NoiseSource.Constant && part < 4; part++)
            {
                (int first, int size) = _columns.Part(part);
                if (values.Length != rows * size) values = new float[rows * size];
                for (int row = 0; row < rows; row++) NormalNoise.Fill(seed, 0, RangeOf(slice, part).First(row), values.AsSpan(row * size, size));
                ops.Write(_slices[slice].ColumnRange(first, size), values);
            }
        }
    }

    /// <summary>A slice, made from the seeds where it is seeded; one seeded slice at a time is there.</summary>
    internal Tensor Of(int slice, Tensor seeds, int batch)
    {
        if (_source == NoiseSource.Constant) return _slices[slice] with { Items = batch, ItemStride = 0 };
        Tensor noise = _slices[slice].Take(batch);
        for (int part = 0; _source == NoiseSource.Seeded && part < 4; part++)
        {
            (int first, int size) = _columns.Part(part);
            _ops.Normal(seeds.Take(batch), RangeOf(slice, part), noise.ColumnRange(first, size));
        }
        return noise;
    }

    /// <summary>Takes given noise, [batch, slices, frames, outputs].</summary>
    internal void Write(ReadOnlySpan<float> noise, int batch)
    {
        int length = _slices.Length * _config.FrameCount * _config.Outputs.Total;
        for (int item = 0; item < batch; item++)
        {
            for (int slice = 1; slice < _slices.Length; slice++)
            {
                for (int part = 0; part < 4; part++)
                {
                    (int first, int size) = _columns.Part(part);
                    for (int row = 0; row < _rows; row++)
                    {
                        _ops.Write(
                            _slices[slice].Item(item).RowRange(row, 1).ColumnRange(first, size),
                            noise.Slice(item * length + (int)RangeOf(slice, part).First(row), size));
                    }
                }
            }
        }
    }

    private NoiseRange RangeOf(int slice, int part) =>
        new(slice, _config.FrameCount, _config.FirstFrame - _firstRow, _config.Outputs.Total, DiffusionHeads.FirstOutput(_config, part));
}
