using System.Threading.Channels;
using Obot.Gateway.Control;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Credentials;

/// <summary>Tells one guard whose exchanged credentials are not good any more.</summary>
internal sealed class CredentialPush(ISecurityFeed feed)
{
    /// <summary>Beyond that the guard is told to forget everybody's.</summary>
    private const int MaxQueued = 256;

    /// <summary>Runs as long as the channel does.</summary>
    public async Task RunAsync(GuardChannel channel, GuardIdentity identity, CancellationToken cancellationToken)
    {
        var news = Channel.CreateBounded<string>(MaxQueued);
        var overrun = 0;
        using var subscription = feed.Subscribe(change =>
        {
            if (UserOf(change, identity.Instance.ServerId) is { } user && !news.Writer.TryWrite(user))
            {
                Volatile.Write(ref overrun, 1);
            }
        });

        // what happened before somebody listened here is not known
        await channel.SendAsync(new() { Kind = ControlKinds.Forget }, cancellationToken);
        while (await news.Reader.WaitToReadAsync(cancellationToken))
        {
            var users = new HashSet<string>(StringComparer.Ordinal);
            while (news.Reader.TryRead(out var user))
            {
                users.Add(user);
            }

            var all = Interlocked.Exchange(ref overrun, 0) == 1 || users.Contains("");
            await channel.SendAsync(new() { Kind = ControlKinds.Forget, Users = all ? null : [.. users] }, cancellationToken);
        }
    }

    /// <summary>Whom a change is about: a user, everybody (empty), or nobody here (null).</summary>
    internal static string? UserOf(SecurityChange change, string serverId) => change.Kind switch
    {
        SecurityChangeKinds.Everything => "",
        SecurityChangeKinds.User => change.Subject,
        SecurityChangeKinds.Server or SecurityChangeKinds.Credential when change.Subject == serverId => "",
        SecurityChangeKinds.Credential when change.Subject.StartsWith(serverId + "/", StringComparison.Ordinal) => change.Subject[(serverId.Length + 1)..],
        _ => null,
    };
}
