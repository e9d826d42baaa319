using System.Globalization;

namespace Obot.Grains.Tests.Catalog;

/// <summary>Catalog files of every runtime, as their authors write them.</summary>
internal static class SampleEntries
{
    private static readonly string[] Runtimes = ["npx", "uvx", "containerized", "remote", "composite"];

    public static string Runtime(int number) => Runtimes[number % Runtimes.Length];

    public static string Yaml(int number, string? more = null) => string.Create(CultureInfo.InvariantCulture,
        $"""
        name: Server {number:000}
        shortDescription: Does thing {number}
        description: |
          # Server {number:000}
          It does things of kind {Runtime(number)}.
        metadata:
          categories: Developer Tools, Kind {Runtime(number)}
        icon: https://icons.example.com/{number}.png
        repoURL: https://github.com/example/server-{number}
        entryKey: server-{number}
        serverUserType: {(number % 2 == 0 ? "multiUser" : "singleUser")}
        runtime: {Runtime(number)}
        {Block(number)}
        env:
          - key: TOKEN_{number}
            name: Token
            description: From the settings page
            required: true
            sensitive: true
        toolPreview:
          - name: do_{number}
            description: Does it
            params:
              what: What to do
        {more}
        """);

    private static string Block(int number) => Runtime(number) switch
    {
        "npx" => $"npxConfig:\n  package: \"@example/server-{number}\"\n  args: [--port, 8080]\n  startupTimeoutSeconds: 90\n  egressDomains: [api.example.com]",
        "uvx" => $"uvxConfig:\n  package: server-{number}\n  command: run-{number}\n  denyAllEgress: true",
        "containerized" => $"containerizedConfig:\n  image: ghcr.io/example/server-{number}:1.2\n  port: 8080\n  path: /mcp\n  args: [--verbose]",
        "remote" => number % 3 == 0
            ? "remoteConfig:\n  urlTemplate: https://${TENANT}.example.com/mcp"
            : $"remoteConfig:\n  fixedURL: https://mcp.example.com/{number}\n  headers:\n    - key: Authorization\n      required: true\n      sensitive: true\n      prefix: 'Bearer '",
        _ => "compositeConfig:\n  componentServers:\n    - catalogEntryID: me1aaaaaaaaaa\n      toolPrefix: a_",
    };
}
