namespace A2F.Engine.Animation;

/// <summary>The skin of one track: reconstruction of a batch, then one frame at a time through the animator; holds the buffers.</summary>
internal sealed class SkinMotion
{
    private readonly FaceRig _rig;
    private readonly SkinRegion _region;
    private readonly PcaBasis? _basis;
    private readonly SkinAnimator _animator;
    private readonly bool _whole;
    private readonly int _atOnce;
    private readonly float[] _scratch;
    private readonly float[] _posed;
    private readonly float[] _fitted;
    private float[] _deltas;

    public SkinMotion(FaceRig rig, SkinRegion region, bool whole, float frameSeconds, int atOnce)
    {
        _rig = rig;
        _region = region;
        _whole = whole;
        _atOnce = atOnce;
        _basis = rig.SkinBasisToUse(whole);
        _animator = new SkinAnimator(region, frameSeconds);
        _scratch = new float[_basis?.ScratchLength ?? 0];
        _posed = new float[region.PaddedLength];
        _fitted = new float[whole ? rig.Skin?.RowCount ?? 0 : 0];
        _deltas = new float[region.PaddedLength];
    }

    public void SetParameters(AnimatorParameters parameters) => _animator.SetParameters(parameters);

    public void Reset() => _animator.Reset();

    /// <summary>Displacements of a batch from rows of network output.</summary>
    public void Reconstruct(ReadOnlySpan<float> outputs, int count)
    {
        if (_deltas.Length < count * _region.PaddedLength) _deltas = new float[_atOnce * _region.PaddedLength];
        if (_basis is not null)
        {
            _basis.Reconstruct(outputs, _rig.OutputLength, count, _deltas, _scratch);
            return;
        }
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> row = outputs.Slice(i * _rig.OutputLength, _rig.SkinSize);
            Span<float> delta = _deltas.AsSpan(i * _region.PaddedLength, _region.PaddedLength);
            if (_whole) row.CopyTo(delta);
            else _rig.Skin!.Gather(row, delta);
        }
    }

    /// <summary>Positions of a frame of the batch; frames in order, each once.</summary>
    public ReadOnlySpan<float> Animate(int frame)
    {
        _animator.Animate(_deltas.AsSpan(frame * _region.PaddedLength, _region.PaddedLength), _posed);
        return _posed.AsSpan(0, 3 * _region.VertexCount);
    }

    /// <summary>The part of those positions that the solver looks at.</summary>
    public ReadOnlySpan<float> Fitted(ReadOnlySpan<float> posed)
    {
        if (!_whole) return posed;
        _rig.Skin!.Gather(posed, _fitted);
        return _fitted;
    }
}
