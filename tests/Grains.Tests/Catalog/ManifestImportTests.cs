using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Catalog.Import;

namespace Obot.Grains.Tests.Catalog;

public sealed class ManifestImportTests
{
    private readonly ManifestImport _import = new();

    [Fact]
    public void ServerJson_OfTheRegistry_BecomesManifests()
    {
        var (manifests, warnings) = Read(
            """
            {"servers": [
              {"server": {"$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json", "name": "io.github.example/weather", "title": "Weather", "description": "Weather data", "version": "1.2.0",
                "repository": {"url": "https://github.com/example/weather", "source": "github"}, "icons": [{"src": "https://example.com/i.png"}],
                "packages": [{"registryType": "nuget", "identifier": "X", "transport": {"type": "stdio"}},
                  {"registryType": "npm", "identifier": "@example/weather", "version": "1.2.0", "transport": {"type": "stdio"}, "runtimeArguments": [{"type": "named", "name": "-y"}],
                   "packageArguments": [{"type": "positional", "value": "serve"}, {"type": "named", "name": "--units", "default": "metric"}, {"type": "positional", "valueHint": "city"}],
                   "environmentVariables": [{"name": "API_KEY", "description": "Key", "isRequired": true, "isSecret": true}, {"name": "MODE", "default": "fast", "choices": ["fast", "slow"]}]}]},
               "_meta": {}},
              {"server": {"name": "com.example/crm", "description": "CRM", "version": "1", "remotes": [{"type": "sse", "url": "https://x"}, {"type": "streamable-http", "url": "https://{tenant}.example.com/mcp",
                "variables": {"tenant": {"description": "Your tenant", "isRequired": true}}, "headers": [{"name": "Authorization", "value": "Bearer {token}", "variables": {"token": {"isSecret": true, "isRequired": true, "description": "A token"}}}]}]}},
              {"server": {"name": "com.example/box", "description": "Box", "version": "2", "packages": [{"registryType": "oci", "identifier": "ghcr.io/example/box", "version": "2.0", "transport": {"type": "streamable-http", "url": "http://localhost:9000/mcp"}}]}},
              {"server": {"name": "com.example/py", "description": "Py", "version": "3", "packages": [{"registryType": "pypi", "identifier": "py-server", "version": "3.1", "transport": {"type": "stdio"}}]}}
            ], "metadata": {"count": 4}}
            """);
        var (npm, crm, box, py) = (manifests[0], manifests[1], manifests[2], manifests[3]);
        Assert.Equal(("Weather", "npx", "@example/weather@1.2.0", "https://example.com/i.png"), (npm.Name, npm.Runtime, npm.NpxConfig!.Package, npm.Icon));
        Assert.Equal(["serve", "--units=metric"], npm.NpxConfig.Args);
        Assert.Equal(("API_KEY", true, true), (npm.Env[0].Key, npm.Env[0].Required, npm.Env[0].Sensitive));
        Assert.Equal(["fast", "slow"], npm.Env[1].Options!);
        Assert.Contains(warnings, warning => warning.Contains("city", StringComparison.Ordinal));
        Assert.Equal(("remote", "https://${tenant}.example.com/mcp"), (crm.Runtime, crm.RemoteConfig!.UrlTemplate));
        Assert.Equal(("Authorization", "Bearer ", true, true), (crm.RemoteConfig.Headers[0].Key, crm.RemoteConfig.Headers[0].Prefix, crm.RemoteConfig.Headers[0].Required, crm.RemoteConfig.Headers[0].Sensitive));
        Assert.Equal(("ghcr.io/example/box:2.0", 9000, "/mcp"), (box.ContainerizedConfig!.Image, box.ContainerizedConfig.Port, box.ContainerizedConfig.Path));
        Assert.Equal("py-server==3.1", py.UvxConfig!.Package);
    }

