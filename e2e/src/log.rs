//! What a browser remembers, and what in it must not be.

use anyhow::{Result, ensure};
use serde_json::Value;

/// Addresses of the requests in ChromeDriver's performance log, without those of the browser's own pages: a new tab has one.
pub(crate) fn requests(log: &Value) -> Vec<String> {
    let entries = log.as_array().into_iter().flatten();
    let events =
        entries.filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
    let sent = events.filter(|event| {
        let method = &event["message"]["method"];
        let document = event["message"]["params"]["documentURL"].as_str().unwrap_or_default();
        let known = *method == "Network.requestWillBeSent" || *method == "Network.webSocketCreated";
        // The browser's own page, which is there before the first of ours.
        let browsers =
            ["chrome://", "chrome-untrusted://"].iter().any(|own| document.starts_with(own));
        known && !browsers
    });
    let address = |event: Value| {
        let params = &event["message"]["params"];
        let url = params["request"]["url"].as_str().or(params["url"].as_str());
        url.unwrap_or_default().to_owned()
    };
    sent.map(address).collect()
}

/// Checks that every request went to `origin`; what a page holds in its own memory is no request.
pub(crate) fn check_requests(requests: &[String], origin: &str) -> Result<()> {
    let own = |url: &str| {
        let rest = url.strip_prefix(origin);
        rest.is_some_and(|rest| rest.starts_with('/'))
            || url.starts_with("blob:")
            || url.starts_with("data:")
    };
    let foreign: Vec<&String> = requests.iter().filter(|url| !own(url)).collect();
    ensure!(foreign.is_empty(), "requests to others than {origin}: {foreign:?}");
    // An empty log would prove nothing.
    let module = format!("{origin}/web/main.js");
    ensure!(requests.contains(&module), "the log of requests misses {module}: {requests:?}");
    Ok(())
}

/// Checks that the console holds no error but those with one of the `expected` words.
pub(crate) fn check_console(log: &Value, expected: &[&str]) -> Result<()> {
    let entries = log.as_array().into_iter().flatten();
    let errors: Vec<&str> = entries
        .filter(|entry| entry["level"] == "SEVERE")
        .filter_map(|entry| entry["message"].as_str())
        .filter(|message| !expected.iter().any(|word| message.contains(word)))
        .collect();
    ensure!(errors.is_empty(), "errors in the console: {errors:#?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(url: &str) -> Value {
        let event = json!({"message": {
            "method": "Network.requestWillBeSent", "params": {"request": {"url": url}},
        }});
        json!({"level": "INFO", "message": event.to_string()})
    }

    #[test]
    fn a_foreign_request_is_found() {
        let origin = "http://127.0.0.1:80";
        let own = format!("{origin}/web/main.js");
        let check = |urls: &[&str]| {
            let log = Value::from(urls.iter().map(|url| sent(url)).collect::<Vec<_>>());
            check_requests(&requests(&log), origin)
        };
        check(&[&own, "blob:http://127.0.0.1:80/1"]).unwrap();
        check(&[]).unwrap_err();
        for foreign in ["https://example.org/", "http://127.0.0.1:8080/", "chrome://settings/"] {
            assert!(check(&[&own, foreign]).unwrap_err().to_string().contains(foreign));
        }
        let socket = json!({"message": {
            "method": "Network.webSocketCreated", "params": {"url": "wss://example.org"},
        }});
        let log = json!([{"message": socket.to_string()}]);
        assert_eq!(requests(&log), ["wss://example.org"]);
        let tab = json!({"message": {"method": "Network.requestWillBeSent", "params": {
            "documentURL": "chrome://newtab/", "request": {"url": "chrome://newtab/tab.js"},
        }}});
        let log = json!([{"message": tab.to_string()}]);
        assert!(requests(&log).is_empty());
    }

    #[test]
    fn an_error_in_the_console_is_found_where_it_is_not_expected() {
        let log = json!([
            {"level": "INFO", "message": "hello"},
            {"level": "SEVERE", "message": "400 (Bad Request)"},
        ]);
        check_console(&log, &["400"]).unwrap();
        assert!(check_console(&log, &["404"]).unwrap_err().to_string().contains("400"));
    }
}
