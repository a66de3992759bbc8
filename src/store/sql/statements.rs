//! The statements of a request as they would be sent, for whoever wants to ask a database how it goes about them.

use sea_orm::DbBackend;

use super::{
    access::Access,
    convert,
    question::{Asker, Columns, FEW, Question, recorded_at},
    store::SqlStore,
};
use crate::{
    domain::id::TenantId,
    store::{
        StoreError,
        contract::{CountRequest, ScanRequest},
    },
};

/// One statement.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The way to its rows that it is declared to take.
    pub access: Access,
    /// As it is sent: with placeholders.
    pub prepared: String,
    /// With its values, as a database plans it when it looks at them.
    pub literal: String,
}

impl SqlStore {
    /// What a scan that gets so far sends, without sending it. `TenantNotFound`.
    ///
    /// Where one statement's answer goes into the next, as many points of the request as one statement takes stand
    /// for it.
    pub async fn scan_statements(&self, request: &ScanRequest<'_>) -> Result<Vec<Planned>, StoreError> {
        let (range, most) = ((request.from, request.through, request.order), request.max_events);
        let key = self.key(request.tenant).await?;
        let asker = Asker { key, backend: self.backend(), filter: request.filter };
        let places = points(request.from, request.through);
        let at = asker.rows_at(&places, request.order, Columns::Payload, request.with_personal);
        let questions = match asker.access() {
            Access::EventIds => asker.places_of_ids().chain([at]).collect(),
            Access::Administrative => vec![asker.administrative_places(range, most), at],
            Access::KeyRange | Access::KeyPoints => {
                vec![asker.rows_between(range, most, Columns::Payload, request.with_personal)]
            }
        };
        Ok(self.planned(questions))
    }

    /// The same for a count.
    pub async fn count_statements(&self, request: &CountRequest<'_>) -> Result<Vec<Planned>, StoreError> {
        let key = self.key(request.tenant).await?;
        let asker = Asker { key, backend: self.backend(), filter: request.filter };
        let places = points(request.from, request.through);
        let questions = match asker.access() {
            Access::EventIds => asker.places_of_ids().chain([asker.count_at(&places)]).collect(),
            Access::Administrative if asker.asks_types_only() => {
                vec![asker.count_administrative(request.from, request.through)]
            }
            _ => vec![asker.count_between(request.from, request.through)],
        };
        Ok(self.planned(questions))
    }

    /// The same for the search of a time, one point of it being `place`.
    pub async fn recorded_statements(
        &self,
        tenant: &TenantId,
        place: u64,
    ) -> Result<Vec<Planned>, StoreError> {
        let points = points(place, place + FEW as u64);
        Ok(self.planned(vec![recorded_at(self.key(tenant).await?, &points)]))
    }

    fn backend(&self) -> DbBackend {
        self.read.get_database_backend()
    }

    fn planned(&self, questions: Vec<Question>) -> Vec<Planned> {
        let planned = |question: Question| {
            let statement = self.backend().build(&question.select);
            Planned {
                access: question.access,
                prepared: statement.sql.clone(),
                literal: statement.to_string(),
            }
        };
        questions.into_iter().map(planned).collect()
    }
}

/// As many points between two positions as one statement takes.
fn points(from: u64, through: u64) -> Vec<i64> {
    let (lowest, highest) = (from.min(through), from.max(through));
    let step = ((highest - lowest) / FEW as u64).max(1);
    (0..FEW as u64).map(|n| convert::signed(lowest + n * step)).collect()
}
