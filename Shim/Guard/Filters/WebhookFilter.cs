using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Obot.Shim.Contracts.Control;

namespace Obot.Shim.Guard.Filters;

/// <summary>
/// Posts the message to a URL of an administrator. 200 accepts, unless its JSON says otherwise; every other status rejects, and its body is
/// the reason.
/// </summary>
internal sealed class WebhookFilter(Uri url, string? secret) : IMessageFilter
{
    public const string SignatureHeader = "X-Obot-Signature-256";
    private const int MaxHeader = 1000;

    private readonly byte[]? key = string.IsNullOrEmpty(secret) ? null : Encoding.UTF8.GetBytes(secret);

    public async ValueTask<FilterVerdict> JudgeAsync(FilterSubject subject, ReadOnlyMemory<byte> message, bool mayMutate, CancellationToken cancellationToken)
    {
        using var request = Request(subject, message);
        try
        {
            using var response = await WebhookHttp.Client.SendAsync(request, cancellationToken);
            if (response.StatusCode is not HttpStatusCode.OK)
            {
                return FilterVerdict.Rejected(await FilterAnswers.ReasonAsync(response, cancellationToken));
            }

            // a receiver that says no more than 200 accepts; what it sends beside that is not even read
            return response.Content.Headers.ContentType?.MediaType is { } type && type.Contains("json", StringComparison.OrdinalIgnoreCase)
                ? FilterAnswers.Judge(await FilterAnswers.ReadAsync(response, cancellationToken), message, isDecision: false)
                : FilterVerdict.Accepted;
        }
        catch (HttpRequestException e)
        {
            throw new FilterFault($"it cannot be reached at {url.Authority}: {e.Message}");
        }
        catch (IOException e)
        {
            throw new FilterFault($"{url.Authority} broke off its answer: {e.Message}");
        }
    }

    private HttpRequestMessage Request(FilterSubject subject, ReadOnlyMemory<byte> message)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(message) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Accept.ParseAdd("application/json");
        Add(request, "X-Obot-Mcp-Server-Id", subject.ServerId);
        Add(request, "X-Obot-User-Id", subject.UserId);
        Add(request, "X-Obot-Direction", subject.Direction);
        Add(request, "X-Obot-Method", subject.Method);
        Add(request, "X-Obot-Identifier", subject.Identifier);
        if (key is not null)
        {
            Add(request, SignatureHeader, $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(key, message.Span))}");
        }

        return request;
    }

    /// <summary>What no header can say is in the body anyway.</summary>
    private static void Add(HttpRequestMessage request, string name, string? value)
    {
        if (value is { Length: > 0 and <= MaxHeader } && value.All(c => c is >= ' ' and <= '~'))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
