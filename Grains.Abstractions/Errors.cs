namespace Obot.Grains.Abstractions;

/// <summary>Input that is refused: which field, and what is allowed there.</summary>
public sealed class InvalidInputException(string field, string message) : Exception(message)
{
    /// <summary>JSON path of the field, e.g. <c>manifest.npxConfig.package</c>.</summary>
    public string Field { get; } = field;
}

/// <summary>A server that cannot be used now; the message says why and what to do.</summary>
public sealed class ServerUnavailableException(string message) : Exception(message);

/// <summary>The caller is known but may not do this; the message says what would be needed.</summary>
public sealed class NotAllowedException(string message) : Exception(message);

/// <summary>Someone else changed the same thing in between; reading it again and repeating the change helps.</summary>
public sealed class ConflictException(string message) : Exception(message);
