namespace A2F.Engine.Runtime;

/// <summary>Tells who got frames in a tick, after the tick: see <see cref="CharacterGroupOptions.FramesReady"/>.</summary>
internal sealed class FrameReports(Action<Character> report)
{
    private readonly Stack<List<Character>> _spare = []; // more than one is in use where ticks overlap reports

    /// <summary>Who has frames that nobody was told of. Within the group's lock.</summary>
    public List<Character> Take(List<Character> characters)
    {
        if (!_spare.TryPop(out List<Character>? news)) news = new List<Character>(characters.Count);
        for (int i = 0; i < characters.Count; i++)
        {
            if (!characters[i].HasNews) continue;
            characters[i].HasNews = false;
            news.Add(characters[i]);
        }
        return news;
    }

    /// <summary>Tells of them. Outside the group's lock.</summary>
    /// <param name="news">What <see cref="Take"/> returned.</param>
    /// <param name="sync">The group's lock.</param>
    public void Tell(List<Character> news, object sync)
    {
        int told = 0;
        try
        {
            while (told < news.Count)
            {
                Character character = news[told++];
                if (!character.IsRemoved) report(character);
            }
        }
        finally
        {
            lock (sync)
            {
                for (; told < news.Count; told++) news[told].HasNews = true; // the next tick tells of them
                news.Clear();
                _spare.Push(news);
            }
        }
    }
}
