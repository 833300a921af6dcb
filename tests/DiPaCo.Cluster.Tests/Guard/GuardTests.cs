using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Cluster.Tests.Guard;

/// <summary>What workers deliver is looked at before it counts.</summary>
public sealed class GuardTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ThreeBadResults_QuarantineTheirWorker_AndTheTasksEndAsTheyShould()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        TrainSpec[] paths = [.. Enumerable.Range(0, 4).Select(silo.PathOf)];
        await RegisterAsync(silo, "good", "bad");
        Task<TaskResult>[] wanted = await OrderAsync(silo, paths);

        LeasedTask first = await silo.LeaseAsync("good", 1, Cancellation);
        Assert.Equal(CompletionVerdict.Taken, (await silo.DeliverAsync("good", first, await HonestAsync(silo, first, paths), Cancellation)).Verdict);
        Func<TaskResult, Task<TaskResult>>[] faults = [result => WithNaNAsync(silo, result), WithWrongShape, result => WithHugeDeltaAsync(silo, result)];
        List<string> reasons = [];
        for (int i = 0; i < faults.Length; i++)
        {
            LeasedTask leased = await silo.LeaseAsync("bad", i + 1, Cancellation);
            DeliveryOutcome outcome = await silo.DeliverAsync("bad", leased, await faults[i](await HonestAsync(silo, leased, paths)), Cancellation);
            Assert.Equal(CompletionVerdict.Refused, outcome.Verdict);
            reasons.Add(outcome.Reason);
        }

        Assert.Contains("not finite", reasons[0], StringComparison.Ordinal);
        Assert.Contains("tensor", reasons[1], StringComparison.Ordinal);
        Assert.Contains("times the median", reasons[2], StringComparison.Ordinal);
        WorkerStatus bad = await silo.StatusOfAsync("bad");
        Assert.Equal(3, bad.Refused);
        Assert.Contains("Quarantined", bad.State, StringComparison.Ordinal);
        Assert.Equal(3, (await silo.Dispatcher.StatusAsync()).Tasks.Count(task => task.LastFailure is not null));
        for (int number = 2; number <= 4; number++)
        {
            LeasedTask again = await silo.LeaseAsync("good", number, Cancellation);
            Assert.Equal(CompletionVerdict.Taken, (await silo.DeliverAsync("good", again, await HonestAsync(silo, again, paths), Cancellation)).Verdict);
        }

        TaskResult[] results = await Task.WhenAll(wanted);
        for (int path = 0; path < paths.Length; path++)
        {
            Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>((await silo.ComputeAsync(paths[path], Cancellation)).Outputs, results[path].Outputs);
        }
    }

    [Fact]
    public async Task AnOptimizerThatIsNotFinite_AnOutputTooMany_AndOtherMetrics_AreRefused()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        TaskResult honest = await silo.ComputeAsync(silo.Spec, Cancellation);
        ResultGuard guard = new(silo.Lab.Store);

        foreach ((TaskResult bad, string expected) in new (TaskResult, string)[]
        {
            (honest with { Outputs = honest.Outputs.SetItem(TrainSpec.OptimizerOutput, honest.Outputs["lower"]) }, "tensor"),
            (honest with { Outputs = honest.Outputs.Add("another", honest.Outputs["lower"]) }, "another"),
            (honest with { Outputs = honest.Outputs.Remove("upper") }, "expected: lower, optimizer, upper"),
            (honest with { Metrics = honest.Metrics.Replace("\"steps\":7", "\"steps\":6", StringComparison.Ordinal) }, "over 7 steps"),
            (honest with { Metrics = "{" }, "JSON"),
        })
        {
            GuardFinding finding = await guard.LookAsync(silo.Spec, bad.Outputs, bad.Metrics, Cancellation);
            Assert.Contains(expected, finding.Invalid, StringComparison.Ordinal);
        }

        TaskResult missing = honest with { Outputs = honest.Outputs.SetItem("upper", BlobHash.Of([1])) };
        Assert.NotNull((await guard.LookAsync(silo.Spec, missing.Outputs, missing.Metrics, Cancellation)).Unreadable);
        GuardFinding good = await guard.LookAsync(silo.Spec, honest.Outputs, honest.Metrics, Cancellation);
        Assert.Null(good.Invalid ?? good.Unreadable);
        Assert.Equal(await NormAsync(silo, honest, "lower"), good.Norms.Single(norm => norm.Module.Name == "lower").Norm, 1e-5);
    }

    [Fact]
    public async Task AnOuterStepOrAFold_ThatIsNotFiniteOrOfAnotherShape_IsRefused()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        TaskResult trained = await silo.ComputeAsync(silo.Spec, Cancellation);
        ModuleInput lower = silo.Spec.Model.Modules.Single(module => module.Id.Name == "lower");
        Contribution[] contributions = [new(new PathId(0), trained["lower"], 0.5), new(new PathId(1), lower.Blob, 0.5)];
        TransformerShape shape = silo.Spec.Model.Shape;
        OuterSpec step = new(shape, lower, null, [.. contributions], new OuterStepOptions(0.7, 0.9, 1)) { Download = DownloadCodec.Int8 };
        FoldSpec fold = new(shape, lower, [.. contributions]);
        ResultGuard guard = new(silo.Lab.Store);
        TaskResult nan = await WithNaNAsync(silo, trained);

        foreach (TaskSpec spec in new TaskSpec[] { step, fold })
        {
            TaskResult honest = await silo.ComputeAsync(spec, Cancellation);
            GuardFinding good = await guard.LookAsync(spec, honest.Outputs, honest.Metrics, Cancellation);
            Assert.Null(good.Invalid ?? good.Unreadable);
            foreach ((string output, BlobHash blob) in honest.Outputs)
            {
                GuardFinding other = await guard.LookAsync(spec, honest.Outputs.SetItem(output, trained["upper"]), honest.Metrics, Cancellation);
                Assert.Contains($"'{output}'", other.Invalid, StringComparison.Ordinal);
                GuardFinding less = await guard.LookAsync(spec, honest.Outputs.Remove(output), honest.Metrics, Cancellation);
                Assert.Contains("expected: ", less.Invalid, StringComparison.Ordinal);
                Assert.NotEqual(trained["upper"], blob);
            }
        }

        TaskResult stepped = await silo.ComputeAsync(step, Cancellation);
        foreach (string output in new[] { OuterSpec.ModuleOutput, OuterSpec.MomentumOutput, OuterSpec.PublishedOutput })
        {
            GuardFinding finding = await guard.LookAsync(step, stepped.Outputs.SetItem(output, nan["lower"]), stepped.Metrics, Cancellation);
            Assert.Contains("not finite", finding.Invalid, StringComparison.Ordinal);
        }

        // And through the door: the worker is marked, and another makes the step.
        await RegisterAsync(silo, "bad", "good");
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(step, silo.Lab.Store, null, Cancellation);
        LeasedTask leased = await silo.LeaseAsync("bad", 1, Cancellation);
        TaskResult poisoned = stepped with { Outputs = stepped.Outputs.SetItem(OuterSpec.ModuleOutput, nan["lower"]) };
        Assert.Equal(CompletionVerdict.Refused, (await silo.DeliverAsync("bad", leased, poisoned, Cancellation)).Verdict);
        Assert.Equal(1, (await silo.StatusOfAsync("bad")).Refused);
        LeasedTask again = await silo.LeaseAsync("good", 1, Cancellation);
        Assert.Equal(CompletionVerdict.Taken, (await silo.DeliverAsync("good", again, stepped, Cancellation)).Verdict);
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(stepped.Outputs, (await wanted).Outputs);
    }

    [Fact]
    public async Task ALargeStepThatTwoWorkersMake_IsRight_AndNobodyIsMarked()
    {
        // Nothing is believed without a second opinion.
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation, maximumNormRatio: 1e-6);
        TrainSpec[] paths = [silo.PathOf(0), silo.PathOf(1)];
        await RegisterAsync(silo, "one", "two");
        await OrderAsync(silo, paths);
        LeasedTask first = await silo.LeaseAsync("one", 1, Cancellation);
        await silo.DeliverAsync("one", first, await HonestAsync(silo, first, paths), Cancellation);
        LeasedTask second = await silo.LeaseAsync("one", 2, Cancellation);
        TaskResult large = await HonestAsync(silo, second, paths);

        Assert.Equal(CompletionVerdict.Refused, (await silo.DeliverAsync("one", second, large, Cancellation)).Verdict);
        LeasedTask again = await silo.LeaseAsync("two", 1, Cancellation);
        Assert.Equal(CompletionVerdict.Taken, (await silo.DeliverAsync("two", again, large, Cancellation)).Verdict);
        Assert.Equal(0, (await silo.StatusOfAsync("one")).Refused);
    }

    [Fact]
    public async Task ALargeStepOfTheOnlyWorker_IsTaken()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation, maximumNormRatio: 1e-6);
        TrainSpec[] paths = [silo.PathOf(0), silo.PathOf(1)];
        await RegisterAsync(silo, "alone");
        await OrderAsync(silo, paths);

        for (int number = 1; number <= paths.Length; number++)
        {
            LeasedTask leased = await silo.LeaseAsync("alone", number, Cancellation);
            Assert.Equal(CompletionVerdict.Taken, (await silo.DeliverAsync("alone", leased, await HonestAsync(silo, leased, paths), Cancellation)).Verdict);
        }
    }

    private static async Task RegisterAsync(LabSilo silo, params string[] workers)
    {
        foreach (string worker in workers)
        {
            await silo.Link.RegisterAsync(LabSilo.Offer(worker), Cancellation);
        }
    }

    /// <summary>Has the run want tasks, and waits until the dispatcher knows them.</summary>
    private static async Task<Task<TaskResult>[]> OrderAsync(LabSilo silo, TrainSpec[] paths)
    {
        ClusterExecutor executor = silo.Executor();
        Task<TaskResult>[] wanted = [.. paths.Select(path => executor.ExecuteAsync(path, silo.Lab.Store, null, Cancellation))];
        while ((await silo.Dispatcher.StatusAsync()).Tasks.Length < paths.Length)
        {
            await Task.Yield();
        }

        return wanted;
    }

    private static Task<TaskResult> HonestAsync(LabSilo silo, LeasedTask leased, TrainSpec[] paths) =>
        silo.ComputeAsync(paths.Single(path => path.Key().Hex == leased.Key), Cancellation);

    private static Task<TaskResult> WithNaNAsync(LabSilo silo, TaskResult result) => ChangedAsync(silo, result, (_, end) => end[^1] = float.NaN);

    private static Task<TaskResult> WithHugeDeltaAsync(LabSilo silo, TaskResult result) => ChangedAsync(silo, result, (start, end) =>
    {
        for (int i = 0; i < end.Length; i++)
        {
            end[i] = start[i] + (100 * (end[i] - start[i]));
        }
    });

    private static Task<TaskResult> WithWrongShape(TaskResult result) =>
        Task.FromResult(result with { Outputs = result.Outputs.SetItem("lower", result.Outputs["upper"]) });

    private static async Task<TaskResult> ChangedAsync(LabSilo silo, TaskResult result, Action<float[], float[]> change)
    {
        (ModuleLayout layout, float[] start, float[] end) = await ReadAsync(silo, result, "lower");
        NamedTensor last = layout.Tensors[^1];
        float[] used = end[..(int)(last.Offset + last.Length)];
        change(start, used);
        used.CopyTo(end.AsSpan());
        BlobHash blob = await silo.Lab.Store.PutAsync(
            (stream, _) =>
            {
                ModuleFile.Write(stream, layout, end);
                return Task.CompletedTask;
            },
            Cancellation);
        return result with { Outputs = result.Outputs.SetItem("lower", blob) };
    }

    private static async Task<double> NormAsync(LabSilo silo, TaskResult result, string module)
    {
        (_, float[] start, float[] end) = await ReadAsync(silo, result, module);
        return Math.Sqrt(start.Zip(end, (before, after) => ((double)before - after) * ((double)before - after)).Sum());
    }

    private static async Task<(ModuleLayout Layout, float[] Start, float[] End)> ReadAsync(LabSilo silo, TaskResult result, string module)
    {
        ModuleInput input = silo.Spec.Model.Modules.Single(each => each.Id.Name == module);
        ModuleLayout layout = ModuleLayout.Of(silo.Spec.Model.Shape, input.Parts);
        float[] start = new float[layout.Length], end = new float[layout.Length];
        ModuleFile.Read(await silo.Lab.Store.GetFileAsync(input.Blob, Cancellation), layout, start);
        ModuleFile.Read(await silo.Lab.Store.GetFileAsync(result.Outputs[module], Cancellation), layout, end);
        return (layout, start, end);
    }
}
