using TorchSharp;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>One unit of a task, for whoever of the team takes it.</summary>
/// <param name="Unit">Which.</param>
/// <param name="Next">Which the same member takes afterwards; where there is none any more, a number past the last.</param>
/// <param name="Member">Who.</param>
internal readonly record struct Share(int Unit, int Next, int Member);

/// <summary>
/// Threads that work through the units of one task after another and stay awake in between: a forward of one image is a hundred tasks of a
/// third of a millisecond. The thread pool would take a good part of that to wake its threads, and OpenMP's threads, libtorch's, keep a
/// core busy for some milliseconds after each of their own tasks, so that the two do not go together within a forward.
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
    /// Calls as many threads as libtorch may use (<see cref="torch.set_num_threads"/>), the caller's among them. Where another forward has
    /// the team, the caller works alone: the cores are busy as it is.
    /// </summary>
    internal static Session Begin()
    {
        int members = Math.Max(1, torch.get_num_threads());
        if (members == 1 || !Monitor.TryEnter(Shared)) return new Session(null);
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

    /// <summary>Where a thread comes late, the others have done its units: nobody waits for one that has not begun.</summary>
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
                    Interlocked.CompareExchange(ref _failure, failure, null); // thrown by the thread that began, once all have ended
                }
                finally
                {
                    Interlocked.Decrement(ref _inside);
                }
            }
            call.Reset();
            if (_working) call.Set(); // called again in between
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

    /// <summary>The team for the time of a forward.</summary>
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
