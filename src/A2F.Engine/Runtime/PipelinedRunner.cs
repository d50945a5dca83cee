using A2F.Engine.Animation;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>
/// Runs windows on a GPU without waiting for it. A batch goes through one of two or more slots: inputs and parameters go up on one stream, the network
/// and the animation stage run on the model's, what comes of them comes down on a third, each behind the last by an event. So the copies of a
/// batch, and the host's share of it, overlap the kernels of another. Rows of network output never leave the device.
/// </summary>
internal sealed class PipelinedRunner : WindowRunner
{
    private readonly VoiceNetwork _voices;
    private readonly IBatchNetwork _network;
    private readonly CudaDeviceWorker _model;
    private readonly CudaFaceStage _stage;
    private readonly CudaDeviceWorker _worker;
    private readonly string _advice;
    private readonly CudaSlots _slots;
    private readonly Batch[] _batches; // one a slot
    private readonly FaceCharacter[] _faces;
    private readonly int[] _rows, _tiles;
    private readonly long[] _numbers;
    private readonly FaceFrames _frames;
    private readonly GpuShare _share;

    /// <summary>What is under way in a slot.</summary>
    private sealed class Batch(CudaSlot slot, int most, int frames)
    {
        internal CudaSlot Slot { get; } = slot;

        internal Character[] Characters { get; } = new Character[most];

        /// <summary>Number of the track of each.</summary>
        internal int[] Tracks { get; } = new int[most];

        /// <summary>One past the last sample that the window of each reads.</summary>
        internal long[] Ends { get; } = new long[most];

        /// <summary>Place of the first reported frame of each among those of its window, and their number.</summary>
        internal (int First, int Count)[] Reported { get; } = new (int, int)[most];

        /// <summary>[character, frame]: times of the reported frames.</summary>
        internal long[] Timestamps { get; } = new long[most * frames];

        internal int Count { get; set; }

        /// <summary>Floats of all frames; what windows hand on comes behind them.</summary>
        internal int Results { get; set; }

        internal float Estimated { get; set; }
    }

    /// <summary>A runner on a model and a stage on the stream of the model, neither of which it owns.</summary>
    /// <exception cref="A2FException">The device has too little memory, or fails.</exception>
    internal PipelinedRunner(VoiceNetwork voices, CudaFaceStage stage, bool vertices, GpuShare share)
    {
        (CudaOperators operators, _network) = voices.OnGpu!.Value;
        (_voices, _stage, _share) = (voices, stage, share);
        (_model, _worker) = ((CudaDeviceWorker)operators.Worker, (CudaDeviceWorker)stage.Worker);
        _advice = ModelChecks.AdviceFor(operators);
        MostBatch = Math.Min(stage.Options.Capacity, _network.MaxBatch);
        int frames = voices.MostFrames;
        (_faces, _rows, _numbers, _tiles) = (new FaceCharacter[MostBatch], new int[MostBatch], new long[MostBatch], new int[frames]);
        _frames = new FaceFrames(voices.Rigs[0], MostBatch, vertices);
        int inputs = checked(_network.Inputs.Sum(t => Aligned(MostBatch * Length(t))) + frames * Aligned(stage.ParametersRoom(MostBatch)));
        int outputs = checked(Aligned(frames * MostBatch * stage.Operators.ResultsLength) + _network.Outputs.Skip(1).Sum(t => MostBatch * Length(t)));
        _slots = new CudaSlots(_worker, (stage.Options.Capacity + MostBatch - 1) / MostBatch, inputs, outputs);
        _batches = new Batch[_slots.Count];
        for (int i = 0; i < _batches.Length; i++) _batches[i] = new Batch(_slots[i], MostBatch, frames);
    }

    public override int MostBatch { get; }

    public override bool HasRoom => _slots.HasRoom && _share.Allows;

    public override void Begin(IReadOnlyList<Character> characters)
    {
        Batch batch = _batches[_slots.Next];
        lock (_voices.Gate)
        {
            int floats = Gather(batch, characters);
            if (batch.Count == 0) return;
            try
            {
                using CudaContext.Scope scope = _worker.Enter();
                Enqueue(batch, characters.Count, floats);
            }
            catch (A2FException e)
            {
                GiveUp(batch, e);
                return;
            }
        }
        batch.Estimated = _share.Begin(batch.Count);
        _slots.Advance();
    }

