using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Tasks;
using Obot.Grains.Tasks;

namespace Obot.Grains.Tests.Tasks;

public sealed class TaskScheduleTests
{
    [Fact]
    public void HourThatTheClockRepeats_RunsOnce_AndOneThatItSkipsRunsAtTheNext()
    {
        // Berlin: 2026-10-25 03:00 → 02:00, 2027-03-28 02:00 → 03:00
        var first = TaskSchedule.Next("30 2 * * *", "Europe/Berlin", new(2026, 10, 24, 12, 0, 0, TimeSpan.Zero));
        Assert.Equal(new DateTimeOffset(2026, 10, 25, 0, 30, 0, TimeSpan.Zero), first);
        Assert.Equal(new DateTimeOffset(2026, 10, 26, 1, 30, 0, TimeSpan.Zero), TaskSchedule.Next("30 2 * * *", "Europe/Berlin", first!.Value));
        Assert.Equal(new DateTimeOffset(2027, 3, 28, 1, 0, 0, TimeSpan.Zero), TaskSchedule.Next("30 2 * * *", "Europe/Berlin", new(2027, 3, 27, 12, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void Schedule_ThatNeverComes_HasNoNext() =>
        Assert.Null(TaskSchedule.Next("0 0 30 2 *", null, new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)));

    [Theory]
    [InlineData("0 9 * * 1-5", true)]
    [InlineData("* * * * * *", false)]
    [InlineData("61 * * * *", false)]
    [InlineData("", false)]
    public void Cron_HasFiveFields(string text, bool isCron) => Assert.Equal(isCron, TaskSchedule.IsCron(text));

    [Fact]
    public void Prompt_IsFilledOnce_SoThatValuesCannotNameParameters()
    {
        TaskParameter[] parameters = [new("a"), new("b", Default: "bee")];
        Assert.Equal("{{b}} and bee", TaskRules.Fill("{{a}} and {{ b }}", parameters, new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = "{{b}}" }));
        Assert.Equal("parameters.a", Assert.Throws<InvalidInputException>(() => TaskRules.Fill("{{a}}", parameters, new Dictionary<string, string>(StringComparer.Ordinal))).Field);
        Assert.Equal("parameters.c", Assert.Throws<InvalidInputException>(() => TaskRules.Fill("x", parameters, new Dictionary<string, string>(StringComparer.Ordinal) { ["c"] = "x" })).Field);
    }

    [Fact]
    public void ScheduledTask_NeedsDefaults_AndKnownNames()
    {
        Assert.Equal("parameters", Assert.Throws<InvalidInputException>(() => TaskRules.Check(new("n", "{{a}}", Parameters: [new("a")], Schedule: "0 9 * * *"))).Field);
        Assert.Equal("prompt", Assert.Throws<InvalidInputException>(() => TaskRules.Check(new("n", "{{a}}"))).Field);
        TaskRules.Check(new("n", "{{a}}", Parameters: [new("a", Default: "")], Schedule: "0 9 * * *", TimeZone: "Europe/Berlin", NotifyUrl: "https://example.com/hook"));
    }
}
