using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Obot.SystemTests.OAuth;

/// <summary>Changes one thing of a genuine access token, and signs it as well as an attacker can.</summary>
internal static class ForgedToken
{
    public static string Make(string genuine, string forgery)
    {
        var parts = genuine.Split('.');
        var (header, payload) = (Parse(parts[0]), Parse(parts[1]));
        switch (forgery)
        {
            case "alg none":
                header["alg"] = "none";
                return $"{Encode(header)}.{parts[1]}.";
            case "another key":
                return Sign(header, payload);
            case "another issuer":
                payload["iss"] = "https://evil.example";
                return Sign(header, payload);
            case "expired":
                payload["exp"] = 1;
                return $"{parts[0]}.{Encode(payload)}.{parts[2]}";
            case "another type":
                header["typ"] = "obot-assertion+jwt";
                return $"{Encode(header)}.{parts[1]}.{parts[2]}";
            case "cut signature":
                return genuine[..^8];
            default:
                throw new ArgumentOutOfRangeException(nameof(forgery), forgery, null);
        }
    }

    private static string Sign(JsonNode header, JsonNode payload)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var text = $"{Encode(header)}.{Encode(payload)}";
        return $"{text}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256))}";
    }

    private static JsonNode Parse(string part) => JsonNode.Parse(Base64Url.DecodeFromChars(part))!;

    private static string Encode(JsonNode node) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(node.ToJsonString()));
}