    // Writes what the network reads; those with whom it goes wrong are stopped and left out. Returns the floats.
    private int Gather(Batch batch, IReadOnlyList<Character> characters)
    {
        batch.Count = 0;
        for (int i = 0; i < characters.Count; i++)
        {
            Character character = characters[i];
            int place = batch.Count;
            try
            {
                int offset = 0;
                for (int input = 0; input < _network.Inputs.Count; input++)
                {
                    int length = Length(_network.Inputs[input]);
                    Span<float> row = batch.Slot.Input.Slice(offset + place * length, length);
                    character.Voice.ReadInput(input, row);
                    if (_voices.InputNames[input] is { } name) ModelChecks.Finite(name, row, length);
                    offset += Aligned(characters.Count * length);
                }
            }
            catch (A2FException e)
            {
                character.Fail(e);
                continue;
            }
            (batch.Characters[place], batch.Tracks[place], batch.Ends[place]) = (character, character.Track, character.Voice.NextEnd);
            batch.Reported[place] = character.Voice.ReadTimestamps(batch.Timestamps.AsSpan(place * _voices.MostFrames, _voices.MostFrames));
            batch.Count++;
        }
        int floats = 0;
        for (int input = 0; input < _network.Inputs.Count; input++) floats += Aligned(characters.Count * Length(_network.Inputs[input]));
        return floats;
    }

    private void Enqueue(Batch batch, int room, int floats)
    {
        int first = floats;
        CudaStream compute = _model.Stream;
        for (int frame = 0; frame < _voices.MostFrames; frame++)
        {
            int count = Members(batch, frame);
            if (count == 0) break;
            _tiles[frame] = _stage.Prepare(_faces.AsSpan(0, count), batch.Slot.Input[floats..], _rows, _numbers);
            floats += Aligned(_stage.ParametersRoom(count));
        }
        batch.Slot.Upload(floats, _slots.Up, compute);
        ulong source = batch.Slot.InputAddress;
        for (int i = 0; i < _network.Inputs.Count; i++)
        {
            Tensor input = _network.Inputs[i];
            _model.Copy((ulong)input.Address, source, batch.Count * Length(input));
            source += (ulong)Aligned(room * Length(input)) * sizeof(float);
        }
        _network.Launch(batch.Count);
        ulong parameters = batch.Slot.InputAddress + (ulong)first * sizeof(float), results = batch.Slot.OutputAddress;
        int length = 0;
        for (int frame = 0; frame < _voices.MostFrames; frame++)
        {
            int count = Members(batch, frame);
            if (count == 0) break;
            _stage.Enqueue(count, _tiles[frame], new FaceAddresses(parameters, (ulong)_network.Outputs[0].Address, results));
            parameters += (ulong)Aligned(_stage.ParametersRoom(count)) * sizeof(float);
            results += (ulong)(count * _stage.Operators.ResultsLength) * sizeof(float);
            length += count * _stage.Operators.ResultsLength;
        }
        batch.Results = length;
        for (int i = 1; i < _network.Outputs.Count; i++)
        {
            int state = batch.Count * Length(_network.Outputs[i]);
            _model.Copy(results, (ulong)_network.Outputs[i].Address, state);
            results += (ulong)state * sizeof(float);
            length += state;
        }
        batch.Slot.Download(length, compute, _slots.Down);
        for (int i = 0; i < batch.Count; i++)
        {
            Character character = batch.Characters[i];
            character.Voice.Begin();
            character.UnderWay++;
            character.FramesBegun += batch.Reported[i].Count;
        }
    }

    // Faces, rows and numbers of the characters with a frame of this number; returns how many there are.
    private int Members(Batch batch, int frame)
    {
        int count = 0;
        for (int i = 0; i < batch.Count; i++)
        {
            (int first, int reported) = batch.Reported[i];
            if (frame >= reported) continue;
            _faces[count] = batch.Characters[i].Face;
            _rows[count] = i * _voices.MostFrames + first + frame;
            _numbers[count++] = batch.Characters[i].FramesBegun + frame;
        }
        return count;
    }

