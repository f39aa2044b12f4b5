//! Requests of visitors and their answers, as one JSON object per line. Bytes are base64.

use agnt5_store::{vector_bytes, vector_of};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::error::Refusal;
use crate::memory::{MemoryChange, Remember};
use crate::request::{Decision, ForkRun, Reply, Request, RerunRun};

pub(crate) fn carry_out(line: &str, call: impl FnOnce(Request) -> Result<Reply, Refusal>) -> Value {
    let reply = match parse(line) {
        Ok(None) => Ok(Reply::Done),
        Ok(Some(request)) => call(request),
        Err(refusal) => Err(refusal),
    };
    match reply {
        Ok(Reply::Done) => json!({"ok": true, "pid": std::process::id()}),
        Ok(Reply::Changed(changed)) => json!({"ok": true, "changed": changed}),
        Ok(Reply::Count(count)) => json!({"ok": true, "count": count}),
        Err(Refusal { class, message, pid }) => {
            json!({"ok": false, "error": class, "message": message, "pid": pid})
        }
    }
}

/// The line that asks for a change of memory.
pub fn memory_request(change: &MemoryChange) -> String {
    let ask = |what: &str, namespace: &str, kind: &str, id: &str| json!({"do": "memory", "change": what, "namespace": namespace, "kind": kind, "id": id});
    let line = match change {
        MemoryChange::Put(put) => {
            let mut line = ask("put", &put.namespace, &put.kind, &put.id);
            line["label"] = json!(put.label);
            line["value"] = json!(BASE64_STANDARD.encode(&put.value));
            line["text"] = json!(put.text);
            line["vector"] = json!(BASE64_STANDARD.encode(vector_bytes(&put.vector)));
            line["embedder"] = json!(put.embedder);
            line["capacity"] = json!(put.capacity);
            line["expect"] = json!(put.expect);
            line
        }
        MemoryChange::Use { namespace, kind, id } => ask("use", namespace, kind, id),
        MemoryChange::Delete { namespace, kind, id } => ask("delete", namespace, kind, id),
        MemoryChange::Clear { namespace, kind } => ask("clear", namespace, kind, ""),
    };
    line.to_string()
}

/// `None` for a ping.
fn parse(line: &str) -> Result<Option<Request>, Refusal> {
    let ask = Ask(serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?);
    Ok(Some(match ask.text("do").as_str() {
        "ping" => return Ok(None),
        "event" => Request::SendEvent {
            name: ask.needed("name")?,
            payload: ask.bytes("payload")?.unwrap_or_default(),
            id: match ask.text("event_id") {
                id if id.is_empty() => ask.needed("new_event_id")?,
                id => id,
            },
            run_id: ask.text("run_id"),
            keep: ask.0["keep_us"].as_i64().unwrap_or(7 * 24 * 3_600 * 1_000_000),
        },
        "cancel" => Request::Cancel { run_id: ask.needed("run_id")? },
        "pause" => Request::Pause { run_id: ask.needed("run_id")?, reason: ask.text("reason") },
        "resume" => Request::Resume {
            run_id: ask.needed("run_id")?,
            decisions: ask.outcomes()?.into_iter().collect(),
        },
        "delete" => Request::Delete { run_id: ask.needed("run_id")? },
        "prune" => {
            Request::Prune { before: ask.0["before"].as_i64().ok_or_else(|| wrong("\"before\" is missing"))? }
        }
        "fork" => Request::Fork(Box::new(ForkRun {
            id: ask.needed("run_id")?,
            origin_id: ask.needed("origin_id")?,
            at: ask.0["at"].as_u64().ok_or_else(|| wrong("\"at\" is missing"))?,
            input: ask.bytes("input")?,
            // The owner drives it with the code that it has.
            code: Bytes::new(),
            code_digest: Bytes::new(),
            other_code: false,
            outcomes: ask.outcomes()?,
            state: ask.state()?,
            reuse: ask.0["reuse"].as_bool().unwrap_or_default(),
            overlay: ask.0["overlay"].as_bool().unwrap_or(true),
        })),
        "rerun" => Request::Rerun(Box::new(RerunRun {
            id: ask.needed("run_id")?,
            origin_id: ask.needed("origin_id")?,
            input: ask.bytes("input")?,
            always: ask.texts("always"),
        })),
        "memory" => Request::Memory(Box::new(ask.memory()?)),
        other => return Err(wrong(&format!("there is no request {other:?}"))),
    }))
}

