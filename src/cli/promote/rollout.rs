//! A promotion on several servers, on all of them or on none.

use std::io::{self, Write};

use anyhow::{Context, anyhow};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{PromoteArgs, outcome::Promotion, run};
use crate::{cli::api_client::ApiClient, store::PromotionStatus};

/// A server on which a promotion has ended.
pub(super) struct PromotedServer {
    pub(super) url: String,
    /// The promotion as the server describes it.
    pub(super) document: Value,
    pub(super) promotion: Promotion,
    /// Whether the server serves its previous version again.
    is_rolled_back: bool,
}

impl PromotedServer {
    fn new(url: &str, document: Value) -> anyhow::Result<Self> {
        let promotion = Promotion::deserialize(&document)?;
        Ok(Self {
            url: url.to_owned(),
            document,
            promotion,
            is_rolled_back: false,
        })
    }

    fn is_promoted(&self) -> bool {
        self.promotion.status == PromotionStatus::Promoted
    }

    /// Returns the line that the command prints.
    pub(super) fn sentence(&self) -> String {
        let sentence = self.promotion.sentence();
        match &self.promotion.previous {
            Some(previous) if self.is_rolled_back => {
                format!("{sentence}; rolled back, version {previous} serves again")
            }
            _ => sentence,
        }
    }

    /// Returns the element of the JSON array.
    pub(super) fn document(&self) -> Value {
        json!({ "url": self.url, "promotion": self.document, "rolled_back": self.is_rolled_back })
    }
}

impl PromoteArgs {
    /// Promotes the candidate on one server after the other. If that fails on one, the previous ones are rolled back. `servers` gets those
    /// on which a promotion has ended, in order.
    ///
    /// # Errors
    /// Returns an error if a server cannot be reached or rejects a request, or if a server cannot be rolled back.
    pub(super) async fn roll_out(&self, servers: &mut Vec<PromotedServer>) -> anyhow::Result<()> {
        let mut clients = Vec::with_capacity(self.urls.len());
        for (index, url) in self.urls.iter().enumerate() {
            if !self.urls[..index].contains(url) {
                clients.push((url, ApiClient::new(url, self.admin.token())?));
            }
        }
        if clients.len() > 1 {
            clients = self.without_serving(clients).await?;
        }
        // From here on, Ctrl-C does not end the command without cancelling the promotion.
        let mut interrupts = signal(SignalKind::interrupt())?;
        for (url, client) in &clients {
            let ended = self.promote(client, &self.request(), &mut interrupts).await;
            let ended = ended.and_then(|document| PromotedServer::new(url, document));
            let failure = match ended {
                Ok(server) => {
                    servers.push(server);
                    Ok(())
                }
                Err(failure) if self.urls.len() > 1 => Err(failure.context((*url).clone())),
                failure => failure.map(drop),
            };
            if failure.is_ok() && servers.last().is_some_and(PromotedServer::is_promoted) {
                continue;
            }
            let rolled_back = self.roll_back(&clients, servers, &mut interrupts).await;
            return match (failure, rolled_back) {
                (Ok(()), rolled_back) => rolled_back,
                (failure, Ok(())) => failure,
                (Err(failure), Err(incomplete)) => Err(failure.context(incomplete)),
            };
        }
        Ok(())
    }

    /// Returns the servers that do not serve the candidate already. Every server must respond and have the model, before any of them
    /// changes.
    async fn without_serving<'a>(
        &self,
        clients: Vec<(&'a String, ApiClient)>,
    ) -> anyhow::Result<Vec<(&'a String, ApiClient)>> {
        let mut others = Vec::with_capacity(clients.len());
        for (url, client) in clients {
            let path = ["v1", "models", &self.name];
            let model = client.send(Method::GET, &path, None).await;
            let model = model
                .with_context(|| format!("{url}; the promotion has not started on any server"))?;
            if model["serving"] == *self.candidate {
                writeln!(
                    io::stderr(),
                    "{url}: version {} serves already",
                    self.candidate
                )?;
            } else {
                others.push((url, client));
            }
        }
        Ok(others)
    }

    /// Makes the servers that have promoted the candidate serve their previous versions again.
    async fn roll_back(
        &self,
        clients: &[(&String, ApiClient)],
        servers: &mut [PromotedServer],
        interrupts: &mut Signal,
    ) -> anyhow::Result<()> {
        let mut failed = Vec::new();
        let promoted = servers.iter_mut().zip(clients);
        for (server, (url, client)) in promoted.filter(|(server, _)| server.is_promoted()) {
            match self.restore(server, client, interrupts).await {
                Ok(()) => server.is_rolled_back = true,
                Err(error) => failed.push(format!("{url}: {error:#}")),
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        Err(anyhow!(
            "these servers continue to serve version {}; promote their previous version by hand: {}",
            self.candidate,
            failed.join("; ")
        ))
    }

    /// Promotes the previous version of a server. It served before, so one image suffices.
    async fn restore(
        &self,
        server: &PromotedServer,
        client: &ApiClient,
        interrupts: &mut Signal,
    ) -> anyhow::Result<()> {
        let previous = server.promotion.previous.as_deref();
        let previous = previous.context("no version served before")?;
        let request = json!({
            "version": previous, "dataset": self.dataset, "split": self.split, "limit": 1, "min_accuracy": 0.0,
        });
        let ended = self.promote(client, &request, interrupts).await?;
        let ended = Promotion::deserialize(&ended)?;
        if ended.status == PromotionStatus::Promoted {
            Ok(())
        } else {
            Err(anyhow!(ended.sentence()))
        }
    }

    async fn promote(
        &self,
        client: &ApiClient,
        request: &Value,
        interrupts: &mut Signal,
    ) -> anyhow::Result<Value> {
        let cancel_on_error = self.urls.len() > 1;
        run::promote(client, &self.name, request, interrupts, cancel_on_error).await
    }
}
