using Microsoft.Extensions.Logging.Abstractions;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Llm.Recording;

namespace Obot.Grains.Tests.Llm;

public sealed class LlmRecorderTests
{
    /// <summary>The database is away, and calls with large bodies come on.</summary>
    [Fact]
    public void Bodies_ThatWait_FillABoundedPartOfMemory()
    {
        using var recorder = new LlmRecorder(null!, null!, TimeProvider.System, NullLogger<LlmRecorder>.Instance);
        var body = new byte[64 * 1024];
        for (var i = 0; i < 25_000; i++)
        {
            recorder.Record(new()
            {
                Id = Guid.CreateVersion7(), At = TimeProvider.System.GetUtcNow(), UserId = "u", CredentialId = "k", Operation = LlmOperation.Chat, Status = 200, Duration = default, Request = body, Response = body,
            });
        }

        Assert.InRange(recorder.WaitingBytes, LlmRecorder.RoomForBodies / 2, LlmRecorder.RoomForBodies);
    }
}
