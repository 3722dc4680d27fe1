//! The running processes of the demo, and what it prints.

use std::time::Instant;

use testkit::bed::{Setup, Tenant, TestBed};

use crate::console::say;

/// A running demo.
pub struct Session {
    pub bed: TestBed,
    started: Instant,
}

impl Session {
    /// Starts the control plane, the simulator and the operator.
    pub async fn start() -> Self {
        let started = Instant::now();
        let bed = TestBed::start(Setup::default()).await;
        let session = Self { bed, started };
        session.done(started, "etcd, kube-apiserver, the simulator and the operator run; deploy/ is applied");
        session
    }

    /// Returns the tenant and namespace of `deploy/samples`.
    pub fn tenant(&self) -> Tenant<'_> {
        Tenant { bed: &self.bed, name: "acme-calm".into(), namespace: "team-a".into(), client: self.bed.client.clone() }
    }

    /// Prints a headline.
    pub fn headline(title: &str) {
        say(format!("\n=== {title}"));
    }

    /// Prints what happens next, with the time since the start.
    pub fn note(&self, line: &str) {
        say(format!("[{:6.1} s]            {line}", self.started.elapsed().as_secs_f64()));
    }

    /// Prints what has come about, with the time since the start and since its cause.
    pub fn done(&self, cause: Instant, line: &str) {
        let (now, took) = (self.started.elapsed().as_secs_f64(), cause.elapsed().as_millis());
        say(format!("[{now:6.1} s] {took:>6} ms  {line}"));
    }

    /// Runs kubectl and prints its output.
    pub fn kubectl(&self, arguments: &[&str]) {
        say(format!("\n$ kubectl {}", arguments.join(" ")));
        for line in self.bed.kubectl(arguments).lines() {
            say(format!("  {line}"));
        }
        say("");
    }

    /// Runs almkey, prints its output, and checks its exit code.
    pub fn almkey(&self, arguments: &[&str], exit_code: i32) {
        say(format!("\n$ almkey {}", arguments.join(" ")));
        let mut command = testkit::bed::operator::program("almkey");
        command.args(arguments).env("KUBECONFIG", self.bed.control_plane.kubeconfig("admin"));
        let output = command.output().expect("almkey can be started");
        let printed = [output.stdout, output.stderr].concat();
        for line in String::from_utf8_lossy(&printed).lines() {
            say(format!("  {line}"));
        }
        say("");
        assert_eq!(output.status.code(), Some(exit_code), "the exit code of almkey {}", arguments.join(" "));
    }

    /// Prints what the demo has shown.
    pub fn summary(&self) {
        say(format!(
            "\nThe operator did all of this in {:.0} s: it uploaded the key, rotated it, deleted it with its binding, and \
             deleted the next one when its credentials had died, all by itself. In manual mode it asked a person for each \
             change of the key, and for nothing else.",
            self.started.elapsed().as_secs_f64()
        ));
    }

    /// Prints where to read on.
    pub fn next_steps() {
        say("Next: `make demo KEEP=1` stays up, and says what you can try. The objects that were applied are in \
             deploy/samples/. README.md explains what you have seen.");
    }

    /// Prints commands to try while everything stays up.
    pub fn how_to_play(&self) {
        let simulator = &self.bed.simulator;
        let program = testkit::bed::operator::binary("almkey-simulator");
        say(format!(
            "\nEverything stays up until Ctrl-C. In another terminal:\n\n  \
             export KUBECONFIG={kubeconfig}\n  \
             export ALMKEY_SIMULATOR_ADMIN={admin}\n  \
             export ALMKEY_SIMULATOR_CA={ca}\n  \
             alias simulator={program}\n  \
             alias almkey={almkey}\n  \
             alias kubectl={kubectl}\n\n  \
             kubectl get almkey,almtenant -A -o wide\n  \
             kubectl describe almkey -n team-a calm\n  \
             almkey status -A\n  \
             kubectl create namespace team-c      # the tenant does not admit it: create an ALMServiceKey there\n  \
             simulator make-key acme-calm > key.json\n  \
             kubectl create secret generic pasted -n team-a --from-file=key.json\n  \
             kubectl patch almkey calm -n team-a --type=merge \\\n    \
             -p '{{\"spec\":{{\"source\":{{\"serviceBindingRef\":null,\"secretRef\":{{\"name\":\"pasted\"}}}}}}}}'\n  \
             simulator slot acme-calm             # the key in Landscape Management\n  \
             simulator revoke-key acme-calm CLIENT # CLIENT is uaa.clientid in key.json: watch the operator react\n  \
             simulator journal acme-calm          # every request that SAP received\n\n  \
             simulator make-key acme-manual > new-key.txt   # manual mode: docs/manual.md; you are the person at the app, too\n  \
             almkey upload new-key.txt --tenant acme-manual --name mine -n team-b\n  \
             simulator fill-slot acme-manual new-key.txt    # what the steps say; simulator empty-slot deletes the key\n  \
             almkey done mine -n team-b --file new-key.txt  # or the ID that the steps name\n\n  \
             tail -f {log}\n",
            kubeconfig = self.bed.control_plane.kubeconfig("admin").display(),
            admin = simulator.url("admin"),
            ca = simulator.ca_file.display(),
            program = program.display(),
            almkey = testkit::bed::operator::binary("almkey").display(),
            kubectl = self.bed.control_plane.kubectl("admin").get_program().display(),
            log = self.bed.operator.as_ref().map(|operator| operator.log.display().to_string()).unwrap_or_default(),
        ));
    }
}
