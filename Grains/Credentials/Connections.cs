using System.Buffers.Text;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Hosting;

namespace Obot.Grains.Credentials;

/// <inheritdoc cref="IConnections"/>
internal sealed partial class Connections(IDbContextFactory<ObotDb> databases, IGrainFactory grains, IEncryption encryption, ILogger<Connections> logger) : IConnections
{
    private const int MaxPath = 8192;
    private static readonly SecretPlace StatePlace = new("third_party_connections", "sign-in", "state");

    public async Task<ConnectionView?> Find(Principal caller, string serverId, CancellationToken cancellationToken) =>
        await IsVisibleAsync(caller, serverId, cancellationToken) ? await Grain(serverId, caller.UserId).Find() : null;

    public async Task<ConnectOutcome?> Connect(Principal caller, string serverId, string? returnPath, CancellationToken cancellationToken)
    {
        if (returnPath is not null && !IsPath(returnPath))
        {
            throw new InvalidInputException("returnUrl", "Must be a path of this platform, e.g. '/admin/servers/ms1…'.");
        }

        if (!await IsVisibleAsync(caller, serverId, cancellationToken))
        {
            return null;
        }

        var outcome = await Grain(serverId, caller.UserId).Connect(returnPath);
        return outcome is { Url: { } url, Nonce: { } nonce } ? outcome with { Url = $"{url}&state={Seal(serverId, caller.UserId, nonce)}", Nonce = null } : outcome;
    }

    public async Task<ConnectOutcome> Complete(Principal caller, string? state, AuthorizationReturn answer, CancellationToken cancellationToken) =>
        Open(state) is [var serverId, var userId, var nonce] && userId == caller.UserId
            ? await Grain(serverId, userId).Complete(answer with { Nonce = nonce })
            : throw new NotAllowedException("This answer belongs to a sign-in that was not begun here by you. Begin again, signed in as yourself.");

    public async Task<bool?> Disconnect(Principal caller, string serverId, CancellationToken cancellationToken) =>
        await IsVisibleAsync(caller, serverId, cancellationToken) ? await Grain(serverId, caller.UserId).Disconnect() : null;

    public async Task<bool> IsNeeded(string userId, string serverId, CancellationToken cancellationToken)
    {
        try
        {
            return await Grain(serverId, userId).NeedsAccount().WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogUnknown(e, serverId);
            return false;
        }
    }

    private async Task<bool> IsVisibleAsync(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not null;
    }

    /// <summary>The third party and whoever reads over its shoulder learn no id of ours; the nonce inside is the grain's to compare.</summary>
    private string Seal(string serverId, string userId, string nonce) =>
        Base64Url.EncodeToString(encryption.Encrypt(StatePlace, Encoding.UTF8.GetBytes($"{serverId}\n{userId}\n{nonce}")));

    private string[]? Open(string? state)
    {
        try
        {
            return state is { Length: > 0 and < 4096 } && Base64Url.IsValid(state) ? Encoding.UTF8.GetString(encryption.Decrypt(StatePlace, Base64Url.DecodeFromChars(state))).Split('\n') : null;
        }
        catch (EncryptionException)
        {
            return null;
        }
    }

    /// <summary>A path and nothing that a browser takes for another host.</summary>
    private static bool IsPath(string path) =>
        path.Length is > 0 and <= MaxPath && path[0] == '/' && !path.StartsWith("//", StringComparison.Ordinal) && !path.Any(c => c == '\\' || char.IsControl(c));

    private ICredentialGrain Grain(string serverId, string userId) => grains.GetGrain<ICredentialGrain>(McpInstanceId.Of(serverId, userId).ToString());

    [LoggerMessage(LogLevel.Information, "Whether {ServerId} wants an account cannot be told just now")]
    private partial void LogUnknown(Exception exception, string serverId);
}
