using System.Globalization;
using System.Net;
using Docker.DotNet;
using Docker.DotNet.Models;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>
/// One small network a generation, out of a range of our own: the Engine's default pools hold some thirty networks in all, and fixed
/// addresses need no name server.
/// </summary>
internal sealed class DockerNetworks(DockerDaemon daemon, DockerNames names, IOptions<HostingOptions> options)
{
    private const int Attempts = 128;
    private const int Size = 28;

    /// <param name="isInternal">Without a way out.</param>
    public async Task<ServerNetwork> CreateAsync(McpInstanceId instance, long generation, bool isInternal, CancellationToken cancellationToken)
    {
        var name = names.Generation(instance, generation);
        var (first, count) = Pool(options.Value.Docker.AddressPool);
        var start = (uint)Random.Shared.Next();
        for (var attempt = 0u; attempt < Math.Min(count, Attempts); attempt++)
        {
            var network = At(name, first, (start + attempt) % count);
            try
            {
                await daemon.Client.Networks.CreateNetworkAsync(
                    new()
                    {
                        Name = name,
                        Driver = "bridge",
                        Internal = isInternal,
                        Labels = names.Labels(instance, generation, DockerNames.Network),
                        IPAM = new IPAM { Driver = "default", Config = [new IPAMConfig { Subnet = network.Subnet, Gateway = network.Gateway }] },
                    },
                    cancellationToken);
                return network;
            }
            catch (DockerApiException e) when (e.Message.Contains("overlap", StringComparison.OrdinalIgnoreCase))
            {
                // taken, by us or by somebody else: the next one
            }
        }

        throw new ServerStartException($"no free network was found in {options.Value.Docker.AddressPool}: set Obot:Hosting:Docker:AddressPool to another private range");
    }

    /// <summary>Removes networks of the instance's generations up to the given one.</summary>
    public async Task RemoveAsync(McpInstanceId instance, long generation, CancellationToken cancellationToken)
    {
        foreach (var network in await daemon.Client.Networks.ListNetworksAsync(new() { Filters = names.Ours(instance) }, cancellationToken))
        {
            if (names.Read(network.Labels) is { } ours && ours.Instance == instance && ours.Generation <= generation)
            {
                await RemoveAsync(network.ID, cancellationToken);
            }
        }
    }

    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await daemon.Client.Networks.DeleteNetworkAsync(id, cancellationToken);
        }
        catch (DockerApiException e) when (e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Forbidden or HttpStatusCode.Conflict)
        {
            // gone, or something of it is just being removed: the sweep comes by
        }
    }

    /// <exception cref="ServerStartException">The range is none.</exception>
    internal static (uint First, uint Count) Pool(string range)
    {
        if (!IPNetwork.TryParse(range, out var pool) || pool.BaseAddress.AddressFamily is not System.Net.Sockets.AddressFamily.InterNetwork || pool.PrefixLength > Size)
        {
            throw new ServerStartException(string.Create(CultureInfo.InvariantCulture, $"Obot:Hosting:Docker:AddressPool is '{range}': it must be a private IPv4 range of /{Size} or larger, such as 10.213.0.0/16"));
        }

        var bytes = pool.BaseAddress.GetAddressBytes();
        return ((uint)((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]), 1u << (Size - pool.PrefixLength));
    }

    internal static ServerNetwork At(string name, uint first, uint index)
    {
        var address = first + (index << (32 - Size));
        return new(name, $"{Text(address)}/{Size}", Text(address + 1), Text(address + 2), Text(address + 3));

        static string Text(uint address) => new IPAddress([(byte)(address >> 24), (byte)(address >> 16), (byte)(address >> 8), (byte)address]).ToString();
    }
}

/// <param name="Server">Address of the server's container.</param>
/// <param name="Guard">Address of the guard's container.</param>
internal sealed record ServerNetwork(string Name, string Subnet, string Gateway, string Server, string Guard);
