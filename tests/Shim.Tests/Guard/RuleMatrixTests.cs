using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Authorization;

namespace Obot.Shim.Tests.Guard;

/// <summary>Random rules, users, groups and tools: what is compiled agrees with rules read aloud, one after the other.</summary>
public sealed class RuleMatrixTests(ITestOutputHelper output)
{
    private const int Policies = 4000;
    private const int QuestionsEach = 60;

    private static readonly string[] Users = ["ann", "bob", "cy", "dee", "Ann", ""];
    private static readonly string[] Groups = ["eng", "ops", "hr", "Eng", "ann"];
    private static readonly string[] Letters = ["a", "b", "read", "write", "_", "-", "*", "?", "**", "A", "ä"];

    [Fact]
    public void Compiled_AgreesWithTheNaiveReading_AndNeverAllowsWhatThatDenies()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        int allowed = 0, cases = 0, restricted = 0;
        for (var i = 0; i < Policies; i++)
        {
            var policy = AnyPolicy(random);
            var compiled = new CompiledPolicy(policy);
            for (var question = 0; question < QuestionsEach; question++)
            {
                var user = Any(random, Users);
                var groups = Some(random, Groups, 3);
                var tool = random.Next(2) == 0 ? AnyName(random, globs: false) : NearName(random, policy);
                var permission = compiled.Of(user, groups);
                var says = ReferenceEquals(permission, Permission.Everything) || permission.Tools?.Allows(tool) is true;
                var expected = Naive.Allows(policy, user, groups, tool);
                Assert.True(says == expected, $"seed {seed}, policy {i}: {user} [{string.Join(' ', groups)}] '{tool}' is {says}, should be {expected}");
                Assert.Equal(Naive.AllowsEverything(policy, user, groups), ReferenceEquals(permission, Permission.Everything));
                cases++;
                allowed += says ? 1 : 0;
                restricted += permission.Tools is null ? 0 : 1;
            }
        }

