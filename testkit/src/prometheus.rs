//! Prometheus as a process, which scrapes operators and evaluates the rules of `deploy/monitoring`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};

use crate::bed::waiting::wait_for;
use crate::control_plane::{Error, GoModule, Program, Supervised};
use crate::secret_scan::plain_client;
use crate::{monitoring, promtool};

/// The module of promtool, with the server instead. Its pages are left out.
const MODULE: GoModule = GoModule {
    programs: &[Program { name: "prometheus", package: "github.com/prometheus/prometheus/cmd/prometheus" }],
    ..promtool::MODULE
};

/// The words before the address in the log.
const LISTENS: &str = "msg=\"Listening on\"";
/// Interval of scrapes and of evaluations.
const INTERVAL: &str = "1s";
const POLL: Duration = Duration::from_millis(50);

/// Builds Prometheus if it is missing, and reports the progress. Returns its path.
///
/// # Errors
/// It could not be built.
pub fn find_or_build() -> Result<PathBuf, Error> {
    MODULE.program("prometheus")
}

/// A running Prometheus.
pub struct Prometheus {
    _process: Supervised,
    url: Url,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes these addresses, and keeps its files in `directory`.
    pub async fn start(directory: &Path, targets: &[&str]) -> Self {
        let folder = directory.join("prometheus");
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("rules.yaml"), monitoring::rules()["spec"].to_string()).expect("the rules");
        let settings = json!({
            "global": { "scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL },
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{
                "job_name": "alm-key-operator",
                "honor_labels": true,
                "static_configs": [{ "targets": targets }],
            }],
        });
        fs::write(folder.join("prometheus.yaml"), settings.to_string()).expect("the settings");
        let mut command = Command::new(find_or_build().expect("Prometheus"));
        command
            .args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"])
            .current_dir(&folder);
        let log = directory.join("prometheus.log");
        let process = Supervised::spawn("prometheus", &mut command, log.clone()).expect("Prometheus can be started");
        let address = wait_for("the address of Prometheus", async {
            loop {
                let text = fs::read_to_string(&log).unwrap_or_default();
                let line = text.lines().find(|line| line.contains(LISTENS));
                if let Some(address) = line.and_then(|line| line.split("address=").nth(1)?.split(' ').next()) {
                    return address.to_owned();
                }
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
        let url = Url::parse(&format!("http://{address}/api/v1/")).expect("an address");
        let ready = url.join("/-/ready").expect("a path");
        wait_for("Prometheus to be ready", async {
            while !plain_client().get(ready.clone()).send().await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
        Self { _process: process, url }
    }

    /// Returns the number of samples of an expression now. A value that is not a number is no sample.
    pub async fn count_samples(&self, expression: &str) -> usize {
        let data = self.get("query", &[("query", expression)]).await;
        assert_eq!(data["resultType"], "vector", "{expression}");
        let results = data["result"].as_array().expect("results");
        results.iter().filter(|result| result["value"][1].as_str().is_some_and(|value| value != "NaN")).count()
    }

    /// Returns the values of a label of a metric.
    pub async fn label_values(&self, metric: &str, label: &str) -> Vec<Value> {
        let data = self.get(&format!("label/{label}/values"), &[("match[]", metric)]).await;
        data.as_array().expect("values").clone()
    }

    /// Returns the alerts with the result of their last evaluation.
    pub async fn alerts(&self) -> Vec<Value> {
        let data = self.get("rules", &[("type", "alert")]).await;
        let groups = data["groups"].as_array().expect("groups");
        groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")).cloned().collect()
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let mut url = self.url.join(path).expect("a path");
        url.query_pairs_mut().extend_pairs(parameters);
        let answer = plain_client().get(url).send().await.expect("Prometheus answers");
        let mut body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["status"], "success", "{path} {parameters:?}: {body}");
        body["data"].take()
    }
}
