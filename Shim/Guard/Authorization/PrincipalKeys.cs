using System.Security.Cryptography;
using System.Text;

namespace Obot.Shim.Guard.Authorization;

/// <summary>Names of principals for the server's side, which has no business knowing who they are.</summary>
internal static class PrincipalKeys
{
    private const int Length = 16;

    public static string Of(string userId) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("obot-principal\0" + userId)).AsSpan(0, Length));
}
