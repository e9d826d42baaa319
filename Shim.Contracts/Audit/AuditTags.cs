namespace Obot.Shim.Contracts.Audit;

/// <summary>Members of a record as they are written: tag (1 byte), length (4, little endian), content. Unknown tags are passed over.</summary>
internal static class AuditTags
{
    public const byte Version = 1;

    public const byte UserId = 1;
    public const byte CredentialId = 2;
    public const byte ClientName = 3;
    public const byte ClientVersion = 4;
    public const byte ServerId = 5;
    public const byte Method = 6;
    public const byte Identifier = 7;
    public const byte Error = 8;
    public const byte SessionId = 9;
    public const byte TraceId = 10;
    public const byte ClientIp = 11;

    /// <summary>Name, outcome and detail, each behind its own tag <see cref="Part"/>.</summary>
    public const byte Filter = 12;
    public const byte Part = 13;
    public const byte Detail = 14;
    public const byte Extra = 15;

    public const byte RequestHeader = 1;
    public const byte ResponseHeader = 2;
    public const byte RequestBody = 3;
    public const byte ResponseBody = 4;
}
