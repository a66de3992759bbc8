//! `vidne tenant`.

use clap::{Args, Subcommand};

use crate::{
    client::{Client, ClientError},
    codec::proto::v1::{Tenant, TenantSettings, TenantState},
};

use super::{
    CliError,
    error::can_ask,
    input::switch,
    output::{consent, escape::escape, json, stdout::Stdout, style::Style, table},
    page,
    server::ServerArgs,
};

const EXAMPLES: &str = "\
Security administration events (the 27 types of users, groups, permissions, ...) are off until switched on:
  vidne tenant update default --security-events on
Each change of a switch is recorded in the tenant's own log (AuditingConfigurationChanged).

  vidne tenant create kommune-101 --name 'Københavns Kommune' --security-events on
  vidne tenant list
  vidne tenant delete kommune-101     closes it: the log stays readable, the id is never used again";

/// How often `--retry` starts over.
const RETRIES: u32 = 10;

/// Arguments of `vidne tenant`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct TenantArgs {
    #[command(subcommand)]
    command: TenantCommand,
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Create a tenant.
    Create(CreateArgs),
    /// Show a tenant.
    Get(OneArgs),
    /// List all tenants, closed ones too.
    List(ListArgs),
    /// Change a tenant.
    Update(UpdateArgs),
    /// Close a tenant to writing, for good.
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
struct Common {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What can be set. Without a flag, a new tenant gets the default and an old one stays as it is.
#[derive(Debug, Args)]
#[group(id = "changes", multiple = true)]
struct Settings {
    /// A name for people.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Keep security administration events. Default for a new tenant: off.
    #[arg(long, value_name = "on|off", value_parser = switch)]
    security_events: Option<bool>,
    /// Keep data access events. Default for a new tenant: on.
    #[arg(long, value_name = "on|off", value_parser = switch)]
    data_access_events: Option<bool>,
    /// Keep custom events. Default for a new tenant: on.
    #[arg(long, value_name = "on|off", value_parser = switch)]
    custom_events: Option<bool>,
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Its id: 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct OneArgs {
    /// Its id.
    #[arg(value_name = "ID", default_value = "default")]
    id: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("something").args(["name", "security_events", "data_access_events", "custom_events"]).required(true).multiple(true))]
struct UpdateArgs {
    /// Its id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    settings: Settings,
    /// If somebody else changes it at the same moment, read it again and try again.
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    /// Its id.
    #[arg(value_name = "ID")]
    id: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

/// Runs `vidne tenant`.
///
/// # Errors
///
/// If the server refuses.
pub async fn run(args: TenantArgs) -> Result<(), CliError> {
    let (tenants, as_json) = match args.command {
        TenantCommand::Create(args) => {
            let tenant = args.settings.tenant(args.id);
            (vec![args.common.server.client()?.create_tenant(tenant).await?], args.common.json)
        }
        TenantCommand::Get(args) => {
            (vec![args.common.server.client()?.get_tenant(&args.id).await?], args.common.json)
        }
        TenantCommand::List(args) => return list(&args).await,
        TenantCommand::Update(args) => {
            (vec![update(&args.common.server.client()?, &args).await?], args.common.json)
        }
        TenantCommand::Delete(args) => {
            let client = args.common.server.client()?;
            confirm(&args)?;
            (vec![client.delete_tenant(&args.id).await?], args.common.json)
        }
    };
    let mut out = Stdout::new();
    for tenant in &tenants {
        if as_json {
            out.json(&json::tenant(tenant))?;
        } else {
            for line in table::pairs(&describe(tenant), Style::stdout()) {
                out.line(&line)?;
            }
        }
    }
    Ok(out.flush()?)
}

async fn list(args: &ListArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    let call = |token: String| {
        let client = client.clone();
        async move { client.list_tenants(&token).await }
    };
    let tenants = page::all(usize::MAX, call).await?;
    let mut out = Stdout::new();
    if args.common.json {
        for tenant in &tenants {
            out.json(&json::tenant(tenant))?;
        }
    } else {
        let header = ["TENANT", "NAME", "STATE", "SECURITY", "DATA ACCESS", "CUSTOM", "EVENTS"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for tenant in &tenants {
            let settings = tenant.settings.unwrap_or_default();
            table::row(
                &mut table,
                [
                    tenant.tenant_id.clone(),
                    tenant.display_name.clone(),
                    state(tenant),
                    on_off(settings.security_events_enabled),
                    on_off(settings.data_access_events_enabled),
                    on_off(settings.custom_events_enabled),
                    tenant.head_sequence.to_string(),
                ],
            );
        }
        for line in table::lines(&table) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

/// Reads the tenant for its revision and changes it; with `--retry` again if somebody else was faster.
async fn update(client: &Client, args: &UpdateArgs) -> Result<Tenant, ClientError> {
    let paths = args.settings.paths();
    let mut left = if args.retry { RETRIES } else { 0 };
    loop {
        let revision = client.get_tenant(&args.id).await?.revision;
        let tenant = Tenant { revision, ..args.settings.tenant(args.id.clone()) };
        match client.update_tenant(tenant, &paths).await {
            Err(error) if left > 0 && error.code() == Some(tonic::Code::Aborted) => left -= 1,
            answer => return answer,
        }
    }
}

fn confirm(args: &DeleteArgs) -> Result<(), CliError> {
    if args.yes {
        return Ok(());
    }
    if !can_ask() {
        return Err(CliError::Usage("closing a tenant is for good: say --yes".to_owned()));
    }
    let id = escape(&args.id);
    let question = format!("Close tenant {id} to writing, for good? Its log stays readable.");
    if consent::confirm(&question)? { Ok(()) } else { Err(CliError::failed("nothing was changed")) }
}

impl Settings {
    fn tenant(&self, tenant_id: String) -> Tenant {
        let settings = TenantSettings {
            security_events_enabled: self.security_events,
            data_access_events_enabled: self.data_access_events,
            custom_events_enabled: self.custom_events,
        };
        let display_name = self.name.clone().unwrap_or_default();
        Tenant { tenant_id, display_name, settings: Some(settings), ..Tenant::default() }
    }

    /// The update mask.
    fn paths(&self) -> Vec<&'static str> {
        let named = [
            (self.name.is_some(), "display_name"),
            (self.security_events.is_some(), "settings.security_events_enabled"),
            (self.data_access_events.is_some(), "settings.data_access_events_enabled"),
            (self.custom_events.is_some(), "settings.custom_events_enabled"),
        ];
        named.into_iter().filter_map(|(given, path)| given.then_some(path)).collect()
    }
}

fn describe(tenant: &Tenant) -> Vec<(&'static str, String)> {
    let settings = tenant.settings.unwrap_or_default();
    vec![
        ("tenant", tenant.tenant_id.clone()),
        ("name", tenant.display_name.clone()),
        ("state", state(tenant)),
        ("security events", on_off(settings.security_events_enabled)),
        ("data access events", on_off(settings.data_access_events_enabled)),
        ("custom events", on_off(settings.custom_events_enabled)),
        ("events", tenant.head_sequence.to_string()),
        ("revision", tenant.revision.to_string()),
        ("created", json::time(tenant.created_time.as_ref())),
        ("changed", json::time(tenant.updated_time.as_ref())),
    ]
}

fn state(tenant: &Tenant) -> String {
    match tenant.state() {
        TenantState::Active => "active".to_owned(),
        TenantState::Closed => "closed".to_owned(),
        TenantState::Unspecified => "?".to_owned(),
    }
}

fn on_off(switch: Option<bool>) -> String {
    match switch {
        Some(true) => "on".to_owned(),
        Some(false) => "off".to_owned(),
        None => "?".to_owned(),
    }
}