        output.WriteLine($"{cases} cases (bound 100000), {allowed} allowed, {restricted} of callers with some tools only; seed {seed}");
        Assert.True(cases >= 100_000);
        Assert.InRange(allowed, cases / 20, cases - (cases / 20));
        Assert.True(restricted > cases / 20);
    }

    /// <summary>The permission that a caller keeps is dropped with the policy that gave it.</summary>
    [Fact]
    public void Snapshot_Replaced_DecidesAnew()
    {
        var random = new Random(4711);
        var snapshot = new PolicySnapshot(new GuardPolicy());
        var caller = new Caller("ann", "Basic", "k", "p", ["eng"], DateTimeOffset.MaxValue);
        for (var revision = 1; revision < 2000; revision++)
        {
            var policy = AnyPolicy(random) with { Revision = revision };
            snapshot.Replace(policy);
            var tool = AnyName(random, globs: false);
            var permission = snapshot.Of(caller);
            Assert.Equal(
                Naive.Allows(policy, "ann", ["eng"], tool), ReferenceEquals(permission, Permission.Everything) || permission.Tools?.Allows(tool) is true);
            Assert.Same(permission, snapshot.Of(caller));
        }
    }

    [Fact]
    public void Snapshot_OfAnOlderRevision_ChangesNothing()
    {
        var snapshot = new PolicySnapshot(new GuardPolicy { Revision = 5, Owners = ["ann"] });
        var ann = new Caller("ann", "Basic", "k", "p", [], DateTimeOffset.MaxValue);
        snapshot.Replace(new GuardPolicy { Revision = 4 });
        Assert.Same(Permission.Everything, snapshot.Of(ann));
        snapshot.Confirm(7);
        Assert.Equal(7, snapshot.Revision);
        snapshot.Replace(new GuardPolicy { Revision = 6 });
        Assert.Same(Permission.Everything, snapshot.Of(ann));
        snapshot.Replace(new GuardPolicy { Revision = 7 });
        Assert.Same(Permission.Nothing, snapshot.Of(ann));
    }

    /// <summary>A warm question costs no memory.</summary>
    [Fact]
    public void Question_AskedAgain_AllocatesNothing()
    {
        var snapshot = new PolicySnapshot(new GuardPolicy { Rules = [.. Enumerable.Range(0, 1000).Select(i => new GuardRule { Groups = [$"g{i}"], Tools = [$"tool-{i}*", $"name{i}"] })] });
        var caller = new Caller("ann", "Basic", "k", "p", ["g7", "g8"], DateTimeOffset.MaxValue);
        Assert.Equal(1000, Ask());

        // the first thousand may compile something; the second may not cost a byte each
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(1000, Ask());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 999);

        int Ask()
        {
            var count = 0;
            for (var i = 0; i < 1000; i++)
            {
                count += snapshot.Of(caller).Tools!.Allows("tool-7x") ? 1 : 0;
            }

            return count;
        }
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("?", "", false)]
    [InlineData("a*b*c", "a_b_b_c", true)]
    [InlineData("a*b*c", "a_b_b_cd", false)]
    [InlineData("read_*", "READ_x", false)]
    [InlineData("read", "read\n", false)]
    [InlineData("*.*", "a.b", true)]
    [InlineData("[ab]", "a", false)]
    [InlineData("a+", "aa", false)]
    public void Glob_IsAnchoredOrdinalAndNothingElse(string glob, string name, bool matches) => Assert.Equal(matches, new ToolPatterns([glob]).Allows(name));

    [Fact]
    public void Glob_OfManyStars_AgainstALongName_IsRefusedAtOnce() =>
        Assert.False(new ToolPatterns([string.Concat(Enumerable.Repeat("*a", 100)) + "b"]).Allows(new string('a', 10_000_000)));

    private static GuardPolicy AnyPolicy(Random random) => new()
    {
        Revision = random.Next(),
        Owners = random.Next(4) == 0 ? Some(random, Users, 1) : [],
        Rules =
        [
            .. Enumerable.Range(0, random.Next(6)).Select(_ => new GuardRule
            {
                Everyone = random.Next(8) == 0,
                Users = Some(random, Users, 2),
                Groups = Some(random, Groups, 2),
                Tools = random.Next(6) == 0 ? null : [.. Enumerable.Range(0, random.Next(5)).Select(_ => AnyName(random, globs: true))],
            }),
        ],
    };

    private static string AnyName(Random random, bool globs)
    {
        var parts = Enumerable.Range(0, random.Next(1, 5)).Select(_ => Any(random, Letters));
        var name = string.Concat(parts);
        return globs ? name : name.Replace("*", "b", StringComparison.Ordinal).Replace('?', 'a');
    }

    /// <summary>A name that some pattern of the policy was meant for, or nearly.</summary>
    private static string NearName(Random random, GuardPolicy policy)
    {
        var patterns = policy.Rules.SelectMany(rule => rule.Tools ?? []).ToArray();
        var name = patterns.Length == 0 ? "a" : Any(random, patterns);
        name = name.Replace("*", random.Next(2) == 0 ? "" : AnyName(random, globs: false), StringComparison.Ordinal).Replace('?', 'a');
        return random.Next(4) == 0 ? name + Any(random, Letters) : name;
    }

    private static T Any<T>(Random random, T[] of) => of[random.Next(of.Length)];

    private static string[] Some(Random random, string[] of, int atMost) => [.. Enumerable.Range(0, random.Next(atMost + 1)).Select(_ => Any(random, of)).Distinct()];

    /// <summary>The rules as docs/access-rules.md has them, without any cleverness.</summary>
    private static class Naive
    {
        public static bool AllowsEverything(GuardPolicy policy, string user, string[] groups)
        {
            foreach (var owner in policy.Owners)
            {
                if (owner == user)
                {
                    return true;
                }
            }

            foreach (var rule in policy.Rules)
            {
                if (IsFor(rule, user, groups) && rule.Tools is null)
                {
                    return true;
                }
            }

            return false;
        }

        public static bool Allows(GuardPolicy policy, string user, string[] groups, string tool)
        {
            if (AllowsEverything(policy, user, groups))
            {
                return true;
            }

            foreach (var rule in policy.Rules)
            {
                if (!IsFor(rule, user, groups))
                {
                    continue;
                }

                foreach (var pattern in rule.Tools!)
                {
                    if (Matches(pattern, tool))
                    {
                        return true;
                    }
                }
            }

            return false;
        }

        private static bool IsFor(GuardRule rule, string user, string[] groups) => rule.Everyone || rule.Users.Contains(user) || groups.Any(group => rule.Groups.Contains(group));

        private static bool Matches(string pattern, string name) => (pattern, name) switch
        {
            ("", _) => name.Length == 0,
            _ when pattern[0] == '*' => Matches(pattern[1..], name) || (name.Length > 0 && Matches(pattern, name[1..])),
            (_, "") => false,
            _ => (pattern[0] == '?' || pattern[0] == name[0]) && Matches(pattern[1..], name[1..]),
        };
    }
}
