namespace A2F.Engine.Runtime;

/// <summary>Runs windows of a group's characters, from audio that is there to frames that can be read.</summary>
internal abstract class WindowRunner : IDisposable
{
    /// <summary>Characters that run together at most.</summary>
    public abstract int MostBatch { get; }

    /// <summary>Whether <see cref="Begin"/> would start at once.</summary>
    public abstract bool HasRoom { get; }

    /// <summary>
    /// Runs the next window of each of 1 to <see cref="MostBatch"/> characters that are ready, or sets it going. What goes wrong with a character
    /// stops that one.
    /// </summary>
    public abstract void Begin(IReadOnlyList<Character> batch);

    /// <summary>Makes frames readable whose windows were set going and are finished.</summary>
    /// <param name="wait">Whether to wait for those that are not.</param>
    public abstract void Collect(bool wait);

    /// <inheritdoc/>
    public abstract void Dispose();
}
