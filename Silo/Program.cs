using Obot.Chat;
using Obot.Chat.Sessions;
using Obot.Data;
using Obot.Gateway;
using Obot.Grains;
using Obot.Silo;
using Obot.Silo.Cluster;
using Obot.Silo.Configuration;
using Obot.Silo.Health;
using Obot.Silo.Http;
using Obot.Silo.Telemetry;

var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
if (builder.BindObot(args) is not { } options)
{
    return 2;
}

builder.Logging.AddObotConsole();
var connectionString = await Startup.PrepareDatabaseAsync(options);
if (connectionString is null)
{
    return 1;
}

builder.UseObotListeners(options);
builder.AddObotSilo(options, connectionString);
builder.Services.AddSingleton(options).AddSingleton(TimeProvider.System).AddSingleton<Readiness>();
builder.Services.AddTelemetry(builder.Configuration, options);
builder.Services.AddObotData(connectionString);
builder.Services.AddGrains(builder.Configuration);
if (options.HasRole(SiloRoles.Gateway) || options.HasRole(SiloRoles.Chat))
{
    builder.Services.AddSessions(builder.Configuration);
}

if (options.HasRole(SiloRoles.Gateway))
{
    builder.Services.AddGateway(builder.Configuration);
}

if (options.HasRole(SiloRoles.Chat))
{
    builder.Services.AddChat(builder.Configuration);
}

var app = builder.Build();
app.UseTrustedProxies(options.TrustedProxies).UsePublicScheme(options.PublicUrl);
app.UseMetrics(options.Telemetry.MetricsToken);
if (options.HasRole(SiloRoles.Gateway))
{
    app.UseGateway(options.Guard.ListenPort);
}

app.UseRouting();
if (options.HasRole(SiloRoles.Gateway) || options.HasRole(SiloRoles.Chat))
{
    app.UseAuthentication();
}

if (options.HasRole(SiloRoles.Chat))
{
    app.UseAuthorization().UseChat();
    app.MapChat();
}

if (options.HasRole(SiloRoles.Gateway))
{
    app.MapGateway();
}

app.MapHealth();

return await Startup.RunAsync(app);
