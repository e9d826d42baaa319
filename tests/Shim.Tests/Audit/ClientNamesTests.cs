using System.Text;
using Obot.Shim.Guard.Audit;

namespace Obot.Shim.Tests.Audit;

public sealed class ClientNamesTests
{
    /// <summary>A caller says a thousand times who it is, a megabyte each time.</summary>
    [Fact]
    public void Attack_OfLongNamesForOneself_LeavesNothingInTheGuardsMemory()
    {
        var names = new ClientNames();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal("evil", names.Of(Encoding.UTF8.GetBytes($$"""{"name":"evil","x":"{{new string('x', 1_000_000)}}{{i}}"}"""))!.Name);
            names.Remember(new string('s', 500_000) + i, new("evil", null));
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 20_000_000);
        names.Remember("session", names.Of("""{"name":"good","version":"1"}"""u8)!);
        Assert.Equal(new ClientName("good", "1"), names.OfSession("session"));
    }
}
