//! The gRPC server as a client sees it: a whole `App` over the model store, on a free loopback port.

mod config;
mod connection_age;
mod declared;
mod discovery;
mod export;
mod in_flight;
mod metrics;
mod raw_stream;
mod read;
mod reasons;
mod replicas;
mod rooms;
mod shutdown;
mod sqlite;
mod stalled;
mod stream;
mod subscriptions;
mod summary;
mod tenants;
mod tonics_own;
mod trace;
mod violations;

use std::sync::Arc;

use tonic::{Code, Status, transport::Channel};
use tonic_types::{ErrorDetails, StatusExt};
use vidne::{
    app::{self, Backing, Io, Listeners, Running},
    client::proto::{
        audit_service_client::AuditServiceClient, export_service_client::ExportServiceClient,
        subscription_service_client::SubscriptionServiceClient, tenant_service_client::TenantServiceClient,
    },
    codec::proto::v1,
    config::{Flag, Settings, Sources, Values},
    domain::time::{Clock, SystemClock},
    store::memory::MemoryStore,
    vault::{MasterKey, Vault},
};

/// A server within the test, over the model store.
struct Server {
    running: Running,
    channel: Channel,
}

impl Server {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings beside the defaults.
    async fn with(given: &[(&'static str, &str)]) -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        Self::over(store, Vault::new(&MasterKey::generate().unwrap()), given).await
    }

    /// Over a store that outlives it.
    async fn over(store: Arc<MemoryStore>, vault: Vault, given: &[(&'static str, &str)]) -> Self {
        let settings = settings(given);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let backing = Backing::new(store, vault);
        let listeners = Listeners::bind(&settings.server).await.unwrap();
        let running = app::start_on(&settings, Io { clock, listeners }, backing).await.unwrap();
        let channel = connect(&running).await;
        Self { running, channel }
    }

    fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    fn tenants(&self) -> TenantServiceClient<Channel> {
        TenantServiceClient::new(self.channel.clone())
    }

    fn exports(&self) -> ExportServiceClient<Channel> {
        ExportServiceClient::new(self.channel.clone())
    }

    fn subscriptions(&self) -> SubscriptionServiceClient<Channel> {
        SubscriptionServiceClient::new(self.channel.clone())
    }

    async fn record(&self, event: v1::Event) -> Result<v1::Receipt, Status> {
        let request = v1::RecordEventRequest { event: Some(event) };
        Ok(self.audit().record_event(request).await?.into_inner().receipt.unwrap())
    }
}

async fn connect(running: &Running) -> Channel {
    let address = format!("http://{}", running.addresses.listen);
    Channel::from_shared(address).unwrap().connect().await.unwrap()
}

/// Settings for a test: free loopback ports, nothing from the machine's environment.
fn settings(given: &[(&'static str, &str)]) -> Settings {
    let mut flags = vec![
        flag("server.listen", "127.0.0.1:0"),
        flag("server.health_listen", "127.0.0.1:0"),
        flag("server.metrics_listen", "127.0.0.1:0"),
    ];
    flags.extend(given.iter().map(|(key, text)| flag(key, text)));
    Settings::new(&Values::load(&Sources { flags, ..Sources::default() }).unwrap()).unwrap()
}

fn flag(key: &'static str, text: &str) -> Flag {
    Flag { name: "test", key, text: text.to_owned() }
}

fn event() -> v1::Event {
    v1::Event { r#type: v1::EventType::RecordRead.into(), ..v1::Event::default() }
}

/// Checks the code and the reason of an error, and that its details fit into headers.
fn expect(status: &Status, code: Code, reason: &str) -> ErrorDetails {
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.details().len() <= 4 * 1024, "{} bytes of details", status.details().len());
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("vidne", reason), "{status:?}");
    details
}

/// The fields that an error names.
fn fields(details: &ErrorDetails) -> Vec<&str> {
    let request = details.bad_request().expect("no BadRequest");
    request.field_violations.iter().map(|violation| violation.field.as_str()).collect()
}
