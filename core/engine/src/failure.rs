//! Failure documents the core makes itself. The codec above reads them like any other.

use agnt5_journal::Payload;
use serde_json::json;

/// A failure of class `agnt5.errors.<class>`.
pub(crate) fn document(class: &str, message: &str) -> Payload {
    let document = json!({
        "type": format!("agnt5.errors:{class}"),
        "message": message,
        "args": [message],
        "attrs": {},
        "traceback": "",
        "cause": null,
        "attempts": 1,
    });
    Payload::inline(document.to_string().into_bytes().into())
}

/// One line for lists: the type's name and the message.
pub(crate) fn summary(payload: &[u8]) -> String {
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(payload) else {
        return String::new();
    };
    let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
    let class = text("type");
    let class = class.rsplit([':', '.']).next().unwrap_or_default();
    let line = match text("message") {
        message if message.is_empty() => class.to_owned(),
        message => format!("{class}: {}", message.lines().next().unwrap_or_default()),
    };
    line.chars().take(300).collect()
}
