//! What is aimed at, as ratios of figures of the same run.

use serde::Serialize;

use super::figures::Figures;

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The ratio must be this or more.
    AtLeast,
    /// The ratio must be this or less.
    AtMost,
}

/// One goal, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// What is divided by what.
    pub ratio: String,
    /// The result.
    pub measured: f64,
    /// On which side of `goal` it must be.
    pub measure: Measure,
    /// The goal.
    pub goal: f64,
    /// Whether it is.
    pub met: bool,
}

impl Goal {
    /// A figure that must not be larger than `goal`.
    pub(super) fn at_most(what: &str, measured: f64, goal: f64) -> Self {
        Self::new(what.to_owned(), (measured, 1.0), Measure::AtMost, goal)
    }

    /// A ratio that must not be smaller than `goal`.
    pub(super) fn at_least(ratio: String, rates: (f64, f64), goal: f64) -> Self {
        Self::new(ratio, rates, Measure::AtLeast, goal)
    }

    fn new(ratio: String, (of, by): (f64, f64), measure: Measure, goal: f64) -> Self {
        let measured = if by > 0.0 { of / by } else { 0.0 };
        let met = match measure {
            Measure::AtLeast => measured >= goal,
            Measure::AtMost => by > 0.0 && measured <= goal,
        };
        Self { ratio, measured, measure, goal, met }
    }
}

/// The figures that the goals are about.
pub(super) struct Compared<'a> {
    pub(super) bare: &'a Figures,
    pub(super) one: &'a Figures,
    pub(super) many: &'a Figures,
    /// Batches of 1,000 and the stream: the faster one counts.
    pub(super) bulk: [&'a Figures; 2],
    pub(super) raw: &'a Figures,
    pub(super) single: &'a Figures,
}

impl Compared<'_> {
    /// The three goals; `share` is how much of the raw rate is aimed at.
    pub(super) fn goals(&self, share: f64) -> Vec<Goal> {
        let [first, second] = self.bulk;
        let bulk = if first.events_per_second > second.events_per_second { first } else { second };
        let rates = |of: &Figures, by: &Figures| (of.events_per_second, by.events_per_second);
        let latencies = (self.one.p50_ms, self.single.p50_ms + self.bare.p50_ms);
        vec![
            Goal::new(
                format!("{} / {}", bulk.case, self.raw.case),
                rates(bulk, self.raw),
                Measure::AtLeast,
                share,
            ),
            Goal::new(
                format!("{} / {}", self.many.case, self.single.case),
                rates(self.many, self.single),
                Measure::AtLeast,
                8.0,
            ),
            Goal::new(
                format!("p50 of {} / (p50 of single insert + p50 of bare call)", self.one.case),
                latencies,
                Measure::AtMost,
                1.5,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(rate: f64, p50_ms: f64) -> Figures {
        let case = format!("{rate}");
        Figures { case, events: 1, seconds: 1.0, events_per_second: rate, p50_ms, p99_ms: p50_ms }
    }

    #[test]
    fn goals_compare_the_faster_bulk_way_and_the_sum_of_latencies() {
        let [bare, one, many] = [figures(1.0, 0.2), figures(1.0, 1.0), figures(700.0, 9.0)];
        let [batch, stream, raw, single] =
            [figures(50.0, 1.0), figures(60.0, 1.0), figures(100.0, 1.0), figures(100.0, 0.6)];
        let compared = Compared {
            bare: &bare,
            one: &one,
            many: &many,
            bulk: [&batch, &stream],
            raw: &raw,
            single: &single,
        };
        let goals = compared.goals(0.6);
        let met: Vec<_> = goals.iter().map(|goal| (goal.measured, goal.met)).collect();
        assert_eq!(met, [(0.6, true), (7.0, false), (1.25, true)]);
        let nothing = figures(0.0, 0.0);
        let none = Compared { bare: &nothing, single: &nothing, raw: &nothing, ..compared };
        assert!(none.goals(0.6).iter().all(|goal| !goal.met), "nothing to compare with is no success");
    }
}
