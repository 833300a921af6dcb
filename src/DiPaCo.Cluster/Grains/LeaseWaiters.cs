using DiPaCo.Runtime.Rules;

namespace DiPaCo.Cluster;

/// <summary>
/// Workers whose question for a task waits for an answer. They are asked again a few at a time, the one whose turn was longest ago first: a cluster of
/// ten thousand must not look at all of them whenever anything happens. The few that outer steps are left to are asked before them.
/// </summary>
/// <param name="answer">Asks the rules; whether that is an answer.</param>
/// <param name="isFirst">Whether a question comes from one of those few.</param>
internal sealed class LeaseWaiters(Func<LeaseRequest, (LeaseReply Reply, bool IsAnswer)> answer, Func<LeaseRequest, bool> isFirst)
{
    private readonly LinkedList<Waiter> _first = [];
    private readonly LinkedList<Waiter> _waiting = [];
    private bool _isAsking;

    /// <summary>How many wait.</summary>
    public int Count => _first.Count + _waiting.Count;

    /// <summary>Waits for an answer, until patience ends or the worker is gone.</summary>
    /// <param name="request">The question.</param>
    /// <param name="patience">How long to wait at most.</param>
    /// <param name="time">Measures that.</param>
    /// <param name="gone">Whether anybody still wants the answer.</param>
    /// <returns>The last reply.</returns>
    public async Task<LeaseReply> AnswerAsync(LeaseRequest request, TimeSpan patience, TimeProvider time, CancellationToken gone)
    {
        (LeaseReply reply, bool isAnswer) = answer(request);
        if (isAnswer)
        {
            return reply;
        }

        Waiter waiter = new(request, reply);
        (isFirst(request) ? _first : _waiting).AddLast(waiter.Place);
        await waiter.Answered.Task.WaitAsync(patience, time, gone)
            .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        waiter.Place.List?.Remove(waiter.Place);
        return waiter.Reply;
    }

    /// <summary>Asks again.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="isDone">Whether nobody else need be asked: of those that go first (true), of the others.</param>
    public void Ask(int most, Func<bool, bool> isDone)
    {
        if (_isAsking)
        {
            // What an answer brings about is looked at by whoever asks already.
            return;
        }

        _isAsking = true;
        try
        {
            int asked = Ask(_first, most, () => isDone(true));
            Ask(_waiting, most - asked, () => isDone(false));
        }
        finally
        {
            _isAsking = false;
        }
    }

    private int Ask(LinkedList<Waiter> waiting, int most, Func<bool> isDone)
    {
        int asked = 0;
        for (int left = Math.Min(most, waiting.Count); left > 0 && waiting.First is { } place && !isDone(); left--)
        {
            asked++;
            (place.Value.Reply, bool isAnswer) = answer(place.Value.Request);
            waiting.RemoveFirst();
            if (isAnswer)
            {
                place.Value.Answered.SetResult();
            }
            else
            {
                waiting.AddLast(place);
            }
        }

        return asked;
    }

    private sealed class Waiter
    {
        public Waiter(LeaseRequest request, LeaseReply reply)
        {
            Request = request;
            Reply = reply;
            Place = new LinkedListNode<Waiter>(this);
        }

        public LeaseRequest Request { get; }

        public LeaseReply Reply { get; set; }

        public LinkedListNode<Waiter> Place { get; }

        public TaskCompletionSource Answered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
