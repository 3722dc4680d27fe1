//! The operator is killed before and after every single request of a key's whole life. Whatever happens while it is away,
//! it converges after its restart.

mod required;
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

/// Environment variable: runs only the points whose printed name contains its value.
const ONLY: &str = "ALMKEY_CRASH_POINT";
/// Number of lives without a crash on each test bed, to record the requests that all of them make.
const RECORDED: usize = 2;
/// Number of lives that try to reach a point: not every life makes every request.
const TRIES: usize = 3;
/// Number of points between two progress lines.
const PROGRESS: usize = 100;

#[test]
fn an_operator_killed_at_any_request_converges_after_its_restart() {
    Runtime::new().expect("a runtime").block_on(async {
        let began = Instant::now();
        let beds = start_beds().await;
        let mut points = Vec::new();
        for lifecycle in [Lifecycle::Uploaded, Lifecycle::Adopted, Lifecycle::Manual] {
            points.extend(record_points(&beds, lifecycle).await);
        }
        let only = std::env::var(ONLY).unwrap_or_default();
        points.retain(|point| point.to_string().contains(&only));
        assert!(!points.is_empty(), "no point has {only:?} in its name");
        let table = run_all(&beds, points).await;
        table.print(began.elapsed(), beds.len());
        table.assert_converged();
    });
}

/// Starts the test beds, each with an API server and an operator of its own. A life mostly waits, so there is one bed more
/// than there are cores.
async fn start_beds() -> Vec<TestBed> {
    let count = available_parallelism().map_or(1, usize::from) + 1;
    let starting = (0..count).map(|_| tokio::spawn(TestBed::start(SETUP)));
    join_all(starting).await.into_iter().map(|bed| bed.expect("a test bed starts")).collect()
}

/// Records all points of a life cycle from lives without a crash on each bed. Requests that only some of them made are left
/// out: they come from a reconciliation that began too late to find anything to do.
async fn record_points(beds: &[TestBed], lifecycle: Lifecycle) -> Vec<Point> {
    let name = format!("{lifecycle:?}").to_lowercase();
    let mut recorded = Vec::new();
    for number in 1..=RECORDED {
        let tenant = format!("{name}-{number}");
        recorded.extend(join_all(beds.iter().map(|bed| run_lifecycle(bed, &tenant, lifecycle, None))).await);
    }
    let lives = recorded.len();
    let mut requests: BTreeMap<RequestName, (Phase, usize)> = BTreeMap::new();
    for Outcome { requests: seen, failure: wrong, .. } in recorded {
        assert_eq!(wrong, None, "a life without a crash");
        for (name, phase) in seen {
            requests.entry(name).or_insert((phase, 0)).1 += 1;
        }
    }
    let (in_all, in_some): (Vec<_>, Vec<_>) = requests.iter().partition(|(_, (_, count))| *count == lives);
    let points: Vec<_> = in_all.iter().flat_map(|(name, (phase, _))| Point::all(lifecycle, name, *phase)).collect();
    let in_some: Vec<_> = in_some.iter().map(|(request, _)| request.to_string()).collect();
    table::say(&format!(
        "{} requests make up the life {name}, with {} points; made by some lives only: {}",
        in_all.len(),
        points.len(),
        in_some.join(", ")
    ));
    for (kind, count) in required::requests(lifecycle) {
        for nth in 1..=*count {
            let request = RequestName { kind: (*kind).into(), nth };
            assert!(points.iter().any(|point| point.request == request), "{request} makes no point of the life {name}");
        }
    }
    points
}

async fn run_all(beds: &[TestBed], points: Vec<Point>) -> Table {
    let (queue, table) = (Mutex::new(VecDeque::from(points)), Mutex::new(Table::default()));
    join_all(beds.iter().map(|bed| run_some(bed, &queue, &table))).await;
    table.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one point after the other on this bed, until the queue is empty.
async fn run_some(bed: &TestBed, queue: &Mutex<VecDeque<Point>>, table: &Mutex<Table>) {
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let point = queue.pop_front();
        point.map(|point| (queue.len(), point))
    };
    while let Some((left, point)) = next() {
        if left.is_multiple_of(PROGRESS) {
            table::say(&format!("{left} points to go"));
        }
        for attempt in 1..=TRIES {
            let outcome = run_lifecycle(bed, &format!("p{left}-{attempt}"), point.lifecycle, Some(&point)).await;
            let is_last = outcome.reached || outcome.failure.is_some() || attempt == TRIES;
            table.lock().unwrap_or_else(PoisonError::into_inner).add(&point, outcome, is_last);
            if is_last {
                break;
            }
        }
    }
}
