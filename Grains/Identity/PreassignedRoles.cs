using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>Roles that the configuration gives to e-mail addresses: nobody takes them away but the configuration.</summary>
internal sealed class PreassignedRoles(IOptions<AuthOptions> options, UserEmails emails)
{
    public const string OwnerSetting = "Obot:Auth:OwnerEmails";
    public const string AdminSetting = "Obot:Auth:AdminEmails";

    // not before first use: indexes need the cluster's keys, which are read while the host starts
    private readonly Lazy<FrozenDictionary<string, PreassignedRole>> _byIndex = new(() =>
        options.Value.AdminEmails.Select(email => (Key: Key(emails.Index(email)), Role: new PreassignedRole(Role.Admin, AdminSetting)))
            .Concat(options.Value.OwnerEmails.Select(email => (Key: Key(emails.Index(email)), Role: new PreassignedRole(Role.Owner, OwnerSetting))))
            .GroupBy(one => one.Key, StringComparer.Ordinal)
            .ToFrozenDictionary(same => same.Key, same => same.MaxBy(one => one.Role.Role).Role, StringComparer.Ordinal));

    /// <summary>Null for a user whose address the configuration does not name.</summary>
    public PreassignedRole? Of(UserRow user) => user.EmailIndex is { } index ? _byIndex.Value.GetValueOrDefault(Key(index)) : null;

    private static string Key(byte[] index) => Convert.ToHexStringLower(index);
}

/// <param name="Role">The least role of the user.</param>
/// <param name="Setting">Key of the setting that names the address.</param>
internal sealed record PreassignedRole(Role Role, string Setting);
