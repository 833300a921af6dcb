using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Simulations;

/// <summary>
/// A worker that does what real ones do, in virtual time: holds up to two leases, fetches the inputs of the next task and sends the outputs of
/// the last one while it computes, sends heartbeats, ends suddenly, and leaves in good order.
/// </summary>
internal sealed class SimulatedWorker
{
    private const double WorthHandingOver = 0.2;

    private readonly FleetSimulation _fleet;
    private readonly SimulatedWorkers _kind;
    private readonly RandomStream _random;
    private readonly double _flops;
    private readonly double _outerFlops;
    private readonly long _memory;
    private readonly int _slots;
    private readonly bool _isLocal;
    private readonly SimulatedLink _down;
    private readonly SimulatedLink _up;
    private readonly List<SimulatedJob> _jobs = [];
    private readonly SimulatedCache _cache;
    private readonly TimeSpan _dayStarts;
    private TimeSpan _accounted;
    private long _incarnation;
    private long _request;
    private int _life;
    private bool _isOnline;
    private bool _isLeaving;
    private bool _beats;

    private SimulatedWorker(FleetSimulation fleet, string name, SimulatedWorkers kind, RandomStream random, double flops, double outerFlops, double memoryGigabytes, bool isLocal)
    {
        (_fleet, _kind, _random, _flops, _outerFlops, _isLocal) = (fleet, kind, random, flops, outerFlops, isLocal);
        Id = new WorkerId(name);
        _memory = (long)(memoryGigabytes * 1e9);
        _slots = isLocal ? 1 : 2;
        _down = new SimulatedLink(isLocal ? double.PositiveInfinity : kind.DownloadMegabits);
        _up = new SimulatedLink(isLocal ? double.PositiveInfinity : kind.UploadMegabits);
        _cache = new SimulatedCache(isLocal ? double.PositiveInfinity : kind.CacheGigabytes * 1e9);
        _dayStarts = TimeSpan.FromHours(24 * random.NextDouble());
    }

    public WorkerId Id { get; }

    public WorkerTimes Times { get; } = new();

    /// <summary>Whether it could take another task.</summary>
    public bool HasRoom => _isOnline && !_isLeaving && _jobs.Count < _slots;

    /// <summary>Floating-point operations per second in training.</summary>
    public double FlopsPerSecond => _flops;

    private TimeSpan Now => _fleet.Clock.Elapsed;

    private TimeSpan Latency => _isLocal ? TimeSpan.Zero : TimeSpan.FromMilliseconds(_kind.LatencyMilliseconds);

    /// <summary>A worker somewhere.</summary>
    public static SimulatedWorker Remote(FleetSimulation fleet, int number, Simulation simulation)
    {
        RandomStream random = new(simulation.Seed, "simulated-worker", number);
        SimulatedWorkers kind = simulation.Worker;
        double speed = kind.FlopsPerSecond * Math.Exp(kind.SpeedSpread * random.NextGaussian());
        return new SimulatedWorker(fleet, FormattableString.Invariant($"worker-{number:00000}"), kind, random, speed, simulation.Silo.FlopsPerSecond, kind.MemoryGigabytes, isLocal: false);
    }

    /// <summary>A worker beside the store.</summary>
    public static SimulatedWorker Local(FleetSimulation fleet, int number, Simulation simulation)
    {
        SimulatedWorkers always = new() { HoursADay = 24, HoursBetweenFailures = 0 };
        return new SimulatedWorker(
            fleet, FormattableString.Invariant($"silo-{number:00000}"), always, new RandomStream(simulation.Seed, "simulated-silo", number),
            simulation.Silo.FlopsPerSecond, simulation.Silo.FlopsPerSecond, simulation.Silo.MemoryGigabytes, isLocal: true);
    }

    /// <summary>Begins the worker's days.</summary>
    public void Start()
    {
        if (_kind.HoursADay >= 24)
        {
            Come();
            return;
        }

        TimeSpan length = TimeSpan.FromHours(_kind.HoursADay);
        TimeSpan sinceYesterday = TimeSpan.FromHours(24) - _dayStarts;
        if (sinceYesterday < length)
        {
            Come();
            _fleet.Clock.After(length - sinceYesterday, Leave);
        }
        else
        {
            Account();
        }

        PlanDay(_dayStarts, length);
    }

