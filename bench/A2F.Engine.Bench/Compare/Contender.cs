namespace A2F.Engine.Bench;

/// <summary>One side of a comparison.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="LoadSeconds">Time from the files to a network that can run.</param>
/// <param name="Run">One inference of the whole batch, synchronous.</param>
internal sealed record Contender(string Name, double LoadSeconds, Action Run);
