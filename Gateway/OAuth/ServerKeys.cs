using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.IdentityModel.Tokens;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.Server;

namespace Obot.Gateway.OAuth;

/// <summary>The cluster's keys as OpenIddict's options; made anew when they change.</summary>
internal sealed class ServerKeys(IOAuthKeys keys) : IConfigureOptions<OpenIddictServerOptions>
{
    public void Configure(OpenIddictServerOptions options)
    {
        var current = keys.Current;
        options.EncryptionCredentials.Add(new(
            new SymmetricSecurityKey(current.Encryption), SecurityAlgorithms.Aes256KW, SecurityAlgorithms.Aes256CbcHmacSha512));
        foreach (var key in current.Signing)
        {
            var signing = ECDsa.Create();
            signing.ImportPkcs8PrivateKey(key.PrivateKey, out _);
            options.SigningCredentials.Add(new(new ECDsaSecurityKey(signing) { KeyId = key.Id }, SecurityAlgorithms.EcdsaSha256));
        }
    }
}

/// <summary>Tells the options system that <see cref="ServerKeys"/> would answer differently now: no restart.</summary>
internal sealed class ServerKeysChange : IOptionsChangeTokenSource<OpenIddictServerOptions>, IDisposable
{
    private readonly IDisposable subscription;
    private CancellationTokenSource changed = new();

    public ServerKeysChange(IOAuthKeys keys) => subscription = keys.OnChange(() => Interlocked.Exchange(ref changed, new()).Cancel());

    public string? Name => Options.DefaultName;

    public IChangeToken GetChangeToken() => new CancellationChangeToken(changed.Token);

    public void Dispose()
    {
        subscription.Dispose();
        changed.Dispose();
    }
}
