namespace A2F.Engine.Backends.Cpu;

/// <summary>
/// A few threads that share the tasks of one loop at a time; the caller works too. Which thread takes which task is open, so tasks must not
/// depend on it. Starting a loop allocates nothing.
/// </summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim _start = new(0);
    private readonly SemaphoreSlim _finished = new(0);
    private readonly Lock _oneLoop = new();
    private delegate*<void*, int, int, void> _body;
    private void* _state;
    private int _tasks;
    private int _next;
    private volatile bool _stop;

    /// <summary>A pool that runs loops on <paramref name="threads"/> threads, the caller's included.</summary>
    internal WorkerPool(int threads)
    {
        if (threads is < 1 or > 1024)
            throw new A2FException(A2FErrorCode.OutOfRange, $"threads: expected 1 to 1024, found {threads}");
        Threads = threads;
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"a2f worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads that take part, the caller's included.</summary>
    internal int Threads { get; }

    /// <summary>Calls body(state, task, worker) once for each task in 0..tasks-1 and returns when all are done. Bodies must not throw.</summary>
    internal void Run(int tasks, void* state, delegate*<void*, int, int, void> body)
    {
        int helpers = Math.Min(tasks, Threads) - 1;
        if (helpers <= 0)
        {
            for (int task = 0; task < tasks; task++) body(state, task, 0);
            return;
        }
        lock (_oneLoop)
        {
            _body = body;
            _state = state;
            _tasks = tasks;
            _next = 0;
            _start.Release(helpers);
            TakeTasks(0);
            // A helper that has not woken yet would find no task left, but it must be gone before the next loop changes the fields.
            for (int i = 0; i < helpers; i++) _finished.Wait();
        }
    }

    private void TakeTasks(int worker)
    {
        int tasks = _tasks;
        for (int task = Interlocked.Increment(ref _next) - 1; task < tasks; task = Interlocked.Increment(ref _next) - 1)
            _body(_state, task, worker);
    }

    private void Work(int worker)
    {
        while (true)
        {
            _start.Wait();
            if (_stop) return;
            TakeTasks(worker);
            _finished.Release();
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        if (_stop) return;
        _stop = true;
        if (_threads.Length > 0) _start.Release(_threads.Length);
        foreach (Thread thread in _threads) thread.Join();
        _start.Dispose();
        _finished.Dispose();
    }
}
