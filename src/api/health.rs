//! `grpc.health.v1.Health`: the process (service ``), each service of the contract, and `vidne.exports`.

use std::sync::Arc;

use tokio::sync::Mutex;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

use super::methods::services;
use crate::codec::proto::DESCRIPTORS;

/// The process itself: it is up and serves, whatever the database does.
const PROCESS: &str = "";
/// Export jobs: serving unless one has failed for long.
const EXPORTS: &str = "vidne.exports";

/// What health says. Answers come from memory and never wait for anything.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    services: Vec<String>,
    /// Once true, nothing serves any more, whatever the store does.
    stopping: Arc<Mutex<bool>>,
}

impl Health {
    /// The process serves; its services do not until [`Health::store_answers`] says so.
    pub async fn new() -> Result<Self, prost::DecodeError> {
        let services = services(DESCRIPTORS)?;
        let health = Self { reporter: HealthReporter::new(), services, stopping: Arc::default() };
        health.store_answers(false).await;
        health.exports_work(true).await;
        Ok(health)
    }

    /// The services serve while the store answers.
    pub async fn store_answers(&self, answers: bool) {
        let stopping = self.stopping.lock().await;
        if !*stopping {
            self.set_services(answers).await;
        }
    }

    /// Whether no export job has failed for long. The server serves all the same.
    pub async fn exports_work(&self, work: bool) {
        let stopping = self.stopping.lock().await;
        if !*stopping {
            let status = if work { ServingStatus::Serving } else { ServingStatus::NotServing };
            self.reporter.set_service_status(EXPORTS, status).await;
        }
    }

    /// Nothing serves any more.
    pub async fn stopping(&self) {
        let mut stopping = self.stopping.lock().await;
        *stopping = true;
        self.set_services(false).await;
        for name in [PROCESS, EXPORTS] {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
    }

    async fn set_services(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }

    /// Ends every open Watch; they would hold the drain up.
    pub async fn end_watches(&mut self) {
        self.reporter.clear_service_status(PROCESS).await;
        self.reporter.clear_service_status(EXPORTS).await;
        for service in &self.services {
            self.reporter.clear_service_status(service).await;
        }
    }

    /// The service, to be served on any number of ports.
    pub fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}
