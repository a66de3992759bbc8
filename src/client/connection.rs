//! The connection to one server.

use std::future::Future;

use tokio::time;
use tonic::{
    Request, Response, Status,
    transport::{Channel, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::health_client::HealthClient;

use super::{
    backoff::Backoff,
    error::ClientError,
    options::ClientOptions,
    proto::{
        audit_service_client::AuditServiceClient, export_service_client::ExportServiceClient,
        subscription_service_client::SubscriptionServiceClient, tenant_service_client::TenantServiceClient,
    },
};

/// A client of one vidne server. Cheap to clone: clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    endpoint: String,
    options: ClientOptions,
}

impl Client {
    /// A client for `endpoint`: `http://host:port`, `https://host:port`, or `host:port`, which is plaintext.
    ///
    /// Returns at once. The connection is made with the first call and made again after it broke.
    ///
    /// # Errors
    ///
    /// [`ClientError::Endpoint`] if `endpoint` is not such an address.
    pub fn connect(endpoint: &str, options: ClientOptions) -> Result<Self, ClientError> {
        let url = if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") };
        let wrong = |source| ClientError::Endpoint { endpoint: endpoint.to_owned(), source };
        let mut target = Endpoint::from_shared(url.clone()).map_err(wrong)?;
        if url.starts_with("https://") {
            target = target.tls_config(ClientTlsConfig::new().with_enabled_roots()).map_err(wrong)?;
        }
        let channel = target
            .user_agent(concat!("vidne/", env!("CARGO_PKG_VERSION")))
            .map_err(wrong)?
            .connect_timeout(options.connect_timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(options.keep_alive_interval)
            .keep_alive_timeout(options.keep_alive_timeout)
            .connect_lazy();
        Ok(Self { channel, endpoint: url, options })
    }

    /// The server's address as a URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The options it was made with.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(super) fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone()).max_decoding_message_size(self.options.max_answer_bytes)
    }

    pub(super) fn tenants(&self) -> TenantServiceClient<Channel> {
        TenantServiceClient::new(self.channel.clone())
            .max_decoding_message_size(self.options.max_answer_bytes)
    }

    pub(super) fn exports(&self) -> ExportServiceClient<Channel> {
        ExportServiceClient::new(self.channel.clone())
            .max_decoding_message_size(self.options.max_answer_bytes)
    }

    pub(super) fn subscriptions(&self) -> SubscriptionServiceClient<Channel> {
        SubscriptionServiceClient::new(self.channel.clone())
            .max_decoding_message_size(self.options.max_answer_bytes)
    }

    pub(super) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel.clone())
    }

    pub(super) fn error(&self, status: Status) -> ClientError {
        ClientError::from_status(&self.endpoint, status)
    }

    /// One attempt of a call, within the request time-out. The server is told the time-out too, so that it does
    /// not work for nobody.
    pub(super) async fn once<M, T, F>(
        &self,
        message: M,
        call: impl FnOnce(Request<M>) -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut request = Request::new(message);
        request.set_timeout(self.options.request_timeout);
        match time::timeout(self.options.request_timeout, call(request)).await {
            Ok(answer) => answer.map(Response::into_inner).map_err(|status| self.error(status)),
            Err(_) => Err(self.silent(self.options.request_timeout)),
        }
    }

    /// A call that may be repeated: while it fails for a reason that may pass, it is made again, at most
    /// `max_retries` times.
    pub(super) async fn repeatedly<T, F>(&self, call: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut backoff = Backoff::new(&self.options);
        loop {
            match call().await {
                Err(error) if error.is_transient() && backoff.failures() < self.options.max_retries => {
                    time::sleep(backoff.after_failure(error.retry_after())).await;
                }
                answer => return answer,
            }
        }
    }

    pub(super) fn silent(&self, after: std::time::Duration) -> ClientError {
        ClientError::Silent { endpoint: self.endpoint.clone(), after }
    }
}
