using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Translation;

namespace Obot.Gateway.Llm.Upstream;

/// <summary>Anthropic's request as Bedrock's InvokeModel takes it: model and streaming are in the address, version and betas in the body.</summary>
internal static class BedrockMessages
{
    public static byte[] Reshape(ReadOnlyMemory<byte> body, string betas)
    {
        var request = JsonAccess.Parse(body.Span);
        request.Remove("model");
        request.Remove("stream");
        request["anthropic_version"] = "bedrock-2023-05-31";
        if (betas.Length > 0)
        {
            request["anthropic_beta"] = new JsonArray([.. betas.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(beta => JsonValue.Create(beta))]);
        }

        return JsonSerializer.SerializeToUtf8Bytes(request, Plain.Options);
    }
}
