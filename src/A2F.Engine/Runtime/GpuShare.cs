using System.Diagnostics;
using A2F.Engine.Backends.Cuda;

namespace A2F.Engine.Runtime;

/// <summary>
/// Keeps a group's kernels to a share of the GPU's time, so that a renderer has the rest: after work of t milliseconds, nothing begins until
/// t / share have passed since it began. What work takes is measured on the device; until that is known, the last measure stands in.
/// </summary>
/// <param name="share">Above 0 to 1; 1 holds nothing back.</param>
/// <param name="now">Clock in seconds; null for the machine's.</param>
internal sealed class GpuShare(float share, Func<double>? now = null)
{
    private readonly Func<double> _now = now ?? (static () => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency);
    private double _next; // when work may begin
    private float _each; // milliseconds of a window, as last measured

    /// <summary>Whether work may begin.</summary>
    internal bool Allows => share >= 1 || _now() >= _next;

    /// <summary>Work of so many windows begins; returns the milliseconds that it is taken to last.</summary>
    internal float Begin(int windows)
    {
        if (share >= 1) return 0;
        float estimated = windows * _each;
        _next = Math.Max(_next, _now()) + estimated / share / 1000;
        return estimated;
    }

    /// <summary>It ended.</summary>
    internal void End(float estimated, int windows, CudaSlot slot)
    {
        if (share < 1) End(estimated, windows, slot.Milliseconds);
    }

    /// <summary>It ended after a time in milliseconds.</summary>
    internal void End(float estimated, int windows, float took)
    {
        _next += (took - estimated) / share / 1000;
        _each = took / windows;
    }
}
