namespace A2F.Engine.Animation;

/// <summary>The tongue of one track: out = neutral + (delta + offset)*strength, raised by height (y) and moved forward by depth (z). No state.</summary>
internal sealed class TongueMotion
{
    private readonly FaceRig _rig;
    private readonly PcaBasis? _basis;
    private readonly int _atOnce;
    private readonly int _rowLength;
    private readonly float[] _scratch;
    private readonly float[] _posed;
    private readonly float[] _fitted;
    private readonly ReadOnlyMemory<float> _offset;
    private float[] _deltas;

    public TongueMotion(FaceRig rig, int atOnce)
    {
        _rig = rig;
        _atOnce = atOnce;
        int length = 3 * rig.TongueVertexCount;
        _basis = rig.Geometry.TongueBasis.IsEmpty ? null : PcaBasis.Whole(rig.Geometry.TongueBasis, rig.TongueSize, length);
        _rowLength = PcaBasis.Padded(length);
        _scratch = new float[_basis?.ScratchLength ?? 0];
        _posed = new float[length];
        _fitted = new float[rig.Tongue?.RowCount ?? 0];
        _deltas = new float[_rowLength];
        _offset = rig.Geometry.TongueOffset.IsEmpty ? new float[length] : rig.Geometry.TongueOffset;
    }

    /// <summary>Displacements of a batch from rows of network output.</summary>
    public void Reconstruct(ReadOnlySpan<float> outputs, int count)
    {
        if (_deltas.Length < count * _rowLength) _deltas = new float[_atOnce * _rowLength];
        if (_basis is not null)
        {
            _basis.Reconstruct(outputs[_rig.SkinSize..], _rig.OutputLength, count, _deltas, _scratch);
            return;
        }
        for (int i = 0; i < count; i++)
            outputs.Slice(i * _rig.OutputLength + _rig.SkinSize, _rig.TongueSize).CopyTo(_deltas.AsSpan(i * _rowLength));
    }

    /// <summary>Positions of a frame of the batch.</summary>
    public ReadOnlySpan<float> Animate(int frame, AnimatorParameters p)
    {
        ReadOnlySpan<float> delta = _deltas.AsSpan(frame * _rowLength, _posed.Length);
        ReadOnlySpan<float> offset = _offset.Span;
        ReadOnlySpan<float> neutral = _rig.Geometry.TongueNeutral.Span;
        for (int i = 0; i < _posed.Length; i += 3)
        {
            _posed[i] = neutral[i] + (delta[i] + offset[i]) * p.TongueStrength;
            _posed[i + 1] = neutral[i + 1] + (delta[i + 1] + offset[i + 1]) * p.TongueStrength + p.TongueHeightOffset;
            _posed[i + 2] = neutral[i + 2] + (delta[i + 2] + offset[i + 2]) * p.TongueStrength + p.TongueDepthOffset;
        }
        return _posed;
    }

    /// <summary>The part of those positions that the solver looks at.</summary>
    public ReadOnlySpan<float> Fitted(ReadOnlySpan<float> posed)
    {
        _rig.Tongue!.Gather(posed, _fitted);
        return _fitted;
    }
}