    /// <summary>Asks for a task if it has room for one.</summary>
    /// <returns>Whether it got one.</returns>
    public bool Ask()
    {
        if (!HasRoom || _fleet.Lease(new LeaseRequest(Id, _incarnation, _request, _cache.TakeNews())) is not { } grant)
        {
            return false;
        }

        _request++;
        Account();
        SimulatedJob job = new(_fleet.TaskOf(grant.Demand.Key), grant);
        _jobs.Add(job);
        double missing = _cache.Missing(grant.Demand.Inputs) + (grant.Continuation is null ? 0 : job.Task.StateBytes);
        TimeSpan arrival = missing > 0 ? SimulatedLink.Send(_down, _fleet.StoreOut, _isLocal ? 0 : missing, Now + Latency + Latency, Latency) : Now + Latency + Latency;
        Later(arrival, () =>
        {
            if (_jobs.Contains(job))
            {
                Account();
                _cache.Add(grant.Demand.Inputs);
                job.Stage = JobStage.Ready;
                Compute();
            }
        });
        Beat();
        return true;
    }

    /// <summary>Time up to now goes to what the worker has been doing.</summary>
    public void Account()
    {
        TimeSpan spent = Now - _accounted;
        _accounted = Now;
        if (!_isOnline)
        {
            Times.Away += spent;
        }
        else if (_jobs.Any(job => job.Stage == JobStage.Computing))
        {
            Times.Computing += spent;
        }
        else if (_jobs.Any(job => job.Stage == JobStage.Downloading))
        {
            Times.Downloading += spent;
        }
        else if (_jobs.Count == _slots)
        {
            Times.Uploading += spent;
        }
        else
        {
            Times.Idle += spent;
        }
    }

    private void PlanDay(TimeSpan starts, TimeSpan length) => _fleet.Clock.At(starts, () =>
    {
        Come();
        _fleet.Clock.After(length, Leave);
        PlanDay(starts + TimeSpan.FromHours(24), length);
    });

    private void Come()
    {
        if (_isOnline)
        {
            // Back from an end in the night before its day began; or its day begins while it still says good-bye.
            return;
        }

        Account();
        (_isOnline, _isLeaving, _beats) = (true, false, false);
        _life++;
        _incarnation++;
        _request = 1;
        _fleet.Register(new WorkerCapabilities(Id, _incarnation, "simulated", _memory, _flops, SimulationNames.Fingerprint, _slots, _isLocal));
        _cache.SayAll();
        if (_kind.HoursBetweenFailures > 0)
        {
            Later(Now + Exponential(TimeSpan.FromHours(_kind.HoursBetweenFailures)), Fail);
        }

        _fleet.WakeAll();
    }

    /// <summary>Ends without a word: what it computed is lost, what it has on its disk is not.</summary>
    private void Fail()
    {
        _fleet.Failures++;
        Gone();
        _fleet.Clock.After(Exponential(TimeSpan.FromMinutes(_kind.MinutesAway)), () =>
        {
            if (IsDay)
            {
                Come();
            }
        });
    }

    /// <summary>Leaves in good order: hands over what is worth it and can be sent in time.</summary>
    private void Leave()
    {
        if (!_isOnline)
        {
            return;
        }

        TimeSpan end = Now + TimeSpan.FromMinutes(_kind.GraceMinutes);
        _isLeaving = true;
        foreach (SimulatedJob job in _jobs.Where(job => job.Stage != JobStage.Uploading).ToArray())
        {
            long steps = job.StepsAt(Now);
            bool isWorthIt = job.Stage == JobStage.Computing && job.Task.Demand.Divisible && job.FractionAt(Now) >= WorthHandingOver && steps > 0;
            TimeSpan sent = isWorthIt ? SimulatedLink.Send(_up, _fleet.StoreIn, job.Task.StateBytes, Now, Latency) : Now;
            Account();
            if (job.Stage == JobStage.Computing)
            {
                _fleet.Computed(job.Task, isWorthIt && sent <= end ? (steps / (double)job.Task.Steps) - job.First : 0, job.FractionAt(Now) - job.First);
            }

            _jobs.Remove(job);
            if (isWorthIt && sent <= end)
            {
                _fleet.HandOvers++;
                Later(sent + Latency, () => _fleet.HandBack(Id, job, job.ContinuationAt(steps)));
            }
            else
            {
                _fleet.HandBack(Id, job, null);
            }
        }

        Later(end, () =>
        {
            foreach (SimulatedJob job in _jobs.ToArray())
            {
                _fleet.HandBack(Id, job, null);
            }

            _fleet.LeaveCluster(Id, _incarnation);
            Gone();
        });
    }