    public override void Collect(bool wait)
    {
        for (int at = _slots.Oldest; at >= 0; at = _slots.Oldest)
        {
            Batch batch = _batches[at];
            try
            {
                using CudaContext.Scope scope = _worker.Enter();
                if (wait) batch.Slot.Wait();
                else if (!batch.Slot.IsFinished) return; // and so are those that began later
                _share.End(batch.Estimated, batch.Count, batch.Slot);
            }
            catch (A2FException e)
            {
                GiveUp(batch, e);
                continue;
            }
            Publish(batch);
            batch.Slot.Free();
        }
    }

    private void Publish(Batch batch)
    {
        ReadOnlySpan<float> output = batch.Slot.Output;
        int length = _network.Outputs.Count > 1 ? Length(_network.Outputs[1]) : 0;
        for (int i = 0; i < batch.Count; i++)
        {
            if (!IsWanted(batch, i)) continue;
            Character character = batch.Characters[i];
            character.UnderWay--;
            ReadOnlySpan<float> state = output.Slice(batch.Results + i * length, length);
            if (Finite.IndexOfBad(state) >= 0) character.Fail(NotFinite("state after a window"));
            else character.Voice.End(state);
        }
        for (int frame = 0; frame < _voices.MostFrames; frame++)
        {
            int count = 0;
            for (int i = 0; i < batch.Count; i++)
            {
                if (frame < batch.Reported[i].Count) _rows[count++] = i;
            }
            if (count == 0) return;
            ReadOnlySpan<float> block = output[..(count * _stage.Operators.ResultsLength)];
            output = output[block.Length..];
            bool bad = Finite.IndexOfBad(block) >= 0;
            _stage.Take(block, _frames, 0, count);
            for (int at = 0; at < count; at++)
            {
                int i = _rows[at];
                if (!IsWanted(batch, i)) continue;
                if (bad && !IsFinite(at)) batch.Characters[i].Fail(NotFinite("a frame"));
                else batch.Characters[i].Publish(_frames, at, batch.Timestamps[i * _voices.MostFrames + frame], batch.Ends[i]);
            }
        }
    }

    private static bool IsWanted(Batch batch, int i)
    {
        Character character = batch.Characters[i];
        return !character.IsRemoved && character.Error is null && character.Track == batch.Tracks[i];
    }

    private bool IsFinite(int frame) =>
        Finite.IndexOfBad(FaceFrames.Row(_frames.SkinWeights, frame, _frames.SkinWeightCount)) < 0
        && Finite.IndexOfBad(FaceFrames.Row(_frames.TongueWeights, frame, _frames.TongueWeightCount)) < 0
        && Finite.IndexOfBad(FaceFrames.Row(_frames.Jaw, frame, 16)) < 0
        && Finite.IndexOfBad(FaceFrames.Row(_frames.Eyes, frame, 6)) < 0
        && Finite.IndexOfBad(FaceFrames.Row(_frames.SkinVertices, frame, 3 * _frames.SkinVertexCount)) < 0
        && Finite.IndexOfBad(FaceFrames.Row(_frames.TongueVertices, frame, 3 * _frames.TongueVertexCount)) < 0;

    private A2FException NotFinite(string what) =>
        new(A2FErrorCode.NotFinite, $"{what} is not finite: the network's output is beyond what a face can be made of{_advice}");

    // The device refused the batch, or failed with it: its characters stop.
    private void GiveUp(Batch batch, A2FException error)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            if (IsWanted(batch, i)) batch.Characters[i].Fail(error);
        }
        lock (_voices.Gate) _slots.GiveUp(batch.Slot);
    }

    // Floats of one window.
    private static int Length(Tensor t) => t.Rows * t.Columns;

    private static int Aligned(int floats) => (floats + 63) / 64 * 64;

    public override void Dispose()
    {
        lock (_voices.Gate) _slots.Dispose();
    }
}
