//! How events are shown: flags of `query` and `tail`.

use clap::Args;

use super::{
    super::CliError,
    column::{Column, Writing},
    zone::Zone,
};

/// How events are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "How it is shown")]
pub struct ViewArgs {
    /// Print one JSON object per line, the documented form of an event. Times are UTC.
    #[arg(long, conflicts_with_all = ["csv", "columns", "local_time", "time_zone"])]
    pub json: bool,
    /// Print CSV (RFC 4180) with a header. A value that a spreadsheet would run as a formula gets an apostrophe in
    /// front; --json changes nothing.
    #[arg(long)]
    pub csv: bool,
    /// Leave out the header, to append to what is there.
    #[arg(long, requires = "csv")]
    no_header: bool,
    /// Columns of the table or the CSV, separated by commas: sequence, time, recorded_time, type, type_code, severity,
    /// outcome, outcome_reason, actor, actor_id, actor_name, actor_email, actor_initials, actor_organization,
    /// national_id, ip, host, user_agent, target, target_id, description, labels, event_id, tenant, recorded_by, trace.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = Column::parse)]
    columns: Vec<Column>,
    /// Times in the time zone of this machine. Default: UTC.
    #[arg(long, conflicts_with = "time_zone")]
    local_time: bool,
    /// Times in this zone, such as Europe/Copenhagen.
    #[arg(long, value_name = "ZONE", value_parser = Zone::named)]
    time_zone: Option<Zone>,
    /// Print national ids too. Only with --json are they all shown.
    #[arg(long)]
    pub show_personal: bool,
}

/// What the flags mean.
#[derive(Clone, Debug)]
pub struct View {
    /// In which form.
    pub form: Form,
    /// Chosen columns; empty: the usual ones.
    pub columns: Vec<Column>,
    /// How values are written.
    pub writing: Writing,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// JSON Lines.
    Json,
    /// CSV.
    Csv {
        /// With a header.
        header: bool,
    },
}

impl ViewArgs {
    /// What the flags mean.
    ///
    /// # Errors
    ///
    /// If they do not go together, or this machine's time zone is not known.
    pub fn view(&self) -> Result<View, CliError> {
        if self.columns.contains(&Column::NationalId) && !self.show_personal {
            let text = "the column national_id is shown with --show-personal only";
            return Err(CliError::Usage(text.to_owned()));
        }
        let form = match (self.json, self.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv { header: !self.no_header },
            _ => Form::Text,
        };
        let writing = Writing { zone: self.zone()?, show_personal: self.show_personal };
        Ok(View { form, columns: self.columns.clone(), writing })
    }

    /// In which zone times are shown.
    ///
    /// # Errors
    ///
    /// If it is to be this machine's, which is not known.
    pub fn zone(&self) -> Result<Zone, CliError> {
        match &self.time_zone {
            Some(zone) => Ok(zone.clone()),
            None if self.local_time => Zone::local().map_err(CliError::failed),
            None => Ok(Zone::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;
    use crate::cli::query::column;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        view: ViewArgs,
    }

    fn parse(arguments: &[&str]) -> Result<ViewArgs, String> {
        let parsed = Only::try_parse_from(std::iter::once(&"x").chain(arguments));
        parsed.map(|only| only.view).map_err(|error| error.to_string())
    }

    #[test]
    fn the_help_names_every_column() {
        let help =
            Only::command().render_long_help().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(&column::names()), "{help}");
    }

    #[test]
    fn columns_are_taken_in_their_order_and_unknown_ones_refused() {
        let view = parse(&["--columns", "type,sequence"]).unwrap().view().unwrap();
        assert_eq!(view.columns, [Column::Type, Column::Sequence]);
        assert!(parse(&["--columns", "type,colour"]).unwrap_err().contains("there are sequence, time"));
    }

    #[test]
    fn national_ids_are_shown_only_when_they_are_asked_for_by_name() {
        let refused = parse(&["--columns", "national_id"]).unwrap().view();
        assert!(matches!(refused, Err(CliError::Usage(_))));
        parse(&["--columns", "national_id", "--show-personal"]).unwrap().view().unwrap();
    }

    #[test]
    fn forms_do_not_mix() {
        for wrong in [
            &["--json", "--csv"][..],
            &["--json", "--columns", "type"],
            &["--json", "--local-time"],
            &["--no-header"],
            &["--local-time", "--time-zone", "UTC"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
