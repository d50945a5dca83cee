namespace A2F.Engine.Backends.Cuda;

/// <summary>Where on a device work is queued.</summary>
/// <param name="Context">A context that the caller keeps, or 0 for the device's primary one.</param>
/// <param name="Stream">A stream of that context that the caller keeps, or 0 for one of our own.</param>
/// <param name="Priority">Priority of our own streams: 0 is the lowest, a smaller number is higher.</param>
internal sealed record CudaPlace(nint Context = 0, nint Stream = 0, int Priority = 0);
