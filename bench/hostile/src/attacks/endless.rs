//! Models whose inference does not end.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use mien_loadgen::connection::{Connection, request};
use tokio::time::{sleep, timeout};

use crate::attack::{Attack, MAX_LATENCY, Target};

/// Number of clients that send an image for which the model `dark` does not end.
const CLIENTS: usize = 16;
/// Maximum time until the server answers all of them. The third terminated batch takes the model out of service.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Maximum time of a load: three times `--inference-timeout` and some scheduling delay, after the load of another model.
const LOADED_WITHIN: Duration = Duration::from_secs(40);
/// Maximum time until another model classifies an image.
const OTHER_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn attacks() -> Vec<Attack> {
    vec![Attack {
        name: "endless-model",
        about: "16 inferences and a load of models that do not end",
        flags: &["--models=tests/fixtures/endless", "--inference-timeout=5s"],
        max_latency: MAX_LATENCY,
        run: |target| Box::pin(endless_model(target)),
    }]
}

async fn endless_model(target: Target) -> anyhow::Result<()> {
    let http = target.http;
    wait_until_ready(http, "dark").await?;
    let clients = (0..CLIENTS).map(|_| tokio::spawn(infer(http, "dark", 8)));
    let clients: Vec<_> = clients.collect();
    let load = tokio::spawn(load(http, "always"));
    let answered = async {
        for client in clients {
            let status = client.await??;
            // The model is out of service after some of the requests.
            ensure!([404, 504].contains(&status), "an inference got {status}");
        }
        Ok(())
    };
    let (answered, others) = tokio::join!(timeout(ANSWERED_WITHIN, answered), use_other(http));
    answered.context("the endless inferences were not terminated")??;
    others?;
    let status = load.await??;
    ensure!(
        status == 409,
        "the load of a model whose trial does not end got {status}"
    );
    let status = load_again(http).await?;
    ensure!(
        status == 200,
        "the load of the model out of service got {status}"
    );
    Ok(())
}

/// Classifies images with another model.
async fn use_other(http: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..20 {
        let status = timeout(OTHER_WITHIN, infer(http, "small", 48))
            .await
            .context("another model did not answer in time")??;
        ensure!(status == 200, "another model answered with {status}");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn wait_until_ready(http: SocketAddr, model: &str) -> anyhow::Result<()> {
    let ready = request("GET", http, &format!("/v2/models/{model}/ready"), &[], &[]);
    let mut connection = Connection::new(http);
    let is_ready = async {
        while connection.send(&ready).await?.status != 200 {
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    timeout(LOADED_WITHIN, is_ready)
        .await
        .with_context(|| format!("{model} was not loaded"))?
}

/// Sends a black image and returns the status of the response.
async fn infer(http: SocketAddr, model: &str, side: usize) -> anyhow::Result<u16> {
    let pixels = vec!["0"; side * side].join(",");
    let body = format!(
        r#"{{"inputs":[{{"name":"image","datatype":"UINT8","shape":[1,1,{side},{side}],"data":[{pixels}]}}]}}"#
    );
    post(http, &format!("/v2/models/{model}/infer"), body.as_bytes()).await
}

async fn load(http: SocketAddr, model: &str) -> anyhow::Result<u16> {
    let path = format!("/v1/models/{model}/load");
    timeout(LOADED_WITHIN, post(http, &path, &[]))
        .await
        .context("a load was not answered in time")?
}

async fn load_again(http: SocketAddr) -> anyhow::Result<u16> {
    let status = load(http, "dark").await?;
    wait_until_ready(http, "dark").await?;
    Ok(status)
}

async fn post(http: SocketAddr, path: &str, body: &[u8]) -> anyhow::Result<u16> {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let message = request("POST", http, path, &headers, body);
    Ok(Connection::new(http).send(&message).await?.status)
}