    private void Gone()
    {
        Account();
        foreach (SimulatedJob job in _jobs)
        {
            _fleet.Computed(job.Task, useful: 0, job.FractionAt(Now) - job.First);
        }

        _jobs.Clear();
        _down.Clear(Now);
        _up.Clear(Now);
        (_isOnline, _isLeaving) = (false, false);
        _life++;
    }

    private bool IsDay => _kind.HoursADay >= 24
        || ((((Now - _dayStarts).TotalHours % 24) + 24) % 24) < _kind.HoursADay;

    private void Compute()
    {
        if (_jobs.Any(job => job.Stage == JobStage.Computing) || _jobs.FirstOrDefault(job => job.Stage == JobStage.Ready) is not { } next)
        {
            return;
        }

        Account();
        double rate = next.Task.Demand.Divisible ? _flops : _outerFlops;
        (next.Stage, next.Began, next.Seconds) = (JobStage.Computing, Now, next.Task.Demand.Flops * (next.Last - next.First) / rate);
        Later(Now + TimeSpan.FromSeconds(next.Seconds), () =>
        {
            if (_jobs.Contains(next))
            {
                Send(next);
            }
        });
    }

    private void Send(SimulatedJob job)
    {
        Account();
        job.Stage = JobStage.Uploading;
        double bytes = _isLocal ? 0 : job.IsPart ? job.Task.StateBytes : job.Task.OutputBytes;
        TimeSpan arrival = SimulatedLink.Send(_up, _fleet.StoreIn, bytes, Now, Latency) + Latency;
        Later(arrival, () =>
        {
            if (!_jobs.Remove(job))
            {
                return;
            }

            if (job.IsPart)
            {
                _fleet.HandOvers++;
                _fleet.Computed(job.Task, job.Last - job.First, job.Last - job.First);
                _fleet.HandBack(Id, job, job.ContinuationAt((long)Math.Round(job.Last * job.Task.Steps)));
            }
            else
            {
                _cache.Add(job.Task.Outputs.Values);
                _fleet.Complete(Id, _incarnation, job);
            }

            Account();
            _fleet.Wake(this);
        });
        Compute();
    }

    private void Beat()
    {
        if (_beats)
        {
            return;
        }

        _beats = true;
        Later(Now + _fleet.HeartbeatEvery, () =>
        {
            _beats = false;
            foreach (SimulatedJob job in _jobs.ToArray())
            {
                TimeSpan elapsed = job.Stage is JobStage.Computing ? Now - job.Began : TimeSpan.FromSeconds(job.Stage == JobStage.Uploading ? job.Seconds : 0);
                HeartbeatReply reply = _fleet.Heartbeat(new Heartbeat(Id, _incarnation, job.Lease, job.Task.Demand.Key, job.FractionAt(Now), elapsed, _cache.TakeNews()));
                job.Lease = reply.Lease;
                if (reply.Verdict == HeartbeatVerdict.Lost)
                {
                    Account();
                    _fleet.Computed(job.Task, useful: 0, job.FractionAt(Now) - job.First);
                    _jobs.Remove(job);
                }
            }

            Compute();
            if (_jobs.Count > 0)
            {
                Beat();
            }

            _fleet.Wake(this);
        });
    }

    /// <summary>Plans something that does not happen if the worker's life ends before.</summary>
    private void Later(TimeSpan at, Action happens)
    {
        int life = _life;
        _fleet.Clock.At(at, () =>
        {
            if (life == _life)
            {
                happens();
            }
        });
    }

    private TimeSpan Exponential(TimeSpan mean) => mean * -Math.Log(1 - _random.NextDouble());
}
