using System.Text.Json;
using System.Text.Json.Serialization;
using Obot.Grains.Abstractions.Llm;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Llm.Recording;

/// <summary>A record as it lies in the journal: what it shares with calls of MCP servers in their members, the rest in <see cref="AuditRecord.Extra"/>.</summary>
internal static class LlmFrame
{
    public static AuditRecord Of(LlmRecord record) => new()
    {
        Id = record.Id,
        At = record.At,
        Duration = record.Duration,
        UserId = record.UserId,
        CredentialId = record.CredentialId,
        ClientName = record.Client,
        ClientIp = record.ClientIp,
        Method = LlmKind.Operation(record.Operation),
        Identifier = record.ModelAsked,
        Status = record.Status,
        Error = record.Error,
        RequestBytes = record.RequestBytes,
        ResponseBytes = record.ResponseBytes,
        Extra = JsonSerializer.SerializeToUtf8Bytes(
            new LlmExtra(
                record.Operation, record.ProviderId, record.ModelId, record.ModelUsed, record.InputTokens, record.CachedTokens, record.OutputTokens, record.UsageKnown, record.MicroUsd,
                record.FirstToken?.Ticks, record.Streamed, record.Attempts, record.Violations.Count == 0 ? null : record.Violations),
            LlmFrameJson.Default.LlmExtra),
    };

    public static LlmRecord Read(AuditRecord frame)
    {
        var extra = JsonSerializer.Deserialize(frame.Extra.Span, LlmFrameJson.Default.LlmExtra)!;
        return new()
        {
            Id = frame.Id,
            At = frame.At,
            Duration = frame.Duration,
            UserId = frame.UserId ?? "",
            CredentialId = frame.CredentialId ?? "",
            Client = frame.ClientName,
            ClientIp = frame.ClientIp,
            Operation = extra.Operation,
            ModelAsked = frame.Identifier,
            Status = frame.Status,
            Error = frame.Error,
            RequestBytes = frame.RequestBytes,
            ResponseBytes = frame.ResponseBytes,
            ProviderId = extra.ProviderId,
            ModelId = extra.ModelId,
            ModelUsed = extra.ModelUsed,
            InputTokens = extra.InputTokens,
            CachedTokens = extra.CachedTokens,
            OutputTokens = extra.OutputTokens,
            UsageKnown = extra.UsageKnown,
            MicroUsd = extra.MicroUsd,
            FirstToken = extra.FirstTokenTicks is { } ticks ? TimeSpan.FromTicks(ticks) : null,
            Streamed = extra.Streamed,
            Attempts = extra.Attempts,
            Violations = extra.Violations ?? [],
        };
    }
}

/// <summary>Members may be added, and have a default then: a journal may be older than who reads it.</summary>
internal sealed record LlmExtra(
    LlmOperation Operation, string? ProviderId, string? ModelId, string? ModelUsed, long InputTokens, long CachedTokens, long OutputTokens, bool UsageKnown, long MicroUsd,
    long? FirstTokenTicks, bool Streamed, int Attempts, IReadOnlyList<MessageViolation>? Violations);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LlmExtra))]
internal sealed partial class LlmFrameJson : JsonSerializerContext;
