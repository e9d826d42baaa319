using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Exports;

namespace Obot.Gateway.Management;

/// <summary>Where exports go.</summary>
internal sealed record StorageBody
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Kind { get; init; }
    public string? Endpoint { get; init; }
    public string? Region { get; init; }
    public string? Bucket { get; init; }
    public bool? PathStyle { get; init; }
    public string? ChecksumMode { get; init; }
    public string? ServerSideEncryption { get; init; }
    public string? KmsKeyID { get; init; }
    public string? AccessKeyID { get; init; }

    /// <summary>A secret is kept; it is never read back.</summary>
    public required bool SecretSet { get; init; }
    public string? Directory { get; init; }
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public IReadOnlyList<string>? Warnings { get; init; }

    public static StorageBody Of(StorageView view) => new()
    {
        Id = view.Id,
        Name = view.Settings.Name ?? "",
        Kind = view.Settings.Kind ?? "",
        Endpoint = view.Settings.Endpoint,
        Region = view.Settings.Region,
        Bucket = view.Settings.Bucket,
        PathStyle = view.Settings.PathStyle,
        ChecksumMode = view.Settings.ChecksumMode,
        ServerSideEncryption = view.Settings.ServerSideEncryption,
        KmsKeyID = view.Settings.KmsKeyID,
        AccessKeyID = view.Settings.AccessKeyID,
        SecretSet = view.HasSecret,
        Directory = view.Settings.Directory,
        CreatedBy = view.CreatedBy,
        Revision = view.Revision,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
    };
}

/// <summary><c>/api/storage-credentials</c>.</summary>
internal sealed class StorageEndpoints(IStorages storages)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/storage-credentials").WithTags("storage-credentials");
        group.MapPost("", (HttpContext context, StorageEndpoints self) => self.CreateAsync(context))
            .WithBody<NewStorage>().Produces<StorageBody>(StatusCodes.Status201Created).WithSummary("Make a storage: a bucket, or a directory of the silos");
        group.MapGet("", (HttpContext context, StorageEndpoints self) => self.ListAsync(context))
            .Produces<ListBody<StorageBody>>().WithSummary("List storages, oldest first");
        group.MapPost("/test", (HttpContext context, StorageEndpoints self) => self.TestAsync(context))
            .WithBody<NewStorage>().Produces<StorageTest>().WithSummary("Write, read and remove a small object with settings that are not kept");
        group.MapGet("/{id}", (HttpContext context, StorageEndpoints self, string id) => self.FindAsync(context, id)).Produces<StorageBody>().WithSummary("Get a storage");
        group.MapPut("/{id}", (HttpContext context, StorageEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<NewStorage>().Produces<StorageBody>().WithSummary("Replace the settings; an absent secret stays");
        group.MapDelete("/{id}", (HttpContext context, StorageEndpoints self, string id) => self.DeleteAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove a storage that nothing needs");
        group.MapPost("/{id}/test", (HttpContext context, StorageEndpoints self, string id) => self.TestAsync(context, id))
            .Produces<StorageTest>().WithSummary("Write, read and remove a small object");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewStorage>(context);
        var view = await storages.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/storage-credentials/{view.Id}";
        return Json(StorageBody.Of(view) with { Warnings = body.Warnings.Count == 0 ? null : body.Warnings }, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context) =>
        Json(new ListBody<StorageBody>([.. (await storages.List(context.Caller(), context.RequestAborted)).Select(StorageBody.Of)], null));

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        (await storages.List(context.Caller(), context.RequestAborted)).FirstOrDefault(view => view.Id == id) is { } view ? Json(StorageBody.Of(view)) : NotFound(id);

    private async Task<IResult> UpdateAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewStorage>(context);
        return await storages.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? Json(StorageBody.Of(view)) : NotFound(id);
    }

    private async Task<IResult> DeleteAsync(HttpContext context, string id) => await storages.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private async Task<IResult> TestAsync(HttpContext context) =>
        Json(await storages.Test(context.Caller(), (await RequestBody.ReadAsync<NewStorage>(context)).Value, context.RequestAborted));

    private async Task<IResult> TestAsync(HttpContext context, string id) => await storages.Test(context.Caller(), id, context.RequestAborted) is { } test ? Json(test) : NotFound(id);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("storage", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
