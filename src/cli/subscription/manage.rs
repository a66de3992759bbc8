//! Creating, showing and deleting.

use clap::Args;

use crate::codec::proto::v1::{Subscription, create_subscription_request::Start};

use super::{
    super::{
        CliError,
        error::can_ask,
        filter::FilterArgs,
        output::{consent, escape::escape},
        page,
    },
    Common, show,
};

/// Arguments of `vidne subscription create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Its name: 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit.
    #[arg(value_name = "NAME")]
    name: String,
    /// Begin with what is recorded from now on instead of the first event.
    #[arg(long, conflicts_with = "after")]
    from_now: bool,
    /// Begin after this sequence number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Deliver national ids too.
    #[arg(long)]
    show_personal: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `vidne subscription list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    common: Common,
}

/// Arguments of `vidne subscription show`.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// Its name.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `vidne subscription delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Its name.
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn create(args: CreateArgs) -> Result<(), CliError> {
    let start = match args.after {
        Some(position) => Some(Start::AfterSequence(position)),
        None => args.from_now.then_some(Start::FromNow(true)),
    };
    let subscription = Subscription {
        tenant_id: args.common.tenant().to_owned(),
        name: args.name,
        filter: args.filter.filter(),
        show_personal: args.show_personal,
        ..Subscription::default()
    };
    let created = args.common.server.client()?.create_subscription(subscription, start).await?;
    show::one(&created, args.common.json)
}

pub(super) async fn list(args: ListArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    let call = |token: String| {
        let client = client.clone();
        let tenant = args.common.tenant().to_owned();
        async move { client.list_subscriptions(&tenant, &token).await }
    };
    let all = page::all(usize::MAX, call).await?;
    show::all(&all, args.common.json)
}

pub(super) async fn show(args: OneArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    show::one(&client.get_subscription(args.common.tenant(), &args.name).await?, args.common.json)
}

pub(super) async fn delete(args: DeleteArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    if !args.yes {
        if !can_ask() {
            return Err(CliError::Usage("a deleted subscription's position is gone: say --yes".to_owned()));
        }
        let question = format!("Delete subscription {} and its position?", escape(&args.name));
        if !consent::confirm(&question)? {
            return Err(CliError::failed("nothing was changed"));
        }
    }
    Ok(client.delete_subscription(args.common.tenant(), &args.name).await?)
}
