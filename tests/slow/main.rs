//! The suites that take too long for `make test`, on a real API server. `make prove` runs them.
//!
//! | module | what it proves |
//! |---|---|
//! | `crash_matrix` | an operator that is killed at any request converges after its restart |
//! | `fault_matrix` | each remote call under each fault is reported as stated, and converges afterwards |
//! | `archives` | krew installs the plugin from its archive |
//! | `api_server` | no fault of the API server deletes a living key |
//! | `replicas` | leaders that are killed or stopped write once; two clusters do not fight over a slot |
//! | `hostile` | hundreds of hostile documents are refused or reported, and cost next to nothing |
//! | `gitops` | kstatus, Argo CD and Flux assess the health of objects as the documentation says |
//! | `hosted_ci` | the workflows of the hosted CI are well-formed |
//! | `chart` | the Helm chart: what it renders, installs and upgrades, and the operator run as it says |
//! | `image` | a key lives its life with the operator from the unpacked image; its SBOM and programs |
//! | `limits` | limits that take their time to be reached |
//! | `monitoring` | each query of the dashboard returns data, and each alert is evaluated, by a real Prometheus |
//! | `transcript` | each command for a person says the right thing to users with different rights |
//! | `tutorial` | the tutorial and the demo work from their first command to their last |

mod beds;

mod api_server;
mod archives;
mod chart;
mod crash_matrix;
mod fault_matrix;
mod gitops;
mod hosted_ci;
mod hostile;
mod image;
mod limits;
mod monitoring;
mod recorded_pace;
mod replicas;
mod transcript;
mod tutorial;
