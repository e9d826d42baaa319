namespace Obot.Shim.Bridge.Calls;

/// <summary>A call that did not reach the server; becomes an HTTP status and a JSON-RPC error.</summary>
internal sealed class CallRefusedException(int status, int code, string message) : Exception(message)
{
    public int Status => status;

    public int Code => code;
}

/// <summary>The child ended before the call was sent: a shared child is started anew, a session is lost.</summary>
internal sealed class ConnectionGoneException() : Exception("the MCP server is gone; try again");
