//! Fifty rotations, during which the leader is killed or stopped at random moments.

use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::fleet::{Fleet, LOST, Replica, await_other_holder, stop_first_operator};
use super::with_election;
use crate::beds::{report, run_with_bed};
use testkit::bed::{Tenant, TestBed};

/// Environment variable: the number of rotations, fifty by default.
const ROTATIONS: &str = "ALMKEY_ROTATIONS";
/// Environment variable: the seed of the random choices. The same seed makes the same choices.
const SEED: &str = "ALMKEY_SEED";
/// Percentage of rotations with a kill.
const KILLS: u32 = 35;
/// Percentage of rotations with a stop.
const STOPS: u32 = 30;

/// Reads a number from the environment.
fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Disruption of the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disruption {
    None,
    Killed,
    /// Stopped, and resumed once another replica leads: at once, or during the next rotation.
    Stopped {
        during_rotation: bool,
    },
}

/// Moment of the disruption.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Delay after the begin of the rotation.
    After(Duration),
    /// While this call is held. It arrives before another replica leads, or late: after that one has done the work.
    During { call: &'static str, late: bool },
}

/// Chooses the disruption of one rotation.
fn choose(random: &mut StdRng) -> (Disruption, Moment) {
    let disruption = match random.random_range(0..100) {
        draw if draw < KILLS => Disruption::Killed,
        draw if draw < KILLS + STOPS => Disruption::Stopped { during_rotation: random.random_bool(0.5) },
        _ => Disruption::None,
    };
    let moment = match random.random_range(0..4) {
        0 => Moment::During { call: "Put", late: random.random_bool(0.5) },
        1 => Moment::During { call: "SignIn", late: random.random_bool(0.5) },
        _ => Moment::After(Duration::from_millis(random.random_range(0..400))),
    };
    (disruption, moment)
}

/// Numbers for the summary.
#[derive(Debug, Default)]
struct Counts {
    kills: usize,
    stops: usize,
    /// Writes of resumed leaders to the API server or to Landscape Management.
    written: usize,
    /// Writes of resumed leaders that the API server refused.
    refused: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.stops += other.stops;
        self.written += other.written;
        self.refused += other.refused;
    }
}

/// A stopped leader, while another replica leads.
struct StoppedLeader {
    replica: Replica,
    /// Number of the last access token for Landscape Management that was issued before the stop. Its own is not later.
    token: u64,
}

impl StoppedLeader {
    /// Resumes the former leader, waits until it has ended by itself, and counts its writes.
    async fn resume(mut self, tenant: &Tenant<'_>) -> Counts {
        let before = tenant.journal().await;
        let (journal, now) = (last_entry(&before), Timestamp::now());
        // Tokens issued during the stop belong to other replicas. Its own are the earlier ones, and any that it fetches later.
        let issued = before.iter().filter(|call| call["kind"] == "LandscapeToken");
        let issued = issued.filter_map(|call| call["token"].as_u64());
        let tokens_of_others: BTreeSet<u64> = issued.filter(|token| *token > self.token).collect();
        self.replica.operator.signal("CONT");
        let ended = tokio::task::spawn_blocking(move || (self.replica.operator.wait_exit(), self)).await;
        let (status, stopped) = ended.expect("no panic");
        assert_eq!(status.and_then(|status| status.code()), Some(1), "the resumed leader has lost its Lease and ends");
        assert!(stopped.replica.has_logged(LOST));
        let requests = stopped.replica.requests_since(tenant.bed, now);
        let (accepted, refused): (Vec<_>, Vec<_>) =
            requests.iter().filter(|request| request.is_write()).partition(|request| request.succeeded());
        let is_own = |call: &Value| {
            let is_of_other = call["token"].as_u64().is_some_and(|token| tokens_of_others.contains(&token));
            call["seq"].as_u64() > Some(journal) && !is_of_other
        };
        let calls = tenant.calls(&["Put", "Patch", "Delete"]).await;
        let remote = calls.iter().filter(|call| is_own(call)).count();
        assert!(
            accepted.is_empty() && remote == 0,
            "a resumed leader wrote: {accepted:?}, and {remote} times to the slot"
        );
        Counts { stops: 1, written: accepted.len() + remote, refused: refused.len(), ..Counts::default() }
    }
}

/// Returns the number of the last entry of a journal.
fn last_entry(journal: &[Value]) -> u64 {
    journal.iter().filter_map(|call| call["seq"].as_u64()).max().unwrap_or(0)
}

/// A rotation during which the leader may be disrupted.
struct Rotation<'a, 'w> {
    tenant: &'a Tenant<'w>,
    number: usize,
    key: Value,
}

impl Rotation<'_, '_> {
    /// Rotates without a disruption, and resumes a leader that was stopped before.
    async fn run_undisturbed(&self, stopped: Option<StoppedLeader>, moment: Moment) -> Counts {
        let resume = async {
            match stopped {
                Some(stopped) => {
                    if let Moment::After(pause) = moment {
                        tokio::time::sleep(pause).await;
                    }
                    stopped.resume(self.tenant).await
                }
                None => Counts::default(),
            }
        };
        let ((), counts) = tokio::join!(self.rotate(), resume);
        counts
    }

