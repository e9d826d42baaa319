using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Components;

/// <summary>
/// A page that reads again every second or so while it is open. Plain on purpose: right on any silo, and a page that somebody looks at
/// once a second costs less than a subscription that has to survive silos.
/// </summary>
public abstract class LivePage : ComponentBase, IAsyncDisposable
{
    private readonly CancellationTokenSource _left = new();
    private Task _reading = Task.CompletedTask;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [CascadingParameter]
    private Task<AuthenticationState> State { get; set; } = default!;

    /// <summary>Who looks at the page.</summary>
    protected Principal Caller { get; private set; } = default!;

    /// <summary>Cancelled when the page is left.</summary>
    protected CancellationToken Left => _left.Token;

    /// <summary>Why the last reading or action failed; null when it did not.</summary>
    protected string? Trouble { get; set; }

    /// <summary>Why the page is not for whoever looks at it; null when it is.</summary>
    protected string? Refusal { get; private set; }

    /// <summary>Whether the page has been read once.</summary>
    protected bool Loaded { get; private set; }

    /// <summary>Between two readings.</summary>
    protected virtual TimeSpan Every => TimeSpan.FromSeconds(1);

    /// <summary>Reads what the page shows.</summary>
    protected abstract Task LoadAsync(CancellationToken cancellationToken);

    protected override async Task OnInitializedAsync()
    {
        if (SessionPrincipal.Of((await State).User) is not { } caller)
        {
            return;
        }

        Caller = caller;
        await ReadAsync();
    }

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender)
        {
            _reading = ReadOnAsync();
        }
    }

    /// <summary>Does what a person asked for, says what went wrong, and reads again.</summary>
    protected async Task ActAsync(Func<CancellationToken, Task> act)
    {
        try
        {
            await act(Left);
            Trouble = null;
            await ReadAsync();
        }
        catch (Exception e) when (!Left.IsCancellationRequested)
        {
            Trouble = Words(e);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>What a person is told of an error.</summary>
    internal static string Words(Exception exception) => exception switch
    {
        InvalidInputException e => $"{e.Field}: {e.Message}",
        NotAllowedException or ConflictException or ServerUnavailableException => exception.Message,
        _ => "The platform could not do that just now. Its log says why.",
    };

    private async Task ReadOnAsync()
    {
        using var timer = new PeriodicTimer(Every, Time);
        try
        {
            while (await timer.WaitForNextTickAsync(Left))
            {
                await InvokeAsync(async () =>
                {
                    await ReadAsync();
                    StateHasChanged();
                });
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task ReadAsync()
    {
        if (Caller is null)
        {
            return;
        }

        try
        {
            await LoadAsync(Left);
            if (!Loaded || Unreadable)
            {
                (Loaded, Unreadable) = (true, false);
            }

            Refusal = null;
        }
        catch (NotAllowedException e)
        {
            (Loaded, Refusal) = (false, e.Message);
        }
        catch (Exception) when (!Left.IsCancellationRequested)
        {
            Unreadable = true;
        }
    }

    /// <summary>The last reading failed; what is shown may be old.</summary>
    protected bool Unreadable { get; private set; }

    public virtual async ValueTask DisposeAsync()
    {
        await _left.CancelAsync();
        await _reading;
        _left.Dispose();
        GC.SuppressFinalize(this);
    }
}
