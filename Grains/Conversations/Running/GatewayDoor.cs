using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net.Http.Headers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Client;
using Obot.Grains.Abstractions.Identity;
using OpenAI;

namespace Obot.Grains.Conversations.Running;

/// <summary>How a run reaches models and MCP servers: by the gateway's public doors, as its user, so that the user's rules, budgets and records apply.</summary>
internal sealed class GatewayDoor(IPartTickets tickets, IOptions<ConversationOptions> options) : IDisposable
{
    public const string Part = "chat";

    private readonly GatewayAddresses _addresses = new(options.Value.GatewayUrl);

    /// <summary>The gateway is this silo or a neighbour: never through a proxy of the environment.</summary>
    private readonly SocketsHttpHandler _handler = new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        ConnectTimeout = TimeSpan.FromSeconds(5),
    };

    public IChatClient Model(string userId, string model) =>
        new OpenAIClient(new ApiKeyCredential("ticket"), new OpenAIClientOptions
        {
            Endpoint = new(_addresses.First, "api/llm-proxy/openai/v1"),
            Transport = new HttpClientPipelineTransport(Client(userId, Scopes.Llm)),
            RetryPolicy = new ClientRetryPolicy(0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        }).GetChatClient(model).AsIChatClient();

    public HttpClientTransport Server(string userId, string serverId) => new(
        new HttpClientTransportOptions { Endpoint = new(_addresses.First, $"mcp-connect/{Uri.EscapeDataString(serverId)}"), TransportMode = HttpTransportMode.StreamableHttp, EnableStandaloneGetStream = false },
        Client(userId, Scopes.Mcp),
        ownsHttpClient: true);

    public void Dispose() => _handler.Dispose();

    private HttpClient Client(string userId, string scope) => new(new TicketHandler(_handler, _addresses, () => tickets.Issue(userId, Part, scope))) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>A ticket lives for minutes, a run for as long as it takes: each request gets its own.</summary>
    private sealed class TicketHandler(SocketsHttpHandler shared, GatewayAddresses addresses, Func<string> issue) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _inner = new(shared, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", issue());
            return addresses.SendAsync(_inner, request, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