    [Fact]
    public void BlockOfAClient_BecomesManifests_AndPlaceholdersBecomeQuestions()
    {
        var (manifests, warnings) = Read(
            """
            {
              // pasted from a client
              "mcpServers": {
                "everything": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything", "stdio"]},
                "time": {"command": "/usr/local/bin/uvx", "args": ["--from", "mcp-server-time==1.0", "time-server", "--local-timezone=UTC"]},
                "github": {"command": "docker", "args": ["run", "-i", "--rm", "-e", "GITHUB_TOKEN", "-v", "/home:/home", "ghcr.io/github/github-mcp-server", "stdio"], "env": {"GITHUB_TOKEN": "<your token>"}},
                "win": {"command": "cmd", "args": ["/c", "npx", "-y", "pkg"], "env": {"API_KEY": "sk-real", "LEVEL": "3"}},
                "far": {"type": "http", "url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer ${input:token}", "X-Team": "blue", "X-Key": "Key <your key>"}},
              }
            }
            """);
        Assert.Equal(["everything", "time", "github", "win", "far"], manifests.Select(one => one.Name));
        Assert.Equal("@modelcontextprotocol/server-everything", manifests[0].NpxConfig!.Package);
        Assert.Equal(["stdio"], manifests[0].NpxConfig!.Args);
        Assert.Equal(("mcp-server-time==1.0", "time-server"), (manifests[1].UvxConfig!.Package, manifests[1].UvxConfig!.Command));
        Assert.Equal("ghcr.io/github/github-mcp-server", manifests[2].ContainerizedConfig!.Image);
        Assert.Equal(("GITHUB_TOKEN", true, null), (manifests[2].Env[0].Key, manifests[2].Env[0].Required, manifests[2].Env[0].Value));
        Assert.Contains(warnings, warning => warning.Contains("-v /home:/home", StringComparison.Ordinal));
        Assert.Equal(("sk-real", true), (manifests[3].Env[0].Value, manifests[3].Env[0].Sensitive));
        Assert.Equal(("3", false), (manifests[3].Env[1].Value, manifests[3].Env[1].Sensitive));
        Assert.Equal(("Bearer ", null, true), (manifests[4].RemoteConfig!.Headers[0].Prefix, manifests[4].RemoteConfig!.Headers[0].Value, manifests[4].RemoteConfig!.Headers[0].Required));
        Assert.Equal("blue", manifests[4].RemoteConfig!.Headers[1].Value);
        Assert.Equal(("Key ", null, true), (manifests[4].RemoteConfig!.Headers[2].Prefix, manifests[4].RemoteConfig!.Headers[2].Value, manifests[4].RemoteConfig!.Headers[2].Sensitive));
    }

    [Fact]
    public void SettingsOfVsCode_AndManifests_AreReadToo()
    {
        var (manifests, _) = Read("""{"servers": {"gh": {"url": "https://mcp.example.com", "headers": {"Authorization": "Bearer ${input:pat}"}}}, "inputs": [{"id": "pat", "type": "promptString", "description": "A token", "password": true}]}""");
        Assert.Equal(("A token", true), (manifests[0].RemoteConfig!.Headers[0].Description, manifests[0].RemoteConfig!.Headers[0].Sensitive));
        Assert.Equal(Runtimes.Npx, Assert.Single(Read("""[{"name": "a", "runtime": "npx", "npxConfig": {"package": "p"}}]""").Manifests).Runtime);
    }

    [Theory]
    [InlineData("{", "body")]
    [InlineData("[]", "body")]
    [InlineData("{\"x\": 1}", "body")]
    [InlineData("{\"mcpServers\": {\"a\": {\"command\": \"/opt/my/server\"}}}", "mcpServers.a.command")]
    [InlineData("{\"mcpServers\": {\"a\": {}}}", "mcpServers.a")]
    [InlineData("{\"mcpServers\": {\"a\": {\"command\": \"npx\", \"args\": [\"-y\"]}}}", "mcpServers.a.args")]
    [InlineData("{\"mcpServers\": {\"a\": {\"url\": \"javascript:alert(1)\"}}}", "mcpServers.a.remoteConfig.fixedURL")]
    [InlineData("{\"name\": \"a/b\", \"packages\": []}", "server.packages")]
    public void WhatCannotBeRun_IsRefusedWithItsField(string json, string field) =>
        Assert.Equal(field, Assert.Throws<InvalidInputException>(() => _import.Read(json)).Field);

    private (IReadOnlyList<ServerManifest> Manifests, IReadOnlyList<string> Warnings) Read(string json)
    {
        var read = _import.Read(json);
        return (read.Manifests, read.Warnings);
    }
}
