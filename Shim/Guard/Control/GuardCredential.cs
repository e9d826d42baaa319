namespace Obot.Shim.Guard.Control;

/// <summary>What proves the guard to its cluster: short-lived, and replaced over the control channel long before it ends.</summary>
internal sealed class GuardCredential(string first)
{
    private volatile string value = first;

    public string Value => value;

    public void Replace(string next) => value = next;
}
