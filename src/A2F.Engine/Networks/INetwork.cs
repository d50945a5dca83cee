namespace A2F.Engine.Networks;

/// <summary>What all networks have in common for whoever plans their work.</summary>
internal interface INetwork
{
    /// <summary>Most windows of one call.</summary>
    int MaxBatch { get; }

    /// <summary>Calls the operators of a run, of each kind that there is, without any data going in or out.</summary>
    void Rehearse(int batch);

    /// <summary>Calls the operators of one run: of a diffusion network, one that puts out vertices where it can.</summary>
    void RehearseOne(int batch) => Rehearse(batch);
}
