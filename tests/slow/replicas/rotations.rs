//! Fifty rotations, during which the leader is killed or stopped at random moments.

use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::elected;
use super::fleet::{Fleet, LOST, Replica, await_other_holder, end_the_first};
use crate::beds::{alone, told};
use testkit::bed::{Tenant, TestBed};

/// How many rotations; fifty if it is not set.
const ROTATIONS: &str = "ALMKEY_ROTATIONS";
/// Chooses the moments. The same seed makes the same choices.
const SEED: &str = "ALMKEY_SEED";
/// Of a hundred rotations, so many meet a kill, and so many a stop.
const KILLS: u32 = 35;
const STOPS: u32 = 30;

/// A number from the environment.
fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is to be a number")))
}

/// What happens to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Spared,
    Killed,
    /// Stopped, and resumed once another one leads: while that one is at rest, or in the midst of the next rotation.
    Stopped {
        in_the_midst: bool,
    },
}

/// When it happens.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after the rotation began.
    After(Duration),
    /// While this call is on its way; it arrives before another one leads, or after that one has done the work.
    During { call: &'static str, late: bool },
}

/// The choices for one rotation.
fn chosen(random: &mut StdRng) -> (Fate, Moment) {
    let fate = match random.random_range(0..100) {
        draw if draw < KILLS => Fate::Killed,
        draw if draw < KILLS + STOPS => Fate::Stopped { in_the_midst: random.random_bool(0.5) },
        _ => Fate::Spared,
    };
    let moment = match random.random_range(0..4) {
        0 => Moment::During { call: "Put", late: random.random_bool(0.5) },
        1 => Moment::During { call: "SignIn", late: random.random_bool(0.5) },
        _ => Moment::After(Duration::from_millis(random.random_range(0..400))),
    };
    (fate, moment)
}

/// What was counted.
#[derive(Debug, Default)]
struct Count {
    kills: usize,
    stops: usize,
    /// What resumed leaders wrote, to the API server or to Landscape Management.
    written: usize,
    /// What they tried to write, and the API server refused.
    refused: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.stops += other.stops;
        self.written += other.written;
        self.refused += other.refused;
    }
}

/// A leader that stands still, while another one leads.
struct Sleeper {
    replica: Replica,
    /// The last access token for Landscape Management that was issued when it was stopped: its own is not a later one.
    token: u64,
}

impl Sleeper {
    /// Resumes it, waits until it has ended by itself, and counts what it wrote.
    async fn resumed(mut self, tenant: &Tenant<'_>) -> Count {
        let before = tenant.journal().await;
        let (journal, now) = (last(&before), Timestamp::now());
        // Those that were issued while it stood still. Its own are the earlier ones, and what it fetches from now on.
        let issued = before.iter().filter(|call| call["kind"] == "LandscapeToken");
        let issued = issued.filter_map(|call| call["token"].as_u64());
        let of_others: BTreeSet<u64> = issued.filter(|token| *token > self.token).collect();
        self.replica.operator.signal("CONT");
        let ended = tokio::task::spawn_blocking(move || (self.replica.operator.wait_exit(), self)).await;
        let (status, sleeper) = ended.expect("no panic");
        assert_eq!(status.and_then(|status| status.code()), Some(1), "it does not lead any more, and ends");
        assert!(sleeper.replica.has_said(LOST));
        let asked = sleeper.replica.asked_since(tenant.bed, now);
        let (done, refused): (Vec<_>, Vec<_>) =
            asked.iter().filter(|asked| asked.writes()).partition(|asked| asked.succeeded());
        let by_it = |call: &Value| {
            let of_another = call["token"].as_u64().is_some_and(|token| of_others.contains(&token));
            call["seq"].as_u64() > Some(journal) && !of_another
        };
        let calls = tenant.calls(&["Put", "Patch", "Delete"]).await;
        let remote = calls.iter().filter(|call| by_it(call)).count();
        assert!(done.is_empty() && remote == 0, "a resumed leader wrote: {done:?}, and {remote} times to the slot");
        Count { stops: 1, written: done.len() + remote, refused: refused.len(), ..Count::default() }
    }
}

/// The number of the last entry.
fn last(journal: &[Value]) -> u64 {
    journal.iter().filter_map(|call| call["seq"].as_u64()).max().unwrap_or(0)
}

/// A rotation in the midst of which something happens to the leader.
struct Rotation<'a, 'w> {
    tenant: &'a Tenant<'w>,
    number: usize,
    key: Value,
}

impl Rotation<'_, '_> {
    /// Nothing happens, but to one that was stopped before.
    async fn spared(&self, sleeper: Option<Sleeper>, moment: Moment) -> Count {
        let resumed = async {
            match sleeper {
                Some(sleeper) => {
                    if let Moment::After(pause) = moment {
                        tokio::time::sleep(pause).await;
                    }
                    sleeper.resumed(self.tenant).await
                }
                None => Count::default(),
            }
        };
        let ((), count) = tokio::join!(self.rotate(), resumed);
        count
    }

