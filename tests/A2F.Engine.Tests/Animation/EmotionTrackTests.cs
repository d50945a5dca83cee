using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class EmotionTrackTests
{
    [Fact]
    public void Reads_give_the_recorded_emotions()
    {
        Golden recorded = Golden.File("emotion_accumulator.npz");
        long[] keys = recorded.Longs("key_timestamps");
        long[] queries = recorded.Longs("query_timestamps");
        long[] closed = recorded.Longs("query_closed");
        long[] ok = recorded.Longs("query_ok");
        EmotionTrack track = new(10);
        for (int i = 0; i < keys.Length; i++) track.Add(keys[i], recorded.Row("keys", i));
        float[] values = new float[10];
        for (int i = 0; i < queries.Length; i++)
        {
            if (closed[i] == 1 && !track.IsClosed) track.Close();
            Assert.Equal(ok[i] == 1, track.TryRead(queries[i], values));
            if (ok[i] == 1) Golden.AssertClose(recorded.Row("query_out", i), values, 1e-6, $"emotion at {queries[i]}");
            else Assert.Throws<A2FException>(() => track.Read(queries[i], values));
        }
    }

    [Fact]
    public void Keys_must_increase_fit_and_be_numbers()
    {
        EmotionTrack track = new(2);
        track.Add(5, [1, 2]);
        Assert.Throws<A2FException>(() => track.Add(5, [1, 2]));
        Assert.Throws<A2FException>(() => track.Add(4, [1, 2]));
        Assert.Throws<A2FException>(() => track.Add(6, [1]));
        Assert.Equal(A2FErrorCode.NotFinite, Assert.Throws<A2FException>(() => track.Add(6, [1, float.NaN])).Code);
        Assert.Equal(5, track.LastTimestamp);
        track.Close();
        Assert.Throws<A2FException>(() => track.Add(7, [1, 2]));
    }

    [Fact]
    public void An_empty_track_knows_nothing_and_can_not_be_closed()
    {
        EmotionTrack track = new(2);
        Assert.False(track.TryRead(0, new float[2]));
        Assert.Throws<A2FException>(track.Close);
    }

    [Fact]
    public void Dropping_keeps_what_later_times_need()
    {
        EmotionTrack track = new(1);
        for (int i = 0; i < 9; i++) track.Add(10 * i, [i]);
        float[] value = new float[1];
        track.DropBefore(35);
        track.Read(35, value);
        Assert.Equal(3.5f, value[0]);
        track.Read(80, value);
        Assert.Equal(8f, value[0]);
        Assert.Throws<A2FException>(() => track.Read(34, value));
    }

    [Fact]
    public void An_implicit_emotion_is_found_by_shot_and_frame()
    {
        Golden stored = Golden.File("model_regression/implicit_emo_db.npz");
        Assert.Equal(stored.Row("emo_db", 4 + 5), ImplicitEmotions.Row(Golden.ImplicitEmotions(), "angry_take2", 5).ToArray());
        Assert.Equal(A2FErrorCode.OutOfRange, Code(() => ImplicitEmotions.Row(Golden.ImplicitEmotions(), "angry_take2", 7)));
        Assert.Equal(A2FErrorCode.OutOfRange, Code(() => ImplicitEmotions.Row(Golden.ImplicitEmotions(), "angry_take2", -1)));
        Assert.Equal(A2FErrorCode.InvalidArgument, Code(() => ImplicitEmotions.Row(Golden.ImplicitEmotions(), "angry", 0)));

        static A2FErrorCode Code(Action action) => Assert.Throws<A2FException>(action).Code;
    }
}
