//! One cell of the table: its fault begins, is reported as expected, and ends; then the object converges.

use std::time::Duration;

use alm_key_operator::api::ALMServiceKey;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::runtime::watcher;
use serde_json::Value;

use super::calls::Call;
use super::expected::Expected;
use super::faults::{Fault, RetryAfter};
use super::reconciliations::{Reconciliation, Reconciliations};
use super::scene::{NAME, Scene};
use testkit::bed::TestBed;
use testkit::bed::key::{condition, message};
use testkit::bed::waiting::wait_for;

/// Longest delay of the next attempt that a cell waits for; it requests a later one.
const SOON: Duration = Duration::from_secs(4);
/// Most writes in one reconciliation: of its twelve steps a write takes three, a read of the slot, the record, and itself.
const MAX_WRITES: usize = 4;

/// A cell of the table of expectations.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The call: the column of the table.
    pub call: Call,
    /// The fault: the row of the table.
    pub fault: Fault,
    /// Name of the fault in the table.
    pub fault_name: &'static str,
    /// Expected outcome.
    pub expected: Expected,
}

impl Cell {
    /// Returns the name as it is printed.
    pub fn name(&self) -> String {
        format!("{}, {}", self.call.name(), self.fault_name)
    }

    /// Returns the identity zone of the tenant of this cell.
    pub fn zone(&self) -> String {
        let name = self.name().to_ascii_lowercase();
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// Runs the cell.
    pub async fn run(&self, bed: &TestBed, log: &Reconciliations) {
        let scene = Scene::set_up(self, bed).await;
        let before = log.count(&self.zone());
        let (object, reconciliation) =
            if self.call.is_settled() { self.check(&scene, log).await } else { self.first_verdict(&scene, log).await };
        self.assert_reported(&object, &reconciliation);
        self.assert_met(&scene, &object).await;
        self.assert_writes(&scene).await;
        let calls = scene.calls_under_fault().await;
        let seen = log.count(&self.zone());
        self.assert_attempts(&calls, seen - before);
        scene.heal().await;
        self.converge(&scene, log, seen, reconciliation.next).await;
        assert_eq!(effective_writes(&scene).await, self.call.writes(), "the writes that took effect, at the end");
    }

    /// Returns the object with its first verdict under the fault, and the reconciliation that reached it.
    async fn first_verdict(&self, scene: &Scene<'_>, log: &Reconciliations) -> (ALMServiceKey, Reconciliation) {
        // The watch begins before the trigger, so it does not miss a verdict that does not last.
        let config = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let mut events = watcher(scene.tenant.keys(), config).boxed();
        while let Some(event) = events.try_next().await.expect("keys can be watched") {
            if matches!(event, watcher::Event::InitDone) {
                break;
            }
        }
        scene.arm().await;
        scene.trigger(log).await;
        let preliminary = ["", "Progressing", "Uploaded"];
        let object = wait_for("a verdict", async {
            while let Some(event) = events.try_next().await.expect("keys can be watched") {
                let watcher::Event::Apply(object) = event else { continue };
                let reason = condition(&object, "Ready").1;
                let probed = scene.is_of_dead_key() && reason == "CredentialsRefused";
                if !preliminary.contains(&reason.as_str()) && !probed {
                    return object;
                }
            }
            panic!("the watch of keys ended")
        })
        .await;
        let ready = condition(&object, "Ready");
        let has_verdict = |reconciliation: &Reconciliation| reconciliation.verdict.as_ref() == Some(&ready);
        let reconciliation = log.first(&self.zone(), 0, "reached the verdict", has_verdict).await;
        (object, reconciliation)
    }

    /// Returns the settled object after its check under the fault, and the reconciliation that checked it.
    async fn check(&self, scene: &Scene<'_>, log: &Reconciliations) -> (ALMServiceKey, Reconciliation) {
        let zone = self.zone();
        log.first(&zone, 0, "settled the object", Reconciliation::is_settled).await;
        let before = (scene.tenant.keys().get(NAME).await.expect("the object exists"), log.count(&zone));
        scene.arm().await;
        scene.trigger(log).await;
        let reconciliation = log.first(&zone, before.1, "failed", |found| !found.is_settled()).await;
        let object = scene.tenant.keys().get(NAME).await.expect("the object exists");
        if self.expected.verdict == 'T' {
            let conditions = |object: &ALMServiceKey| object.status.clone().unwrap_or_default().conditions;
            assert_eq!(conditions(&object), conditions(&before.0), "the conditions of the settled key");
        }
        (object, reconciliation)
    }

    /// Asserts that the conditions and the next attempt are as expected.
    fn assert_reported(&self, object: &ALMServiceKey, reconciliation: &Reconciliation) {
        let to_owned = |(status, reason): (&str, &str)| (status.to_owned(), reason.to_owned());
        let actual = |kind: &str| condition(object, kind);
        let text = message(object, "Ready");
        assert_eq!(actual("Ready"), to_owned(self.expected.ready()), "Ready: {text}");
        assert_eq!(actual("Valid"), to_owned(self.expected.valid()), "Valid");
        assert_eq!(actual("SignedIn"), to_owned(self.expected.signed_in(self.call, self.fault)), "SignedIn");
        assert_eq!(actual("Uploaded"), to_owned(self.expected.uploaded(self.call, self.fault)), "Uploaded");
        let progress: Vec<_> = ["Reconciling", "Stalled"].into_iter().filter(|kind| actual(kind).0 == "True").collect();
        assert_eq!(progress, self.expected.progress().into_iter().collect::<Vec<_>>(), "Reconciling or Stalled");
        if self.expected.verdict != 'T' {
            let part = self.fault.expected_message(self.call);
            assert!(text.contains(&part), "{part:?} is missing in {text:?}");
        }
        assert!(!text.contains("CANARY"), "{text}");
        let next = reconciliation.next;
        assert!(is_next(&self.expected.next, next), "the next attempt is due in {next:?}, not {}", self.expected.next);
    }

    /// Asserts that the fault met the call that it is meant for.
    async fn assert_met(&self, scene: &Scene<'_>, object: &ALMServiceKey) {
        match self.fault {
            Fault::Listener(_) if self.call == Call::ReadContent => {
                let calls = scene.tenant.calls(&["SignIn", "ReadSlot"]).await;
                let was_read =
                    calls.iter().skip_while(|call| call["kind"] != "SignIn").any(|call| call["status"] == 200);
                assert!(was_read && calls.last().is_some_and(|call| call["kind"] == "ReadSlot"), "{calls:#?}");
            }
            Fault::Listener(_) => {}
            Fault::Delayed => scene.tenant.await_held().await,
            _ => {
                let calls = scene.calls_under_fault().await;
                let met = calls.iter().any(|call| call["kind"] == self.call.kind());
                assert!(met, "{} was not called under the fault: {calls:#?}", self.call.kind());
            }
        }
        if let (Some(operation), false) = (self.call.pending_operation(), self.fault.is_refusal()) {
            let pending = object.status.as_ref().and_then(|status| status.pending.as_ref());
            let pending = pending.map(|pending| format!("{:?}", pending.operation));
            assert_eq!(pending.as_deref(), Some(operation), "the pending operation");
        }
    }

    /// Asserts which writes took effect while the fault lasted.
    async fn assert_writes(&self, scene: &Scene<'_>) {
        let count = self.call.writes_before() + usize::from(self.expected.effect);
        assert_eq!(
            effective_writes(scene).await,
            self.call.writes()[..count],
            "the writes that took effect under the fault"
        );
    }

    /// Asserts that a failed write is not sent again before the slot was read again, except once with a new token if the token
    /// was refused, and that the number of attempts is bounded.
    fn assert_attempts(&self, calls: &[Value], reconciliations: usize) {
        if self.call.pending_operation().is_none() {
            return;
        }
        let (mut attempts, mut may_write, mut may_repeat, mut is_refused) = (0, true, true, false);
        for call in calls {
            if call["kind"] == self.call.kind() {
                assert!(may_write, "the write was sent again without a read of the slot: {calls:#?}");
                (attempts, may_write, is_refused) = (attempts + 1, false, call["status"] == 401);
            } else if call["kind"] == "LandscapeToken" && is_refused {
                (may_write, may_repeat) = (may_repeat, false);
            } else if call["kind"] == "ReadSlot" {
                (may_write, may_repeat) = (true, true);
            }
        }
        // One reconciliation is under way, and the end of another one may not have been read from the log yet.
        assert!(
            attempts <= (reconciliations + 2) * MAX_WRITES,
            "{attempts} attempts in {reconciliations} reconciliations: {calls:#?}"
        );
    }

    /// Waits until the object has converged after the fault: by itself if the next attempt is near, otherwise on request.
    async fn converge(&self, scene: &Scene<'_>, log: &Reconciliations, seen: usize, next: Duration) {
        let tenant = &scene.tenant;
        if self.call.is_settled() {
            let object = tenant.reconcile_now(NAME, "healed").await;
            assert_eq!(
                condition(&object, "Ready"),
                ("True".into(), "Uploaded".into()),
                "{}",
                message(&object, "Ready")
            );
            log.first(&self.zone(), seen, "settled the object again", Reconciliation::is_settled).await;
        } else if next > SOON {
            tenant.annotate(NAME, "almkey.dev/reconcile-requested-at", "healed").await;
        }
        if scene.is_of_dead_key() {
            tenant
                .await_key(NAME, "without its dead key", |key| condition(key, "Uploaded").1 == "DeadKeyRemoved")
                .await;
        } else if self.call.is_deletion() {
            tenant.await_gone(NAME).await;
        } else {
            tenant.await_ready(NAME, "True", "Uploaded").await;
        }
        let slot = tenant.slot().await;
        match self.call {
            Call::Delete => assert_eq!(slot["key"], Value::Null),
            Call::Release => assert_eq!((&slot["key"], &slot["owner"]), (&scene.key, &Value::Null)),
            call => {
                let adopted = matches!(call, Call::ReadContent | Call::Adopt);
                assert_eq!(slot["key"], scene.key);
                assert_eq!(slot["owner"]["name"], NAME);
                assert_eq!(slot["owner"]["adopted"], adopted);
            }
        }
        if self.fault == Fault::Limited(RetryAfter::Seconds(3)) {
            self.assert_limit_obeyed(&tenant.calls(&[self.call.kind()]).await);
        }
    }

    /// Asserts that the call was not repeated before its `Retry-After`. The tenant's own read of its slot does not know of the
    /// key's limit, and a requested reconciliation ignores it.
    fn assert_limit_obeyed(&self, calls: &[Value]) {
        if self.call.is_settled() || ["LandscapeToken", "ReadSlot"].contains(&self.call.kind()) {
            return;
        }
        let time = |call: &Value| call["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).expect("a time");
        let limited = calls.iter().position(|call| call["status"] == 429).expect("a call was limited");
        let waited: Duration = (time(&calls[limited + 1]) - time(&calls[limited])).try_into().expect("time passes");
        assert!(waited >= Duration::from_secs(3), "the call was repeated after {waited:?}");
    }
}

/// Returns the writes that took effect.
async fn effective_writes(scene: &Scene<'_>) -> Vec<String> {
    let mut writes = scene.tenant.writes().await;
    writes.retain(|write| write.starts_with('+'));
    writes
}

/// Returns true if the next attempt is due as expected.
fn is_next(expected: &str, next: Duration) -> bool {
    let seconds = next.as_secs_f64();
    match expected {
        // The first failure in a row, and not at once.
        "~" => (0.1..=2.0).contains(&seconds),
        "." => (54.0 * 60.0..=66.0 * 60.0).contains(&seconds),
        "=" => (43.0 * 60.0..=45.0 * 60.0).contains(&seconds),
        // A date has whole seconds, and some time has passed since it was given.
        "60" => (31.0..=60.0).contains(&seconds),
        exactly => (seconds - exactly.parse::<f64>().expect("seconds")).abs() < 0.001,
    }
}
