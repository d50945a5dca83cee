namespace A2F.Engine.Backends.Cuda;

/// <summary>What somebody has made on a device, to be released in the opposite order.</summary>
internal sealed class CudaBelongings
{
    private readonly List<IDisposable> _made = [];

    /// <summary>Notes something that was made.</summary>
    internal T Add<T>(T what)
        where T : IDisposable
    {
        _made.Add(what);
        return what;
    }

    /// <summary>Releases everything, also where releasing something fails; returns the first failure.</summary>
    internal A2FException? Release()
    {
        A2FException? first = null;
        for (int i = _made.Count - 1; i >= 0; i--)
        {
            try
            {
                _made[i].Dispose();
            }
            catch (A2FException e)
            {
                first ??= e;
            }
        }
        _made.Clear();
        return first;
    }
}
