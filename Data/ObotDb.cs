using Microsoft.EntityFrameworkCore;
using Obot.Data.Tables;

namespace Obot.Data;

/// <summary>The tables of the platform: what is declared, listed, searched and joined. Runtime state is the grains'.</summary>
public sealed class ObotDb(DbContextOptions<ObotDb> options) : DbContext(options)
{
    public DbSet<UserRow> Users => Set<UserRow>();
    public DbSet<AuthProviderRow> AuthProviders => Set<AuthProviderRow>();
    public DbSet<UserIdentityRow> UserIdentities => Set<UserIdentityRow>();
    public DbSet<LocalAccountRow> LocalAccounts => Set<LocalAccountRow>();
    public DbSet<GroupRow> Groups => Set<GroupRow>();
    public DbSet<GroupMemberRow> GroupMembers => Set<GroupMemberRow>();
    public DbSet<UserSessionRow> UserSessions => Set<UserSessionRow>();
    public DbSet<SettingRow> Settings => Set<SettingRow>();
    public DbSet<ServerRow> Servers => Set<ServerRow>();
    public DbSet<ServerValueRow> ServerValues => Set<ServerValueRow>();
    public DbSet<ServerInstanceRow> ServerInstances => Set<ServerInstanceRow>();
    public DbSet<ApiKeyRow> ApiKeys => Set<ApiKeyRow>();
    public DbSet<AccessRuleRow> AccessRules => Set<AccessRuleRow>();
    public DbSet<CatalogRow> Catalogs => Set<CatalogRow>();
    public DbSet<CatalogEntryRow> CatalogEntries => Set<CatalogEntryRow>();
    public DbSet<ChangeRow> Changes => Set<ChangeRow>();
    public DbSet<StorageRow> Storages => Set<StorageRow>();
    public DbSet<ExportRow> Exports => Set<ExportRow>();
    public DbSet<ExportScheduleRow> ExportSchedules => Set<ExportScheduleRow>();
    public DbSet<FilterRow> Filters => Set<FilterRow>();
    public DbSet<ModelProviderRow> ModelProviders => Set<ModelProviderRow>();
    public DbSet<ModelRow> Models => Set<ModelRow>();
    public DbSet<ModelAliasRow> ModelAliases => Set<ModelAliasRow>();
    public DbSet<ModelAccessPolicyRow> ModelAccessPolicies => Set<ModelAccessPolicyRow>();
    public DbSet<LlmBudgetRow> LlmBudgets => Set<LlmBudgetRow>();
    public DbSet<LlmMessagePolicyRow> LlmMessagePolicies => Set<LlmMessagePolicyRow>();
    public DbSet<ProjectRow> Projects => Set<ProjectRow>();
    public DbSet<ProjectMemberRow> ProjectMembers => Set<ProjectMemberRow>();
    public DbSet<ToolApprovalRow> ToolApprovals => Set<ToolApprovalRow>();
    public DbSet<ConversationRow> Conversations => Set<ConversationRow>();
    public DbSet<ConversationMessageRow> ConversationMessages => Set<ConversationMessageRow>();
    public DbSet<ConversationPartRow> ConversationParts => Set<ConversationPartRow>();
    public DbSet<WorkspaceFileRow> WorkspaceFiles => Set<WorkspaceFileRow>();
    public DbSet<FileRemovalRow> FileRemovals => Set<FileRemovalRow>();
    public DbSet<TaskRow> Tasks => Set<TaskRow>();
    public DbSet<TaskRunRow> TaskRuns => Set<TaskRunRow>();
    public DbSet<ThirdPartyClientRow> ThirdPartyClients => Set<ThirdPartyClientRow>();
    public DbSet<ThirdPartyConnectionRow> ThirdPartyConnections => Set<ThirdPartyConnectionRow>();
    public DbSet<ThirdPartyServerRow> ThirdPartyServers => Set<ThirdPartyServerRow>();
    public DbSet<ClusterKeyRow> ClusterKeys => Set<ClusterKeyRow>();
    public DbSet<SecurityEventRow> SecurityEvents => Set<SecurityEventRow>();
    public DbSet<SignInCodeRow> SignInCodes => Set<SignInCodeRow>();
    public DbSet<DataKeyRow> DataKeys => Set<DataKeyRow>();
    public DbSet<DataProtectionKeyRow> DataProtectionKeys => Set<DataProtectionKeyRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        OAuthTables.Configure(modelBuilder);
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(ObotDb).Assembly);
    }
}
