//! The stage: the processes, and what the audience sees.
#![expect(clippy::print_stdout, reason = "a demo is looked at")]

use std::time::Instant;

use testkit::bed::{Setup, Tenant, TestBed};

/// Where it plays.
pub struct Stage {
    pub bed: TestBed,
    began: Instant,
}

impl Stage {
    /// Starts everything.
    pub async fn build() -> Self {
        let began = Instant::now();
        println!("A control plane, the simulator of SAP and the operator start as processes of this machine.");
        let bed = TestBed::start(Setup::default()).await;
        let stage = Self { bed, began };
        stage.done(began, "kube-apiserver, etcd, simulator and operator run; deploy/ is applied");
        stage
    }

    /// The tenant and namespace of the samples.
    pub fn tenant(&self) -> Tenant<'_> {
        Tenant { bed: &self.bed, name: "acme-calm".into(), namespace: "team-a".into(), client: self.bed.client.clone() }
    }

    /// A headline.
    pub fn act(title: &str) {
        println!("\n=== {title}");
    }

    /// Somebody does something.
    pub fn says(&self, line: &str) {
        println!("[{:6.1} s]            {line}", self.began.elapsed().as_secs_f64());
    }

    /// Something has come about, so long after it was begun.
    pub fn done(&self, since: Instant, line: &str) {
        let (now, took) = (self.began.elapsed().as_secs_f64(), since.elapsed().as_millis());
        println!("[{now:6.1} s] {took:>6} ms  {line}");
    }

    /// What kubectl shows.
    pub fn kubectl(&self, arguments: &[&str]) {
        println!("\n$ kubectl {}", arguments.join(" "));
        for line in self.bed.kubectl(arguments).lines() {
            println!("  {line}");
        }
        println!();
    }

    /// The end.
    pub fn curtain(&self) {
        println!(
            "\nAll of it came about by itself: uploaded, rotated, deleted with its binding, deleted when it died; \
             in {:.0} s.",
            self.began.elapsed().as_secs_f64()
        );
    }

    /// For those who have seen enough.
    pub fn what_next() {
        println!(
            "Next: `make demo KEEP=1` stays up and says how to play with it; deploy/samples/ is what was applied; \
             README.md tells the rest."
        );
    }

    /// For those who want to play.
    pub fn how_to_play(&self) {
        let simulator = &self.bed.simulator;
        let program = testkit::bed::operator::binary("almkey-simulator");
        println!(
            "\nIt stays up until Ctrl-C. In another terminal:\n\n  \
             export KUBECONFIG={kubeconfig}\n  \
             export ALMKEY_SIMULATOR_ADMIN={admin}\n  \
             export ALMKEY_SIMULATOR_CA={ca}\n  \
             alias simulator={program}\n  \
             alias kubectl={kubectl}\n\n  \
             kubectl get almkey,almtenant -A -o wide\n  \
             kubectl describe almkey -n team-a calm\n  \
             kubectl create namespace team-b      # not admitted by the tenant: see what an ALMServiceKey there says\n  \
             simulator make-key acme-calm > key.json\n  \
             kubectl create secret generic pasted -n team-a --from-file=key.json\n  \
             kubectl patch almkey calm -n team-a --type=merge \\\n    \
             -p '{{\"spec\":{{\"source\":{{\"serviceBindingRef\":null,\"secretRef\":{{\"name\":\"pasted\"}}}}}}}}'\n  \
             simulator slot acme-calm             # what Landscape Management holds\n  \
             simulator revoke-key acme-calm CLIENT # the uaa.clientid in key.json: the key dies, see what happens\n  \
             simulator journal acme-calm          # every request\n  \
             tail -f {log}\n",
            kubeconfig = self.bed.control_plane.kubeconfig("admin").display(),
            admin = simulator.url("admin"),
            ca = simulator.ca_file.display(),
            program = program.display(),
            kubectl = self.bed.control_plane.kubectl("admin").get_program().display(),
            log = self.bed.operator.as_ref().map(|operator| operator.log.display().to_string()).unwrap_or_default(),
        );
    }
}
