//! Changes of the certificate.

use super::{
    ServerFiles,
    certificates::{Authority, Identity},
    client::{HttpsClient, trusting},
};
use crate::eventually::{TIMEOUT, eventually};

#[actix_web::test]
async fn changed_certificate_is_used_for_new_connections() {
    let authority = Authority::new();
    let (first, second) = (authority.issue("localhost"), authority.issue("localhost"));
    let files = ServerFiles::new(&first);
    let server = files.serve(&[]);
    let client = HttpsClient::new(server.http, trusting(&authority));
    let mut open = client.connect(&[]).await.unwrap();
    let before = open.certificate();
    assert_eq!(open.status("/health/live").await.unwrap(), 200);
    files.write(&second);
    eventually(
        TIMEOUT,
        "new connections use the new certificate",
        async || {
            let mut connection = client.connect(&[]).await.unwrap();
            assert_eq!(connection.status("/health/live").await.unwrap(), 200);
            (connection.certificate() != before).then_some(())
        },
    )
    .await;
    // The connection that was open before the change still works.
    assert_eq!(open.status("/health/live").await.unwrap(), 200);
}

#[actix_web::test]
async fn invalid_change_keeps_previous_certificate() {
    let authority = Authority::new();
    let identity = authority.issue("localhost");
    let files = ServerFiles::new(&identity);
    let server = files.serve(&[]);
    let client = HttpsClient::new(server.http, trusting(&authority));
    let before = client.connect(&[]).await.unwrap().certificate();
    // The key is that of another certificate.
    files.write(&Identity {
        certificate: authority.issue("localhost").certificate,
        key: identity.key,
    });
    eventually(TIMEOUT, "the failed reload is counted", async || {
        let text = metrics(&client).await;
        let failed = "mien_file_reloads_total{file=\"tls\",outcome=\"failed\"} 1";
        text.contains(failed).then_some(())
    })
    .await;
    assert_eq!(client.connect(&[]).await.unwrap().certificate(), before);
}

async fn metrics(client: &HttpsClient) -> String {
    let mut connection = client.connect(&[]).await.unwrap();
    connection.text("/metrics").await.unwrap()
}
