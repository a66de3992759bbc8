//! Recording events so that none is lost and none is stored twice.

use tokio::time;
use uuid::Uuid;

use crate::codec::proto::v1::{BatchRecordEventsRequest, Event, Receipt, RecordEventRequest, record_result};

use super::{Client, backoff::Backoff, error::ClientError};

impl Client {
    /// Gives every event that has no id a new one (UUID version 7). `record` and `record_batch` do it themselves; do
    /// it before them to be able to send the same events again after they gave up.
    pub fn choose_ids(events: &mut [Event]) {
        for event in events.iter_mut().filter(|event| event.event_id.is_empty()) {
            event.event_id = Uuid::now_v7().to_string();
        }
    }

    /// Records one event. Its id is chosen before the first attempt, so that repetitions cannot record it twice.
    ///
    /// A receipt with `DISPOSITION_DUPLICATE` may be the answer to a repetition: the event is recorded.
    ///
    /// # Errors
    ///
    /// After the last repetition, or at once where repeating does not help. If [`ClientError::is_transient`], the
    /// event may or may not be recorded.
    pub async fn record(&self, mut event: Event) -> Result<Receipt, ClientError> {
        Self::choose_ids(std::slice::from_mut(&mut event));
        let answer = self
            .repeatedly(|| {
                let mut audit = self.audit();
                let request = RecordEventRequest { event: Some(event.clone()) };
                self.once(request, async move |request| audit.record_event(request).await)
            })
            .await?;
        answer.receipt.ok_or(ClientError::Contract("an answer without a receipt"))
    }

    /// Records events in one request: in their order, with one result per event. At most what the server takes in one
    /// request (1,000 events, 4 MiB); [`super::Batcher`] cuts more into such pieces. Ids are chosen before the first
    /// attempt; events that were refused for a passing reason are sent again.
    ///
    /// # Errors
    ///
    /// If the request as a whole failed; if [`ClientError::is_transient`], any of its events may be recorded.
    pub async fn record_batch(
        &self,
        mut events: Vec<Event>,
    ) -> Result<Vec<Result<Receipt, ClientError>>, ClientError> {
        Self::choose_ids(&mut events);
        let mut results: Vec<Option<Result<Receipt, ClientError>>> = events.iter().map(|_| None).collect();
        let mut backoff = Backoff::new(&self.options().clone());
        // Places in `events` that still have no final result.
        let mut open: Vec<usize> = (0..events.len()).collect();
        while !open.is_empty() {
            let sent = open.iter().filter_map(|&i| events.get(i).cloned()).collect();
            let answers = self.send(BatchRecordEventsRequest { events: sent }).await?;
            if answers.len() != open.len() {
                return Err(ClientError::Contract("not one result per event"));
            }
            let mut again = Vec::new();
            let mut asked = None;
            for (&place, answer) in open.iter().zip(answers) {
                match answer {
                    Err(error) if error.is_transient() && backoff.failures() < self.options().max_retries => {
                        asked = asked.max(error.retry_after());
                        again.push(place);
                    }
                    answer => results[place] = Some(answer),
                }
            }
            if !again.is_empty() {
                time::sleep(backoff.after_failure(asked)).await;
            }
            open = again;
        }
        Ok(results.into_iter().flatten().collect())
    }

    async fn send(
        &self,
        request: BatchRecordEventsRequest,
    ) -> Result<Vec<Result<Receipt, ClientError>>, ClientError> {
        let answer = self
            .repeatedly(|| {
                let mut audit = self.audit();
                self.once(request.clone(), async move |request| audit.batch_record_events(request).await)
            })
            .await?;
        let results = answer.results.into_iter().map(|result| match result.kind {
            Some(record_result::Kind::Receipt(receipt)) => Ok(receipt),
            Some(record_result::Kind::Error(status)) => Err(ClientError::from_result(status)),
            None => Err(ClientError::Contract("a result without a receipt or an error")),
        });
        Ok(results.collect())
    }
}