fn wrong(what: &str) -> Refusal {
    Refusal::new("ConfigurationError", format!("bad request to a store: {what}"))
}

struct Ask(Value);

impl Ask {
    fn text(&self, key: &str) -> String {
        self.0[key].as_str().unwrap_or_default().to_owned()
    }

    fn needed(&self, key: &str) -> Result<String, Refusal> {
        match self.text(key) {
            value if value.is_empty() => Err(wrong(&format!("{key:?} is missing"))),
            value => Ok(value),
        }
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let all = self.0[key].as_array().into_iter().flatten();
        all.filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }

    fn bytes(&self, key: &str) -> Result<Option<Bytes>, Refusal> {
        decoded(&self.0[key], key)
    }

    fn members(&self, key: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0[key].as_object().into_iter().flat_map(Map::iter)
    }

    /// `{path: {"value": bytes} or {"failure": bytes} or {"retry": true}}`.
    fn outcomes(&self) -> Result<Vec<(String, Decision)>, Refusal> {
        self.members("outcomes")
            .map(|(path, word)| {
                let (value, failure) = (decoded(&word["value"], path)?, decoded(&word["failure"], path)?);
                let decision = match (value, failure, word["retry"].as_bool().unwrap_or_default()) {
                    (Some(value), None, false) => Decision::Value(value),
                    (None, Some(failure), false) => Decision::Failure(failure),
                    (None, None, true) => Decision::Retry,
                    _ => return Err(wrong(&format!("{path:?} needs one of value, failure, retry"))),
                };
                Ok((path.clone(), decision))
            })
            .collect()
    }

    fn memory(&self) -> Result<MemoryChange, Refusal> {
        let (namespace, kind) = (self.needed("namespace")?, self.needed("kind")?);
        match self.text("change").as_str() {
            "put" => {
                let vector = self.bytes("vector")?.unwrap_or_default();
                Ok(MemoryChange::Put(Remember {
                    namespace,
                    kind,
                    id: self.needed("id")?,
                    label: self.text("label"),
                    value: self.bytes("value")?.unwrap_or_default(),
                    text: self.text("text"),
                    vector: vector_of(&vector).ok_or_else(|| wrong("\"vector\" is no vector"))?,
                    embedder: self.text("embedder"),
                    capacity: self.0["capacity"].as_u64().unwrap_or_default(),
                    expect: self.0["expect"].as_u64(),
                }))
            }
            "use" => Ok(MemoryChange::Use { namespace, kind, id: self.needed("id")? }),
            "delete" => Ok(MemoryChange::Delete { namespace, kind, id: self.needed("id")? }),
            "clear" => Ok(MemoryChange::Clear { namespace, kind }),
            other => Err(wrong(&format!("there is no change {other:?} of memory"))),
        }
    }

    /// `{name: bytes or null}`.
    fn state(&self) -> Result<Vec<(String, Option<Bytes>)>, Refusal> {
        self.members("state").map(|(name, value)| Ok((name.clone(), decoded(value, name)?))).collect()
    }
}

fn decoded(value: &Value, what: &str) -> Result<Option<Bytes>, Refusal> {
    let Some(text) = value.as_str() else { return Ok(None) };
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| wrong(&format!("{what:?} is no base64")))?;
    Ok(Some(bytes.into()))
}
