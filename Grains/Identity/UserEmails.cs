using System.Text;
using Microsoft.Extensions.Logging;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Identity;

/// <summary>E-mail addresses of users: encrypted in the table, found by a blind index of their lower-case form.</summary>
internal sealed partial class UserEmails(IEncryption encryption, ILogger<UserEmails> logger)
{
    private const string Purpose = "users.email";

    /// <summary>Puts both forms into the row; null takes the address away.</summary>
    public void Write(UserRow row, string? email)
    {
        row.Email = email is null ? null : encryption.Encrypt(Place(row.Id), Encoding.UTF8.GetBytes(email.Trim()));
        row.EmailIndex = email is null ? null : Index(email);
    }

    /// <summary>Null when there is none. One that cannot be opened does not keep the others from being shown: it is null, and in the log.</summary>
    public string? Read(UserRow row)
    {
        if (row.Email is null)
        {
            return null;
        }

        try
        {
            return Encoding.UTF8.GetString(encryption.Decrypt(Place(row.Id), row.Email));
        }
        catch (Exception e) when (e is CiphertextException or DataKeyUnknownException)
        {
            Unreadable(e, row.Id);
            return null;
        }
    }

    public byte[] Index(string email) => encryption.BlindIndex(Purpose, email.Trim().ToLowerInvariant());

    private static SecretPlace Place(string userId) => new("users", userId, "email");

    [LoggerMessage(Level = LogLevel.Error, Message = "The e-mail address of user {User} cannot be read")]
    private partial void Unreadable(Exception exception, string user);
}
