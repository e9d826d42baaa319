using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Hosting;

namespace Obot.Grains.Audit;

/// <summary>Where journals lie on this host: one folder an instance below <c>audit/</c> of the data folder, one for silos, and one for their calls of models. Servers cannot enter it.</summary>
internal sealed class AuditFolders(IOptions<HostingOptions> options, IAssertionIssuer keys)
{
    private const string KeyPurpose = "audit-journal";
    private const string Silos = "@silos";
    private const string Models = "@llm";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public string OfSilo => Path.Combine(Root(), Silos);

    public string OfModels => Path.Combine(Root(), Models);

    public string Of(McpInstanceId instance) => Path.Combine(Root(), instance.ToString().Replace('/', '~'));

    /// <summary>Encrypts the journals of an instance, or of silos, on disk: derived from the cluster's secret, so that any silo reads what any guard left.</summary>
    public byte[] KeyOf(McpInstanceId? instance) => keys.DeriveKey(KeyPurpose, instance?.ToString() ?? Silos);

    public byte[] KeyOfModels => keys.DeriveKey(KeyPurpose, Models);

    /// <summary>All of MCP calls that are there, with the instance they belong to; null for that of silos.</summary>
    public IEnumerable<(string Folder, McpInstanceId? Instance)> All()
    {
        foreach (var folder in Directory.GetDirectories(Root()))
        {
            var name = Path.GetFileName(folder);
            if (name == Silos)
            {
                yield return (folder, null);
            }
            else if (name != Models && McpInstanceId.TryParse(name.Replace('~', '/'), out var instance))
            {
                yield return (folder, instance);
            }
        }
    }

    private string Root() => Directory.CreateDirectory(Path.Combine(Path.GetFullPath(options.Value.DataPath), "audit"), OwnerOnly).FullName;
}
