//! Subscriptions on the terminal.

use crate::codec::proto::v1::Subscription;

use super::super::{
    CliError,
    output::{json, stdout::Stdout, style::Style, table},
};

pub(super) fn one(subscription: &Subscription, as_json: bool) -> Result<(), CliError> {
    let mut out = Stdout::new();
    if as_json {
        out.json(&json::subscription(subscription))?;
    } else {
        for line in table::pairs(&pairs(subscription), Style::stdout()) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

pub(super) fn all(subscriptions: &[Subscription], as_json: bool) -> Result<(), CliError> {
    let mut out = Stdout::new();
    if as_json {
        for subscription in subscriptions {
            out.json(&json::subscription(subscription))?;
        }
    } else {
        let header = ["NAME", "POSITION", "HEAD", "LAG", "CONSUMER"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for subscription in subscriptions {
            table::row(
                &mut table,
                [
                    subscription.name.clone(),
                    subscription.acknowledged_sequence.to_string(),
                    subscription.head_sequence.to_string(),
                    lag(subscription),
                    consumer(subscription),
                ],
            );
        }
        for line in table::lines(&table) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

fn pairs(subscription: &Subscription) -> Vec<(&'static str, String)> {
    let filter = subscription.filter.as_ref().map(json::filter);
    let filter = filter.filter(|filter| filter.as_object().is_some_and(|fields| !fields.is_empty()));
    vec![
        ("subscription", subscription.name.clone()),
        ("tenant", subscription.tenant_id.clone()),
        ("filter", filter.map_or_else(|| "every event".to_owned(), |filter| filter.to_string())),
        ("national ids", if subscription.show_personal { "delivered" } else { "left out" }.to_owned()),
        ("created", json::time(subscription.created_time.as_ref())),
        ("position", subscription.acknowledged_sequence.to_string()),
        ("acknowledged", json::time(subscription.acknowledged_time.as_ref())),
        ("head", subscription.head_sequence.to_string()),
        ("lag", lag(subscription)),
        ("consumer", consumer(subscription)),
        ("lease ends", json::time(subscription.lease_expire_time.as_ref())),
    ]
}

/// `-`: nothing waits.
fn lag(subscription: &Subscription) -> String {
    let Some(lag) = &subscription.lag else { return "-".to_owned() };
    let seconds = lag.seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

fn consumer(subscription: &Subscription) -> String {
    match (&subscription.lease_expire_time, subscription.consumer.as_str()) {
        (None, _) => "-".to_owned(),
        (Some(_), "") => "somebody without a name".to_owned(),
        (Some(_), name) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_said_in_the_units_that_matter() {
        let of = |seconds| {
            let lag = Some(prost_types::Duration { seconds, nanos: 0 });
            lag_of(Subscription { lag, ..Subscription::default() })
        };
        fn lag_of(subscription: Subscription) -> String {
            lag(&subscription)
        }
        assert_eq!(lag_of(Subscription::default()), "-");
        assert_eq!(
            [of(0), of(59), of(61), of(3_700), of(90_000)],
            ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h"]
        );
    }
}
