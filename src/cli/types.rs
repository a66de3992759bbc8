//! `vidne types`: the catalogue.

use clap::Args;
use serde_json::json;

use crate::{
    client::ClientError,
    codec::proto::v1::{EventCategory, EventTypeInfo},
    domain::catalogue::{CATALOGUE, Category},
};

use super::{
    CliError,
    output::{stdout::Stdout, style::Style, table},
    server::ServerArgs,
};

const EXAMPLES: &str = "\
NAME is what `record --type`, `query --type` and JSON use; ORIGINAL is the product's own spelling.
`--type` understands both, and for security administration the code as well: user_created,
UserCreated, 0.";

/// Arguments of `vidne types`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TypesArgs {
    /// Print one JSON object per line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `vidne types`.
///
/// # Errors
///
/// If the server refuses or the output is closed.
pub async fn run(args: TypesArgs) -> Result<(), CliError> {
    print(&args.server, args.json).await
}

/// Prints the server's catalogue, or this program's if no server is there.
pub async fn print(server: &ServerArgs, as_json: bool) -> Result<(), CliError> {
    let client = server.client()?;
    let types = match client.list_event_types().await {
        Err(ClientError::Connection { .. }) => {
            super::output::stdout::note("no server is reached: this is the catalogue of this program");
            own()
        }
        answer => answer?,
    };
    let mut out = Stdout::new();
    if as_json {
        for info in &types {
            let mut value = json!({ "type": info.name });
            if let Some(code) = info.type_code {
                value["type_code"] = code.into();
            }
            value["type_name"] = info.type_name.as_str().into();
            value["category"] = category(info).into();
            value["meaning"] = info.meaning.as_str().into();
            out.json(&value)?;
        }
    } else {
        let header = ["NAME", "CODE", "ORIGINAL", "CATEGORY", "MEANING"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for info in &types {
            let code = info.type_code.map(|code| code.to_string()).unwrap_or_default();
            let cells = [&info.name, &code, &info.type_name, &category(info), &info.meaning];
            table::row(&mut table, cells);
        }
        for line in table::lines(&table) {
            out.line(&line)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn category(info: &EventTypeInfo) -> String {
    info.category().as_str_name().trim_start_matches("EVENT_CATEGORY_").to_lowercase()
}

fn own() -> Vec<EventTypeInfo> {
    let convert = |info: &crate::domain::catalogue::EventTypeInfo| EventTypeInfo {
        r#type: info.number,
        name: info.name.to_owned(),
        type_code: info.code.map(i32::from),
        type_name: info.original.to_owned(),
        category: match info.category {
            Category::DataAccess => EventCategory::DataAccess,
            Category::SecurityAdministration => EventCategory::SecurityAdministration,
            Category::Custom => EventCategory::Custom,
            Category::Service => EventCategory::Service,
        }
        .into(),
        meaning: info.meaning.to_owned(),
    };
    CATALOGUE.iter().map(convert).collect()
}
