using Obot.Grains.Llm;

namespace Obot.Grains.Tests.Llm;

public sealed class SigV4Tests
{
    private static readonly DateTimeOffset At = new(2015, 8, 30, 12, 36, 0, TimeSpan.Zero);
    private static readonly AwsIdentity Identity = new("us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null);

    [Fact]
    public void Signature_CoversBodyTokenAndTheEscapedPath()
    {
        var signed = SigV4.Sign("POST", new("https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude%3A0/invoke"), "{}"u8, "bedrock", Identity with { SessionToken = "token" }, At)
            .ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        Assert.Equal("20150830T123600Z", signed["x-amz-date"]);
        Assert.Equal("token", signed["x-amz-security-token"]);
        Assert.Equal("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", signed["x-amz-content-sha256"]);
        Assert.StartsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=", signed["Authorization"], StringComparison.Ordinal);
    }
}
