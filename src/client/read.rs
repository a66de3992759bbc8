//! Single reads: one event, the catalogue, health.

use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::codec::proto::v1::{Event, EventTypeInfo, GetEventRequest, ListEventTypesRequest};

use super::{Client, error::ClientError};

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// It takes calls.
    Yes,
    /// It does not take calls at the moment.
    No,
    /// It does not know the service that was asked for.
    Unknown,
}

impl Client {
    /// One event.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn get_event(&self, request: GetEventRequest) -> Result<Event, ClientError> {
        let answer = self
            .repeatedly(|| {
                let mut audit = self.audit();
                self.once(request.clone(), async move |request| audit.get_event(request).await)
            })
            .await?;
        answer.event.ok_or(ClientError::Contract("an answer without an event"))
    }

    /// The event catalogue.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached.
    pub async fn list_event_types(&self) -> Result<Vec<EventTypeInfo>, ClientError> {
        let call = || {
            let mut audit = self.audit();
            self.once(ListEventTypesRequest {}, async move |request| audit.list_event_types(request).await)
        };
        Ok(self.repeatedly(call).await?.event_types)
    }

    /// Whether the server serves (`grpc.health.v1`). `service` is a full name such as `vidne.v1.AuditService`, or
    /// empty for all of it. Asked once, without repetition.
    ///
    /// # Errors
    ///
    /// If there was no answer.
    pub async fn check_health(&self, service: &str) -> Result<Serving, ClientError> {
        let mut health = self.health();
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = self.once(request, async move |request| health.check(request).await).await;
        match answer {
            Ok(answer) => Ok(match answer.status() {
                ServingStatus::Serving => Serving::Yes,
                ServingStatus::NotServing => Serving::No,
                ServingStatus::Unknown | ServingStatus::ServiceUnknown => Serving::Unknown,
            }),
            Err(error) if error.code() == Some(tonic::Code::NotFound) => Ok(Serving::Unknown),
            Err(error) => Err(error),
        }
    }
}
