//! One cell: its fault comes, is told of as expected, and goes; then all is as it should be.

use std::time::Duration;

use alm_key_operator::api::ALMServiceKey;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::runtime::watcher;
use serde_json::Value;

use super::calls::Call;
use super::expected::Mark;
use super::faults::{Fault, Until};
use super::passes::{Pass, Passes};
use super::scene::{NAME, Scene};
use testkit::bed::TestBed;
use testkit::bed::key::{condition, message};
use testkit::bed::waiting::wait_for;

/// After a longer wait than this the next try is asked for.
const SOON: Duration = Duration::from_secs(4);
/// Of the twelve steps that a pass has, a write takes three: a look at the slot, the record, and itself.
const WRITES_A_PASS: usize = 4;

/// A cell of the table.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its column.
    pub call: Call,
    /// Its line.
    pub fault: Fault,
    /// As the table calls it.
    pub fault_name: &'static str,
    /// What is expected.
    pub mark: Mark,
}

impl Cell {
    /// For people.
    pub fn name(&self) -> String {
        format!("{}, {}", self.call.name(), self.fault_name)
    }

    /// Its tenant.
    pub fn zone(&self) -> String {
        let name = self.name().to_ascii_lowercase();
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// Runs it.
    pub async fn run(&self, bed: &TestBed, passes: &Passes) {
        let scene = Scene::of(self, bed).await;
        let before = passes.count(&self.zone());
        let (object, pass) =
            if self.call.is_settled() { self.look(&scene, passes).await } else { self.told(&scene, passes).await };
        self.assert_told(&object, &pass);
        self.assert_asked(&scene, &object).await;
        self.assert_writes(&scene).await;
        let asked = scene.asked().await;
        let seen = passes.count(&self.zone());
        self.assert_attempts(&asked, seen - before);
        scene.heal().await;
        self.converge(&scene, passes, seen, pass.next).await;
        assert_eq!(effects(&scene).await, self.call.effects(), "the writes that took effect, at the end");
    }

    /// What the object says first under the fault, and the pass that came to it.
    async fn told(&self, scene: &Scene<'_>, passes: &Passes) -> (ALMServiceKey, Pass) {
        // The watch stands before the trigger: a verdict that does not last is not missed.
        let config = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let mut events = watcher(scene.tenant.keys(), config).boxed();
        while let Some(event) = events.try_next().await.expect("keys can be watched") {
            if matches!(event, watcher::Event::InitDone) {
                break;
            }
        }
        scene.arm().await;
        scene.trigger(passes).await;
        let before = ["", "Progressing", "Uploaded"];
        let object = wait_for("a verdict", async {
            while let Some(event) = events.try_next().await.expect("keys can be watched") {
                let watcher::Event::Apply(object) = event else { continue };
                let reason = condition(&object, "Ready").1;
                let probed = scene.is_of_dead_key() && reason == "CredentialsRefused";
                if !before.contains(&reason.as_str()) && !probed {
                    return object;
                }
            }
            panic!("the watch of keys ended")
        })
        .await;
        let ready = condition(&object, "Ready");
        let pass = passes.first(&self.zone(), 0, "said so", |pass| pass.verdict.as_ref() == Some(&ready)).await;
        (object, pass)
    }

    /// What the settled object says once it was looked at under the fault, and the pass that did so.
    async fn look(&self, scene: &Scene<'_>, passes: &Passes) -> (ALMServiceKey, Pass) {
        let zone = self.zone();
        passes.first(&zone, 0, "found all well", |pass| is_interval(pass.next)).await;
        let before = (scene.tenant.keys().get(NAME).await.expect("it is there"), passes.count(&zone));
        scene.arm().await;
        scene.trigger(passes).await;
        let pass = passes.first(&zone, before.1, "failed", |pass| !is_interval(pass.next)).await;
        let object = scene.tenant.keys().get(NAME).await.expect("it is there");
        if self.mark.verdict == 'T' {
            let conditions = |object: &ALMServiceKey| object.status.clone().unwrap_or_default().conditions;
            assert_eq!(conditions(&object), conditions(&before.0), "the conditions of the settled key");
        }
        (object, pass)
    }

    /// Conditions and next try are as the mark says.
    fn assert_told(&self, object: &ALMServiceKey, pass: &Pass) {
        let owned = |(status, reason): (&str, &str)| (status.to_owned(), reason.to_owned());
        let found = |kind: &str| condition(object, kind);
        let text = message(object, "Ready");
        assert_eq!(found("Ready"), owned(self.mark.ready()), "Ready: {text}");
        assert_eq!(found("Valid"), owned(self.mark.valid()), "Valid");
        assert_eq!(found("SignedIn"), owned(self.mark.signed_in(self.call, self.fault)), "SignedIn");
        assert_eq!(found("Uploaded"), owned(self.mark.uploaded(self.call, self.fault)), "Uploaded");
        let progress: Vec<_> = ["Reconciling", "Stalled"].into_iter().filter(|kind| found(kind).0 == "True").collect();
        assert_eq!(progress, self.mark.progress().into_iter().collect::<Vec<_>>(), "Reconciling or Stalled");
        if self.mark.verdict != 'T' {
            let said = self.fault.said(self.call);
            assert!(text.contains(&said), "{text:?} does not say {said:?}");
        }
        assert!(!text.contains("CANARY"), "{text}");
        assert!(is_next(&self.mark.next, pass.next), "the next try is due in {:?}, not {}", pass.next, self.mark.next);
    }

    /// The fault met the very call that it is for.
    async fn assert_asked(&self, scene: &Scene<'_>, object: &ALMServiceKey) {
        match self.fault {
            Fault::Door(_) if self.call == Call::ReadContent => {
                let calls = scene.tenant.calls(&["SignIn", "ReadSlot"]).await;
                let looked = calls.iter().skip_while(|call| call["kind"] != "SignIn").any(|call| call["status"] == 200);
                assert!(looked && calls.last().is_some_and(|call| call["kind"] == "ReadSlot"), "{calls:#?}");
            }
            Fault::Door(_) => {}
            Fault::Late => scene.tenant.await_held().await,
            _ => {
                let asked = scene.asked().await;
                let met = asked.iter().any(|call| call["kind"] == self.call.kind());
                assert!(met, "{} was not asked under the fault: {asked:#?}", self.call.kind());
            }
        }
        if let (Some(operation), false) = (self.call.recorded(), self.fault.is_no()) {
            let pending = object.status.as_ref().and_then(|status| status.pending.as_ref());
            let pending = pending.map(|pending| format!("{:?}", pending.operation));
            assert_eq!(pending.as_deref(), Some(operation), "what is recorded as pending");
        }
    }

    /// What took effect while the fault lasted.
    async fn assert_writes(&self, scene: &Scene<'_>) {
        let count = self.call.effects_before() + usize::from(self.mark.effect);
        assert_eq!(effects(scene).await, self.call.effects()[..count], "the writes that took effect under the fault");
    }

    /// A write that came to nothing is not sent again before the slot was looked at anew, but once with a new token if that
    /// was refused; and passes under the fault make so many attempts at most.
    fn assert_attempts(&self, asked: &[Value], passes: usize) {
        if self.call.recorded().is_none() {
            return;
        }
        let (mut attempts, mut may_write, mut may_repeat, mut is_refused) = (0, true, true, false);
        for call in asked {
            if call["kind"] == self.call.kind() {
                assert!(may_write, "it was sent again without a look at the slot: {asked:#?}");
                (attempts, may_write, is_refused) = (attempts + 1, false, call["status"] == 401);
            } else if call["kind"] == "LandscapeToken" && is_refused {
                (may_write, may_repeat) = (may_repeat, false);
            } else if call["kind"] == "ReadSlot" {
                (may_write, may_repeat) = (true, true);
            }
        }
        // One is under way, and the end of another one may not have been read yet.
        assert!(attempts <= (passes + 2) * WRITES_A_PASS, "{attempts} attempts in {passes} passes: {asked:#?}");
    }

    /// Once the fault has stopped, all becomes as it should be: by itself if the next try is near, else when asked for.
    async fn converge(&self, scene: &Scene<'_>, passes: &Passes, seen: usize, next: Duration) {
        let tenant = &scene.tenant;
        if self.call.is_settled() {
            let object = tenant.reconcile_now(NAME, "healed").await;
            assert_eq!(
                condition(&object, "Ready"),
                ("True".into(), "Uploaded".into()),
                "{}",
                message(&object, "Ready")
            );
            passes.first(&self.zone(), seen, "found all well again", |pass| is_interval(pass.next)).await;
        } else if next > SOON {
            tenant.annotate(NAME, "almkey.dev/reconcile-requested-at", "healed").await;
        }
        if scene.is_of_dead_key() {
            tenant.await_key(NAME, "rid of its dead key", |key| condition(key, "Uploaded").1 == "DeadKeyRemoved").await;
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
        if self.fault == Fault::Limited(Until::Seconds(3)) {
            self.assert_limit_kept(&tenant.calls(&[self.call.kind()]).await);
        }
    }

    /// Nobody came back before it was said. A tenant's own look at its slot knows nothing of a key's, and a person may ask.
    fn assert_limit_kept(&self, calls: &[Value]) {
        if self.call.is_settled() || ["LandscapeToken", "ReadSlot"].contains(&self.call.kind()) {
            return;
        }
        let time = |call: &Value| call["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).expect("a time");
        let limited = calls.iter().position(|call| call["status"] == 429).expect("a call that was limited");
        let waited: Duration = (time(&calls[limited + 1]) - time(&calls[limited])).try_into().expect("time passes");
        assert!(waited >= Duration::from_secs(3), "it came back after {waited:?}");
    }
}

/// The writes that took effect.
async fn effects(scene: &Scene<'_>) -> Vec<String> {
    let mut writes = scene.tenant.writes().await;
    writes.retain(|write| write.starts_with('+'));
    writes
}

/// Whether this is `spec.interval`'s default, ± 10 %, or what is left of it a moment later.
pub fn is_interval(next: Duration) -> bool {
    (13 * 60..=17 * 60).contains(&next.as_secs())
}

/// Whether the next try is due as the mark says.
fn is_next(mark: &str, next: Duration) -> bool {
    let seconds = next.as_secs_f64();
    match mark {
        // The first failure in a row, and not at once.
        "~" => (0.1..=2.0).contains(&seconds),
        "." => (54.0 * 60.0..=66.0 * 60.0).contains(&seconds),
        "=" => (43.0 * 60.0..=45.0 * 60.0).contains(&seconds),
        // A date has whole seconds, and a moment has passed since it was given.
        "60" => (31.0..=60.0).contains(&seconds),
        exactly => (seconds - exactly.parse::<f64>().expect("seconds")).abs() < 0.001,
    }
}
