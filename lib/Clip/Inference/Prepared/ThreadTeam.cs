namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>One unit of a task, taken by a member of the team.</summary>
/// <param name="Unit">The unit's number.</param>
/// <param name="Next">The number of the unit that the same member takes next; past the last one if none is left.</param>
/// <param name="Member">The member's number; 0 is the caller.</param>
internal readonly record struct Share(int Unit, int Next, int Member);

/// <summary>
/// Threads that work through one task after another, unit by unit, and stay awake in between: the forward of one image is about a hundred
/// tasks of a third of a millisecond each. The thread pool would need a good part of that time to wake its threads. libtorch's OpenMP
/// threads keep a core busy for some milliseconds after each of their tasks, so a forward must not use both.
/// </summary>
internal sealed class ThreadTeam
{
    private const int Closed = 1 << 30;

    private static readonly ThreadTeam Shared = new();

    private readonly List<ManualResetEventSlim> _calls = [];
    private Action<Share>? _task;
    private Exception? _failure;
    private int _others, _units, _taken, _round, _inside = Closed;
    private volatile bool _working;

    /// <summary>
    /// Wakes so many threads, counting the caller's. While another forward uses the team, the caller works alone: the cores are busy
    /// anyway.
    /// </summary>
    internal static Session Begin(int members)
    {
        if (members <= 1 || !Monitor.TryEnter(Shared)) return new Session(null);
        Shared.Call(members - 1);
        return new Session(Shared);
    }

    private void Call(int others)
    {
        (_others, _working) = (others, true);
        while (_calls.Count < others)
        {
            var call = new ManualResetEventSlim(false, spinCount: 0);
            int member = _calls.Count + 1;
            _calls.Add(call);
            new Thread(() => Serve(member, call)) { IsBackground = true, Name = $"CLIP forward {member}" }.Start();
        }
        for (int i = 0; i < others; i++) _calls[i].Set();
    }

    private void Run(int units, Action<Share> task)
    {
        (_task, _units, _taken, _failure) = (task, units, 0, null);
        Volatile.Write(ref _inside, 0);
        Interlocked.Increment(ref _round);
        try
        {
            TakeUnits(0);
        }
        finally
        {
            Interlocked.Or(ref _inside, Closed);
            for (var wait = new SpinWait(); Volatile.Read(ref _inside) != Closed;) wait.SpinOnce(sleep1Threshold: -1);
        }
        if (_failure is not { } failure) return;
        throw new InvalidOperationException("A thread of the forward failed.", failure);
    }

    /// <summary>
    /// The loop of a member's thread. If a thread wakes late, the others do its units: nobody waits for a thread that has not begun.
    /// </summary>
    private void Serve(int member, ManualResetEventSlim call)
    {
        for (int seen = 0; ;)
        {
            call.Wait();
            for (int idle = 0; _working;)
            {
                int round = Volatile.Read(ref _round);
                if (round == seen || !TryEnter())
                {
                    if (++idle % 256 == 0) Thread.Yield();
                    else Thread.SpinWait(1);
                    continue;
                }
                (seen, idle) = (round, 0);
                try
                {
                    if (member <= _others) TakeUnits(member);
                }
                catch (Exception failure)
                {
                    Interlocked.CompareExchange(ref _failure, failure, null); // thrown in the caller's thread, once all have ended
                }
                finally
                {
                    Interlocked.Decrement(ref _inside);
                }
            }
            call.Reset();
            if (_working) call.Set(); // woken again in the meantime
        }
    }

    private bool TryEnter()
    {
        for (int inside = Volatile.Read(ref _inside); inside < Closed;)
        {
            int found = Interlocked.CompareExchange(ref _inside, inside + 1, inside);
            if (found == inside) return true;
            inside = found;
        }
        return false;
    }

    private void TakeUnits(int member)
    {
        for (int unit = Interlocked.Increment(ref _taken) - 1, next; unit < _units; unit = next)
        {
            next = Interlocked.Increment(ref _taken) - 1;
            _task!(new Share(unit, next, member));
        }
    }

    /// <summary>The use of the team for one forward.</summary>
    internal sealed class Session(ThreadTeam? team) : IDisposable
    {
        /// <summary>Does all units of a task, in any order, and returns when they are done.</summary>
        internal void For(int units, Action<Share> task)
        {
            if (team is not null && units > 1) team.Run(units, task);
            else for (int unit = 0; unit < units; unit++) task(new Share(unit, unit + 1, 0));
        }

        public void Dispose()
        {
            if (team is null) return;
            (team._task, team._working) = (null, false);
            Monitor.Exit(team);
        }
    }
}
