//! Checks of the browser's logs.

use anyhow::{Result, ensure};
use serde_json::Value;

/// Returns the URLs of the requests in ChromeDriver's performance log, without the requests of internal pages such as a new
/// tab.
pub(crate) fn request_urls(log: &Value) -> Vec<String> {
    let entries = log.as_array().into_iter().flatten();
    let events =
        entries.filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
    let requests = events.filter(|event| {
        let method = &event["message"]["method"];
        let document = event["message"]["params"]["documentURL"]
            .as_str()
            .unwrap_or_default();
        let is_request =
            *method == "Network.requestWillBeSent" || *method == "Network.webSocketCreated";
        let is_internal = ["chrome://", "chrome-untrusted://"]
            .iter()
            .any(|scheme| document.starts_with(scheme));
        is_request && !is_internal
    });
    let url = |event: Value| {
        let params = &event["message"]["params"];
        let url = params["request"]["url"].as_str().or(params["url"].as_str());
        url.unwrap_or_default().to_owned()
    };
    requests.map(url).collect()
}

/// Checks that every request went to `origin`, also those of WebSockets. `blob:` and `data:` URLs do not leave the browser.
pub(crate) fn check_requests(requests: &[String], origin: &str) -> Result<()> {
    let web_socket = origin.replacen("http", "ws", 1);
    let is_allowed = |url: &str| {
        let rest = url.strip_prefix(origin).or(url.strip_prefix(&web_socket));
        rest.is_some_and(|rest| rest.starts_with('/'))
            || url.starts_with("blob:")
            || url.starts_with("data:")
    };
    let foreign: Vec<&String> = requests.iter().filter(|url| !is_allowed(url)).collect();
    ensure!(
        foreign.is_empty(),
        "requests to other hosts than {origin}: {foreign:?}"
    );
    // Without this check, an empty log would pass.
    let module = format!("{origin}/web/main.js");
    ensure!(
        requests.contains(&module),
        "the log does not contain {module}: {requests:?}"
    );
    Ok(())
}

/// Checks that every error in the console contains one of the `expected` texts.
pub(crate) fn check_console(log: &Value, expected: &[&str]) -> Result<()> {
    let entries = log.as_array().into_iter().flatten();
    let errors: Vec<&str> = entries
        .filter(|entry| entry["level"] == "SEVERE")
        .filter_map(|entry| entry["message"].as_str())
        .filter(|message| !expected.iter().any(|text| message.contains(text)))
        .collect();
    ensure!(errors.is_empty(), "errors in the console: {errors:#?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request_event(url: &str) -> Value {
        let event = json!({"message": {
            "method": "Network.requestWillBeSent", "params": {"request": {"url": url}},
        }});
        json!({"level": "INFO", "message": event.to_string()})
    }

    #[test]
    fn request_to_other_host_is_reported() {
        let origin = "http://127.0.0.1:80";
        let own = format!("{origin}/web/main.js");
        let check = |urls: &[&str]| {
            let log = Value::from(
                urls.iter()
                    .map(|url| request_event(url))
                    .collect::<Vec<_>>(),
            );
            check_requests(&request_urls(&log), origin)
        };
        check(&[&own, "blob:http://127.0.0.1:80/1"]).unwrap();
        check(&[]).unwrap_err();
        for foreign in [
            "https://example.org/",
            "http://127.0.0.1:8080/",
            "chrome://settings/",
        ] {
            assert!(
                check(&[&own, foreign])
                    .unwrap_err()
                    .to_string()
                    .contains(foreign)
            );
        }
        let socket = json!({"message": {
            "method": "Network.webSocketCreated", "params": {"url": "wss://example.org"},
        }});
        let log = json!([{"message": socket.to_string()}]);
        assert_eq!(request_urls(&log), ["wss://example.org"]);
        let tab = json!({"message": {"method": "Network.requestWillBeSent", "params": {
            "documentURL": "chrome://newtab/", "request": {"url": "chrome://newtab/tab.js"},
        }}});
        let log = json!([{"message": tab.to_string()}]);
        assert!(request_urls(&log).is_empty());
    }

    #[test]
    fn unexpected_console_error_is_reported() {
        let log = json!([
            {"level": "INFO", "message": "hello"},
            {"level": "SEVERE", "message": "400 (Bad Request)"},
        ]);
        check_console(&log, &["400"]).unwrap();
        assert!(
            check_console(&log, &["404"])
                .unwrap_err()
                .to_string()
                .contains("400")
        );
    }
}
