namespace A2F.Engine.Weights;

/// <summary>What network_info.json of an emotion model says.</summary>
/// <param name="SampleRate">Samples per second.</param>
/// <param name="Labels">Names of the classes, in the order of the network's output.</param>
public sealed record EmotionInfo(int SampleRate, IReadOnlyList<string> Labels);
