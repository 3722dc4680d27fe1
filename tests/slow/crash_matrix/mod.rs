//! The operator is killed before and after every single request of a whole life, and whatever happens meanwhile, it
//! makes good when it comes back: design, section 5.

mod needed;
mod table;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Instant;

use futures::future::join_all;
use tokio::runtime::Runtime;

use table::Table;
use testkit::bed::TestBed;
use testkit::crash::{Lifecycle, Outcome, Phase, Point, SETUP, run_lifecycle};
use testkit::proxy::RequestName;

/// Runs only the points whose name, as it is printed, holds this text.
const ONLY: &str = "ALMKEY_CRASH_POINT";
/// How many lives without a crash are lived in each world, to learn what all of them ask for.
const RECORDED: usize = 2;
/// Not every life makes every request: how many are lived until a point is met.
const TRIES: usize = 3;
/// After so many points it says how many are left.
const PROGRESS: usize = 100;

#[test]
fn an_operator_that_is_killed_at_any_request_makes_good_when_it_comes_back() {
    Runtime::new().expect("a runtime").block_on(async {
        let began = Instant::now();
        let beds = beds().await;
        let mut points = [points(&beds, Lifecycle::Uploaded).await, points(&beds, Lifecycle::Adopted).await].concat();
        let only = std::env::var(ONLY).unwrap_or_default();
        points.retain(|point| point.to_string().contains(&only));
        assert!(!points.is_empty(), "no point has {only:?} in its name");
        let table = all(&beds, points).await;
        table.print(began.elapsed(), beds.len());
        table.assert_right();
    });
}

/// Each with an API server and an operator of its own, which looks at all tenants there. A life mostly waits.
async fn beds() -> Vec<TestBed> {
    let count = available_parallelism().map_or(1, usize::from) + 1;
    let starting = (0..count).map(|_| tokio::spawn(TestBed::start(SETUP)));
    join_all(starting).await.into_iter().map(|bed| bed.expect("a bed starts")).collect()
}

/// All points of a kind of life, from lives without a crash, some in each world. What only some of them did is left out:
/// it is one more of a kind, from a pass that came too late to find anything to do.
async fn points(beds: &[TestBed], kind: Lifecycle) -> Vec<Point> {
    let name = format!("{kind:?}").to_lowercase();
    let mut recorded = Vec::new();
    for number in 1..=RECORDED {
        let tenant = format!("{name}-{number}");
        recorded.extend(join_all(beds.iter().map(|bed| run_lifecycle(bed, &tenant, kind, None))).await);
    }
    let of_all = recorded.len();
    let mut requests: BTreeMap<RequestName, (Phase, usize)> = BTreeMap::new();
    for Outcome { requests: seen, failure: wrong, .. } in recorded {
        assert_eq!(wrong, None, "a life without a crash");
        for (name, chapter) in seen {
            requests.entry(name).or_insert((chapter, 0)).1 += 1;
        }
    }
    let (in_all, in_some): (Vec<_>, Vec<_>) = requests.iter().partition(|(_, (_, lives))| *lives == of_all);
    let points: Vec<_> = in_all.iter().flat_map(|(name, (chapter, _))| Point::all(kind, name, *chapter)).collect();
    let in_some: Vec<_> = in_some.iter().map(|(request, _)| request.to_string()).collect();
    table::say(&format!(
        "{} requests make the life of an {name} key, with {} points; more only of some lives: {}",
        in_all.len(),
        points.len(),
        in_some.join(", ")
    ));
    for (kind, count) in needed::of(kind) {
        for nth in 1..=*count {
            let request = RequestName { kind: (*kind).into(), nth };
            assert!(points.iter().any(|point| point.request == request), "{request}: no point of an {name} key");
        }
    }
    points
}

async fn all(beds: &[TestBed], points: Vec<Point>) -> Table {
    let (queue, table) = (Mutex::new(VecDeque::from(points)), Mutex::new(Table::default()));
    join_all(beds.iter().map(|bed| some(bed, &queue, &table))).await;
    table.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One point after the other in this world, until all are done with.
async fn some(bed: &TestBed, queue: &Mutex<VecDeque<Point>>, table: &Mutex<Table>) {
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let point = queue.pop_front();
        point.map(|point| (queue.len(), point))
    };
    while let Some((left, point)) = next() {
        if left.is_multiple_of(PROGRESS) {
            table::say(&format!("{left} points to go"));
        }
        for tried in 1..=TRIES {
            let lived = run_lifecycle(bed, &format!("p{left}-{tried}"), point.lifecycle, Some(&point)).await;
            let is_last = lived.reached || lived.failure.is_some() || tried == TRIES;
            table.lock().unwrap_or_else(PoisonError::into_inner).add(&point, lived, is_last);
            if is_last {
                break;
            }
        }
    }
}