    /// The leader is gone, and another one has taken over; what was under way arrives early or late.
    async fn disturbed(&self, fleet: &mut Fleet<'_>, fate: Fate, moment: Moment) -> Option<Sleeper> {
        let tenant = self.tenant;
        let (mut leader, identity) = fleet.leader().await;
        if let Moment::During { call, .. } = moment {
            tenant.fail_once(call, json!({ "hold": true })).await;
        }
        let strike = async {
            match moment {
                Moment::After(pause) => tokio::time::sleep(pause).await,
                Moment::During { .. } => tenant.await_held().await,
            }
            leader.operator.signal(if fate == Fate::Killed { "KILL" } else { "STOP" });
        };
        tokio::join!(self.rotate(), strike);
        let token = tenant.journal().await.iter().filter_map(|call| call["token"].as_u64()).max().unwrap_or(0);
        if let Moment::During { late: false, .. } = moment {
            tenant.release_held_calls().await;
        }
        await_other_holder(tenant.bed, &identity).await;
        self.done().await;
        if let Moment::During { call, late: true } = moment {
            let before = last(&tenant.journal().await);
            tenant.release_held_calls().await;
            let arrived = |entry: &Value| entry["kind"] == call && entry["seq"].as_u64() > Some(before);
            tenant.await_call("what was held to arrive", arrived).await;
        }
        (fate != Fate::Killed).then_some(Sleeper { replica: leader, token })
    }

    async fn rotate(&self) {
        self.tenant.rotate_binding("plain", &self.key).await;
    }

    /// The new key stands there, and whoever leads has looked at it.
    async fn done(&self) {
        self.tenant.await_uploaded("calm", &self.key).await;
        self.tenant.reconcile_now("calm", &self.number.to_string()).await;
    }
}

#[test]
fn fifty_rotations_are_fifty_uploads_whatever_happens_to_the_leaders() {
    let (seed, rotations) =
        (from_environment(SEED).unwrap_or_else(rand::random::<u64>), from_environment(ROTATIONS).unwrap_or(50));
    told(&format!("replicas: {SEED}={seed} repeats these choices"));
    alone(elected(), async |mut bed| {
        end_the_first(&mut bed);
        let tenant = Tenant::create_with(&bed, "fifty", bed.client.clone(), |tenant| {
            tenant["spec"]["landscapeManagement"]["http"]["timeout"] = json!("1s");
        })
        .await;
        let mut fleet = Fleet::start(&bed).await;
        let mut keys = vec![tenant.make_key().await];
        tenant.bind("plain", &keys[0]).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let (mut random, mut count, mut sleeping) = (StdRng::seed_from_u64(seed), Count::default(), None);
        for number in 1..=rotations {
            let key = tenant.make_key().await;
            keys.push(key.clone());
            let rotation = Rotation { tenant: &tenant, number, key };
            let (fate, moment) = chosen(&mut random);
            // While one that was stopped wakes up, nobody else falls.
            let fate = if sleeping.is_some() { Fate::Spared } else { fate };
            match fate {
                Fate::Spared => {
                    count += rotation.spared(sleeping.take(), moment).await;
                    rotation.done().await;
                }
                Fate::Killed | Fate::Stopped { .. } => {
                    let sleeper = rotation.disturbed(&mut fleet, fate, moment).await;
                    match (sleeper, fate) {
                        (None, _) => count.kills += 1,
                        (Some(sleeper), Fate::Stopped { in_the_midst: true }) if number < rotations => {
                            sleeping = Some(sleeper);
                        }
                        (Some(sleeper), _) => count += sleeper.resumed(&tenant).await,
                    }
                }
            }
            assert_eq!(tenant.slot_key().await, rotation.key, "rotation {number}");
            fleet.complete().await;
        }
        conclude(&bed, &tenant, &keys, &count, fleet.lost).await;
    });
}

/// What the slot held one after the other: each new key took the place of the one before it, at once and once.
async fn conclude(bed: &TestBed, tenant: &Tenant<'_>, keys: &[Value], count: &Count, lost: usize) {
    let calls = tenant.calls(&["Put", "Patch", "Delete"]).await;
    let effects: Vec<_> = calls.iter().filter(|call| call["effect"] == true).collect();
    let uploads = effects.iter().filter(|call| call["kind"] == "Put").count();
    let names = |index: usize, call: &Value| {
        call["kind"] == "Put" && keys.get(index).is_some_and(|key| key["uaa"]["clientid"] == call["clientid"])
    };
    let gaps = effects.iter().enumerate().filter(|(index, call)| !names(*index, call)).count();
    assert_eq!((uploads, gaps), (keys.len(), 0), "{effects:#?}");
    assert_eq!(effects.len(), keys.len(), "nothing else was written");
    assert!(bed.simulator.violations(None).await.is_empty());
    let Count { kills, stops, written, refused } = count;
    told(&format!(
        "replicas: {refused} writes of resumed leaders were refused by the API server; {} attempts at the slot had no \
         effect; {lost} leaders missed their Lease by themselves",
        calls.len() - effects.len()
    ));
    told(&format!(
        "replicas: {} rotations, {kills} kills, {stops} stops, {uploads} uploads, {gaps} gaps, {written} writes \
         of a resumed leader",
        keys.len() - 1
    ));
}