    /// Rotates while the leader is disrupted, until another replica leads. A held call arrives early or late.
    async fn run_disturbed(
        &self,
        fleet: &mut Fleet<'_>,
        disruption: Disruption,
        moment: Moment,
    ) -> Option<StoppedLeader> {
        let tenant = self.tenant;
        let (mut leader, identity) = fleet.take_leader().await;
        if let Moment::During { call, .. } = moment {
            tenant.fail_once(call, json!({ "hold": true })).await;
        }
        let disrupt = async {
            match moment {
                Moment::After(pause) => tokio::time::sleep(pause).await,
                Moment::During { .. } => tenant.await_held().await,
            }
            leader.operator.signal(if disruption == Disruption::Killed { "KILL" } else { "STOP" });
        };
        tokio::join!(self.rotate(), disrupt);
        let token = tenant.journal().await.iter().filter_map(|call| call["token"].as_u64()).max().unwrap_or(0);
        if let Moment::During { late: false, .. } = moment {
            tenant.release_held_calls().await;
        }
        await_other_holder(tenant.bed, &identity).await;
        self.await_completion().await;
        if let Moment::During { call, late: true } = moment {
            let before = last_entry(&tenant.journal().await);
            tenant.release_held_calls().await;
            let is_held_call = |entry: &Value| entry["kind"] == call && entry["seq"].as_u64() > Some(before);
            tenant.await_call("the held call", is_held_call).await;
        }
        (disruption != Disruption::Killed).then_some(StoppedLeader { replica: leader, token })
    }

    async fn rotate(&self) {
        self.tenant.rotate_binding("plain", &self.key).await;
    }

    /// Waits until the new key is in the slot and the current leader has reconciled the object.
    async fn await_completion(&self) {
        self.tenant.await_uploaded("calm", &self.key).await;
        self.tenant.reconcile_now("calm", &self.number.to_string()).await;
    }
}

#[test]
fn fifty_rotations_are_fifty_uploads_whatever_happens_to_the_leaders() {
    let (seed, rotations) =
        (from_environment(SEED).unwrap_or_else(rand::random::<u64>), from_environment(ROTATIONS).unwrap_or(50));
    report(&format!("replicas: {SEED}={seed} repeats these choices"));
    run_with_bed(with_election(), async |mut bed| {
        stop_first_operator(&mut bed);
        let tenant = Tenant::create_with(&bed, "fifty", bed.client.clone(), |tenant| {
            tenant["spec"]["landscapeManagement"]["http"]["timeout"] = json!("1s");
        })
        .await;
        let mut fleet = Fleet::start(&bed).await;
        let mut keys = vec![tenant.make_key().await];
        tenant.bind("plain", &keys[0]).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let (mut random, mut counts, mut stopped_before) = (StdRng::seed_from_u64(seed), Counts::default(), None);
        for number in 1..=rotations {
            let key = tenant.make_key().await;
            keys.push(key.clone());
            let rotation = Rotation { tenant: &tenant, number, key };
            let (disruption, moment) = choose(&mut random);
            // While a stopped leader is resumed, the current one is not disrupted.
            let disruption = if stopped_before.is_some() { Disruption::None } else { disruption };
            match disruption {
                Disruption::None => {
                    counts += rotation.run_undisturbed(stopped_before.take(), moment).await;
                    rotation.await_completion().await;
                }
                Disruption::Killed | Disruption::Stopped { .. } => {
                    let stopped = rotation.run_disturbed(&mut fleet, disruption, moment).await;
                    match (stopped, disruption) {
                        (None, _) => counts.kills += 1,
                        (Some(stopped), Disruption::Stopped { during_rotation: true }) if number < rotations => {
                            stopped_before = Some(stopped);
                        }
                        (Some(stopped), _) => counts += stopped.resume(&tenant).await,
                    }
                }
            }
            assert_eq!(tenant.slot_key().await, rotation.key, "rotation {number}");
            fleet.complete().await;
        }
        conclude(&bed, &tenant, &keys, &counts, fleet.lost).await;
    });
}

/// Asserts that each new key replaced the one before it, directly and once, and reports the summary.
async fn conclude(bed: &TestBed, tenant: &Tenant<'_>, keys: &[Value], counts: &Counts, lost: usize) {
    let calls = tenant.calls(&["Put", "Patch", "Delete"]).await;
    let effective: Vec<_> = calls.iter().filter(|call| call["effect"] == true).collect();
    let uploads = effective.iter().filter(|call| call["kind"] == "Put").count();
    let is_expected = |index: usize, call: &Value| {
        call["kind"] == "Put" && keys.get(index).is_some_and(|key| key["uaa"]["clientid"] == call["clientid"])
    };
    let gaps = effective.iter().enumerate().filter(|(index, call)| !is_expected(*index, call)).count();
    assert_eq!((uploads, gaps), (keys.len(), 0), "{effective:#?}");
    assert_eq!(effective.len(), keys.len(), "nothing else was written");
    assert!(bed.simulator.violations(None).await.is_empty());
    let Counts { kills, stops, written, refused } = counts;
    report(&format!(
        "replicas: {refused} writes of resumed leaders were refused by the API server; {} attempts at the slot had no \
         effect; {lost} leaders missed their Lease without a disruption",
        calls.len() - effective.len()
    ));
    report(&format!(
        "replicas: {} rotations, {kills} kills, {stops} stops, {uploads} uploads, {gaps} gaps, {written} writes \
         of a resumed leader",
        keys.len() - 1
    ));
}
