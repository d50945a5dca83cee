using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>A group under random operations yields, for each character, what a lone one yields to whom the same is done.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CharacterGroupModelTests : IDisposable
{
    private static ModelOptions Cpu => new() { Device = "cpu", Threads = 1, MaxBatch = 3 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_character_yields_what_it_yields_alone(bool diffusion)
    {
        using GroupWorld world = new(diffusion, Cpu);
        for (int seed = 1; seed <= 8; seed++) Hold(world, seed, 250);
    }

    [NvrtcTheory]
    [InlineData(false, 45)]
    [InlineData(true, 25)]
    public void And_on_the_emulated_gpu_in_any_order_of_work(bool diffusion, int steps)
    {
        CudaTarget gpu = CudaTarget.Of("sm_86");
        (int Seed, WorkOrder Order)[] runs = [(1, WorkOrder.Eager), (2, WorkOrder.Lazy), (3, WorkOrder.Adversarial(3))];
        foreach ((int seed, WorkOrder order) in runs)
        {
            EmulatedDriver.Order = order;
            using (GroupWorld world = new(diffusion, gpu.Options(default) with { MaxBatch = 3 })) Hold(world, seed, steps);
            Assert.True(gpu.IsClean, $"seed {seed}, {order}: something is left on the device");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Threads_that_do_what_they_like_disturb_nobody(bool diffusion)
    {
        using GroupWorld world = new(diffusion, Cpu);
        GroupStress.Run(world, TimeSpan.FromSeconds(2));
    }

    public void Dispose() => EmulatedDriver.Order = WorkOrder.Eager;

    // Where it fails, the shortest run of the seed that fails is told.
    private static void Hold(GroupWorld world, int seed, int steps)
    {
        if (Try(world, seed, steps).Failure is null) return;
        int passes = 0;
        for (int fails = steps; fails - passes > 1;)
        {
            int middle = (passes + fails) / 2;
            if (Try(world, seed, middle).Failure is null) passes = middle;
            else fails = middle;
            steps = fails;
        }
        (string? failure, IReadOnlyList<string> log) = Try(world, seed, steps);
        Assert.Fail($"seed {seed}, {steps} steps: {failure}\n{string.Join('\n', log)}");
    }

    private static (string? Failure, IReadOnlyList<string> Log) Try(GroupWorld world, int seed, int steps)
    {
        using GroupModel model = new(world, seed);
        using Baton baton = new(3);
        Random threads = new(seed);
        string? failure = null;
        for (int step = 0; step < steps && failure is null; step++) failure = baton.Run(threads.Next(3), model.Step);
        return (failure ?? baton.Run(0, model.End), model.Log);
    }

    /// <summary>Threads of which one runs at a time.</summary>
    private sealed class Baton : IDisposable
    {
        private readonly SemaphoreSlim[] _go;
        private readonly SemaphoreSlim _done = new(0);
        private readonly Thread[] _threads;
        private Action? _action;
        private string? _failure;

        public Baton(int count)
        {
            _go = [.. Enumerable.Range(0, count).Select(_ => new SemaphoreSlim(0))];
            _threads = [.. _go.Select(go => new Thread(() => Serve(go)) { IsBackground = true })];
            foreach (Thread thread in _threads) thread.Start();
        }

        /// <summary>Runs something on a thread and waits; what it threw, or null.</summary>
        public string? Run(int thread, Action action)
        {
            (_action, _failure) = (action, null);
            _go[thread].Release();
            _done.Wait();
            return _failure;
        }

        public void Dispose()
        {
            _action = null;
            for (int i = 0; i < _go.Length; i++)
            {
                _go[i].Release();
                _threads[i].Join();
                _go[i].Dispose();
            }
            _done.Dispose();
        }

        private void Serve(SemaphoreSlim go)
        {
            while (true)
            {
                go.Wait();
                if (_action is not { } action) return;
                _failure = Record.Exception(action)?.ToString();
                _done.Release();
            }
        }
    }
}
