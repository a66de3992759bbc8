//! Subscriptions: thin calls.

use crate::codec::proto::v1::{
    CreateSubscriptionRequest, DeleteSubscriptionRequest, GetSubscriptionRequest, ListSubscriptionsRequest,
    Subscription, create_subscription_request::Start,
};

use super::{Client, error::ClientError};

const NO_SUBSCRIPTION: ClientError = ClientError::Contract("an answer without a subscription");

impl Client {
    /// Creates a subscription that begins at `start`; `None`: at the beginning of the log.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if the tenant has one of this name, among others.
    pub async fn create_subscription(
        &self,
        subscription: Subscription,
        start: Option<Start>,
    ) -> Result<Subscription, ClientError> {
        let mut subscriptions = self.subscriptions();
        let request = CreateSubscriptionRequest { subscription: Some(subscription), start };
        let call = async move |request| subscriptions.create_subscription(request).await;
        self.once(request, call).await?.subscription.ok_or(NO_SUBSCRIPTION)
    }

    /// One subscription with its position and lag.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn get_subscription(&self, tenant_id: &str, name: &str) -> Result<Subscription, ClientError> {
        let call = || {
            let mut subscriptions = self.subscriptions();
            let request = GetSubscriptionRequest { tenant_id: tenant_id.to_owned(), name: name.to_owned() };
            self.once(request, async move |request| subscriptions.get_subscription(request).await)
        };
        self.repeatedly(call).await?.subscription.ok_or(NO_SUBSCRIPTION)
    }

    /// One page of a tenant's subscriptions, by name, and the token of the next one; empty after the last.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, among others.
    pub async fn list_subscriptions(
        &self,
        tenant_id: &str,
        page_token: &str,
    ) -> Result<(Vec<Subscription>, String), ClientError> {
        let call = || {
            let mut subscriptions = self.subscriptions();
            let request = ListSubscriptionsRequest {
                tenant_id: tenant_id.to_owned(),
                page_size: 0,
                page_token: page_token.to_owned(),
            };
            self.once(request, async move |request| subscriptions.list_subscriptions(request).await)
        };
        let answer = self.repeatedly(call).await?;
        Ok((answer.subscriptions, answer.next_page_token))
    }

    /// Deletes a subscription and its position; its consumer's stream ends with `NOT_FOUND`.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn delete_subscription(&self, tenant_id: &str, name: &str) -> Result<(), ClientError> {
        let mut subscriptions = self.subscriptions();
        let request = DeleteSubscriptionRequest { tenant_id: tenant_id.to_owned(), name: name.to_owned() };
        let call = async move |request| subscriptions.delete_subscription(request).await;
        self.once(request, call).await.map(drop)
    }
}
