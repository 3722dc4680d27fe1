//! One tenant and one key: memory, and the requests to the API server until the key is `Ready`.

use std::time::Duration;

use testkit::bed::Setup;

use super::load;
use super::process;
use super::requests::{AuditLog, count, is_write};
use super::row::{Row, Unit, mebibytes};
use super::scene::{SETUP, Scene};

/// Keys whose requests are counted, one after the other.
const KEYS: usize = 10;

/// Returns memory with one key, and the requests for each of ten.
pub async fn run() -> Vec<Row> {
    let scene = Scene::start(Setup { audit: true, ..SETUP }).await;
    let (mut all, mut writes, mut memory) = (Vec::new(), Vec::new(), None);
    for number in 0..KEYS {
        load::prepare(&scene, number..number + 1, Duration::ZERO).await;
        let mut audit = AuditLog::of(scene.audit_log());
        load::create(&scene, number..number + 1).await;
        scene.await_quiet().await;
        let requests = audit.read();
        all.push(count(&requests, of_key));
        writes.push(count(&requests, |request| of_key(request) && is_write(request)));
        memory.get_or_insert_with(|| process::memory(scene.pid()));
    }
    let memory = memory.expect("the first key");
    vec![
        Row::single("resident memory, 1 key", Unit::Mebibytes, mebibytes(memory.resident)).with_floor(14.0),
        Row::single("anonymous memory, 1 key", Unit::Mebibytes, mebibytes(memory.anonymous)).with_floor(2.5),
        Row::counts("requests to the API server, new key until Ready", all).with_floor(8.0),
        Row::counts("writes among them", writes).with_floor(4.0),
    ]
}

/// Returns true if a request is made for a key: Events are written beside its reconciliation, and a tenant is reconciled
/// for its own sake. What a tenant's reconciliation asks about its keys is counted too: the audit log shows no difference.
fn of_key(request: &str) -> bool {
    !request.ends_with(" events") && !request.contains("almtenants")
}
