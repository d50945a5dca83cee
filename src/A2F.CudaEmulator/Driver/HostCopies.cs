using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Driver;

/// <summary>
/// Copies host memory to the device. Ordinary (pageable) memory is read when the copy is queued, as a driver stages it; page-locked
/// memory is read when the copy runs.
/// </summary>
internal sealed unsafe class Upload : Operation
{
    private readonly ulong _target;
    private readonly byte* _source;
    private readonly PinnedMemory? _pinned;
    private readonly byte[]? _staged;

    internal Upload(ulong target, byte* source, long bytes) : base(WorkKind.HostToDevice, "copy to the device", bytes)
    {
        _target = target;
        _source = source;
        _pinned = PinnedMemory.Find(source);
        if (_pinned is null) _staged = new ReadOnlySpan<byte>(source, checked((int)bytes)).ToArray();
    }

    internal bool Pageable => _pinned is null;

    internal override void Check(Context context)
    {
        Range(context, _target, Bytes, Name);
        _pinned?.CheckRange(_source, Bytes, Name);
    }

    internal override IEnumerable<object> Uses(Context context) =>
        _pinned is null ? [Range(context, _target, Bytes, Name)] : [_pinned, Range(context, _target, Bytes, Name)];

    internal override HostWatch? Watch() => _pinned is null ? null : new HostWatch(_pinned, _source, (int)Bytes, source: true);

    internal override void Run(Work work)
    {
        work.Watch?.Check(work);
        ReadOnlySpan<byte> data = work.Watch is { } watch ? watch.Data : _staged ?? new ReadOnlySpan<byte>(_source, (int)Bytes);
        Machine.Device(work.Context.Device).Write(_target, data);
    }

    internal override IEnumerable<Touch> Touches(Work work) => [Written(work.Context, _target)];
}

/// <summary>Copies device memory to host memory.</summary>
internal sealed unsafe class Download : Operation
{
    private readonly byte* _target;
    private readonly ulong _source;
    private readonly PinnedMemory? _pinned;

    internal Download(byte* target, ulong source, long bytes) : base(WorkKind.DeviceToHost, "copy to the host", bytes)
    {
        _target = target;
        _source = source;
        _pinned = PinnedMemory.Find(target);
    }

    internal bool Pageable => _pinned is null;

    internal override void Check(Context context)
    {
        Range(context, _source, Bytes, Name);
        _pinned?.CheckRange(_target, Bytes, Name);
    }

    internal override IEnumerable<object> Uses(Context context) =>
        _pinned is null ? [Range(context, _source, Bytes, Name)] : [_pinned, Range(context, _source, Bytes, Name)];

    internal override HostWatch? Watch() => _pinned is null ? null : new HostWatch(_pinned, _target, (int)Bytes, source: false);

    internal override void Run(Work work)
    {
        work.Watch?.Check(work);
        Machine.Device(work.Context.Device).Read(_source, new Span<byte>(_target, (int)Bytes));
        _pinned?.Changed(_target, (int)Bytes);
    }

    internal override IEnumerable<Touch> Touches(Work work) => [Read(work.Context, _source)];
}
