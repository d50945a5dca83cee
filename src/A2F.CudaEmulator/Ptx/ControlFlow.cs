namespace A2F.CudaEmulator.Ptx;

/// <summary>
/// Where diverged lanes meet again: for each branch the first instruction of its block's immediate post-dominator.
/// </summary>
internal static class ControlFlow
{
    /// <summary>How an instruction leaves its place.</summary>
    /// <param name="Target">Branch target, or -1.</param>
    /// <param name="FallsThrough">Whether the next instruction may follow.</param>
    public readonly record struct Edge(int Target, bool FallsThrough);

    /// <summary>
    /// For each instruction that ends a block, the instruction at which its lanes reconverge; -1 for "only by exiting".
    /// A guarded exit is taken as falling through, since lanes that left never come back.
    /// </summary>
    public static int[] Reconvergence(Edge[] edges)
    {
        int n = edges.Length;
        int[] blockOf = Blocks(edges, out List<int> starts);
        int count = starts.Count, exit = count;
        List<int>[] successors = new List<int>[count + 1];
        for (int b = 0; b <= count; b++) successors[b] = [];
        int[] last = new int[count];
        for (int b = 0; b < count; b++)
        {
            last[b] = (b + 1 < count ? starts[b + 1] : n) - 1;
            Edge e = edges[last[b]];
            if (e.Target >= 0) successors[b].Add(e.Target < n ? blockOf[e.Target] : exit);
            if (e.FallsThrough) successors[b].Add(last[b] + 1 < n ? blockOf[last[b] + 1] : exit);
            if (successors[b].Count == 0) successors[b].Add(exit);
        }
        int[] post = PostDominators(successors, exit);
        int[] result = new int[n];
        Array.Fill(result, -1);
        for (int b = 0; b < count; b++)
            if (post[b] >= 0 && post[b] != exit) result[last[b]] = starts[post[b]];
        return result;
    }

    private static int[] Blocks(Edge[] edges, out List<int> starts)
    {
        bool[] leader = new bool[edges.Length + 1];
        leader[0] = true;
        for (int i = 0; i < edges.Length; i++)
        {
            if (edges[i].Target >= 0) leader[edges[i].Target] = true;
            if (edges[i].Target >= 0 || !edges[i].FallsThrough) leader[i + 1] = true;
        }
        starts = [];
        int[] blockOf = new int[edges.Length];
        for (int i = 0; i < edges.Length; i++)
        {
            if (leader[i]) starts.Add(i);
            blockOf[i] = starts.Count - 1;
        }
        return blockOf;
    }

    /// <summary>Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", on the reversed graph.</summary>
    private static int[] PostDominators(List<int>[] successors, int exit)
    {
        List<int>[] predecessors = new List<int>[exit + 1];
        for (int b = 0; b <= exit; b++) predecessors[b] = [];
        for (int b = 0; b < exit; b++)
            foreach (int s in successors[b]) predecessors[s].Add(b);

        int[] order = new int[exit + 1]; // position in the post-order of the reversed graph
        Array.Fill(order, -1);
        List<int> reversePostOrder = PostOrder(predecessors, exit, order);
        reversePostOrder.Reverse();
        int[] idom = new int[exit + 1];
        Array.Fill(idom, -1);
        idom[exit] = exit;
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int b in reversePostOrder)
            {
                if (b == exit) continue;
                int meet = -1;
                foreach (int s in successors[b])
                    if (idom[s] >= 0) meet = meet < 0 ? s : Intersect(idom, order, meet, s);
                if (meet == idom[b]) continue;
                idom[b] = meet;
                changed = true;
            }
        }
        return idom;
    }

    private static int Intersect(int[] idom, int[] order, int a, int b)
    {
        while (a != b)
        {
            while (order[a] < order[b]) a = idom[a];
            while (order[b] < order[a]) b = idom[b];
        }
        return a;
    }

    private static List<int> PostOrder(List<int>[] edges, int root, int[] order)
    {
        List<int> result = [];
        bool[] seen = new bool[edges.Length];
        Stack<(int Node, int Next)> stack = new();
        stack.Push((root, 0));
        seen[root] = true;
        while (stack.Count > 0)
        {
            (int node, int next) = stack.Pop();
            if (next < edges[node].Count)
            {
                stack.Push((node, next + 1));
                int child = edges[node][next];
                if (seen[child]) continue;
                seen[child] = true;
                stack.Push((child, 0));
                continue;
            }
            order[node] = result.Count;
            result.Add(node);
        }
        return result;
    }
}
