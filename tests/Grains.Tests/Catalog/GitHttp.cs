using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Obot.Grains.Tests.Catalog;

/// <summary>Git's own smart HTTP (<c>git http-backend</c>) behind a user and a token, as a private repository is.</summary>
internal sealed class GitHttp : IAsyncDisposable
{
    private readonly string _root;
    private readonly string _authorization;
    private readonly WebApplication _app;

    private GitHttp(string root, string user, string token)
    {
        (_root, _authorization, Token) = (root, "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{token}")), token);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public string Token { get; }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Where git is sent on to, in place of an answer.</summary>
    public string? Redirect { get; set; }

    /// <summary>Authorization headers that came.</summary>
    public ConcurrentBag<string> Presented { get; } = [];

    /// <summary>Processes whose command line or environment had the token in it while it was used.</summary>
    public ConcurrentBag<string> Leaks { get; } = [];

    public static async Task<GitHttp> StartAsync(string root, string user, string token)
    {
        var http = new GitHttp(root, user, token);
        await http._app.StartAsync();
        return http;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Look();
        if (context.Request.Headers.Authorization is [{ } presented])
        {
            Presented.Add(presented);
        }

        if (Redirect is { } to)
        {
            context.Response.Redirect(to + context.Request.Path + context.Request.QueryString);
            return;
        }

        if (context.Request.Headers.Authorization != _authorization)
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"git\"";
            return;
        }

        var start = new ProcessStartInfo("git", ["http-backend"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["GIT_PROJECT_ROOT"] = _root;
        start.Environment["GIT_HTTP_EXPORT_ALL"] = "1";
        start.Environment["PATH_INFO"] = context.Request.Path;
        start.Environment["QUERY_STRING"] = context.Request.QueryString.Value!.TrimStart('?');
        start.Environment["REQUEST_METHOD"] = context.Request.Method;
        start.Environment["CONTENT_TYPE"] = context.Request.ContentType;
        start.Environment["GIT_PROTOCOL"] = context.Request.Headers["Git-Protocol"];
        start.Environment["HTTP_CONTENT_ENCODING"] = context.Request.Headers.ContentEncoding;
        using var process = Process.Start(start)!;
        await context.Request.Body.CopyToAsync(process.StandardInput.BaseStream);
        process.StandardInput.Close();
        using var output = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        var bytes = output.ToArray();
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        foreach (var line in Encoding.ASCII.GetString(bytes, 0, end).Split("\r\n").Select(line => line.Split(": ", 2)))
        {
            if (line[0] == "Status")
            {
                context.Response.StatusCode = int.Parse(line[1].Split(' ')[0], CultureInfo.InvariantCulture);
            }
            else
            {
                context.Response.Headers[line[0]] = line[1];
            }
        }

        await context.Response.Body.WriteAsync(bytes.AsMemory(end + 4));
    }

    private void Look()
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out _)))
        {
            foreach (var file in new[] { "cmdline", "environ" })
            {
                try
                {
                    if (File.ReadAllText(Path.Combine(process, file)).Contains(Token, StringComparison.Ordinal))
                    {
                        Leaks.Add($"{process}/{file}");
                    }
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // it ended, or is somebody else's
                }
            }
        }
    }
}
