using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Orleans.Configuration;

namespace Obot.Grains.Hosting;

/// <summary>What instances are called where names are short and shared with others: on an Engine, in a namespace.</summary>
internal sealed class OutsideNames(IAssertionIssuer assertions, IOptions<ClusterOptions> cluster)
{
    private const string IdentityPurpose = "cluster-identity";
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    private string? identity;

    /// <summary>Of the cluster's own secret, so that two clusters of one name in one place never touch each other.</summary>
    public string Cluster => identity ??= Hash(Convert.ToBase64String(assertions.DeriveKey(IdentityPurpose, cluster.Value.ClusterId)), 16);

    public string Instance(McpInstanceId instance) => $"obot-{Hash($"{Cluster}\n{instance}", 16)}";

    public string Generation(McpInstanceId instance, long generation) => string.Create(CultureInfo.InvariantCulture, $"{Instance(instance)}-{generation}");

    internal static string Hash(string text, int length)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return string.Create(length, hash, static (name, bytes) =>
        {
            for (var i = 0; i < name.Length; i++)
            {
                name[i] = Alphabet[bytes[i] & 31];
            }
        });
    }
}
